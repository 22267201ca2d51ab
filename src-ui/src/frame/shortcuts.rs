//! Keys that work everywhere, and the list of them.

use corral_contract::{ModelId, models::BatchOp};
use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

use super::toasts::use_toasts;
use crate::{
    components::{Button, Dialog},
    navigation::{Page, use_navigation},
    words::use_words,
};

mod list;

pub use list::ShortcutList;

/// What a key or the palette asks of the page that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    New,
    Find,
    Sync,
    /// Everything in view.
    All,
    /// What is selected.
    Delete,
    Escape,
    /// The question before an operation over what is selected.
    Batch(BatchOp),
    Details(ModelId),
    /// The question before one model is deleted.
    DeleteModel(ModelId),
    /// The question before one that runs is rebuilt.
    Recreate(ModelId),
}

/// Passes keys on to the page, and opens the list of keys.
#[derive(Clone, Copy)]
pub struct Keyboard {
    /// Counts up, so that the same wish twice is heard twice.
    wish: RwSignal<(u32, Option<Wish>)>,
    listed: RwSignal<bool>,
    /// The palette is open.
    pub(super) palette: RwSignal<bool>,
    /// The question before all models are stopped.
    pub(super) stopping: RwSignal<bool>,
}

impl Keyboard {
    /// Calls `answer` for each wish as long as the caller's page is mounted.
    pub fn on_wish(self, answer: impl Fn(Wish) + 'static) {
        let seen = self.wish.get_untracked().0;
        Effect::new(move |before: Option<u32>| {
            let (count, wish) = self.wish.get();
            if let Some(wish) = wish.filter(|_| count != before.unwrap_or(seen)) {
                untrack(|| answer(wish));
            }
            count
        });
    }

    /// Asks the page for something.
    pub fn ask(self, wish: Wish) {
        self.wish.update(|(count, last)| {
            *count += 1;
            *last = Some(wish);
        });
    }

    /// Opens the palette.
    pub fn open_palette(self) {
        self.palette.set(true);
    }

    /// Shows the list of keys.
    pub fn list(self) {
        self.listed.set(true);
    }
}

/// The keyboard of this window.
#[must_use]
pub fn use_keyboard() -> Keyboard {
    expect_context()
}

/// Listens to the whole window; its children can use [`Keyboard`].
#[component]
pub(super) fn Shortcuts(children: Children) -> impl IntoView {
    let keyboard = Keyboard {
        wish: RwSignal::new((0, None)),
        listed: RwSignal::new(false),
        palette: RwSignal::new(false),
        stopping: RwSignal::new(false),
    };
    provide_context(keyboard);
    let (words, toasts, navigation) = (use_words(), use_toasts(), use_navigation());
    let handle = window_event_listener(ev::keydown, move |event| {
        let typing = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .is_some_and(|element| element.matches("input, textarea, select").unwrap_or(false));
        let asking = matches!(document().query_selector("dialog[open]"), Ok(Some(_)));
        if event.is_composing() || event.default_prevented() || asking {
            return;
        }
        let command = event.ctrl_key() || event.meta_key();
        let key = event.key();
        let page = key.parse::<usize>().ok().and_then(|place| Page::ALL.get(place.wrapping_sub(1)));
        match (command, key.as_str()) {
            (true, _) if page.is_some() => {
                if let Some(page) = page {
                    navigation.open(*page);
                }
            }
            (true, "k" | "K") => keyboard.open_palette(),
            // With Shift some layouts say what stands above the dot.
            (true, "." | ">" | ":") if event.shift_key() => keyboard.stopping.set(true),
            (true, ",") => navigation.open(Page::Settings),
            (true, "f" | "F") => keyboard.ask(Wish::Find),
            (true, "r" | "R") | (false, "F5") => keyboard.ask(Wish::Sync),
            (true, "z" | "Z") if !typing => {
                if let Some((id, offer)) = toasts.undoable() {
                    toasts.undo(id, offer, words);
                }
            }
            (true, "a" | "A") if !typing => keyboard.ask(Wish::All),
            (false, "Escape") => keyboard.ask(Wish::Escape),
            (false, "F1") => navigation.open(Page::Help),
            _ if typing || command || event.alt_key() => return,
            (false, "/" | "f" | "F") => keyboard.ask(Wish::Find),
            (false, "r" | "R") => keyboard.ask(Wish::Sync),
            (false, "n" | "N") => keyboard.ask(Wish::New),
            (false, "Delete") => keyboard.ask(Wish::Delete),
            (false, "?") => keyboard.list(),
            _ => return,
        }
        event.prevent_default();
    });
    on_cleanup(move || handle.remove());
    let close = move |()| keyboard.listed.set(false);
    let footer = move || {
        view! {
            <Button on_press=close autofocus=true>
                {words.signal("common.close")}
            </Button>
        }
    };
    view! {
        {children()}
        <Show when=move || keyboard.listed.get()>
            <Dialog
                title=words.signal("shortcuts.title")
                on_close=close
                footer=footer
                narrow=true
                attr:data-testid="dialog-shortcuts"
            >
                <ShortcutList />
            </Dialog>
        </Show>
    }
}
