//! Doing what an entry of the menu says.

use corral_contract::{
    ModelId, WireError,
    audit::Actor,
    command::Nothing,
    downloads,
    models::{self, BatchOp, BatchOperate, ModelRef, StartModel, StartOptions},
};
use corral_core::{Core, Result};
use tauri::{AppHandle, Manager, Runtime, async_runtime};

use super::{follow, menu::Act};
use crate::{notify, quit, ready::Ready, window};

/// Does it; what the core refuses is said as a notification, for no window may be open.
pub(super) fn act<R: Runtime>(app: &AppHandle<R>, act: Act) {
    match act {
        Act::Open => window::present(app),
        Act::Quit => quit::begin(app),
        Act::Stop(_)
        | Act::Start(_)
        | Act::StartWith(..)
        | Act::StopAll
        | Act::PauseAll
        | Act::ResumeAll => {
            let app = app.clone();
            async_runtime::spawn(async move {
                if let Err(error) = tell_core(&app, act).await {
                    notify::refused(&app, &error);
                }
            });
        }
    }
}

async fn tell_core<R: Runtime>(app: &AppHandle<R>, act: Act) -> std::result::Result<(), WireError> {
    let core = app.state::<Ready>().core().await?;
    match act {
        Act::Stop(id) => done(core.run::<models::call::Close>(Actor::Tray, ModelRef { id }).await),
        Act::Start(id) => {
            let request = StartModel::with(id, StartOptions::default());
            done(core.run::<models::call::Start>(Actor::Tray, request).await)
        }
        Act::StartWith(id, preset) => {
            let preset = Some(preset);
            let request = StartModel { preset, ..StartModel::with(id, StartOptions::default()) };
            done(core.run::<models::call::Start>(Actor::Tray, request).await)
        }
        Act::StopAll => {
            let ids = stoppable(&core).await?;
            let request = BatchOperate { op: BatchOp::Stop, ids };
            done(core.run::<models::call::Batch>(Actor::Tray, request).await)
        }
        Act::PauseAll => done(core.run::<downloads::call::PauseAll>(Actor::Tray, Nothing {}).await),
        Act::ResumeAll => {
            done(core.run::<downloads::call::ResumeAll>(Actor::Tray, Nothing {}).await)
        }
        Act::Open | Act::Quit => Ok(()),
    }
}

/// All that are in memory now, not only those the menu named.
async fn stoppable(core: &Core) -> Result<Vec<ModelId>> {
    let loaded = follow::loaded(core).await?;
    Ok(loaded.into_iter().filter(|model| !model.moving).map(|model| model.id).collect())
}

fn done<T>(result: Result<T>) -> Result<()> {
    result.map(|_| ())
}
