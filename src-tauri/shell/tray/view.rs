//! The system's tray icon, made to look like a drawing.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, PoisonError},
};

use tauri::{
    AppHandle, Runtime,
    image::Image,
    include_image,
    menu::{IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu},
    tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent},
};

use super::{
    act,
    menu::{Act, Entry},
    picture::Icon,
};
use crate::window;

/// What is to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drawing {
    pub(super) icon: Icon,
    pub(super) tooltip: String,
    pub(super) entries: Vec<Entry>,
}

/// The tray icon if there is one, and what it is to show.
pub(super) struct View<R: Runtime>(Mutex<State<R>>);

struct State<R: Runtime> {
    tray: Option<TrayIcon<R>>,
    drawing: Option<Drawing>,
}

impl<R: Runtime> Default for View<R> {
    fn default() -> Self {
        View(Mutex::new(State { tray: None, drawing: None }))
    }
}

impl<R: Runtime> View<R> {
    /// Makes the icon if there is none yet. `false` when the system cannot.
    pub(super) fn make(&self, app: &AppHandle<R>) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.tray.is_some() {
            return true;
        }
        // On Linux the library behind it is looked for now, and its binding panics when it is
        // not installed.
        match catch_unwind(AssertUnwindSafe(|| build(app))) {
            Ok(Ok(tray)) => state.tray = Some(tray),
            Ok(Err(error)) => tracing::warn!(%error, "no tray icon"),
            Err(_) => tracing::warn!("no tray icon: its library is missing"),
        }
        if let State { tray: Some(tray), drawing: Some(drawing) } = &*state {
            draw(app, tray, drawing, None);
        }
        state.tray.is_some()
    }

    /// Shows it, unless it shows it already.
    pub(super) fn show(&self, app: &AppHandle<R>, drawing: Drawing) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.drawing.as_ref() == Some(&drawing) {
            return;
        }
        let before = state.drawing.replace(drawing);
        if let State { tray: Some(tray), drawing: Some(drawing) } = &*state {
            draw(app, tray, drawing, before.as_ref());
        }
    }
}

fn build<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<TrayIcon<R>> {
    TrayIconBuilder::with_id("corral")
        .icon(image(Icon::Off))
        .icon_as_template(cfg!(target_os = "macos"))
        // An icon without a menu is not even shown by some hosts.
        .menu(&menu(app, &[])?)
        .show_menu_on_left_click(cfg!(target_os = "macos"))
        .on_menu_event(|app, event| {
            if let Some(choice) = Act::parse(event.id.as_ref()) {
                act::act(app, choice);
            }
        })
        .on_tray_icon_event(|tray, event| {
            let pressed = matches!(
                event,
                TrayIconEvent::Click {
                    button: MouseButton::Left,
                    button_state: MouseButtonState::Up,
                    ..
                }
            );
            // On macOS a click opens the menu; Linux reports no clicks at all.
            if pressed && !cfg!(target_os = "macos") {
                window::present(tray.app_handle());
            }
        })
        .build(app)
}

fn draw<R: Runtime>(
    app: &AppHandle<R>,
    tray: &TrayIcon<R>,
    drawing: &Drawing,
    before: Option<&Drawing>,
) {
    let drawn = || -> tauri::Result<()> {
        if before.is_none_or(|before| before.icon != drawing.icon) {
            tray.set_icon_with_as_template(Some(image(drawing.icon)), cfg!(target_os = "macos"))?;
        }
        if before.is_none_or(|before| before.entries != drawing.entries) {
            tray.set_menu(Some(menu(app, &drawing.entries)?))?;
        }
        tray.set_tooltip(Some(&drawing.tooltip))
    };
    if let Err(error) = drawn() {
        tracing::warn!(%error, "the tray icon is out of date");
    }
}

fn menu<R: Runtime>(app: &AppHandle<R>, entries: &[Entry]) -> tauri::Result<Menu<R>> {
    let menu = Menu::new(app)?;
    for entry in entries {
        menu.append(&*item(app, entry)?)?;
    }
    Ok(menu)
}

fn item<R: Runtime>(app: &AppHandle<R>, entry: &Entry) -> tauri::Result<Box<dyn IsMenuItem<R>>> {
    Ok(match entry {
        Entry::Line => Box::new(PredefinedMenuItem::separator(app)?),
        Entry::Says(text) | Entry::Does(text, None) => {
            Box::new(MenuItem::new(app, plain(text), false, None::<&str>)?)
        }
        Entry::Does(text, Some(act)) => {
            Box::new(MenuItem::with_id(app, act.id(), plain(text), true, None::<&str>)?)
        }
        Entry::Opens(text, entries) => {
            let menu = Submenu::new(app, plain(text), true)?;
            for entry in entries {
                menu.append(&*item(app, entry)?)?;
            }
            Box::new(menu)
        }
    })
}

/// An `&` in a menu's text would underline the next letter and vanish.
fn plain(text: &str) -> String {
    text.replace('&', "&&")
}

#[cfg(not(target_os = "macos"))]
fn image(icon: Icon) -> Image<'static> {
    match icon {
        Icon::Off => include_image!("icons/tray/off.png"),
        Icon::Warning => include_image!("icons/tray/warning.png"),
        Icon::Busy => include_image!("icons/tray/busy.png"),
        Icon::Running => include_image!("icons/tray/running.png"),
        Icon::Idle => include_image!("icons/tray/idle.png"),
    }
}

/// Black and transparent: macOS paints them in the colour of its menu bar.
#[cfg(target_os = "macos")]
fn image(icon: Icon) -> Image<'static> {
    match icon {
        Icon::Off => include_image!("icons/tray/off-template.png"),
        Icon::Warning => include_image!("icons/tray/warning-template.png"),
        Icon::Busy => include_image!("icons/tray/busy-template.png"),
        Icon::Running => include_image!("icons/tray/running-template.png"),
        Icon::Idle => include_image!("icons/tray/idle-template.png"),
    }
}
