//! From the command line and the environment to a running core.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use corral_contract::WireError;
use corral_core::{
    Core, CoreConfig,
    config::{SeedDownload, SeedInstance, Workers},
    installs::ReleaseConfig,
    logs::{self, LevelHandle, LogFile},
    registry::{Mirrors, RegistryConfig},
    secrets::{Keychain, SystemKeychain},
};
use serde::de::DeserializeOwned;
use tauri::{
    AppHandle, Config, Manager, Runtime, async_runtime, utils::config::AppDirectoriesOverride,
};
use tauri_plugin_dialog::{DialogExt, MessageDialogKind};

use crate::{language::SystemLanguage, painted::Painted, quit, ready::Ready, single, window};

/// Argument that starts Corral without showing its window.
pub const HIDDEN: &str = "--hidden";

/// Exit code without a display.
pub const NO_DISPLAY: u8 = 2;

/// Puts everything Corral keeps below one folder of the user's choice.
const DATA_DIR: &str = "CORRAL_DATA_DIR";

/// JSON list of `{name, url}`: the instances of a new database.
const SEED: &str = "CORRAL_SEED_INSTANCES";

/// JSON object of lists: addresses to ask instead of a registry, by its host, best first.
const MIRRORS: &str = "CORRAL_REGISTRY_MIRRORS";

/// Address that Ollama's releases are fetched below, instead of the official one: `latest`,
/// `download/v<version>/…`. Descriptions are then looked for beside it, below `…/api`.
const RELEASES: &str = "CORRAL_RELEASES";

/// JSON list of `{instance, model}`: what a new database with seeded instances begins to download.
const SEED_DOWNLOADS: &str = "CORRAL_SEED_DOWNLOADS";

/// Name of Corral's folders; also its identifier towards the system.
const IDENTIFIER: &str = "dev.corral.app";

/// How Corral was started.
pub struct Start {
    /// Do not show the window.
    pub hidden: bool,
    /// The one folder for everything, if the user named one.
    pub root: Option<PathBuf>,
    /// What the core is started with.
    pub core: CoreConfig,
}

impl Start {
    /// From this process's arguments and environment.
    ///
    /// # Errors
    /// When the system does not say where a user's files go.
    pub fn read() -> anyhow::Result<Start> {
        let hidden = std::env::args_os().any(|argument| argument == HIDDEN);
        let mut start = Start::from(hidden, std::env::var_os(DATA_DIR), std::env::var(SEED).ok())?;
        let mirrors = std::env::var(MIRRORS).ok();
        start.core.registry = RegistryConfig {
            mirrors: mirrors.as_deref().map(read_mirrors).unwrap_or_default(),
            // "Instead" as the variable promises: who sets it may have reasons to ask nobody else.
            mirrors_only: mirrors.is_some(),
            key: dirs::home_dir().map(|home| home.join(".ollama").join("id_ed25519")),
            limit: None,
        };
        if let Ok(address) = std::env::var(RELEASES) {
            let address = address.trim_end_matches('/').to_owned();
            let site = address.rsplit_once('/').map_or(address.as_str(), |(site, _)| site);
            start.core.releases =
                ReleaseConfig { descriptions: format!("{site}/api"), downloads: address };
        }
        if let Ok(downloads) = std::env::var(SEED_DOWNLOADS) {
            start.core.seed_downloads = read_seed::<SeedDownload>(SEED_DOWNLOADS, &downloads);
        }
        Ok(start)
    }

    /// As [`Start::read`], from values.
    ///
    /// # Errors
    /// As [`Start::read`].
    pub fn from(
        hidden: bool,
        root: Option<OsString>,
        seed: Option<String>,
    ) -> anyhow::Result<Start> {
        let root = root.filter(|root| !root.is_empty()).map(std::path::absolute).transpose()?;
        let folders = match &root {
            Some(root) => CoreConfig::in_folder(root),
            None => system_folders()?,
        };
        // A folder of one's own keeps its key with it; the keychain belongs to the usual Corral.
        let keychain: Option<Arc<dyn Keychain>> =
            if root.is_none() { Some(Arc::new(SystemKeychain)) } else { None };
        let core = CoreConfig {
            // A list, even an empty one, says what there is: then nobody has to look.
            detect_on_first_run: seed.is_none(),
            keychain,
            seed: seed.map(|seed| read_seed::<SeedInstance>(SEED, &seed)).unwrap_or_default(),
            ..folders
        };
        Ok(Start { hidden, root, core })
    }

    /// Makes Tauri's own files go where ours go.
    ///
    /// A folder of its own is also an app of its own: it may run beside the user's usual Corral,
    /// and each keeps to a single window.
    pub fn apply(&self, config: &mut Config) {
        if let Some(root) = &self.root {
            config.app.app_directories_override = Some(AppDirectoriesOverride::Root(root.clone()));
            config.identifier = format!("{IDENTIFIER}.at{:016x}", fingerprint(root));
        }
    }
}

/// Two different folders hardly ever have the same one (FNV-1a); the same folder always does.
fn fingerprint(path: &Path) -> u64 {
    path.as_os_str().as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn read_seed<T: DeserializeOwned>(name: &str, json: &str) -> Vec<T> {
    serde_json::from_str(json).unwrap_or_else(|error| {
        eprintln!("{name} is not the list that it should be and is ignored: {error}");
        Vec::new()
    })
}

fn read_mirrors(json: &str) -> Mirrors {
    serde_json::from_str(json).unwrap_or_else(|error| {
        eprintln!("{MIRRORS} is not a list of addresses by host and is ignored: {error}");
        Mirrors::default()
    })
}

/// Where this system keeps a user's data and state.
fn system_folders() -> anyhow::Result<CoreConfig> {
    let data = dirs::data_dir().context("the system names no folder for a user's data")?;
    let logs = if cfg!(target_os = "macos") {
        dirs::home_dir().map(|home| home.join("Library").join("Logs").join(IDENTIFIER))
    } else {
        // Only Linux has a folder for state; elsewhere it is the data that stays on this machine.
        dirs::state_dir()
            .or_else(dirs::data_local_dir)
            .map(|state| state.join(IDENTIFIER).join("logs"))
    };
    let data_dir = data.join(IDENTIFIER);
    let config = CoreConfig::in_folder(data_dir);
    Ok(match logs {
        Some(log_dir) => CoreConfig { log_dir, ..config },
        None => config,
    })
}

/// Names the cryptography behind TLS once for the whole process, before anything connects.
pub(crate) fn provide_tls() {
    // It fails only when a provider was named before, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// GTK ends the process without a word where there is no display.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn check_display() -> Result<(), &'static str> {
    let named = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(target_os = "linux") && !named("DISPLAY") && !named("WAYLAND_DISPLAY") {
        return Err(
            "Corral needs a graphical session: neither DISPLAY nor WAYLAND_DISPLAY is set.",
        );
    }
    Ok(())
}

/// Keeps the log open while the app runs.
struct OpenLog(Mutex<Option<LogFile>>);

/// Writes what the log still holds back.
pub(crate) fn end_log<R: Runtime>(app: &AppHandle<R>) {
    if let Some(log) = app.try_state::<OpenLog>() {
        drop(log.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// Starts the core beside the page that is being loaded, once the data folder is ours. When it
/// cannot start, a dialog says why and Corral ends with code 1.
pub(crate) fn start_core<R: Runtime>(app: &AppHandle<R>, start: Start, level: LevelHandle) {
    let app = app.clone();
    if start.hidden {
        app.state::<Painted>().tell();
    }
    async_runtime::spawn(async move {
        let core = match single::claim(&start.core.data_dir, single::LIMIT).await {
            Ok(claim) => {
                app.manage(claim);
                let config = CoreConfig { workers: Workers::First, ..start.core };
                Core::start_with(config, level).await
            }
            Err(error) => Err(error),
        };
        app.state::<Ready>().settle(core.clone());
        match core {
            Ok(core) => {
                window::tell_visible(&app);
                app.state::<Painted>().wait().await;
                core.go_to_work();
            }
            Err(error) => say_and_end(&app, &error),
        }
    });
}

/// A log that cannot be written is no reason not to start: the window shows the same problem.
pub(crate) fn start_log<R: Runtime>(app: &AppHandle<R>, folder: &Path) -> LevelHandle {
    match logs::init(folder) {
        Ok((file, level)) => {
            app.manage(OpenLog(Mutex::new(Some(file))));
            level
        }
        Err(error) => {
            eprintln!("Corral runs without a log: {error}");
            LevelHandle::default()
        }
    }
}

fn say_and_end<R: Runtime>(app: &AppHandle<R>, error: &WireError) {
    tracing::error!(%error, "the core did not start");
    eprintln!("Corral cannot start: {error}");
    let locale = app.state::<SystemLanguage>().locale();
    let title = corral_locale::text(locale, "startup.failed", &[]);
    let cause = corral_locale::text(locale, &format!("error.{}.title", error.code.as_str()), &[]);
    let detail = error.detail.as_deref().unwrap_or_default();
    let handle = app.clone();
    app.dialog()
        .message(format!("{cause} ({})\n\n{detail}", error.code.as_str()))
        .title(title)
        .kind(MessageDialogKind::Error)
        .show(move |_| quit::give_up(&handle, 1));
}
