//! What WebKitGTK has to be told before it starts, through variables of its own.

/// Without its DMABUF renderer WebKitGTK shows a window with NVIDIA's driver too; with it a blank
/// one, or none. People with Ollama often own exactly these cards.
pub const NO_DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// Where no graphics card can put layers together, an emulation of one does, which costs 100 MB
/// and makes scrolling slower. Without layers the page is drawn straight into the window.
pub const NO_LAYERS: &str = "WEBKIT_DISABLE_COMPOSITING_MODE";

/// What this machine draws with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Graphics {
    /// NVIDIA's driver or one of its cards is there.
    pub nvidia: bool,
    /// Some card can render for programs.
    pub render_node: bool,
}

/// The variables to set to `1`. One that the user has set stands, whatever to.
#[must_use]
pub fn needed(graphics: Graphics, already_set: impl Fn(&str) -> bool) -> Vec<&'static str> {
    [(NO_DMABUF, graphics.nvidia), (NO_LAYERS, !graphics.render_node)]
        .into_iter()
        .filter(|(variable, needed)| *needed && !already_set(variable))
        .map(|(variable, _)| variable)
        .collect()
}

/// Sets what is [`needed`]. To be called before threads start: WebKitGTK reads the variables when it
/// makes its first page, and nobody may look at the environment while it changes.
///
/// One thread of WebKitGTK's libraries is there already, and idle. Starting the program anew with
/// other variables would do without that reasoning, but loading all libraries a second time took
/// 55 ms of every start.
#[cfg(target_os = "linux")]
pub fn prepare() {
    let needed = needed(graphics(), |variable| std::env::var_os(variable).is_some());
    if needed.contains(&NO_LAYERS) {
        crate::gl::leave_out();
    }
    for variable in needed {
        if let Err(error) = glib::setenv(variable, "1", false) {
            eprintln!("{variable} could not be set, the window may stay blank: {error}");
        }
    }
}

/// Only WebKitGTK needs to be told.
#[cfg(not(target_os = "linux"))]
pub fn prepare() {}

#[cfg(target_os = "linux")]
fn graphics() -> Graphics {
    use std::{fs, path::Path};

    /// NVIDIA's number in PCI's list of makers.
    const MAKER: &str = "0x10de";

    let entries = |folder| fs::read_dir(folder).into_iter().flatten().flatten();
    let nvidia = Path::new("/proc/driver/nvidia/version").exists()
        || entries("/sys/class/drm").any(|card| {
            fs::read_to_string(card.path().join("device/vendor"))
                .is_ok_and(|maker| maker.trim() == MAKER)
        });
    let render_node = entries("/dev/dri")
        .any(|node| node.file_name().to_str().is_some_and(|name| name.starts_with("renderD")));
    Graphics { nvidia, render_node }
}
