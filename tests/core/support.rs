//! What every test of the core needs: a core on a throw-away folder.

use std::{sync::Arc, time::Duration};

use corral_contract::{Command, Timestamp, WireError, audit::Actor};
use corral_core::{
    Core, CoreConfig, clock::ManualClock, config::Workers, registry::RegistryConfig, router::Handle,
};
use corral_testbed::patience::DEADLINE;
use tempfile::TempDir;

/// A Monday morning in 2026, in ms.
pub const START: Timestamp = Timestamp(1_795_420_800_000);

/// No test asks Ollama's own registry: connections to where it is said to be are refused.
pub fn out_of_reach() -> RegistryConfig {
    at("http://127.0.0.1:9")
}

/// Ollama's own registry is at this address.
pub fn at(url: &str) -> RegistryConfig {
    let url = url.parse().expect("an address");
    let mirrors = [("registry.ollama.ai".to_owned(), vec![url])].into();
    RegistryConfig { mirrors, mirrors_only: true, ..RegistryConfig::default() }
}

/// A core with its folder and its clock.
pub struct Bench {
    pub core: Core,
    pub clock: ManualClock,
    pub folder: TempDir,
}

impl Bench {
    /// Without background workers: nothing happens but what the test asks for.
    pub async fn quiet() -> Bench {
        Bench::with(|config| config.workers = Workers::None).await
    }

    /// With a changed configuration.
    pub async fn with(change: impl FnOnce(&mut CoreConfig)) -> Bench {
        let folder = tempfile::tempdir().expect("a throw-away folder");
        let clock = ManualClock::at(START);
        let mut config = CoreConfig::in_folder(folder.path());
        config.clock = Arc::new(clock.clone());
        config.registry = out_of_reach();
        change(&mut config);
        let core = Core::start(config).await.expect("the core starts");
        Bench { core, clock, folder }
    }

    /// Asks as the window does.
    pub async fn ask<C: Command>(&self, request: C::Request) -> Result<C::Reply, WireError>
    where
        Core: Handle<C>,
    {
        self.core.run::<C>(Actor::Window, request).await
    }
}

/// Looks after every event, and now and then for what has no event, until there is an answer.
pub(crate) async fn until<T>(core: &Core, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let mut events = core.bus.listen();
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            // Either way it is time to look again.
            let _ = tokio::time::timeout(Duration::from_millis(100), events.next()).await;
        }
    };
    match tokio::time::timeout(DEADLINE, found).await {
        Ok(found) => found,
        Err(_) => panic!("waited in vain for: {what}"),
    }
}

/// A folder on another file system than the folder for throw-away files, where names of one cannot
/// be names of the other; `None` where this machine has no such place.
#[cfg(target_os = "linux")]
pub(crate) fn other_disk() -> Option<TempDir> {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &std::path::Path| std::fs::metadata(path).map(|facts| facts.dev()).ok();
    let shared = std::path::Path::new("/dev/shm");
    if device(shared)? == device(&std::env::temp_dir())? {
        return None;
    }
    tempfile::Builder::new().prefix("corral-test-").tempdir_in(shared).ok()
}
