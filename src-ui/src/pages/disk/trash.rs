//! Deleted models that can be brought back.

use corral_contract::{
    WireError,
    disk::{TrashEntry, TrashRefs, call},
    instances::InstanceRef,
    size,
};
use leptos::prelude::*;

use super::Disk;
use crate::{
    components::{Button, ButtonKind, Dialog, DialogFoot, EmptyState, ErrorCard, Skeleton},
    format,
    pages::advice,
    state::use_stores,
    words::use_words,
};

/// The list.
#[component]
pub(super) fn Trash(disk: Disk) -> impl IntoView {
    let words = use_words();
    let entries = RwSignal::new(None::<Vec<TrashEntry>>);
    let failure = RwSignal::new(None::<WireError>);
    // Those that are to be deleted for good, once that is confirmed.
    let asking = RwSignal::new(None::<Vec<TrashEntry>>);
    let instance = disk.instance;
    let latest = disk.sending.latest();
    Effect::new(move |_| {
        // A new look means that files came or went.
        disk.view.track();
        untrack(|| {
            let request = InstanceRef { id: instance };
            latest.ask::<call::Trash>(request, move |answer| match answer {
                Ok(list) => entries.set(Some(list.items)),
                Err(error) => failure.set(Some(error)),
            });
        });
    });
    let restore = Callback::new(move |entry: TrashEntry| {
        failure.set(None);
        let request = TrashRefs { instance, ids: vec![entry.id] };
        disk.sending.ask::<call::Restore>("restore", request, move |answer| match answer {
            Ok(restored) => {
                let key = if restored.listed { "disk.restored" } else { "disk.restoredUnlisted" };
                disk.sending.good(words.fill(key, &[("name", &restored.names.join(", "))]));
            }
            Err(error) => failure.set(Some(error)),
        });
    });
    let none = Signal::derive(move || {
        let empty = entries.with(|entries| entries.as_ref().is_none_or(Vec::is_empty));
        if empty { words.get("disk.trashEmpty") } else { String::new() }
    });
    view! {
        <div class="disk__bar">
            <span class="dim">{words.signal("disk.trashHint")}</span>
            <span class="page__gap"></span>
            <Button
                small=true
                icon=icondata::LuTrash2
                reason=none
                on_press=move |()| asking.set(entries.get_untracked())
                attr:data-testid="trash-empty"
            >
                {words.signal("disk.empty")}
            </Button>
        </div>
        {move || {
            failure.get().map(|error| {
                view! { <ErrorCard error=Signal::stored(advice::textual(error)) /> }
            })
        }}
        {move || match entries.get() {
            None => view! { <Skeleton rows=3 /> }.into_any(),
            Some(entries) if entries.is_empty() => {
                view! {
                    <EmptyState icon=icondata::LuTrash2 title=words.signal("disk.trashEmpty") />
                }
                    .into_any()
            }
            Some(entries) => {
                view! {
                    <ul class="disk__items" data-testid="trash-items">
                        {entries
                            .into_iter()
                            .map(|entry| view! { <Line disk entry restore asking /> })
                            .collect_view()}
                    </ul>
                }
                    .into_any()
            }
        }}
        {move || asking.get().map(|entries| view! { <Ask disk entries asking /> })}
    }
}

#[component]
fn Line(
    disk: Disk,
    entry: TrashEntry,
    restore: Callback<TrashEntry>,
    asking: RwSignal<Option<Vec<TrashEntry>>>,
) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let (until, name, bytes) = (entry.until, entry.name.clone(), entry.bytes);
    let (back, gone) = (entry.clone(), entry);
    view! {
        <li class="disk__item disk__item--trash">
            <strong class="cut">{name}</strong>
            <span class="num faint">
                {move || {
                    let time = format::time_and_day(words, until, stores.now.get());
                    words.fill("disk.trashUntil", &[("time", &time)])
                }}
            </span>
            <span class="num disk__bytes">{size::format(bytes)}</span>
            <Button
                small=true
                icon=icondata::LuUndo2
                pending=disk.sending.pending("restore")
                on_press=move |()| restore.run(back.clone())
                attr:data-testid="trash-restore"
            >
                {words.signal("disk.restore")}
            </Button>
            <Button
                small=true
                kind=ButtonKind::Ghost
                on_press=move |()| asking.set(Some(vec![gone.clone()]))
                attr:data-testid="trash-delete"
            >
                {words.signal("disk.deleteForGood")}
            </Button>
        </li>
    }
}

/// The question before something goes for good.
#[component]
fn Ask(
    disk: Disk,
    entries: Vec<TrashEntry>,
    asking: RwSignal<Option<Vec<TrashEntry>>>,
) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let failure = RwSignal::new(None::<WireError>);
    let bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
    let only = match entries.as_slice() {
        [only] => Some(only.name.clone()),
        _ => None,
    };
    let instance = disk.instance;
    let title = Signal::derive(move || match &only {
        Some(name) => words.fill("disk.emptyOneTitle", &[("name", name)]),
        None => {
            let name = stores.instances.with(|all| all.get(instance).map(|each| each.name.clone()));
            words.fill("disk.emptyTitle", &[("name", &name.unwrap_or_default())])
        }
    });
    let close = Callback::new(move |()| asking.set(None));
    let go = Callback::new(move |()| {
        failure.set(None);
        let request = TrashRefs { instance, ids: ids.clone() };
        disk.sending.ask::<call::EmptyTrash>("empty", request, move |answer| match answer {
            Ok(emptied) => {
                let bytes = size::format(emptied.bytes);
                disk.sending.good(words.fill("disk.emptied", &[("bytes", &bytes)]));
                if emptied.left > 0 {
                    let n = emptied.left.to_string();
                    disk.sending.good(words.fill("disk.emptiedLeft", &[("n", &n)]));
                }
                asking.set(None);
            }
            Err(error) => failure.set(Some(error)),
        });
    });
    let footer = move || {
        view! {
            <DialogFoot
                cancel="trash-cancel"
                submit="trash-confirm"
                go=words.signal("disk.deleteForGood")
                kind=ButtonKind::Danger
                icon=icondata::LuTrash2
                pending=disk.sending.pending("empty")
                on_go=go
                autofocus=true
                on_close=close
            />
        }
    };
    view! {
        <Dialog title=title on_close=close footer=footer narrow=true attr:data-testid="dialog-trash">
            {move || {
                failure.get().map(|error| {
                    view! { <ErrorCard error=Signal::stored(advice::textual(error)) /> }
                })
            }}
            <p>{words.fill("disk.emptyText", &[("bytes", &size::format(bytes))])}</p>
        </Dialog>
    }
}
