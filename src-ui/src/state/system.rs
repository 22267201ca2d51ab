//! Corral itself: settings, subsystems, storage, this machine, notices.

use corral_contract::{
    app::{Health, HostFacts, Notice, SnapshotView, Subsystem},
    event::AppEvent,
    installs::InstallsView,
    resources::ResourcesView,
    settings::Settings,
    storage::StorageStatus,
};

/// Notices kept for the bell.
const KEPT: usize = 50;

/// What is not about models, instances or downloads.
#[derive(Debug, Clone, Default)]
pub struct System {
    pub version: String,
    pub settings: Settings,
    pub storage: Option<StorageStatus>,
    pub host: HostFacts,
    pub resources: ResourcesView,
    pub installs: InstallsView,
    subsystems: Vec<Subsystem>,
    notices: Vec<Notice>,
}

impl System {
    /// Replaces all.
    pub fn load(&mut self, snapshot: &SnapshotView) {
        self.version.clone_from(&snapshot.version);
        self.settings = snapshot.settings.clone();
        self.storage = Some(snapshot.storage.clone());
        self.host = snapshot.host.clone();
        self.resources = snapshot.resources.clone();
        self.installs = snapshot.installs.clone();
        self.subsystems.clone_from(&snapshot.subsystems);
        self.notices.clone_from(&snapshot.notices);
        self.notices.sort_by_key(|notice| std::cmp::Reverse(notice.id));
    }

    /// Applies an event; whether anything changed.
    pub fn apply(&mut self, event: &AppEvent) -> bool {
        match event {
            AppEvent::Settings(settings) => self.settings = settings.clone(),
            AppEvent::Storage(storage) => self.storage = Some(storage.clone()),
            AppEvent::Host(host) if self.host == *host => return false,
            AppEvent::Host(host) => self.host = host.clone(),
            AppEvent::Resources(resources) => self.resources = resources.clone(),
            AppEvent::Installs(view) => self.installs = (**view).clone(),
            AppEvent::Subsystem(view) => {
                match self.subsystems.iter_mut().find(|each| each.name == view.name) {
                    Some(each) => *each = view.clone(),
                    None => self.subsystems.push(view.clone()),
                }
            }
            AppEvent::Notice(notice) => {
                self.notices.retain(|each| each.id != notice.id);
                self.notices.insert(0, notice.clone());
                self.notices.truncate(KEPT);
            }
            _ => return false,
        }
        true
    }

    /// Every part of Corral that runs on its own.
    #[must_use]
    pub fn subsystems(&self) -> &[Subsystem] {
        &self.subsystems
    }

    /// Those that are not well.
    pub fn degraded(&self) -> impl Iterator<Item = &Subsystem> {
        self.subsystems.iter().filter(|each| each.health != Health::Ok)
    }

    /// Newest first.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }
}
