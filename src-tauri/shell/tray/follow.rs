//! Keeps the picture true: follows the bus and redraws at most once per second.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use corral_contract::{
    app,
    audit::Actor,
    command::Nothing,
    models::{self, HistoryRequest, ModelRef, ModelRow, ModelSearchRequest},
    running,
    status::{Action, Status},
};
use corral_core::{Core, Result};
use tauri::{AppHandle, Manager, Runtime, async_runtime};
use tokio::time::{Instant, sleep_until};

use super::{
    menu,
    picture::{Named, Picture, Step},
    view::{Drawing, View},
};
use crate::{language::SystemLanguage, ready::Ready};

/// Least time between two redraws: menus that rebuild while open flicker.
const PAUSE: Duration = Duration::from_secs(1);

/// Recent models offered.
const RECENT: usize = 5;

/// State changes looked through for them.
const LOOK_BACK: u32 = 200;

/// Starts following as soon as the core runs.
pub(super) fn start<R: Runtime>(app: &AppHandle<R>, view: Arc<View<R>>) {
    let app = app.clone();
    async_runtime::spawn(async move {
        // Without a core a dialog has said why already.
        let Ok(core) = app.state::<Ready>().core().await else { return };
        let mut listener = core.bus.listen();
        let mut picture = Picture::default();
        let mut wanted = Step::AskAll;
        let mut next = Instant::now();
        loop {
            let event = tokio::select! {
                event = listener.next() => event,
                () = sleep_until(next), if wanted != Step::Nothing => {
                    refresh(&core, &mut picture, wanted).await;
                    view.show(&app, drawing(&app, &picture));
                    wanted = Step::Nothing;
                    next = Instant::now() + PAUSE;
                    continue;
                }
            };
            let Some(envelope) = event else { return };
            wanted = more_pressing(wanted, picture.follow(&envelope.event));
        }
    });
}

fn more_pressing(one: Step, other: Step) -> Step {
    let rank = |step: Step| match step {
        Step::Nothing => 0,
        Step::Redraw => 1,
        Step::AskModels => 2,
        Step::AskAll => 3,
    };
    if rank(other) > rank(one) { other } else { one }
}

/// Asks the core for what is wanted; what it does not answer stays as it was.
async fn refresh(core: &Core, picture: &mut Picture, wanted: Step) {
    let asked = async {
        if wanted == Step::AskAll {
            let snapshot = core.run::<app::call::Snapshot>(Actor::Tray, Nothing {}).await?;
            picture.take(&snapshot);
        }
        if matches!(wanted, Step::AskAll | Step::AskModels) {
            picture.loaded = loaded(core).await?;
            picture.recent = recent(core, &picture.loaded).await?;
        }
        Result::Ok(())
    };
    if let Err(error) = asked.await {
        tracing::warn!(%error, "the tray shows what it knew before");
    }
}

/// Models in memory, coming or going.
pub(super) async fn loaded(core: &Core) -> Result<Vec<Named>> {
    let request = ModelSearchRequest {
        status: vec![Status::Running, Status::Starting, Status::Stopping],
        page_size: 500,
        ..ModelSearchRequest::default()
    };
    let page = core.run::<models::call::Search>(Actor::Tray, request).await?;
    Ok(page.items.iter().map(named).collect())
}

/// Models that ran last, can be started now and are not loaded.
async fn recent(core: &Core, loaded: &[Named]) -> Result<Vec<Named>> {
    let request = HistoryRequest { limit: LOOK_BACK, ..HistoryRequest::default() };
    let history = core.run::<models::call::History>(Actor::Tray, request).await?;
    let mut seen: BTreeSet<_> = loaded.iter().map(|model| model.id).collect();
    let mut found = Vec::new();
    for entry in history.items.iter().filter(|entry| entry.to == Status::Running) {
        if !seen.insert(entry.model) {
            continue;
        }
        let request = ModelSearchRequest {
            name: entry.name.clone(),
            instance_id: Some(entry.instance),
            ..ModelSearchRequest::default()
        };
        let page = core.run::<models::call::Search>(Actor::Tray, request).await?;
        let row = page.items.iter().find(|row| row.id == entry.model);
        if let Some(row) = row.filter(|row| row.actions.contains(&Action::Start)) {
            let model = ModelRef { id: row.id };
            let run = core.run::<running::call::OfModel>(Actor::Tray, model).await?;
            let presets = run.presets.into_iter().map(|preset| (preset.id, preset.name));
            found.push(Named { presets: presets.collect(), ..named(row) });
        }
        if found.len() == RECENT {
            break;
        }
    }
    Ok(found)
}

fn named(row: &ModelRow) -> Named {
    let moving = matches!(row.status, Status::Starting | Status::Stopping);
    Named { id: row.id, name: row.name.clone(), moving, presets: Vec::new() }
}

fn drawing<R: Runtime>(app: &AppHandle<R>, picture: &Picture) -> Drawing {
    let system = app.state::<SystemLanguage>();
    let locale = picture.language.map_or(system.locale(), |setting| system.chosen(setting));
    Drawing {
        icon: picture.icon(),
        tooltip: menu::status(picture, locale),
        entries: menu::entries(picture, locale),
    }
}
