//! The question before other models make room for one.

use corral_contract::{
    models::{StartModel, call::Start},
    running::{Eviction, StartPreview},
    size,
};
use leptos::{prelude::*, task::spawn_local};

use super::list::use_list;
use crate::{
    components::{Dialog, DialogFoot, Note, Tone},
    frame::toasts::use_toasts,
    ipc,
    words::use_words,
};

/// Names listed before the rest is only counted.
const LISTED: usize = 20;

/// A start that waits for an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct MakeRoom {
    pub name: String,
    pub request: StartModel,
    pub preview: StartPreview,
}

/// Names what would go, why, and what is left.
#[component]
pub(super) fn MakeRoomDialog(asked: MakeRoom) -> impl IntoView {
    let (words, list, toasts) = (use_words(), use_list(), use_toasts());
    let MakeRoom { name, request, preview } = asked;
    let close = move |()| list.close();
    let title = {
        let name = name.clone();
        Signal::derive(move || words.fill("makeRoom.title", &[("name", &name)]))
    };
    let go = Callback::new(move |()| {
        list.close();
        let (name, request) = (name.clone(), request.clone());
        spawn_local(async move {
            if let Err(error) = ipc::call::<Start>(request).await {
                toasts.error(words.fill("failed.start", &[("name", &name)]), error);
            }
        });
    });
    let footer = move || {
        view! {
            <DialogFoot
                cancel="make-room-cancel"
                submit="make-room-go"
                go=words.signal("makeRoom.go")
                on_go=go
                autofocus=true
                on_close=close
            />
        }
    };
    view! {
        <Dialog
            title=title
            on_close=close
            footer=footer
            narrow=true
            attr:data-testid="dialog-make-room"
        >
            <Going preview />
        </Dialog>
    }
}

/// Which models would go, and why.
#[component]
pub(super) fn Going(preview: StartPreview) -> impl IntoView {
    let words = use_words();
    let more = preview.evicts.len().saturating_sub(LISTED);
    let why = match preview.why {
        Some(Eviction::Count) => words.get("makeRoom.count"),
        _ => {
            let known = |bytes: Option<u64>| {
                bytes.map_or_else(|| words.get("common.unknown"), size::format)
            };
            let values = [("needed", known(preview.needed)), ("free", known(preview.free))];
            let values = values.each_ref().map(|(key, value)| (*key, value.as_str()));
            words.fill("makeRoom.memory", &values)
        }
    };
    view! {
        <Note tone=Tone::Warning>{why}</Note>
        <ul class="result-list">
            {preview
                .evicts
                .iter()
                .take(LISTED)
                .map(|each| {
                    view! {
                        <li class="result-list__item">
                            <span class="cut">{each.name.clone()}</span>
                            <span class="num">{each.bytes.map(size::format)}</span>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
        {(more > 0).then(|| {
            view! { <p class="dim">{words.fill("models.andMore", &[("n", &more.to_string())])}</p> }
        })}
        <p class="dim">{words.signal("makeRoom.guess")}</p>
    }
}
