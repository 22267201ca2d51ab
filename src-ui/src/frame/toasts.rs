//! Short messages in the corner. Errors stay until they are dismissed; no message goes while
//! somebody points at it or is in it.

use std::time::Duration;

use corral_contract::{
    BatchId, InstanceId, ModelId, Timestamp, WireError, downloads::MoveJob, models::CreateModel,
};
use leptos::prelude::*;

use super::{
    batch_result::BatchResult,
    sync_report::{ComparedReports, PastSyncReport, SyncReportDialog},
};
use crate::components::Tone;

mod lifetime;
mod one;
mod undo;

use one::ToastView;

/// What a toast offers beside its text.
#[derive(Debug, Clone, PartialEq)]
pub enum Offer {
    Nothing,
    /// Take a delete back until then.
    Undo {
        batch: BatchId,
        from: Timestamp,
        until: Timestamp,
    },
    /// Give a model its old name back.
    NameBack {
        model: ModelId,
        name: String,
    },
    /// Take a download into the queue again, with its own limit in kilobytes per second.
    Fetch {
        request: CreateModel,
        limit_kb: u32,
    },
    /// Put a download back to its place in the queue.
    Place(MoveJob),
    /// The items of a batch.
    Batch(BatchId),
    /// The last sync of an instance, with the question that it may ask.
    Sync(InstanceId),
    /// One past sync.
    Report(i64),
    /// What changed from one past sync to another.
    Compare(i64, i64),
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub struct Toast {
    pub id: u64,
    pub tone: Tone,
    pub text: String,
    pub error: Option<WireError>,
    pub offer: Offer,
}

/// The messages that show.
#[derive(Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    /// Those that somebody points at or is in.
    held: StoredValue<Vec<u64>>,
    next: StoredValue<u64>,
    opened: RwSignal<Offer>,
}

/// How long a message shows, and one that offers something.
const SHOWN: Duration = Duration::from_secs(6);
const WITH_OFFER: Duration = Duration::from_secs(12);
/// More than this would cover the page; the oldest goes.
const MOST: usize = 4;

impl Toasts {
    /// None yet.
    #[must_use]
    pub fn provide() -> Toasts {
        let toasts = Toasts {
            shown: RwSignal::default(),
            held: StoredValue::default(),
            next: StoredValue::new(1),
            opened: RwSignal::new(Offer::Nothing),
        };
        provide_context(toasts);
        toasts
    }

    /// Says that something went well.
    pub fn good(self, text: String) {
        self.say(Tone::Good, text, Offer::Nothing);
    }

    /// Says something, with what can be done about it.
    pub fn say(self, tone: Tone, text: String, offer: Offer) {
        self.push(tone, text, None, offer);
    }

    /// Says what failed; stays until it is dismissed.
    pub fn error(self, text: String, error: WireError) {
        self.push(Tone::Bad, text, Some(error), Offer::Nothing);
    }

    fn push(self, tone: Tone, text: String, error: Option<WireError>, offer: Offer) {
        let id = self.next.get_value();
        self.next.set_value(id + 1);
        self.shown.update(|shown| {
            if error.is_some() {
                // The same failure again replaces the earlier one.
                shown.retain(|toast| toast.error != error || toast.text != text);
            }
            if matches!(offer, Offer::Place(_)) {
                // Step after step is one way: only the last of them is worth a line.
                shown.retain(|toast| !matches!(toast.offer, Offer::Place(_)));
            }
            if shown.len() >= MOST {
                let oldest = self.held.with_value(|held| {
                    shown.iter().position(|toast| !held.contains(&toast.id)).unwrap_or_default()
                });
                shown.remove(oldest);
            }
            shown.push(Toast { id, tone, text, error, offer });
        });
    }

    /// Whether somebody points at a message or is in it.
    fn hold(self, id: u64, holds: bool) {
        self.held.try_update_value(|held| {
            held.retain(|other| *other != id);
            if holds {
                held.push(id);
            }
        });
    }

    /// Takes a message away.
    pub fn dismiss(self, id: u64) {
        self.hold(id, false);
        self.shown.try_update(|shown| shown.retain(|toast| toast.id != id));
    }

    /// Opens the dialog that an offer stands for.
    pub fn open(self, offer: Offer) {
        self.opened.set(offer);
    }
}

/// The messages of this window.
#[must_use]
pub fn use_toasts() -> Toasts {
    expect_context()
}

/// Where the messages show, and the dialogs that they open.
#[component]
pub(super) fn ToastHost() -> impl IntoView {
    let toasts = use_toasts();
    let close = Callback::new(move |()| toasts.opened.set(Offer::Nothing));
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toasts.shown.get() key=|toast| toast.id let:toast>
                <ToastView toast />
            </For>
        </div>
        {move || match toasts.opened.get() {
            Offer::Batch(batch) => Some(view! { <BatchResult batch on_close=close /> }.into_any()),
            Offer::Sync(instance) => {
                Some(view! { <SyncReportDialog instance on_close=close /> }.into_any())
            }
            Offer::Report(id) => Some(view! { <PastSyncReport id on_close=close /> }.into_any()),
            Offer::Compare(one, other) => {
                Some(view! { <ComparedReports one other on_close=close /> }.into_any())
            }
            Offer::Undo { .. }
            | Offer::NameBack { .. }
            | Offer::Fetch { .. }
            | Offer::Place(_)
            | Offer::Nothing => None,
        }}
    }
}
