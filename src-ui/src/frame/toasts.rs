//! Short messages in the corner. Errors stay until they are dismissed.

use std::time::Duration;

use corral_contract::{Advice, BatchId, Timestamp, WireError};
use leptos::{prelude::*, task::spawn_local};

use super::{batch_result::BatchResult, sync_report::SyncReportDialog};
use crate::{
    components::{Button, ButtonKind, ErrorCard, Glyph, IconButton, Part, ProgressBar, Tone},
    ipc,
    navigation::use_navigation,
    pages::advice,
    state::use_stores,
    words::use_words,
};
use corral_contract::models::{BatchRef, call::UndoDelete};

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
    /// The items of a batch.
    Batch(BatchId),
    /// The report of the last sync of an instance.
    Sync(corral_contract::InstanceId),
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
    next: StoredValue<u64>,
    opened: RwSignal<Offer>,
}

/// How long a message without an error shows.
const SHOWN: Duration = Duration::from_secs(6);
/// More than this would cover the page; the oldest goes.
const MOST: usize = 4;

impl Toasts {
    /// None yet.
    #[must_use]
    pub fn provide() -> Toasts {
        let toasts = Toasts {
            shown: RwSignal::default(),
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
        let lasting = match &offer {
            Offer::Undo { from, until, .. } => {
                Duration::from_millis(u64::try_from(until.since(*from)).unwrap_or(0))
            }
            _ => SHOWN,
        };
        let id = self.push(tone, text, None, offer);
        set_timeout(move || self.dismiss(id), lasting);
    }

    /// Says what failed; stays until it is dismissed.
    pub fn error(self, text: String, error: WireError) {
        self.push(Tone::Bad, text, Some(error), Offer::Nothing);
    }

    fn push(self, tone: Tone, text: String, error: Option<WireError>, offer: Offer) -> u64 {
        let id = self.next.get_value();
        self.next.set_value(id + 1);
        self.shown.update(|shown| {
            if error.is_some() {
                // The same failure again replaces the earlier one.
                shown.retain(|toast| toast.error != error || toast.text != text);
            }
            shown.push(Toast { id, tone, text, error, offer });
            if shown.len() > MOST {
                shown.remove(0);
            }
        });
        id
    }

    /// Takes a message away.
    pub fn dismiss(self, id: u64) {
        self.shown.try_update(|shown| shown.retain(|toast| toast.id != id));
    }

    /// The delete that Ctrl+Z takes back: the latest.
    #[must_use]
    pub fn undoable(self) -> Option<(u64, BatchId)> {
        self.shown.with_untracked(|shown| {
            shown.iter().rev().find_map(|toast| match toast.offer {
                Offer::Undo { batch, .. } => Some((toast.id, batch)),
                _ => None,
            })
        })
    }

    /// Opens the dialog that an offer stands for.
    pub fn open(self, offer: Offer) {
        self.opened.set(offer);
    }

    /// Takes a delete back.
    pub fn undo(self, id: u64, batch: BatchId, words: crate::words::Words) {
        self.dismiss(id);
        spawn_local(async move {
            match ipc::call::<UndoDelete>(BatchRef { batch }).await {
                Ok(done) => {
                    let count = done.restored.to_string();
                    self.good(words.fill("delete.undone", &[("n", &count)]));
                }
                Err(error) => self.error(words.get("delete.undoFailed"), error),
            }
        });
    }
}

/// The messages of this window.
#[must_use]
pub fn use_toasts() -> Toasts {
    expect_context()
}

/// Where the messages show.
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
            Offer::Undo { .. } | Offer::Nothing => None,
        }}
    }
}

/// A toast has no button of its own to try again with: that stays beside the object.
fn followable(error: WireError) -> WireError {
    let mut error = advice::followable(error);
    error.hint = error.hint.filter(|advice| *advice != Advice::Retry);
    error
}

#[component]
fn ToastView(toast: Toast) -> impl IntoView {
    let (toasts, words, stores, navigation) =
        (use_toasts(), use_words(), use_stores(), use_navigation());
    let Toast { id, tone, text, error, offer } = toast;
    let icon = match (&offer, tone) {
        (Offer::Undo { .. }, _) => icondata::LuTrash2,
        (_, Tone::Good) => icondata::LuCircleCheck,
        (_, Tone::Bad) => icondata::LuCircleAlert,
        (_, Tone::Warning) => icondata::LuTriangleAlert,
        (_, Tone::Info) => icondata::LuInfo,
    };
    let class = match tone {
        Tone::Good => "toast toast--good",
        Tone::Bad => "toast toast--bad",
        Tone::Warning => "toast toast--warning",
        Tone::Info => "toast",
    };
    let button = match offer.clone() {
        Offer::Nothing => None,
        Offer::Undo { batch, .. } => Some(
            view! {
                <Button
                    small=true
                    on_press=move |()| toasts.undo(id, batch, words)
                    attr:data-testid="toast-undo"
                >
                    {words.signal("common.undo")}
                    <kbd>"Ctrl Z"</kbd>
                </Button>
            }
            .into_any(),
        ),
        offer => Some(
            view! {
                <Button
                    small=true
                    kind=ButtonKind::Plain
                    on_press=move |()| toasts.open(offer.clone())
                    attr:data-testid="toast-details"
                >
                    {words.signal("common.details")}
                </Button>
            }
            .into_any(),
        ),
    };
    let countdown = match offer {
        Offer::Undo { from, until, .. } => Some(move || {
            let left = until.since(stores.now.get()).max(0);
            let whole = until.since(from).max(1);
            vec![Part { share: (left as f64 / whole as f64).min(1.0), tone: "off" }]
        }),
        _ => None,
    };
    let on_advice = Callback::new(move |advice: Advice| {
        toasts.dismiss(id);
        advice::follow(advice, navigation, None, None);
    });
    view! {
        <div class=class data-testid="toast">
            <div class="toast__line">
                <Glyph icon=icon />
                <span class="toast__text">{text}</span>
                {button}
                <IconButton
                    icon=icondata::LuX
                    label=words.signal("common.dismiss")
                    on_press=move |_| toasts.dismiss(id)
                    attr:data-testid="toast-dismiss"
                />
            </div>
            {error.map(followable).map(|error| view! { <ErrorCard error=Signal::stored(error) on_advice=on_advice /> })}
            {countdown.map(|parts| {
                view! {
                    <ProgressBar parts=Signal::derive(parts) label=words.signal("delete.undoLeft") />
                }
            })}
        </div>
    }
}
