//! What the tray knows, and the one state its icon shows.

use corral_contract::{
    InstanceId, ModelId,
    app::{Health, SnapshotView, Subsystem},
    downloads::QueueMetrics,
    event::AppEvent,
    instances::{ApiState, InstanceView},
    models::{ModelCounts, ModelRow},
    settings::Language,
    status::{Run, Status},
};

/// One state of the icon; each has a picture of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Icon {
    /// No server answers.
    Off,
    /// Something needs a look: a server is gone, a model crashed, a part of Corral is ill.
    Warning,
    /// Downloading, starting or stopping.
    Busy,
    /// Models are in memory.
    Running,
    Idle,
}

impl Icon {
    /// Every state.
    pub const ALL: &'static [Icon] =
        &[Icon::Off, Icon::Warning, Icon::Busy, Icon::Running, Icon::Idle];
}

/// A model as the menu names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub id: ModelId,
    pub name: String,
    /// It is on its way in or out and cannot be stopped now.
    pub moving: bool,
    /// Kept options it can be started with, by id and name.
    pub presets: Vec<(i64, String)>,
}

/// Everything that menu and icon are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    pub instances: Vec<(InstanceId, String, ApiState)>,
    /// In memory or on the way, in the order of the list.
    pub loaded: Vec<Named>,
    /// Used last and startable, newest first.
    pub recent: Vec<Named>,
    pub queue: QueueMetrics,
    pub crashed: u64,
    /// Names of Corral's parts that are not well.
    pub ill: Vec<String>,
    /// `None` until the core has told.
    pub language: Option<Language>,
}

/// What an event asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The tray does not show this.
    Nothing,
    /// The picture has changed.
    Redraw,
    /// Loaded and recent models have to be asked for.
    AskModels,
    /// Everything has to be asked for.
    AskAll,
}

impl Picture {
    /// Takes a snapshot; the models are asked for separately.
    pub fn take(&mut self, snapshot: &SnapshotView) {
        self.instances.clear();
        snapshot.instances.iter().for_each(|instance| self.put_instance(instance));
        self.queue = snapshot.queue.metrics.clone();
        self.put_counts(&snapshot.counts);
        self.ill.clear();
        snapshot.subsystems.iter().for_each(|part| self.put_part(part));
        self.language = Some(snapshot.settings.language);
    }

    /// Follows one event.
    pub fn follow(&mut self, event: &AppEvent) -> Step {
        match event {
            AppEvent::Instance(instance) => {
                self.put_instance(instance);
                Step::Redraw
            }
            AppEvent::InstanceRemoved(id) => {
                self.instances.retain(|(each, _, _)| each != id);
                Step::AskModels
            }
            AppEvent::Queue(metrics) => {
                self.queue = metrics.clone();
                Step::Redraw
            }
            AppEvent::Counts(counts) => {
                self.put_counts(counts);
                Step::Redraw
            }
            AppEvent::Subsystem(part) => {
                self.put_part(part);
                Step::Redraw
            }
            AppEvent::Settings(settings) => {
                self.language = Some(settings.language);
                Step::Redraw
            }
            AppEvent::Models(rows) if rows.iter().any(|row| self.concerns(row)) => Step::AskModels,
            AppEvent::ModelsRemoved(_) | AppEvent::ModelsReload(_) => Step::AskModels,
            AppEvent::Resync => Step::AskAll,
            _ => Step::Nothing,
        }
    }

    /// The state of the icon, the most pressing first.
    #[must_use]
    pub fn icon(&self) -> Icon {
        let answers = |state: ApiState| matches!(state, ApiState::Ok | ApiState::Limited);
        let down = self.instances.iter().any(|(_, _, state)| *state == ApiState::Down);
        let up = self.instances.iter().any(|(_, _, state)| answers(*state));
        if down && !up {
            Icon::Off
        } else if down || self.crashed > 0 || !self.ill.is_empty() {
            Icon::Warning
        } else if self.queue.running > 0 || self.loaded.iter().any(|model| model.moving) {
            Icon::Busy
        } else if !self.loaded.is_empty() {
            Icon::Running
        } else if up {
            Icon::Idle
        } else {
            Icon::Off
        }
    }

    /// Whether a row that changed is or was in one of the two lists.
    fn concerns(&self, row: &ModelRow) -> bool {
        let listed = |models: &[Named]| models.iter().any(|model| model.id == row.id);
        !matches!(row.run, Run::Stopped | Run::Unknown)
            || listed(&self.loaded)
            || listed(&self.recent)
    }

    fn put_instance(&mut self, instance: &InstanceView) {
        let fact = (instance.id, instance.name.clone(), instance.api.state);
        match self.instances.iter_mut().find(|(id, _, _)| *id == instance.id) {
            Some(known) => *known = fact,
            None => self.instances.push(fact),
        }
    }

    fn put_counts(&mut self, counts: &ModelCounts) {
        self.crashed = counts.of(Status::Crashed);
    }

    fn put_part(&mut self, part: &Subsystem) {
        self.ill.retain(|name| *name != part.name);
        if part.health == Health::Degraded {
            self.ill.push(part.name.clone());
        }
    }
}
