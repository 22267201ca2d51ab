//! The desktop around the core: one window, a tray icon and notifications, all three of them
//! subscribers of the same bus. The only place that names a Tauri type.
//!
//! The window's commands all come in through [`commands`], which hands them to the core as they
//! are; only the `desktop` domain is answered here.

use std::process::ExitCode;

use tauri::{App, AppHandle, Builder, Context, Manager, RunEvent, Runtime, Wry};

pub mod autostart;
mod choose;
pub mod commands;
pub mod desktop;
pub mod events;
pub mod gl;
pub mod language;
pub mod memory;
pub mod notify;
pub mod painted;
pub mod preferences;
pub mod quit;
pub mod ready;
pub mod revive;
pub mod single;
pub mod startup;
pub mod taskbar;
pub mod tray;
pub mod webkit;
pub mod window;

use single::Standing;
use startup::Start;

/// Runs Corral until its window is quit. A second start only brings the first one's window to the
/// front.
#[must_use]
pub fn run() -> ExitCode {
    memory::share_areas();
    webkit::prepare();
    startup::provide_tls();
    if let Err(sentence) = startup::check_display() {
        eprintln!("{sentence}");
        return ExitCode::from(startup::NO_DISPLAY);
    }
    let start = match Start::read() {
        Ok(start) => start,
        Err(error) => {
            eprintln!("Corral cannot start: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let mut context = context();
    start.apply(context.config_mut());
    match single::hand_over(&context.config().identifier) {
        Standing::Alone => {}
        Standing::HandedOver => return ExitCode::SUCCESS,
        Standing::Stuck => {
            eprintln!("Corral runs already and does not answer. End that one first.");
            return ExitCode::FAILURE;
        }
    }
    // First of all plugins: a second start must end before it touches anything.
    let builder =
        plugins(Builder::<Wry>::new().plugin(single::plugin())).setup(|app| set_up(app, start));
    match builder.build(context) {
        Ok(app) => {
            app.run(|app, event| on_run_event(app, &event));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Corral cannot open its window: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Configuration, permissions and pages as they were built in.
#[must_use]
pub fn context<R: Runtime>() -> Context<R> {
    tauri::generate_context!()
}

/// The plugins of others that Corral uses. None of their commands is granted to the window.
#[must_use]
pub fn plugins<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder
        .plugin(window::state_plugin())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_store::Builder::new().build())
        .plugin(autostart::plugin())
        .plugin(tauri_plugin_opener::Builder::new().open_js_links_on_click(false).build())
        .plugin(tauri_plugin_dialog::init())
        .on_page_load(events::on_page_load)
}

/// What commands and subscribers share, and the commands themselves. Before the first page loads.
///
/// # Errors
/// When a plugin cannot be registered.
pub fn attach<R: Runtime>(app: &AppHandle<R>, system_language: &str) -> tauri::Result<()> {
    app.manage(ready::Ready::default());
    app.manage(painted::Painted::default());
    app.manage(events::Forwarder::default());
    app.manage(quit::Quit::default());
    app.manage(window::place::Seen::default());
    app.manage(tray::Host::default());
    app.manage(language::SystemLanguage::new(system_language));
    commands::register(app)
}

fn set_up(app: &mut App, mut start: Start) -> Result<(), Box<dyn std::error::Error>> {
    let app = app.handle();
    attach(app, &language::of_system())?;
    // The system starts it the same way, whatever was set since.
    start.hidden &= preferences::start_hidden(app);
    let hidden = start.hidden;
    let level = startup::start_log(app, &start.core.log_dir);
    window::open(app, hidden)?;
    startup::start_core(app, start, level);
    tray::start(app);
    notify::start(app);
    taskbar::start(app);
    quit::on_signals(app);
    memory::give_back();
    Ok(())
}

fn on_run_event(app: &AppHandle, event: &RunEvent) {
    match event {
        RunEvent::ExitRequested { api, .. } if !app.state::<quit::Quit>().done() => {
            api.prevent_exit();
            quit::begin(app);
        }
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => window::present(app),
        RunEvent::Exit => startup::end_log(app),
        _ => {}
    }
}
