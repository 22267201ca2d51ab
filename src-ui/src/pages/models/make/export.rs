//! The Modelfile of a model: to keep it, or to begin another one with it.

use corral_contract::{
    ModelId, WireError,
    desktop::{TextFile, call::SaveText},
    modelfile,
    models::{ModelRef, call::LoadDetail},
};
use leptos::{prelude::*, task::spawn_local};

use super::Beginning;
use crate::{
    components::{Button, ButtonKind, CopyButton, Dialog, ErrorCard, Skeleton},
    frame::toasts::use_toasts,
    ipc,
    pages::{
        models::list::{List, Open, use_list},
        sending::Sending,
    },
    words::{Words, use_words},
};

/// Name and Modelfile of a model, as one can use it elsewhere.
async fn load(id: ModelId) -> Result<(String, String), WireError> {
    let detail = ipc::call::<LoadDetail>(ModelRef { id }).await?;
    let name = detail.row.name;
    let shown = detail.show.and_then(|show| show.modelfile).unwrap_or_default();
    let text = modelfile::portable(&shown, &name);
    Ok((name, text))
}

/// Opens the editor with the Modelfile of a model in it.
pub(super) fn edit_as_new(list: List, words: Words, id: ModelId, name: String) {
    let toasts = use_context::<crate::frame::toasts::Toasts>();
    spawn_local(async move {
        match load(id).await {
            Ok((name, text)) => {
                let beginning = Beginning { text, base: String::new(), of: Some(name) };
                list.open.set(Open::Make(Some(Box::new(beginning))));
            }
            Err(error) => {
                if let Some(toasts) = toasts {
                    toasts.error(words.fill("failed.action", &[("name", &name)]), error);
                }
            }
        }
    });
}

/// The dialog with the text, to copy or to save it.
#[component]
pub(in crate::pages::models) fn ModelfileDialog(id: ModelId) -> impl IntoView {
    let (words, list, toasts) = (use_words(), use_list(), use_toasts());
    let sending = Sending::here();
    let loaded = RwSignal::new(None::<Result<(String, String), WireError>>);
    spawn_local(async move {
        let answer = load(id).await;
        loaded.try_set(Some(answer));
    });
    let text = Signal::derive(move || match loaded.get() {
        Some(Ok((_, text))) => text,
        _ => String::new(),
    });
    let title = Signal::derive(move || match loaded.get() {
        Some(Ok((name, _))) => words.fill("make.exportTitle", &[("name", &name)]),
        _ => words.get("detail.modelfile"),
    });
    let save = move |()| {
        let Some(Ok((name, text))) = loaded.get_untracked() else { return };
        let file: String =
            name.chars().map(|it| if it.is_alphanumeric() { it } else { '-' }).collect();
        let request = TextFile { name: format!("{file}.Modelfile"), text };
        sending.then::<SaveText>("save", request, move |saved| {
            if let Some(path) = saved.path {
                toasts.good(words.fill("make.saved", &[("path", &path)]));
                list.close();
            }
        });
    };
    let close = move |()| list.close();
    let footer = move || {
        view! {
            <Button on_press=close autofocus=true attr:data-testid="export-close">
                {words.signal("common.close")}
            </Button>
            <Button
                kind=ButtonKind::Primary
                icon=icondata::LuSave
                pending=sending.pending("save")
                on_press=save
                attr:data-testid="export-save"
            >
                {words.signal("make.save")}
            </Button>
        }
    };
    view! {
        <Dialog title on_close=close footer=footer attr:data-testid="dialog-modelfile">
            {move || match loaded.get() {
                None => view! { <Skeleton rows=4 /> }.into_any(),
                Some(Err(error)) => view! { <ErrorCard error=Signal::stored(error) /> }.into_any(),
                Some(Ok((_, text))) => {
                    view! {
                        <p class="dim">{words.signal("make.exportHint")}</p>
                        <pre class="detail__text" tabindex="0" data-testid="export-text">{text}</pre>
                    }
                        .into_any()
                }
            }}
            <div class="make__bar">
                <CopyButton text />
            </div>
        </Dialog>
    }
}
