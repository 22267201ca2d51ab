//! Running models as one likes: presets, what is loaded at start, how long a model stays, and
//! asking one something. Loading and unloading themselves are operations of `models`.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use corral_contract::{
    ErrorCode, ModelId, WireError,
    command::Nothing,
    models::{BatchOp, BatchRef, ModelRef, OpRef, StartOptions},
    running::{
        AskModel, PresetRef, Retime, RunView, SavePreset, SetPreload, StartPreview, StopAll, call,
    },
    status::Run,
};

use crate::{
    Core, Result, instances,
    models::{self, StoredModel},
    router::Handle,
    signal::Signal,
};

mod ask;
mod draft;
mod preload;
mod preview;
mod ran;
mod store;

pub(crate) use ask::{Asking, ask};
pub(crate) use preload::start;
pub(crate) use preview::foresee;
pub(crate) use ran::remember;
pub(crate) use store::measured;

/// The options of a start: those named, else those of the preset, else the usual ones.
///
/// # Errors
/// `NOT_FOUND` for a preset that is gone; database errors.
pub(crate) async fn options(
    core: &Core,
    key: &str,
    options: StartOptions,
    preset: Option<i64>,
    plain: bool,
) -> Result<StartOptions> {
    if options != StartOptions::default() || (plain && preset.is_none()) {
        return Ok(options);
    }
    match preset {
        Some(id) => {
            let preset = store::preset(core, key, id).await?;
            store::used(core, id, core.now()).await?;
            Ok(preset.options)
        }
        None => Ok(store::usual(core, key).await?.unwrap_or_default()),
    }
}

/// Options that models were loaded with since Corral started.
#[derive(Default)]
pub(crate) struct State {
    loaded: Mutex<HashMap<ModelId, StartOptions>>,
}

/// Remembers what a model was loaded with.
pub(crate) fn loaded(core: &Core, model: ModelId, options: &StartOptions) {
    lock(&core.running.loaded).insert(model, options.clone());
}

/// The options by which a request finds a model as it is: a server loads a model anew for any
/// other. Those of one that is not loaded are the usual ones.
///
/// # Errors
/// Database errors.
pub(crate) async fn options_of(core: &Core, model: &StoredModel) -> Result<StartOptions> {
    if model.run != Run::Running {
        return options(core, &model.key, StartOptions::default(), None, false).await;
    }
    let remembered = lock(&core.running.loaded).get(&model.id).cloned().unwrap_or_default();
    let says = model.memory.and_then(|memory| memory.context_length);
    let says = says.and_then(|tokens| u32::try_from(tokens).ok());
    // Another context than asked for may be somebody else's load, or as much as the model has.
    Ok(StartOptions { keep_alive: None, num_ctx: says.or(remembered.num_ctx), ..remembered })
}

fn lock(
    loaded: &Mutex<HashMap<ModelId, StartOptions>>,
) -> MutexGuard<'_, HashMap<ModelId, StartOptions>> {
    // Every change is one insertion: a panic leaves nothing half done.
    loaded.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Handle<call::OfModel> for Core {
    async fn handle(&self, ModelRef { id }: ModelRef) -> Result<RunView> {
        let model = models::get(self, id).await?;
        store::view(self, model.instance, &model.key).await
    }
}

impl Handle<call::Save> for Core {
    async fn handle(&self, request: SavePreset) -> Result<RunView> {
        let draft = draft::preset(request)?;
        let model = models::get(self, draft.model).await?;
        store::save(self, &model.key, &draft).await?;
        // The tray offers presets too.
        models::publish(self, &[model.id]).await;
        store::view(self, model.instance, &model.key).await
    }
}

impl Handle<call::Remove> for Core {
    async fn handle(&self, PresetRef { model, id }: PresetRef) -> Result<RunView> {
        let model = models::get(self, model).await?;
        store::remove(self, &model.key, id).await?;
        models::publish(self, &[model.id]).await;
        store::view(self, model.instance, &model.key).await
    }
}

impl Handle<call::Preload> for Core {
    async fn handle(&self, SetPreload { model, on }: SetPreload) -> Result<RunView> {
        let model = models::get(self, model).await?;
        let vram = model.memory.map(|memory| memory.vram);
        store::set_preload(self, model.instance, &model.key, on.then_some(vram)).await?;
        models::publish(self, &[model.id]).await;
        store::view(self, model.instance, &model.key).await
    }
}

impl Handle<call::Preview> for Core {
    async fn handle(&self, ModelRef { id }: ModelRef) -> Result<StartPreview> {
        preview::preview(self, id).await
    }
}

impl Handle<call::Stay> for Core {
    async fn handle(&self, Retime { model, keep_alive }: Retime) -> Result<Nothing> {
        if !models::is_keep_alive(&keep_alive) {
            return Err(WireError::field("keepAlive", "badDuration"));
        }
        let model = models::get(self, model).await?;
        if !instances::online(self, model.instance) {
            return Err(models::offline(&model));
        }
        if model.run != Run::Running {
            return Err(WireError::new(ErrorCode::WrongState)
                .with("status", model.status().as_str())
                .with("action", "retime")
                .with("name", &model.name));
        }
        let client = instances::client(self, model.instance)?;
        let options =
            StartOptions { keep_alive: Some(keep_alive), ..options_of(self, &model).await? };
        client.retime(&model.name, &options, models::embedding(&model)).await?;
        // The next look at what is loaded tells the windows.
        self.signals.send(Signal::Operated(model.instance));
        Ok(Nothing {})
    }
}

impl Handle<call::Ask> for Core {
    async fn handle(&self, request: AskModel) -> Result<OpRef> {
        let request = draft::question(request)?;
        models::ask(self, request).await
    }
}

impl Handle<call::Stop> for Core {
    async fn handle(&self, StopAll { instance }: StopAll) -> Result<BatchRef> {
        let ids = store::loaded(self, instance).await?;
        if ids.is_empty() {
            return Err(WireError::new(ErrorCode::WrongState).with("action", "stopAll"));
        }
        models::batch(self, BatchOp::Stop, &ids).await
    }
}
