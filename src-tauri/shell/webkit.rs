//! WebKitGTK shows a blank window, or none, with NVIDIA's driver unless its DMABUF renderer is
//! off. People with Ollama often own exactly these cards.

/// WebKitGTK's own switch. A value set by the user wins, whatever it is.
pub const VARIABLE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// Whether this process has to be started again with [`VARIABLE`] set.
#[must_use]
pub fn needed(already_set: bool, nvidia: bool) -> bool {
    nvidia && !already_set
}

/// Sets [`VARIABLE`] where it is needed, before anything of GTK runs. Elsewhere it does nothing.
///
/// Changing the environment of a running process is unsound as soon as it has threads, and some
/// libraries start theirs before `main`; so the program replaces itself: same process id, same
/// arguments, one more variable. Should that fail, the window may stay blank, but Corral runs.
#[cfg(target_os = "linux")]
pub fn work_around_nvidia() {
    use std::os::unix::process::CommandExt;

    if !needed(std::env::var_os(VARIABLE).is_some(), nvidia()) {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let mut command = std::process::Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // It only comes back when it failed.
    let error = command.args(arguments).env(VARIABLE, "1").exec();
    eprintln!("{VARIABLE} could not be set, the window may stay blank: {error}");
}

/// Only WebKitGTK has this flaw.
#[cfg(not(target_os = "linux"))]
pub fn work_around_nvidia() {}

/// Whether NVIDIA's driver or one of its cards is there.
#[cfg(target_os = "linux")]
fn nvidia() -> bool {
    use std::{fs, path::Path};

    /// NVIDIA's number in PCI's list of makers.
    const MAKER: &str = "0x10de";

    if Path::new("/proc/driver/nvidia/version").exists() {
        return true;
    }
    let Ok(cards) = fs::read_dir("/sys/class/drm") else { return false };
    cards.flatten().any(|card| {
        fs::read_to_string(card.path().join("device/vendor"))
            .is_ok_and(|maker| maker.trim() == MAKER)
    })
}
