use corral_contract::{JobId, size};
use leptos::prelude::*;

use super::back;
use crate::{components::Confirm, pages::sending::Sending, state::use_stores, words::use_words};

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
        back::cancel(sending, stores, id);
    };
    view! {
        <Confirm
            title=title
            go=words.signal("downloads.cancel")
            keep=words.signal("downloads.keep")
            name="download-cancel"
            on_go=cancel
            on_close=on_close
            attr:data-testid="dialog-cancel-download"
        >
            <p>{text}</p>
            <p class="dim">{words.signal("downloads.cancelRow")}</p>
        </Confirm>
    }
}
