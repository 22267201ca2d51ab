use std::sync::Arc;

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    command::Nothing,
    event::AppEvent,
    instances::{
        ApiFact, Detected, InstanceDraft, InstanceList, InstanceRef, InstanceView, Kind, Removed,
        StoreSource, UpdateInstance, call,
    },
};

use super::{
    detect, draft,
    health::{Health, Seen},
    is_managed,
    look::{self, Patience},
    model::{Live, Profile, Record},
    place, publish, sealed, service, store, unknown, view, views, worker,
};
use crate::{Core, Result, ollama::OllamaApi, router::Handle, signal::Signal, stores, updates};

impl Handle<call::List> for Core {
    async fn handle(&self, _: Nothing) -> Result<InstanceList> {
        Ok(InstanceList { items: views(self).await? })
    }
}

impl Handle<call::Detect> for Core {
    async fn handle(&self, _: Nothing) -> Result<Detected> {
        detect::detect(self).await
    }
}

impl Handle<call::Test> for Core {
    async fn handle(&self, draft: InstanceDraft) -> Result<ApiFact> {
        let profile = draft::checked(&draft)?;
        let client = profile.client()?;
        let mut health = Health::new(None);
        health.hear(&look::ask(&*client, look::LIMIT).await, self.now());
        Ok(health.fact)
    }
}

impl Handle<call::Add> for Core {
    async fn handle(&self, draft: InstanceDraft) -> Result<InstanceView> {
        let profile = draft::checked(&draft)?;
        let client = profile.client()?;
        check_unique(self, &profile, None)?;
        let outcome = look::ask(&*client, look::LIMIT).await;
        if let (Err(problem), false) = (&outcome, draft.force) {
            return Err(problem.clone());
        }
        add(self, profile, Some((client, outcome))).await
    }
}

impl Handle<call::Update> for Core {
    async fn handle(&self, update: UpdateInstance) -> Result<InstanceView> {
        let id = update.id;
        let old = {
            let live = self.instances.lock();
            live.get(&id).ok_or_else(|| unknown(id))?.record.profile.clone()
        };
        let new = draft::updated(&old, update)?;
        if old.kind == Kind::NativeManaged && new.kind != old.kind {
            // Where it listens is part of how it is started.
            return Err(WireError::field("url", "managed"));
        }
        let client = new.client()?;
        check_unique(self, &new, Some(id))?;
        store::update(self, id, &new).await?;
        let same_server =
            old.url == new.url && old.headers == new.headers && old.custom_ca == new.custom_ca;
        if same_server {
            if let Some(live) = self.instances.lock().get_mut(&id) {
                live.record.profile = new;
            }
            publish(self, id).await;
            return view(self, id).await;
        }
        if old.url != new.url {
            store::set_place(&self.db, id, None, StoreSource::Unknown).await?;
        }
        {
            let mut live = self.instances.lock();
            let live = live.get_mut(&id).ok_or_else(|| unknown(id))?;
            let mut record = Record { profile: new, ..live.record.clone() };
            if old.url != record.profile.url {
                (record.store_path, record.store_source) = (None, StoreSource::Unknown);
                record.version = None;
            }
            // The poller goes on; it takes the new client at its next look, which is now.
            let (worker, wake) = (live.worker.take(), live.wake.clone());
            *live = Live { client: Ok(client), worker, wake, ..Live::new(record) };
        }
        self.signals.send(Signal::InstanceChanged(id));
        look::look(self, id, Patience::Usual).await?;
        view(self, id).await
    }
}

impl Handle<call::Remove> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<Removed> {
        if !self.instances.lock().contains_key(&id) {
            return Err(unknown(id));
        }
        // The row of a move would go with it, and with that the way back.
        if stores::is_busy(self, id) {
            return Err(WireError::new(ErrorCode::Busy).with("operation", "storeMove"));
        }
        // It goes with its server, which `installs.remove` takes care of.
        if is_managed(self, id) {
            return Err(WireError::new(ErrorCode::WrongState));
        }
        let kept = updates::kept_names(self, id).await?;
        let removed = Removed { kept, ..store::remove(&self.db, id).await? };
        let live = self.instances.lock().remove(&id);
        if let Some(worker) = live.and_then(|live| live.worker) {
            worker.cancel();
        }
        self.signals.send(Signal::InstanceRemoved(id));
        self.bus.send(AppEvent::InstanceRemoved(id));
        Ok(removed)
    }
}

impl Handle<call::Probe> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<InstanceView> {
        sealed::open_again(self, id).await;
        look::look(self, id, Patience::Usual).await?;
        service::refresh(self, id).await;
        place::refresh(self, id).await;
        view(self, id).await
    }
}

/// Stores an instance, starts its poller and tells everybody. `seen` is what asking it brought,
/// if it was asked already.
async fn add(
    core: &Core,
    profile: Profile,
    seen: Option<(Arc<dyn OllamaApi>, Result<Seen>)>,
) -> Result<InstanceView> {
    let id = store::insert(core, &profile).await?;
    let record =
        Record { id, profile, store_path: None, store_source: StoreSource::Unknown, version: None };
    let mut live = Live::new(record);
    if let Some((client, _)) = &seen {
        live.client = Ok(client.clone());
    }
    core.instances.lock().insert(id, live);
    core.signals.send(Signal::InstanceAdded(id));
    if let Some((client, outcome)) = seen {
        look::hear(core, id, &client, &outcome).await;
    } else {
        publish(core, id).await;
    }
    worker::spawn(core, id);
    view(core, id).await
}

/// Registers a server that a look at this machine found.
///
/// # Errors
/// `ALREADY_EXISTS` for an address that is registered.
pub(super) async fn adopt(core: &Core, profile: Profile) -> Result<InstanceId> {
    check_unique(core, &profile, None)?;
    Ok(add(core, profile, None).await?.id)
}

fn check_unique(core: &Core, profile: &Profile, except: Option<InstanceId>) -> Result<()> {
    let live = core.instances.lock();
    let others = live.iter().filter(|(id, _)| Some(**id) != except);
    draft::unique(&profile.url, others.map(|(_, live)| &live.record.profile))
}
