//! Asked once when the window is closed: stay in the tray or quit.

use corral_contract::{
    desktop::{CloseAnswer, call::CloseChoice},
    settings::CloseButton,
};
use leptos::{prelude::*, task::spawn_local};

use super::toasts::use_toasts;
use crate::{
    components::{Button, ButtonKind, Checkbox, Dialog},
    ipc,
    words::use_words,
};

/// The event with which the shell asks.
const ASKED: &str = "corral://close-asked";

/// Shows when the shell asks.
#[component]
pub(super) fn CloseQuestion() -> impl IntoView {
    let (words, toasts) = (use_words(), use_toasts());
    let asked = RwSignal::new(false);
    let remember = RwSignal::new(true);
    spawn_local(ipc::listen(ASKED, move || asked.set(true)));
    let answer = move |choice: CloseButton| {
        asked.set(false);
        let remember = remember.get_untracked();
        spawn_local(async move {
            let answer = CloseAnswer { choice, remember };
            if let Err(error) = ipc::call::<CloseChoice>(answer).await {
                toasts.error(words.get("closeAsk.title"), error);
            }
        });
    };
    let cancel = move |()| asked.set(false);
    let footer = move || {
        view! {
            <Button kind=ButtonKind::Ghost on_press=cancel>
                {words.signal("common.cancel")}
            </Button>
            <Button
                on_press=move |()| answer(CloseButton::Quit)
                attr:data-testid="close-quit"
            >
                {words.signal("closeAsk.quit")}
            </Button>
            <Button
                kind=ButtonKind::Primary
                autofocus=true
                on_press=move |()| answer(CloseButton::Tray)
                attr:data-testid="close-tray"
            >
                {words.signal("closeAsk.tray")}
            </Button>
        }
    };
    view! {
        <Show when=move || asked.get()>
            <Dialog
                title=words.signal("closeAsk.title")
                on_close=cancel
                footer=footer
                narrow=true
                attr:data-testid="dialog-close"
            >
                <p>{words.signal("closeAsk.body")}</p>
                <Checkbox
                    ticked=Signal::derive(move || remember.get().into())
                    label=words.signal("closeAsk.remember")
                    on_toggle=move |_| remember.update(|on| *on = !*on)
                />
            </Dialog>
        </Show>
    }
}
