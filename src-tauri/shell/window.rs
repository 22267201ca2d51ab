//! The one window: where it stands, when it hides, what its close button does.

use corral_contract::{
    app::{Visible, call},
    audit::Actor,
    desktop::{DROPPED, Dropped},
    settings::CloseButton,
};
use tauri::{
    AppHandle, DragDropEvent, Emitter, Manager, PhysicalPosition, PhysicalSize, Runtime,
    WebviewWindow, WebviewWindowBuilder, WindowEvent, async_runtime, plugin::TauriPlugin,
};
use tauri_plugin_window_state::{AppHandleExt, StateFlags};

use crate::{events::Forwarder, quit, ready::Ready, revive, tray::Host};

pub mod close;
pub mod place;

use close::Close;
use place::Rect;

/// Label of the window in `tauri.conf.json`.
pub const LABEL: &str = "main";

/// What the page hears when the close button was pressed and the user has to choose.
pub const CLOSE_ASKED: &str = "corral://close-asked";

fn kept() -> StateFlags {
    StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED
}

/// Keeps size and place from one start to the next.
#[must_use]
pub fn state_plugin<R: Runtime>() -> TauriPlugin<R> {
    tauri_plugin_window_state::Builder::new()
        .with_state_flags(kept())
        .with_filename("window-state.json")
        .build()
}

/// Opens the window; with `hidden` it is there but does not show.
///
/// # Errors
/// When the system refuses a window.
pub fn open<R: Runtime>(app: &AppHandle<R>, hidden: bool) -> tauri::Result<WebviewWindow<R>> {
    let config = app.config().app.windows.iter().find(|window| window.label == LABEL);
    let config = config.ok_or(tauri::Error::WindowNotFound)?;
    let window = WebviewWindowBuilder::from_config(app, config)?.build()?;
    keep_on_screen(&window);
    revive::watch(&window);
    let app = app.clone();
    window.on_window_event(move |event| match event {
        WindowEvent::CloseRequested { api, .. } => {
            api.prevent_close();
            on_close(&app);
        }
        WindowEvent::Focused(_) | WindowEvent::Resized(_) => tell_visible(&app),
        WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }) => on_drop(&app, paths),
        _ => {}
    });
    if !hidden {
        window.show()?;
    }
    Ok(window)
}

/// Brings the window to the front, wherever it was.
pub fn present<R: Runtime>(app: &AppHandle<R>) {
    if app.state::<quit::Quit>().begun() {
        return;
    }
    with_window(app, |window| {
        window.show()?;
        window.unminimize()?;
        window.set_focus()
    });
    tell_visible(app);
}

/// Shows the window in the task bar only, for a start that wanted to hide and cannot.
pub fn present_quietly<R: Runtime>(app: &AppHandle<R>) {
    with_window(app, |window| {
        window.minimize()?;
        window.show()
    });
}

/// Hides the window if the tray can bring it back; else it goes to the task bar.
pub fn put_away<R: Runtime>(app: &AppHandle<R>) {
    if app.state::<Host>().there() {
        hide(app);
    } else {
        with_window(app, WebviewWindow::minimize);
    }
    tell_visible(app);
}

/// Hides the window, tray or not.
pub(crate) fn hide<R: Runtime>(app: &AppHandle<R>) {
    with_window(app, WebviewWindow::hide);
}

/// Whether the user can see the window now.
#[must_use]
pub fn visible<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.get_webview_window(LABEL).is_some_and(|window| {
        window.is_visible().unwrap_or(true) && !window.is_minimized().unwrap_or(false)
    })
}

/// Whether the user looks at the window now: visible and with the focus.
#[must_use]
pub fn attended<R: Runtime>(app: &AppHandle<R>) -> bool {
    let focused =
        app.get_webview_window(LABEL).is_some_and(|window| window.is_focused().unwrap_or(false));
    focused && visible(app)
}

/// Tells the core whether anybody looks: it asks servers less often when nobody does.
pub fn tell_visible<R: Runtime>(app: &AppHandle<R>) {
    let visible = visible(app);
    let Some(core) = app.state::<Ready>().now() else { return };
    if !app.state::<place::Seen>().changes_to(visible) {
        return;
    }
    async_runtime::spawn(async move {
        if let Err(error) = core.run::<call::SetVisible>(Actor::Window, Visible { visible }).await {
            tracing::warn!(%error, "the core was not told whether the window shows");
        }
    });
}

/// Writes size and place down now; hidden windows do not know their place on every system.
pub(crate) fn keep_place<R: Runtime>(app: &AppHandle<R>) {
    if visible(app)
        && let Err(error) = app.save_window_state(kept())
    {
        tracing::warn!(%error, "size and place of the window not kept");
    }
}

fn on_close<R: Runtime>(app: &AppHandle<R>) {
    let setting =
        app.state::<Ready>().now().map_or(CloseButton::Quit, |core| core.settings().close_button);
    let tray = app.state::<Host>().there();
    match close::decide(setting, tray, app.state::<Forwarder>().attached()) {
        Close::Ask => {
            if let Err(error) = app.emit_to(LABEL, CLOSE_ASKED, ()) {
                tracing::warn!(%error, "the window could not ask; quitting");
                quit::begin(app);
            }
        }
        Close::PutAway => put_away(app),
        Close::Quit => quit::begin(app),
    }
}

/// Tells the page what was dropped onto it; only the shell learns the paths.
fn on_drop<R: Runtime>(app: &AppHandle<R>, paths: &[std::path::PathBuf]) {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    if !paths.is_empty()
        && let Err(error) = app.emit_to(LABEL, DROPPED, Dropped { paths })
    {
        tracing::warn!(%error, "the page was not told what was dropped");
    }
}

/// Moves and shrinks a restored window that no longer fits the screens.
fn keep_on_screen<R: Runtime>(window: &WebviewWindow<R>) {
    let moved = || -> tauri::Result<()> {
        let (position, size) = (window.outer_position()?, window.outer_size()?);
        let screens: Vec<Rect> = window
            .available_monitors()?
            .iter()
            .map(|monitor| Rect::new(*monitor.position(), *monitor.size()))
            .collect();
        if let Some(better) = place::fit(Rect::new(position, size), &screens) {
            window.set_size(PhysicalSize::new(better.width, better.height))?;
            window.set_position(PhysicalPosition::new(better.x, better.y))?;
        }
        Ok(())
    };
    if let Err(error) = moved() {
        tracing::warn!(%error, "place of the window not checked");
    }
}

fn with_window<R: Runtime>(
    app: &AppHandle<R>,
    act: impl FnOnce(&WebviewWindow<R>) -> tauri::Result<()>,
) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    if let Err(error) = act(&window) {
        tracing::warn!(%error, "the window did not obey");
    }
}
