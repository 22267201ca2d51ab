//! What lies outside of the page and cannot be clicked here: questions of the system, and parts that
//! this machine may lack. Their answers are played; everything else stays as it is.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::{Result, ensure};
use corral_testbed::window::Window;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

/// Held by whoever needs to know every Ollama on this machine: tests beside each other would find
/// each other's.
pub(crate) async fn alone() -> MutexGuard<'static, ()> {
    static ONE: OnceLock<Mutex<()>> = OnceLock::new();
    ONE.get_or_init(Mutex::default).lock().await
}

/// Ends what still runs out of a folder when it goes: a server of Corral outlives a Corral that was
/// killed, as it does when a test fails.
pub(crate) struct Servers(PathBuf);

impl Servers {
    pub(crate) fn of(folder: &Path) -> Servers {
        Servers(folder.to_owned())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let program = std::fs::read_link(entry.path().join("exe"));
            if program.is_ok_and(|program| program.starts_with(&self.0)) {
                let id = entry.file_name();
                // Gone already is what is wanted.
                let _ = std::process::Command::new("kill").arg("-9").arg(id).status();
            }
        }
    }
}

/// A command is answered with this, and asks nobody.
pub(crate) async fn answers(window: &Window, route: &str, answer: Value) -> Result<()> {
    play(window, "Promise.resolve(answer)", route, answer).await
}

/// What a command answers holds this as well.
pub(crate) async fn adds(window: &Window, route: &str, more: Value) -> Result<()> {
    let how = "real(name, ...rest).then((said) => \
        ({ ...JSON.parse(new TextDecoder().decode(said)), ...answer }))";
    play(window, how, route, more).await
}

async fn play(window: &Window, how: &str, route: &str, answer: Value) -> Result<()> {
    let body = format!(
        "const [route, answer] = arguments, core = window.__TAURI__.core, real = core.invoke; \
         const invoke = (name, ...rest) => name === route ? {how} : real(name, ...rest); \
         window.__TAURI__.core = {{ ...core, invoke }}; \
         return window.__TAURI__.core.invoke === invoke"
    );
    let played = window.script(&body, vec![route.into(), answer]).await?;
    ensure!(played == true, "{route} cannot be played here");
    Ok(())
}
