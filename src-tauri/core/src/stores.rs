//! The models folder of a server: moving it with what is in it, and models that are kept elsewhere.
//!
//! A move is a row before it is a task, and every stage of it is written down before it is done: one
//! that Corral's end interrupts goes on at the next start, one that fails goes back. The old place is
//! touched only after the server answered out of the new one with the same list, and somebody, or
//! the time, confirmed it.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    instances::InstanceRef,
    models::OpRef,
    stores::{MovePreview, MoveRef, MoveStage, MoveStore, StoreView, call},
};

use crate::{Core, Result, instances, router::Handle, steering};

mod cold;
mod fill;
mod job;
mod keep;
mod owner;
mod plan;
mod probe;
mod store;
mod tree;

pub(crate) use keep::start;

use job::Aim;
use store::Row;

/// The variable that says where the models are.
const VARIABLE: &str = "OLLAMA_MODELS";

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    /// Instances whose folder something is done with.
    busy: Mutex<HashSet<InstanceId>>,
}

/// Keeps a folder for one work. Dropping it lets the next one begin.
struct Turn {
    core: Core,
    instance: InstanceId,
}

impl Turn {
    /// # Errors
    /// `BUSY`.
    fn take(core: &Core, instance: InstanceId) -> Result<Turn> {
        let mut busy = core.stores.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if !busy.insert(instance) {
            return Err(WireError::new(ErrorCode::Busy).with("operation", "storeMove"));
        }
        drop(busy);
        Ok(Turn { core: core.clone(), instance })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut busy = self.core.stores.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.remove(&self.instance);
    }
}

/// Whether something is done with the folder of an instance now.
pub(crate) fn is_busy(core: &Core, instance: InstanceId) -> bool {
    core.stores.busy.lock().unwrap_or_else(PoisonError::into_inner).contains(&instance)
}

/// Work on files, apart from the threads that serve everything else.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(WireError::new(ErrorCode::Internal).detail(error.to_string())))
}

impl Handle<call::View> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<StoreView> {
        view(self, id).await
    }
}

/// What there is to see.
///
/// # Errors
/// `NOT_FOUND`, database errors.
async fn view(core: &Core, id: InstanceId) -> Result<StoreView> {
    let fact = instances::store_now(core, id).await?;
    let here = fact.path.clone().filter(|_| fact.writable.is_some());
    let powers = steering::control(core, id)?.powers();
    let why_not = match &here {
        None => Some("elsewhere"),
        Some(_) if powers.stop && powers.start && powers.environment => None,
        Some(_) => Some("notSteered"),
    };
    let resolved = here.clone().and_then(|path| {
        let real = dunce::canonicalize(&path).ok()?;
        (real != Path::new(&path)).then(|| real.display().to_string())
    });
    let days = core.settings().store_keep_days;
    Ok(StoreView {
        path: fact.path,
        resolved,
        free: fact.free,
        total: fact.total,
        why_not: why_not.map(str::to_owned),
        moving: store::open(core, Some(id)).await?.last().map(|row| row.shown(days)),
        cold: cold::view(core).await?,
    })
}

impl Handle<call::Preview> for Core {
    async fn handle(&self, request: MoveStore) -> Result<MovePreview> {
        plan::look(self, &request).await.map(|plan| plan.preview)
    }
}

impl Handle<call::Move> for Core {
    async fn handle(&self, request: MoveStore) -> Result<OpRef> {
        let plan = plan::look(self, &request).await?;
        if let Some(problem) = plan.preview.problem {
            return Err(problem);
        }
        let missing = || WireError::new(ErrorCode::Internal);
        let mut row = plan.row.ok_or_else(missing)?;
        // Before it is written down: a row that nobody works on would be gone on with some day.
        let turns = job::Turns::take(self, row.instance, Aim::Forward)?;
        let control = steering::control_of(self, row.instance).await?;
        steering::consent(self, row.instance, &*control).await?;
        row.id = store::insert(self, &row).await?;
        job::launch_in(self, turns, row, Aim::Forward).await
    }
}

impl Handle<call::Confirm> for Core {
    async fn handle(&self, MoveRef { id }: MoveRef) -> Result<OpRef> {
        confirm(self, store::one(self, id).await?).await
    }
}

/// Clears the old place, after one more look whether the new one is used.
///
/// # Errors
/// `WRONG_STATE`; `BAD_ANSWER` when the server uses another folder; what became of the questions.
async fn confirm(core: &Core, row: Row) -> Result<OpRef> {
    if !matches!(row.stage, MoveStage::Kept | MoveStage::Clearing) {
        return Err(wrong(&row, "confirm"));
    }
    let used = instances::store_now(core, row.instance).await?.path.map(PathBuf::from);
    let to = row.to();
    let real = |path: &Path| dunce::canonicalize(path).ok();
    let used = used.and_then(|used| real(&used));
    if used.is_none() || used != real(&to) {
        let error = WireError::new(ErrorCode::BadAnswer);
        return Err(error.detail("the server does not use the new folder"));
    }
    probe::listed(core, row.instance).await?;
    job::launch(core, row, Aim::Clear).await
}

impl Handle<call::RollBack> for Core {
    async fn handle(&self, MoveRef { id }: MoveRef) -> Result<OpRef> {
        let row = store::one(self, id).await?;
        if !matches!(row.stage, MoveStage::Kept | MoveStage::Returning) {
            return Err(wrong(&row, "rollBack"));
        }
        job::launch(self, row, Aim::Back).await
    }
}

fn wrong(row: &Row, action: &str) -> WireError {
    let error = WireError::new(ErrorCode::WrongState);
    error.with("status", row.stage.as_str()).with("action", action).with("name", &row.target)
}
