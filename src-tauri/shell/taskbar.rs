//! The bar over Corral's picture in the taskbar or the Dock: how far the downloads are. A further
//! subscriber of the bus; it is set only when it would look different.

use corral_contract::{
    app, audit::Actor, command::Nothing, downloads::QueueMetrics, event::AppEvent,
};
use tauri::{
    AppHandle, Manager, Runtime, async_runtime,
    window::{ProgressBarState, ProgressBarStatus},
};

use crate::{ready::Ready, window};

/// What the bar shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bar {
    /// Nothing is under way.
    None,
    /// Something moves whose size is not known yet.
    Unknown,
    /// Whole percent, and whether it moves.
    Percent { percent: u8, moves: bool },
}

impl Bar {
    /// What these figures look like.
    #[must_use]
    pub fn of(metrics: &QueueMetrics) -> Bar {
        let moves = metrics.running > 0;
        if !moves && metrics.waiting == 0 {
            // Failed ones wait for a person, who was told; a red bar until then would only nag.
            return Bar::None;
        }
        let whole = u128::from(metrics.total);
        let percent = (u128::from(metrics.done.min(metrics.total)) * 100).checked_div(whole);
        match percent.and_then(|percent| u8::try_from(percent).ok()) {
            Some(percent) => Bar::Percent { percent, moves },
            None if moves => Bar::Unknown,
            None => Bar::None,
        }
    }

    fn state(self) -> ProgressBarState {
        let (status, progress) = match self {
            Bar::None => (ProgressBarStatus::None, None),
            Bar::Unknown => (ProgressBarStatus::Indeterminate, None),
            Bar::Percent { percent, moves: true } => {
                (ProgressBarStatus::Normal, Some(u64::from(percent)))
            }
            Bar::Percent { percent, moves: false } => {
                (ProgressBarStatus::Paused, Some(u64::from(percent)))
            }
        };
        ProgressBarState { status: Some(status), progress }
    }
}

/// Starts following as soon as the core runs.
pub(crate) fn start<R: Runtime>(app: &AppHandle<R>) {
    let app = app.clone();
    async_runtime::spawn(async move {
        // Without a core a dialog has said why already.
        let Ok(core) = app.state::<Ready>().core().await else { return };
        let mut listener = core.bus.listen();
        let known = core.run::<app::call::Snapshot>(Actor::Tray, Nothing {}).await;
        let mut shown = Bar::None;
        if let Ok(snapshot) = known {
            shown = show(&app, shown, Bar::of(&snapshot.queue.metrics));
        }
        while let Some(envelope) = listener.next().await {
            if let AppEvent::Queue(metrics) = &envelope.event {
                shown = show(&app, shown, Bar::of(metrics));
            }
        }
    });
}

fn show<R: Runtime>(app: &AppHandle<R>, shown: Bar, wanted: Bar) -> Bar {
    if shown == wanted {
        return shown;
    }
    // Desktops without such a bar say so each time; there is nothing to be done about it.
    if let Some(window) = app.get_webview_window(window::LABEL)
        && let Err(error) = window.set_progress_bar(wanted.state())
    {
        tracing::debug!(%error, "no bar in the taskbar");
    }
    wanted
}
