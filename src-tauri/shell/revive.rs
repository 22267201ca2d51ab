//! The page comes back when the process that shows it ends: an engine may crash, or be ended by a
//! system that is short of memory, and the core goes on all the while.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// A page that ends more often than this within [`WITHIN`] would only end again: it waits.
const TIMES: usize = 3;
const WITHIN: Duration = Duration::from_secs(60);

/// When the page was loaded anew lately.
#[derive(Debug, Default)]
pub struct Revivals(VecDeque<Instant>);

impl Revivals {
    /// How long a page that ended now waits until it is loaded anew: not at all, or until it was
    /// loaded no more than three times within a minute.
    pub fn wait(&mut self, now: Instant) -> Duration {
        let earliest = if self.0.len() < TIMES { None } else { self.0.pop_front() };
        let at = earliest.map_or(now, |at| now.max(at + WITHIN));
        self.0.push_back(at);
        at.duration_since(now)
    }
}

/// Loads the page anew whenever its process ends by itself, and says so in the log.
#[cfg(target_os = "linux")]
pub fn watch<R: tauri::Runtime>(window: &tauri::WebviewWindow<R>) {
    use std::cell::RefCell;

    use webkit2gtk::{
        WebProcessTerminationReason, WebViewExt,
        glib::{self, object::ObjectExt},
    };

    let watched = window.with_webview(|webview| {
        let revivals = RefCell::new(Revivals::default());
        webview.inner().connect_web_process_terminated(move |view, reason| {
            if reason == WebProcessTerminationReason::TerminatedByApi {
                return;
            }
            let wait = revivals.borrow_mut().wait(Instant::now());
            tracing::error!(?reason, ?wait, "the process that shows the page has ended");
            let view = view.downgrade();
            glib::timeout_add_local_once(wait, move || {
                if let Some(view) = view.upgrade() {
                    view.reload();
                }
            });
        });
    });
    if let Err(error) = watched {
        tracing::warn!(%error, "a page whose process ends will not come back by itself");
    }
}

/// The engines of other systems have no such signal here.
#[cfg(not(target_os = "linux"))]
pub fn watch<R: tauri::Runtime>(_: &tauri::WebviewWindow<R>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_ends_again_and_again_comes_back_three_times_a_minute() {
        let mut revivals = Revivals::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!((0..3).all(|second| revivals.wait(after(second)).is_zero()));
        assert_eq!(revivals.wait(after(10)), Duration::from_secs(50));
        assert_eq!(revivals.wait(after(60)), Duration::from_secs(1), "the second's minute ends");
        assert!(revivals.wait(after(120)).is_zero());
    }
}
