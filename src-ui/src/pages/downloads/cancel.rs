use corral_contract::{
    JobId,
    downloads::{JobIds, call::Cancel},
    size,
};
use leptos::prelude::*;

use crate::{
    components::{Button, ButtonKind, Dialog},
    pages::sending::Sending,
    state::use_stores,
    words::use_words,
};

/// Asks before a job is taken out of the queue, and says what becomes of its bytes.
#[component]
pub(super) fn CancelQuestion(
    id: JobId,
    sending: Sending,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let (name, done) = stores.downloads.with_untracked(|downloads| {
        downloads.get(id).map(|job| (job.name.clone(), job.progress.done)).unwrap_or_default()
    });
    let title = Signal::derive(move || words.fill("downloads.cancelTitle", &[("name", &name)]));
    let text = move || {
        if done == 0 {
            words.get("downloads.cancelNothing")
        } else {
            words.fill("downloads.cancelKept", &[("bytes", &size::format(done))])
        }
    };
    let cancel = move |()| {
        sending.send::<Cancel>(&format!("cancel {id}"), JobIds { ids: vec![id] });
        on_close.run(());
    };
    let footer = move || {
        view! {
            <Button on_press=on_close autofocus=true attr:data-testid="download-cancel-keep">
                {words.signal("downloads.keep")}
            </Button>
            <Button
                kind=ButtonKind::Danger
                on_press=cancel
                attr:data-testid="download-cancel-confirm"
            >
                {words.signal("downloads.cancel")}
            </Button>
        }
    };
    view! {
        <Dialog
            title=title
            on_close=on_close
            footer=footer
            narrow=true
            attr:data-testid="dialog-cancel-download"
        >
            <p>{text}</p>
            <p class="dim">{words.signal("downloads.cancelRow")}</p>
        </Dialog>
    }
}
