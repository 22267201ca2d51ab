//! Leaving: a new start is no longer ours to take, downloads pause, the database closes, the process
//! ends; three seconds at most.

use std::sync::atomic::{AtomicU8, Ordering};

use corral_core::core::SHUTDOWN_LIMIT;
use tauri::{AppHandle, Manager, Runtime, async_runtime};

use crate::{ready::Ready, single, window};

const RUNNING: u8 = 0;
const LEAVING: u8 = 1;
const DONE: u8 = 2;

/// How far leaving is.
#[derive(Default)]
pub struct Quit(AtomicU8);

impl Quit {
    /// Whether the process may end now.
    #[must_use]
    pub fn done(&self) -> bool {
        self.0.load(Ordering::SeqCst) == DONE
    }

    /// Whether somebody asked to leave.
    #[must_use]
    pub fn begun(&self) -> bool {
        self.0.load(Ordering::SeqCst) != RUNNING
    }

    /// `true` for the first one who asks.
    fn begin(&self) -> bool {
        self.0.compare_exchange(RUNNING, LEAVING, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn finish(&self) {
        self.0.store(DONE, Ordering::SeqCst);
    }
}

/// Hides the window at once, ends the core and then the process. Asking twice changes nothing.
pub fn begin<R: Runtime>(app: &AppHandle<R>) {
    // Before the mark is set: a visitor that was heard after it then finds nobody there and waits.
    single::step_back(app);
    if !app.state::<Quit>().begin() {
        return;
    }
    window::keep_place(app);
    window::hide(app);
    let app = app.clone();
    async_runtime::spawn(async move {
        // A core that is still opening its database is given the same time to get there.
        let core = tokio::time::timeout(SHUTDOWN_LIMIT, app.state::<Ready>().core()).await;
        if let Ok(Ok(core)) = core {
            core.shutdown().await;
        }
        app.state::<Quit>().finish();
        app.exit(0);
    });
}

/// Ends the process with `code`, without a core to end.
pub fn give_up<R: Runtime>(app: &AppHandle<R>, code: i32) {
    app.state::<Quit>().finish();
    app.exit(code);
}

/// Logging out or `kill` end Corral as its Quit does.
#[cfg(unix)]
pub fn on_signals<R: Runtime>(app: &AppHandle<R>) {
    use tokio::signal::unix::{SignalKind, signal};

    let app = app.clone();
    async_runtime::spawn(async move {
        let streams = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
        let (Ok(mut terminate), Ok(mut interrupt)) = streams else {
            tracing::warn!("signals cannot be heard; killing Corral will not be graceful");
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        begin(&app);
    });
}

/// Windows ends a session through the window, which is handled there.
#[cfg(not(unix))]
pub fn on_signals<R: Runtime>(_: &AppHandle<R>) {}
