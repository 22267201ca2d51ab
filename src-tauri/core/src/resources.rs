//! What this machine has left: looked at when Corral starts and now and then, judged by thresholds of
//! the user, and asked before new work begins. What runs goes on.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    app::NoticeKind,
    command::Nothing,
    event::AppEvent,
    instances::StoreFact,
    registries::AddressState,
    resources::{Level, Resource, ResourceKind, ResourcesView, call},
    settings::ResourceSettings,
};

use crate::{
    Core, Result, instances, instances::Space, notices, registry, router::Handle, signal::Signal,
};

mod judge;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(15);

/// As it was looked at last.
#[derive(Default)]
pub(crate) struct State(Mutex<ResourcesView>);

impl State {
    pub(crate) fn view(&self) -> ResourcesView {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Starts the worker that looks.
pub(crate) fn start(core: &Core) {
    let owner = core.clone();
    core.supervisor.spawn("resources", move |token| {
        let core = owner.clone();
        async move {
            let mut signals = core.signals.listen();
            loop {
                look(&core).await?;
                let changed = async {
                    // A lag may have swallowed the one that counts.
                    while matches!(
                        signals.recv().await,
                        Ok(signal) if !matches!(signal, Signal::SettingsChanged | Signal::InstanceUp(_))
                    ) {}
                };
                tokio::select! {
                    () = token.cancelled() => return Ok(()),
                    () = changed => {}
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
        }
    });
}

/// Looks at everything and tells what changed.
async fn look(core: &Core) -> Result<()> {
    let before = core.resources.view();
    let items = measure(core, &before).await?;
    let changed: Vec<(Level, Resource)> = items
        .iter()
        .filter_map(|now| {
            let was = before.items.iter().find(|it| is_same(it, now));
            let was = was.map_or(Level::Unknown, |it| it.level);
            (was != now.level).then(|| (was, now.clone()))
        })
        .collect();
    let view = ResourcesView { items };
    if view != before {
        *core.resources.0.lock().unwrap_or_else(PoisonError::into_inner) = view.clone();
        core.bus.send(AppEvent::Resources(view));
    }
    for (was, now) in &changed {
        tracing::info!(kind = now.kind.as_str(), level = now.level.as_str(), "a resource changed");
        let subject =
            if now.subject.is_empty() { now.kind.as_str().to_owned() } else { now.subject.clone() };
        if now.level == Level::Critical {
            notices::tell(core, NoticeKind::ResourceCritical, subject, refusal(core, now)).await;
        } else if *was == Level::Critical {
            notices::tell(core, NoticeKind::ResourceWell, subject, None).await;
        }
    }
    if !changed.is_empty() {
        // What waited for room may begin, or has to wait.
        crate::downloads::look_again(core);
    }
    Ok(())
}

fn is_same(one: &Resource, other: &Resource) -> bool {
    (one.kind, one.instance) == (other.kind, other.instance)
}

async fn measure(core: &Core, before: &ResourcesView) -> Result<Vec<Resource>> {
    let limits = core.settings().resources;
    let mut items = Vec::new();
    for instance in instances::ids(core).await? {
        let StoreFact { path, writable, .. } = instances::store_seen(core, instance);
        // A folder that cannot be asked whether it is ours to write is not on this machine.
        let Some(path) = path.filter(|_| writable.is_some()) else { continue };
        let (machine, folder) = (core.config.machine.clone(), path.clone());
        let looked = tokio::task::spawn_blocking(move || machine.space(folder.as_ref())).await;
        let space = looked.ok().flatten();
        let mut item = Resource {
            kind: ResourceKind::Disk,
            instance: Some(instance),
            subject: path,
            level: Level::Unknown,
            percent: None,
            used: space.map(|space| space.total.saturating_sub(space.free)),
            total: space.map(|space| space.total),
            problem: None,
        };
        judge(&mut item, before, limits);
        items.push(item);
    }
    let facts = core.host.facts();
    let machine = core.config.machine.clone();
    let memory = tokio::task::spawn_blocking(move || machine.memory()).await.ok().flatten();
    let ram = match memory {
        Some(Space { free, total }) => (Some(total.saturating_sub(free)), Some(total)),
        None => (facts.ram_used, facts.ram_total),
    };
    for (kind, used, total, percent) in [
        (ResourceKind::Ram, ram.0, ram.1, None),
        (ResourceKind::Cpu, None, None, facts.cpu),
        (ResourceKind::Gpu, facts.vram_used, facts.vram_total, None),
    ] {
        if kind == ResourceKind::Gpu && total.is_none() {
            continue;
        }
        let mut item = bare(kind);
        (item.used, item.total, item.percent) = (used, total, percent);
        judge(&mut item, before, limits);
        items.push(item);
    }
    let (host, seen) = registry::seen(core);
    items.push(Resource {
        subject: host,
        level: match seen.state {
            AddressState::Unknown => Level::Unknown,
            AddressState::Ok => Level::Ok,
            AddressState::Slow | AddressState::Failing => Level::Warn,
        },
        problem: seen.problem,
        ..bare(ResourceKind::Registry)
    });
    Ok(items)
}

fn bare(kind: ResourceKind) -> Resource {
    Resource {
        kind,
        instance: None,
        subject: String::new(),
        level: Level::Unknown,
        percent: None,
        used: None,
        total: None,
        problem: None,
    }
}

fn judge(item: &mut Resource, before: &ResourcesView, limits: ResourceSettings) {
    if let (Some(used), Some(total)) = (item.used, item.total) {
        let share = u128::from(used.min(total)) * 100;
        item.percent = share.checked_div(u128::from(total)).and_then(|it| u8::try_from(it).ok());
    }
    let was = before.items.iter().find(|it| is_same(it, item)).map_or(Level::Ok, |it| it.level);
    let (warn, critical) = bounds(item.kind, limits);
    item.level = judge::level(was, item.percent, warn, critical);
}

fn bounds(kind: ResourceKind, limits: ResourceSettings) -> (u32, u32) {
    match kind {
        ResourceKind::Disk => (limits.disk_warn, limits.disk_critical),
        ResourceKind::Ram => (limits.ram_warn, limits.ram_critical),
        ResourceKind::Cpu => (limits.cpu_warn, limits.cpu_critical),
        ResourceKind::Gpu => (limits.gpu_warn, limits.gpu_critical),
        ResourceKind::Registry => (100, 100),
    }
}

/// Why new work of this kind has to wait.
fn refusal(core: &Core, item: &Resource) -> Option<WireError> {
    let code = match item.kind {
        ResourceKind::Disk => ErrorCode::DiskCritical,
        _ => ErrorCode::MachineBusy,
    };
    let limit = bounds(item.kind, core.settings().resources).1;
    let error = WireError::new(code).with("percent", item.percent?).with("threshold", limit);
    Some(if item.subject.is_empty() { error } else { error.with("path", &item.subject) })
}

fn critical(core: &Core, fits: impl Fn(&Resource) -> bool) -> Option<Resource> {
    let view = core.resources.view();
    view.items.into_iter().find(|item| item.level == Level::Critical && fits(item))
}

/// Whether a download for an instance may begin now.
///
/// # Errors
/// `DISK_CRITICAL`.
pub(crate) fn admit_download(core: &Core, instance: InstanceId) -> Result<()> {
    let disk =
        critical(core, |item| item.kind == ResourceKind::Disk && item.instance == Some(instance));
    disk.and_then(|item| refusal(core, &item)).map_or(Ok(()), Err)
}

/// Bytes that have to go before a download for an instance may begin; `None` = it may.
pub(crate) fn disk_lacks(core: &Core, instance: InstanceId) -> Option<u64> {
    let item =
        critical(core, |item| item.kind == ResourceKind::Disk && item.instance == Some(instance))?;
    let limit = u128::from(core.settings().resources.disk_critical.saturating_sub(5));
    let most = u128::from(item.total?) * limit / 100;
    Some(item.used?.saturating_sub(u64::try_from(most).unwrap_or(u64::MAX)).max(1))
}

/// Whether a model of an instance may be loaded now. Of a server elsewhere nothing is known.
///
/// # Errors
/// `MACHINE_BUSY`.
pub(crate) fn admit_start(core: &Core, instance: InstanceId) -> Result<()> {
    if !instances::is_local(core, instance) {
        return Ok(());
    }
    let memory = critical(core, |item| {
        matches!(item.kind, ResourceKind::Ram | ResourceKind::Cpu | ResourceKind::Gpu)
    });
    memory.and_then(|item| refusal(core, &item)).map_or(Ok(()), Err)
}

impl Handle<call::View> for Core {
    async fn handle(&self, _: Nothing) -> Result<ResourcesView> {
        Ok(self.resources.view())
    }
}
