//! What the core is started with.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde::Deserialize;

use crate::{
    clock::{Clock, SystemClock},
    installs::ReleaseConfig,
    instances::{Machine, ThisMachine},
    registry::RegistryConfig,
    secrets::Keychain,
    steering::{Stand, Surroundings},
};

/// Folders, clock and first instances.
#[derive(Clone)]
pub struct CoreConfig {
    /// Database, backups and the JSON mirror.
    pub data_dir: PathBuf,
    /// Log files, `tasks/` among them.
    pub log_dir: PathBuf,
    /// Wall clock.
    pub clock: Arc<dyn Clock>,
    /// Registered when the database is new; the demo and tests use it.
    pub seed: Vec<SeedInstance>,
    /// Asked for once the seeds are registered, as if a person had.
    pub seed_downloads: Vec<SeedDownload>,
    /// Look for servers on this machine when the database is new and nothing is seeded.
    pub detect_on_first_run: bool,
    /// How long requests of a model that is to be unloaded may go on before it counts as stuck.
    pub unload_grace: Duration,
    /// Where servers are looked for.
    pub machine: Arc<dyn Machine>,
    /// Stands in for what runs servers; `None` = what truly does.
    pub stand: Option<Arc<dyn Stand>>,
    /// The program that reads systemd's journal.
    pub journal: PathBuf,
    /// How registries are asked.
    pub registry: RegistryConfig,
    /// Where Ollama's releases come from.
    pub releases: ReleaseConfig,
    /// The port that Corral's own server gets where it is free; the next ones otherwise.
    pub server_port: u16,
    /// How long a server that was just started may take to answer.
    pub server_patience: Duration,
    /// Where the key of all secrets lies; `None` = in a file of the data folder.
    pub keychain: Option<Arc<dyn Keychain>>,
    /// Where whoever runs servers is found.
    pub steering: Surroundings,
    /// What begins by itself in the background.
    pub workers: Workers,
}

/// Which background workers a starting core starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// All of them.
    All,
    /// Only those that tell whether servers answer, so that a window can show its first rows
    /// without competing for the processor. The others start with [`crate::Core::go_to_work`].
    First,
    /// None: for tests that drive a domain by hand.
    None,
}

/// An instance to register in a new database.
#[derive(Debug, Clone, Deserialize)]
pub struct SeedInstance {
    pub name: String,
    pub url: String,
}

/// A model to download to an instance of a new database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SeedDownload {
    /// Name of one of the seeds.
    pub instance: String,
    pub model: String,
}

impl CoreConfig {
    /// Everything below one folder, with the machine's clock and all workers.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        CoreConfig {
            log_dir: folder.join("logs"),
            data_dir: folder,
            clock: Arc::new(SystemClock),
            seed: Vec::new(),
            seed_downloads: Vec::new(),
            detect_on_first_run: false,
            unload_grace: Duration::from_secs(60),
            machine: Arc::new(ThisMachine),
            stand: None,
            journal: PathBuf::from("journalctl"),
            registry: RegistryConfig::default(),
            releases: ReleaseConfig::default(),
            server_port: 11434,
            server_patience: Duration::from_secs(60),
            keychain: None,
            steering: Surroundings::default(),
            workers: Workers::All,
        }
    }

    /// Where the log of a task lies.
    #[must_use]
    pub fn task_log(&self, task: corral_contract::TaskId) -> PathBuf {
        self.log_dir.join("tasks").join(format!("{task}.log"))
    }
}
