//! Deleting: says what goes, what it really frees and who uses it; the safe button has the focus.

use corral_contract::{
    ModelId, WireError,
    models::{
        BatchRef, DeleteItem, DeleteModels, DeletePreview, ModelRefs,
        call::{Delete, PreviewDelete},
    },
    size,
};
use leptos::{prelude::*, task::spawn_local};

use super::{cells::split, list::use_list};
use crate::{
    components::{
        ButtonKind, Checkbox, Dialog, DialogFoot, ErrorCard, Field, Note, Skeleton, TextInput, Tone,
    },
    format,
    frame::toasts::{Offer, use_toasts},
    ipc,
    words::use_words,
};

/// From this many models on, the user has to write the count.
const TYPED_FROM: usize = 6;

/// The dialog about these models.
#[component]
pub(super) fn DeleteDialog(ids: Vec<ModelId>) -> impl IntoView {
    let (words, list, toasts) = (use_words(), use_list(), use_toasts());
    let models = list.stores.models;
    let count = ids.len();
    let preview = RwSignal::new(None::<DeletePreview>);
    let failure = RwSignal::new(None::<WireError>);
    let typed = RwSignal::new(String::new());
    let asked = RwSignal::new(false);
    let for_good = RwSignal::new(false);
    let pinned_too = RwSignal::new(false);
    let refs = ModelRefs { ids: ids.clone() };
    spawn_local(async move {
        match ipc::call::<PreviewDelete>(refs).await {
            Ok(answer) => preview.try_set(Some(answer)),
            Err(error) => {
                failure.try_set(Some(error));
                None
            }
        };
    });
    let only = models.with_untracked(|models| match ids.as_slice() {
        [id] => models.get(*id).map(|row| row.name.clone()),
        _ => None,
    });
    let subject = StoredValue::new(only);
    let title = Signal::derive(move || match subject.get_value() {
        Some(name) => words.fill("delete.titleOne", &[("name", &name)]),
        None => words.fill("delete.title", &[("n", &count.to_string())]),
    });
    let offline = Memo::new(move |_| {
        preview.with(|preview| {
            preview
                .as_ref()
                .is_some_and(|it| !it.items.is_empty() && it.items.iter().all(|item| item.row_only))
        })
    });
    let go = Callback::new(move |()| {
        if asked.get_untracked() {
            return;
        }
        asked.set(true);
        let request = DeleteModels {
            ids: ids.clone(),
            force: offline.get_untracked(),
            for_good: for_good.get_untracked(),
            pinned_too: pinned_too.get_untracked(),
        };
        let text = match subject.get_value() {
            Some(name) => words.fill("done.delete", &[("name", &name)]),
            None => words.fill("delete.done", &[("n", &count.to_string())]),
        };
        let undo_ms = preview.with_untracked(|preview| preview.as_ref().map_or(0, |it| it.undo_ms));
        spawn_local(async move {
            match ipc::call::<Delete>(request).await {
                Ok(BatchRef { batch }) => {
                    // Closed by hand meanwhile: by now something else may be open.
                    if asked.try_get_untracked().is_some() {
                        list.close();
                    }
                    models.update(|models| models.select_none());
                    let from = format::now();
                    let offer = if undo_ms > 0 {
                        Offer::Undo { batch, from, until: from.plus(undo_ms) }
                    } else {
                        Offer::Batch(batch)
                    };
                    toasts.say(Tone::Info, text, offer);
                }
                Err(error) => {
                    failure.try_set(Some(error));
                    asked.try_set(false);
                }
            }
        });
    });
    let only_pinned = Memo::new(move |_| {
        preview.with(|preview| {
            preview
                .as_ref()
                .is_some_and(|it| !it.items.is_empty() && it.items.iter().all(|item| item.pinned))
        })
    });
    let reason = Signal::derive(move || {
        if preview.with(Option::is_none) {
            words.get("common.loading")
        } else if only_pinned.get() && !pinned_too.get() {
            words.fill("delete.pinned", &[("names", &subject.get_value().unwrap_or_default())])
        } else if count >= TYPED_FROM && typed.with(|typed| typed.trim() != count.to_string()) {
            words.fill("delete.typeFirst", &[("n", &count.to_string())])
        } else {
            String::new()
        }
    });
    let close = move |()| list.close();
    let footer = move || {
        view! {
            <DialogFoot
                cancel="delete-cancel"
                submit="delete-confirm"
                go=Signal::derive(move || match (offline.get(), subject.with_value(Option::is_some)) {
                    (true, _) => words.get("delete.rowOnly"),
                    (false, true) => words.get("action.delete"),
                    (false, false) => words.fill("delete.go", &[("n", &count.to_string())]),
                })
                kind=ButtonKind::Danger
                icon=icondata::LuTrash2
                pending=asked
                reason=reason
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
            attr:data-testid="dialog-delete"
        >
            {move || match (preview.get(), failure.get()) {
                (_, Some(error)) => view! { <ErrorCard error=Signal::stored(error) /> }.into_any(),
                (None, None) => view! { <Skeleton rows=count.min(4) /> }.into_any(),
                (Some(preview), None) => view! { <Preview preview for_good pinned_too /> }.into_any(),
            }}
            {(count >= TYPED_FROM).then(|| {
                view! {
                    <Field
                        id="delete-typed"
                        label=Signal::derive(move || {
                            words.fill("delete.typeFirst", &[("n", &count.to_string())])
                        })
                    >
                        <TextInput id="delete-typed" value=typed attr:data-testid="delete-typed" />
                    </Field>
                }
            })}
        </Dialog>
    }
}

#[component]
fn Preview(
    preview: DeletePreview,
    for_good: RwSignal<bool>,
    pinned_too: RwSignal<bool>,
) -> impl IntoView {
    let words = use_words();
    let running: Vec<_> =
        preview.items.iter().filter(|item| item.running).map(|item| item.name.clone()).collect();
    let row_only = preview.items.iter().any(|item| item.row_only);
    let freed = preview.freed.map_or_else(|| words.get("common.unknown"), size::format);
    let seconds = (preview.undo_ms / 1000).to_string();
    let undo = preview.undo_ms > 0;
    let real = preview.items.iter().filter(|item| !item.row_only);
    let kept = preview.items.iter().any(|item| item.kept);
    let days = preview.trash_days.to_string();
    let lost: Vec<_> = real
        .filter(|item| preview.trash_days > 0 && !item.kept)
        .map(|item| item.name.clone())
        .collect();
    let all_lost = !kept;
    let trash = Signal::derive(move || kept && !for_good.get());
    let pinned: Vec<_> =
        preview.items.iter().filter(|item| item.pinned).map(|item| item.name.clone()).collect();
    view! {
        <div>
            <ul class="delete-list">
                {preview.items.iter().map(|item| view! { <Item item=item.clone() /> }).collect_view()}
            </ul>
            <div class="delete-total">
                <span class="dim">
                    {move || {
                        words.get(if trash.get() { "delete.freedLater" } else { "delete.freed" })
                    }}
                </span>
                <strong class="num" data-testid="delete-freed">{freed}</strong>
            </div>
        </div>
        {(!running.is_empty()).then(|| {
            let names = running.join(", ");
            view! {
                <Note tone=Tone::Warning>
                    {move || words.fill("delete.running", &[("names", &names)])}
                </Note>
            }
        })}
        {row_only.then(|| view! { <Note tone=Tone::Warning>{words.signal("delete.filesStay")}</Note> })}
        {(!lost.is_empty()).then(|| {
            let names = lost.join(", ");
            view! {
                <Note>
                    {move || {
                        if all_lost {
                            words.get("delete.noTrash")
                        } else {
                            words.fill("delete.noTrashSome", &[("names", &names)])
                        }
                    }}
                </Note>
            }
        })}
        <p class="dim" data-testid="delete-undo">
            {move || match (undo, trash.get()) {
                (true, true) => words.fill("delete.undoableTrash", &[("n", &seconds)]),
                (true, false) => words.fill("delete.undoable", &[("n", &seconds)]),
                (false, true) => words.get("delete.finalTrash"),
                (false, false) => words.get("delete.final"),
            }}
        </p>
        <div class="delete-choice">
            <Show when=move || trash.get()>
                <p class="dim" data-testid="delete-trash">
                    {words.fill("delete.trash", &[("n", &days)])}
                </p>
            </Show>
            {kept.then(|| {
                view! {
                    <Checkbox
                        ticked=Signal::derive(move || for_good.get().into())
                        label=words.signal("delete.forGood")
                        on_toggle=move |_| for_good.update(|on| *on = !*on)
                        attr:data-testid="delete-for-good"
                    />
                }
            })}
            {(!pinned.is_empty()).then(|| {
                let names = pinned.join(", ");
                view! {
                    <Note tone=Tone::Warning>
                        {move || words.fill("delete.pinned", &[("names", &names)])}
                    </Note>
                    <Checkbox
                        ticked=Signal::derive(move || pinned_too.get().into())
                        label=words.signal("delete.pinnedToo")
                        on_toggle=move |_| pinned_too.update(|on| *on = !*on)
                        attr:data-testid="delete-pinned-too"
                    />
                }
            })}
        </div>
    }
}

#[component]
fn Item(item: DeleteItem) -> impl IntoView {
    let words = use_words();
    let (model, tag) = split(&item.name);
    let freed = item.freed.or(item.bytes).map_or_else(|| words.get("common.unknown"), size::format);
    let kept = match (item.bytes, item.freed) {
        (Some(bytes), Some(freed)) if bytes > freed => Some(size::format(bytes - freed)),
        _ => None,
    };
    let shared = (!item.shared_with.is_empty()).then(|| {
        let with = item.shared_with.join(", ");
        match kept {
            Some(bytes) => words.fill("delete.shares", &[("bytes", &bytes), ("with", &with)]),
            None => words.fill("delete.sharesSome", &[("with", &with)]),
        }
    });
    view! {
        <li>
            <span class="cut">
                <strong>{model}</strong>
                <span class="faint">{tag}</span>
            </span>
            <span class="num">{freed}</span>
            {shared.map(|text| view! { <small>{text}</small> })}
        </li>
    }
}
