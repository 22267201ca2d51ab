//! One message.

use std::time::Duration;

use corral_contract::{Advice, Timestamp, WireError};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};

use super::{Offer, SHOWN, Toast, Toasts, WITH_OFFER, lifetime::Lifetime, use_toasts};
use crate::{
    components::{Button, ButtonKind, ErrorCard, Glyph, IconButton, Part, ProgressBar, Tone},
    format,
    navigation::use_navigation,
    pages::advice,
    state::use_stores,
    words::use_words,
};

/// A toast has no button of its own to try again with: that stays beside the object.
fn followable(error: WireError) -> WireError {
    let mut error = advice::followable(error);
    error.hint = error.hint.filter(|advice| *advice != Advice::Retry);
    error
}

/// How long a message stays; `None` for one that stays until it is dismissed.
fn lifetime(toast: &Toast) -> Option<Lifetime> {
    if toast.error.is_some() {
        return None;
    }
    let now = milliseconds();
    Some(match toast.offer {
        // What somebody has to know is not taken away from him either.
        Offer::Nothing if toast.tone == Tone::Warning => return None,
        Offer::Nothing => Lifetime::new(SHOWN, now),
        Offer::Undo { from, until, .. } => Lifetime::fixed(between(from, until), now),
        Offer::NameBack { .. }
        | Offer::Fetch { .. }
        | Offer::Place(_)
        | Offer::Batch(_)
        | Offer::Sync(_)
        | Offer::Report(_)
        | Offer::Compare(..) => Lifetime::new(WITH_OFFER, now),
    })
}

fn between(from: Timestamp, until: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(until.since(from)).unwrap_or(0))
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds fit for 285,000 years")]
fn milliseconds() -> f64 {
    format::now().0 as f64
}

/// Lets a message go when its time is over, which stands still while somebody holds on to it.
#[derive(Clone, Copy)]
struct Keeper {
    id: u64,
    toasts: Toasts,
    lifetime: StoredValue<Option<Lifetime>>,
    timer: StoredValue<Option<TimeoutHandle>>,
    pointed: StoredValue<bool>,
    entered: StoredValue<bool>,
}

impl Keeper {
    fn new(toast: &Toast, toasts: Toasts) -> Keeper {
        let keeper = Keeper {
            id: toast.id,
            toasts,
            lifetime: StoredValue::new(lifetime(toast)),
            timer: StoredValue::new(None),
            pointed: StoredValue::new(false),
            entered: StoredValue::new(false),
        };
        keeper.look();
        on_cleanup(move || keeper.stop());
        keeper
    }

    fn pointed(self, on: bool) {
        self.pointed.set_value(on);
        self.look();
    }

    fn entered(self, on: bool) {
        self.entered.set_value(on);
        self.look();
    }

    fn stop(self) {
        if let Some(Some(timer)) = self.timer.try_update_value(Option::take) {
            timer.clear();
        }
    }

    fn look(self) {
        self.stop();
        let held = self.pointed.get_value() || self.entered.get_value();
        self.toasts.hold(self.id, held);
        let now = milliseconds();
        let left = self.lifetime.try_update_value(|lifetime| {
            let lifetime = lifetime.as_mut()?;
            if held {
                lifetime.hold(now);
                return None;
            }
            Some(lifetime.release(now))
        });
        if let Some(Some(left)) = left {
            // Without a timer, which no browser refuses, it would stay until it is dismissed.
            let timer = set_timeout_with_handle(move || self.toasts.dismiss(self.id), left).ok();
            self.timer.set_value(timer);
        }
    }
}

#[component]
pub(super) fn ToastView(toast: Toast) -> impl IntoView {
    let (toasts, words, stores, navigation) =
        (use_toasts(), use_words(), use_stores(), use_navigation());
    let keeper = Keeper::new(&toast, toasts);
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
        Offer::Undo { until, .. } => {
            let undo = offer.clone();
            let late = Signal::derive(move || {
                if stores.now.get() > until { words.get("delete.undoLate") } else { String::new() }
            });
            let undo = view! {
                <Button
                    small=true
                    reason=late
                    on_press=move |()| toasts.undo(id, undo.clone(), words)
                    attr:data-testid="toast-undo"
                >
                    {words.signal("common.undo")}
                    <kbd>"Ctrl Z"</kbd>
                </Button>
            };
            Some(undo.into_any())
        }
        Offer::NameBack { .. } | Offer::Fetch { .. } | Offer::Place(_) => {
            let name = match offer {
                Offer::NameBack { .. } => "toast-name-back",
                Offer::Fetch { .. } => "toast-fetch-back",
                _ => "toast-place-back",
            };
            let undo = offer.clone();
            let back = view! {
                <Button
                    small=true
                    on_press=move |()| toasts.undo(id, undo.clone(), words)
                    attr:data-testid=name
                >
                    {words.signal("common.undo")}
                    <kbd>"Ctrl Z"</kbd>
                </Button>
            };
            Some(back.into_any())
        }
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
        <div
            class=class
            data-testid="toast"
            on:pointerenter=move |_| keeper.pointed(true)
            on:pointerleave=move |_| keeper.pointed(false)
            on:focusin=move |_| keeper.entered(true)
            on:focusout=move |_| keeper.entered(false)
        >
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
