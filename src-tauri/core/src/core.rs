//! The handle that everything holds: one per running Corral, cheap to clone.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
    time::Duration,
};

use corral_contract::Timestamp;

use crate::{
    CoreConfig, Result, app, bundles,
    bus::Bus,
    catalogue, checks,
    config::Workers,
    db::Db,
    disk, downloads, environment, fit, health, installs, instances, labels, logs, makes, models,
    registry::{self, Registries},
    resources,
    router::Router,
    running,
    secrets::Secrets,
    serverlogs, settings,
    signal::Signals,
    steering, storage, stores,
    supervise::Supervisor,
    sync, tasks,
    transfers::Transfers,
    updates,
};

/// How long a shutdown waits for workers before it leaves them.
pub const SHUTDOWN_LIMIT: Duration = Duration::from_secs(3);

/// A running core. Clones share everything.
#[derive(Clone)]
pub struct Core(Arc<Inner>);

/// The parts, each owned by its domain.
pub struct Inner {
    pub config: CoreConfig,
    pub db: Db,
    pub bus: Bus,
    pub signals: Signals,
    pub supervisor: Supervisor,
    pub(crate) router: Router,
    pub(crate) settings: settings::Cell,
    pub(crate) tasks: tasks::State,
    pub(crate) instances: instances::State,
    pub(crate) steering: steering::State,
    pub(crate) installs: installs::State,
    pub(crate) models: models::State,
    pub(crate) labels: labels::State,
    pub(crate) running: running::State,
    pub(crate) downloads: downloads::State,
    pub(crate) makes: makes::State,
    pub(crate) checks: checks::State,
    pub(crate) catalogue: catalogue::State,
    pub(crate) fit: fit::State,
    pub(crate) updates: updates::State,
    pub(crate) disk: disk::State,
    pub(crate) bundles: bundles::State,
    pub(crate) stores: stores::State,
    pub(crate) resources: resources::State,
    pub(crate) sync: sync::State,
    pub(crate) serverlogs: serverlogs::State,
    pub(crate) health: health::State,
    pub(crate) host: app::Host,
    pub(crate) registries: Registries,
    pub(crate) transfers: Transfers,
    pub(crate) secrets: Secrets,
    pub(crate) storage: storage::State,
    pub(crate) log_level: logs::LevelHandle,
    working: OnceLock<()>,
}

impl Deref for Core {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Core {
    /// Opens the database, repairs what a crash left behind and starts the workers.
    ///
    /// A damaged or unwritable database does not stop it: the core then runs on what it could
    /// save and says so in the snapshot.
    ///
    /// # Errors
    /// `FILE_SYSTEM` when not even the data folder can be made.
    pub async fn start(config: CoreConfig) -> Result<Core> {
        Core::start_with(config, logs::LevelHandle::default()).await
    }

    /// As [`Core::start`], with the handle that changes the log level of this process.
    ///
    /// # Errors
    /// As [`Core::start`].
    pub async fn start_with(config: CoreConfig, log_level: logs::LevelHandle) -> Result<Core> {
        let opened = storage::open(&config).await?;
        let settings = settings::load(&opened.db).await;
        let bus = Bus::default();
        let registries = Registries::new(config.registry.clone())?;
        let keychain = config.keychain.clone();
        let secrets = Secrets::new(opened.db.clone(), keychain, &config.data_dir);
        let core = Core(Arc::new(Inner {
            supervisor: Supervisor::new(bus.clone()),
            signals: Signals::default(),
            router: crate::router::routes(),
            settings: settings::Cell::new(settings),
            tasks: tasks::State::default(),
            instances: instances::State::default(),
            steering: steering::State::default(),
            installs: installs::State::default(),
            models: models::State::default(),
            labels: labels::State::default(),
            running: running::State::default(),
            downloads: downloads::State::default(),
            makes: makes::State::default(),
            checks: checks::State::default(),
            catalogue: catalogue::State::default(),
            fit: fit::State::default(),
            updates: updates::State::default(),
            disk: disk::State::default(),
            bundles: bundles::State::default(),
            stores: stores::State::default(),
            resources: resources::State::default(),
            sync: sync::State::default(),
            serverlogs: serverlogs::State::default(),
            health: health::State::default(),
            host: app::Host::default(),
            transfers: Transfers::new(registries.clone()),
            registries,
            secrets,
            storage: storage::State::new(opened.facts),
            db: opened.db,
            config,
            bus,
            log_level,
            working: OnceLock::new(),
        }));
        core.log_level.set(core.settings().log_level);
        tasks::recover(&core).await?;
        registry::recover(&core).await;
        let seeded = instances::recover(&core).await?;
        running::remember(&core).await?;
        models::recover(&core).await?;
        disk::recover(&core).await?;
        makes::recover(&core).await?;
        downloads::recover(&core).await?;
        fit::recover(&core).await?;
        health::recover(&core).await?;
        installs::recover(&core).await?;
        if core.config.workers != Workers::None {
            instances::start(&core);
        }
        if core.config.workers == Workers::All {
            core.go_to_work();
        }
        if seeded {
            downloads::seed(&core);
        }
        Ok(core)
    }

    /// Starts the workers that [`Workers::First`] left out. A second call does nothing.
    pub fn go_to_work(&self) {
        if self.working.set(()).is_err() {
            return;
        }
        storage::start(self);
        installs::start(self);
        app::start(self);
        models::start(self);
        running::start(self);
        downloads::start(self);
        sync::start(self);
        checks::start(self);
        updates::start(self);
        disk::start(self);
        bundles::start(self);
        stores::start(self);
        resources::start(self);
        health::start(self);
        environment::start(self);
    }

    /// Now, by the clock that was passed in.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.config.clock.now()
    }

    /// Whether the servers that Corral runs itself end with it. Others are never touched.
    #[must_use]
    pub fn stops_own_servers(&self) -> bool {
        self.settings().stop_ollama_on_quit
    }

    /// Ends all workers, keeps what they know and closes the database. Downloads count as paused
    /// by quitting and go on at the next start. Returns after [`SHUTDOWN_LIMIT`] at the latest.
    pub async fn shutdown(&self) {
        // Whoever still waits to start workers comes too late.
        let _ = self.working.set(());
        let all = async {
            downloads::stop(self).await;
            if self.stops_own_servers() {
                installs::stop(self).await;
            }
            self.supervisor.shutdown().await;
            health::stop(self).await;
            storage::stop(self).await;
            self.db.close().await;
        };
        if tokio::time::timeout(SHUTDOWN_LIMIT, all).await.is_err() {
            tracing::warn!("shutdown left workers behind after {} s", SHUTDOWN_LIMIT.as_secs());
        }
    }
}
