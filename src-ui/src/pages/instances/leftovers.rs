//! Files in a store that belong to nobody, to be chosen and removed.

use std::collections::BTreeSet;

use corral_contract::{
    InstanceId, WireError,
    checks::{CleanLeftovers, Leftover, LeftoverList, call},
    instances::InstanceRef,
    size,
};
use leptos::prelude::*;

use crate::{
    components::{Button, ButtonKind, Checkbox, Dialog, EmptyState, ErrorCard, Skeleton},
    format,
    pages::{advice, sending::Sending},
    state::use_stores,
    words::use_words,
};

/// The dialog. Nothing is chosen at first.
#[component]
pub(super) fn Leftovers(
    id: InstanceId,
    sending: Sending,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let failure = RwSignal::new(None::<WireError>);
    let list = RwSignal::new(None::<LeftoverList>);
    let chosen = RwSignal::new(BTreeSet::<String>::new());
    let name = stores
        .instances
        .with_untracked(|all| all.get(id).map(|each| each.name.clone()))
        .unwrap_or_default();
    let title = Signal::derive(move || words.fill("checks.leftoversTitle", &[("name", &name)]));
    let look =
        move || {
            sending.ask::<call::Leftovers>("leftovers", InstanceRef { id }, move |answer| {
                match answer {
                    Ok(found) => {
                        chosen.update(|ids| {
                            ids.retain(|id| found.items.iter().any(|item| item.id == *id));
                        });
                        list.set(Some(found));
                    }
                    Err(error) => failure.set(Some(error)),
                }
            });
        };
    look();
    let bytes = Memo::new(move |_| {
        list.with(|list| {
            let items = list.as_ref().map(|list| list.items.as_slice()).unwrap_or_default();
            chosen.with(|ids| {
                let chosen = items.iter().filter(|item| ids.contains(&item.id));
                chosen.map(|item| item.bytes).sum::<u64>()
            })
        })
    });
    let clean = move |()| {
        let ids = chosen.with_untracked(|ids| ids.iter().cloned().collect());
        failure.set(None);
        let request = CleanLeftovers { instance: id, ids };
        sending.ask::<call::Clean>("clean", request, move |answer| {
            match answer {
                Ok(cleaned) => {
                    let (n, bytes) = (cleaned.removed.to_string(), size::format(cleaned.bytes));
                    let mut text = words.fill("checks.cleaned", &[("n", &n), ("bytes", &bytes)]);
                    if cleaned.left > 0 {
                        let left = cleaned.left.to_string();
                        text =
                            format!("{text} · {}", words.fill("checks.cleanLeft", &[("n", &left)]));
                    }
                    sending.good(text);
                }
                Err(error) => failure.set(Some(error)),
            }
            look();
        });
    };
    let footer = move || {
        view! {
            <Button on_press=on_close autofocus=true attr:data-testid="leftovers-close">
                {words.signal("common.close")}
            </Button>
            <Button
                kind=ButtonKind::Danger
                icon=icondata::LuTrash2
                pending=sending.pending("clean")
                reason=Signal::derive(move || {
                    if chosen.with(BTreeSet::is_empty) {
                        words.get("checks.cleanNothing")
                    } else {
                        String::new()
                    }
                })
                on_press=clean
                attr:data-testid="leftovers-clean"
            >
                {move || words.fill("checks.clean", &[("bytes", &size::format(bytes.get()))])}
            </Button>
        }
    };
    view! {
        <Dialog title=title on_close=on_close footer=footer attr:data-testid="dialog-leftovers">
            {move || {
                failure.get().map(|error| {
                    view! { <ErrorCard error=Signal::stored(advice::textual(error)) /> }
                })
            }}
            {move || match list.get() {
                None if failure.with(Option::is_some) => ().into_any(),
                None => view! { <Skeleton rows=3 /> }.into_any(),
                Some(list) if list.items.is_empty() => {
                    view! {
                        <EmptyState
                            icon=icondata::LuCircleCheck
                            title=words.signal("checks.leftoversNone")
                            text=words.signal("checks.leftoversNoneText")
                        />
                    }
                        .into_any()
                }
                Some(list) => {
                    view! {
                        <p class="dim">{words.signal("checks.leftoversFound")}</p>
                        <ul class="leftovers">
                            {list
                                .items
                                .into_iter()
                                .map(|item| view! { <Line item chosen /> })
                                .collect_view()}
                        </ul>
                    }
                        .into_any()
                }
            }}
        </Dialog>
    }
}

#[component]
fn Line(item: Leftover, chosen: RwSignal<BTreeSet<String>>) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let Leftover { id, kind, path, bytes, changed_at, models } = item;
    let key = format!("leftoverKind.{}", kind.as_str());
    let label = Signal::derive(move || {
        let kind = words.get(&key);
        if models.is_empty() {
            return kind;
        }
        let of = words.fill("checks.leftoverOf", &[("models", &models.join(", "))]);
        format!("{kind} {of}")
    });
    let mine = id.clone();
    view! {
        <li class="leftovers__line">
            <Checkbox
                ticked=Signal::derive(move || chosen.with(|ids| ids.contains(&mine)).into())
                label=label
                on_toggle=move |_| {
                    chosen.update(|ids| {
                        if !ids.remove(&id) {
                            ids.insert(id.clone());
                        }
                    });
                }
            />
            <span class="num faint">
                {move || changed_at.map(|at| format::age(words, at, stores.now.get()))}
            </span>
            <span class="num">{size::format(bytes)}</span>
            <small class="faint mono cut" title=path.clone()>{path.clone()}</small>
        </li>
    }
}
