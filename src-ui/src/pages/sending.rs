//! Commands that controls send: which are under way, and what happens when one fails.

use std::collections::HashSet;

use corral_contract::{Command, WireError};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    components::Tone,
    frame::toasts::{Offer, Toasts, use_toasts},
    ipc,
    words::{Words, use_words},
};

/// What is done with an answer.
type Answered<C> = Box<dyn FnOnce(Result<<C as Command>::Reply, WireError>)>;

/// What is done with an answer as it came.
type Came = Box<dyn FnOnce(Result<Vec<u8>, WireError>)>;

/// What is sent, without its types.
struct Sent {
    route: String,
    request: Result<String, WireError>,
    changes: bool,
}

/// See [`Sending::latest`].
#[derive(Clone, Copy)]
pub struct Latest {
    sending: Sending,
    turn: StoredValue<u32>,
}

impl Latest {
    /// Asks; an answer that was overtaken is dropped.
    pub fn ask<C: Command>(
        self,
        request: C::Request,
        answered: impl FnOnce(Result<C::Reply, WireError>) + 'static,
    ) {
        let now = self.turn.get_value() + 1;
        self.turn.set_value(now);
        self.sending.ask::<C>(&format!("{} {now}", C::route()), request, move |answer| {
            if self.turn.try_get_value() == Some(now) {
                answered(answer);
            }
        });
    }
}

/// Sends commands of one page or dialog. Each has a key, so that its control shows that it is under
/// way and the same command is not sent twice at once.
#[derive(Clone, Copy)]
pub struct Sending {
    under_way: RwSignal<HashSet<String>>,
    pub(super) toasts: Toasts,
    pub(super) words: Words,
}

impl Sending {
    /// For the page or dialog that is being made; nothing is under way. A dialog needs its own: an
    /// answer may come after it was closed, to what has gone with it.
    #[must_use]
    pub fn here() -> Sending {
        Sending { under_way: RwSignal::default(), toasts: use_toasts(), words: use_words() }
    }

    /// Whether the command of `key` is under way.
    #[must_use]
    pub fn pending(self, key: &str) -> Signal<bool> {
        let key = key.to_owned();
        Signal::derive(move || self.under_way.with(|keys| keys.contains(&key)))
    }

    /// Sends a command whose effect comes back as an event; a failure becomes a toast.
    pub fn send<C: Command>(self, key: &str, request: C::Request) {
        self.then::<C>(key, request, |_| {});
    }

    /// As [`Sending::send`], with something to do with the reply.
    pub fn then<C: Command>(
        self,
        key: &str,
        request: C::Request,
        done: impl FnOnce(C::Reply) + 'static,
    ) {
        self.ask::<C>(key, request, move |answer| match answer {
            Ok(reply) => done(reply),
            Err(problem) => self.failed(problem),
        });
    }

    /// Sends a command whose failure the caller shows itself. Nothing is done with an answer that
    /// comes after the page was left, but that a change failed is said then, too.
    pub fn ask<C: Command>(
        self,
        key: &str,
        request: C::Request,
        answered: impl FnOnce(Result<C::Reply, WireError>) + 'static,
    ) {
        let request = ipc::write(&request);
        let sent = Sent { route: C::route(), request, changes: C::CHANGES };
        self.exchange(key.to_owned(), sent, reading::<C>(Box::new(answered)));
    }

    /// As [`Sending::ask`], once in the module and not for each command.
    fn exchange(self, key: String, sent: Sent, came: Came) {
        let free = self.under_way.try_update(|keys| keys.insert(key.clone()));
        if free != Some(true) {
            return;
        }
        spawn_local(async move {
            let answer = match sent.request {
                Ok(request) => ipc::exchange(sent.route, request).await,
                Err(problem) => Err(problem),
            };
            if self.under_way.try_update(|keys| keys.remove(&key)).is_some() {
                untrack(|| came(answer));
            } else if let (true, Err(problem)) = (sent.changes, answer) {
                self.failed(problem);
            }
        });
    }

    /// Asks questions of which only the answer to the last one counts. None is left out because an
    /// earlier one is under way: that may have been answered before what this one is about.
    #[must_use]
    pub fn latest(self) -> Latest {
        Latest { sending: self, turn: StoredValue::new(0) }
    }

    /// Says that a command failed.
    pub fn failed(self, problem: WireError) {
        self.toasts.error(untrack(|| self.words.get("sending.failed")), problem);
    }

    /// Says that something went well.
    pub fn good(self, text: String) {
        self.toasts.good(text);
    }

    /// Says what has to be known about something that went well.
    pub fn warn(self, text: String) {
        self.toasts.say(Tone::Warning, text, Offer::Nothing);
    }
}

/// Reads an answer as this command's: once for each command and not for each of its callers.
#[inline(never)]
fn reading<C: Command>(answered: Answered<C>) -> Came {
    Box::new(move |came| answered(came.and_then(|json| ipc::read(&json))))
}
