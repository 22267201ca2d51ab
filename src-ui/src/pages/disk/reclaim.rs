//! What could go: chosen, summed up, asked once more, then done as a task.

use std::collections::BTreeSet;

use corral_contract::{
    TaskId, WireError,
    disk::{ReclaimChoice, ReclaimItem, ReclaimItems, ReclaimKind, Safety, call},
    size,
};
use leptos::prelude::*;

use super::{Disk, result::Results};
use crate::{
    components::{
        Button, ButtonKind, Checkbox, Dialog, DialogFoot, EmptyState, ErrorCard, Select, Tag,
    },
    format,
    pages::advice,
    state::use_stores,
    words::use_words,
};

/// Items that are listed; choosing what nobody needs takes all.
const LISTED: usize = 300;
/// Days that can be chosen; 0 = models are not suggested.
const DAYS: [u32; 6] = [0, 14, 30, 60, 90, 180];

/// The list.
#[component]
pub(super) fn Reclaim(disk: Disk) -> impl IntoView {
    let words = use_words();
    let chosen = RwSignal::new(BTreeSet::<String>::new());
    let asking = RwSignal::new(false);
    let running = RwSignal::new(None::<TaskId>);
    let items = Memo::new(move |_| {
        disk.view.with(|view| view.as_ref().map(|view| view.items.clone()).unwrap_or_default())
    });
    Effect::new(move |_| {
        items.with(|items| {
            chosen.update(|ids| ids.retain(|id| items.iter().any(|item| item.id == *id)));
        });
    });
    let picked = Memo::new(move |_| {
        items.with(|items| {
            chosen.with(|ids| {
                let picked = items.iter().filter(|item| ids.contains(&item.id));
                picked.cloned().collect::<Vec<_>>()
            })
        })
    });
    let bytes =
        Memo::new(move |_| picked.with(|items| items.iter().map(|item| item.bytes).sum::<u64>()));
    let days = Signal::derive(move || {
        let text = |days: u32| match days {
            0 => words.get("disk.unusedNever"),
            days => words.fill("disk.days", &[("n", &days.to_string())]),
        };
        DAYS.map(|days| (days.to_string(), text(days))).to_vec()
    });
    let safe = move |()| {
        items.with_untracked(|items| {
            let safe = items.iter().filter(|item| item.safety == Safety::Safe);
            chosen.set(safe.map(|item| item.id.clone()).collect());
        });
    };
    let reason = Signal::derive(move || {
        if chosen.with(BTreeSet::is_empty) { words.get("disk.cleanNothing") } else { String::new() }
    });
    let listed = move || items.with(|items| items.iter().take(LISTED).cloned().collect::<Vec<_>>());
    let rest = move || items.with(Vec::len).saturating_sub(LISTED);
    view! {
        <div class="disk__bar">
            <span class="dim">{words.signal("disk.unused")}</span>
            <Select
                id="disk-unused"
                label=words.signal("disk.unused")
                options=days
                value=Signal::derive(move || disk.unused_days.get().to_string())
                on_change=move |to: String| {
                    if let Ok(days) = to.parse() {
                        disk.unused_days.set(days);
                    }
                }
                attr:data-testid="disk-unused"
            />
            <span class="page__gap"></span>
            <Button small=true kind=ButtonKind::Ghost on_press=safe attr:data-testid="reclaim-safe">
                {words.signal("disk.chooseSafe")}
            </Button>
            <Show when=move || !chosen.with(BTreeSet::is_empty)>
                <Button
                    small=true
                    kind=ButtonKind::Ghost
                    on_press=move |()| chosen.update(BTreeSet::clear)
                >
                    {words.signal("disk.chooseNone")}
                </Button>
            </Show>
            <Button
                kind=ButtonKind::Danger
                icon=icondata::LuTrash2
                reason=reason
                on_press=move |()| asking.set(true)
                attr:data-testid="reclaim-clean"
            >
                {move || words.fill("disk.clean", &[("bytes", &size::format(bytes.get()))])}
            </Button>
        </div>
        <p class="dim">{words.signal("disk.reclaimHint")}</p>
        <Show
            when=move || !items.with(Vec::is_empty)
            fallback=move || {
                view! {
                    <EmptyState
                        icon=icondata::LuCircleCheck
                        title=words.signal("disk.nothing")
                        text=words.signal("disk.nothingText")
                    />
                }
            }
        >
            <ul class="disk__items" data-testid="reclaim-items">
                <For
                    each=listed
                    key=|item| (item.id.clone(), item.mark.clone(), item.bytes)
                    let:item
                >
                    <Line item chosen />
                </For>
            </ul>
            {move || {
                Some(rest()).filter(|rest| *rest > 0).map(|rest| {
                    view! {
                        <p class="dim">{words.fill("models.andMore", &[("n", &rest.to_string())])}</p>
                    }
                })
            }}
        </Show>
        {move || {
            asking.get().then(|| view! { <Ask disk picked asking running chosen /> })
        }}
        {move || running.get().map(|task| view! { <Results task on_close=move |()| running.set(None) /> })}
    }
}

#[component]
fn Line(item: ReclaimItem, chosen: RwSignal<BTreeSet<String>>) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let ReclaimItem { id, kind, safety, label, models, bytes, changed_at, .. } = item;
    let named = matches!(kind, ReclaimKind::Model | ReclaimKind::Trash);
    let (key, name) = (format!("reclaimKind.{}", kind.as_str()), label.clone());
    let of = models.join(", ");
    let text = Signal::derive(move || {
        let kind = words.get(&key);
        if named {
            return words.fill("disk.part", &[("name", &name), ("bytes", &kind)]);
        }
        if of.is_empty() {
            return kind;
        }
        let of = words.fill("disk.of", &[("models", &of)]);
        words.fill("disk.part", &[("name", &kind), ("bytes", &of)])
    });
    let mine = id.clone();
    let safety = format!("safety.{}", safety.as_str());
    view! {
        <li class="disk__item" data-testid=format!("reclaim-{}", kind.as_str())>
            <Checkbox
                ticked=Signal::derive(move || chosen.with(|ids| ids.contains(&mine)).into())
                label=text
                on_toggle=move |_| {
                    chosen.update(|ids| {
                        if !ids.remove(&id) {
                            ids.insert(id.clone());
                        }
                    });
                }
            />
            <Tag>{words.signal_of(safety)}</Tag>
            <span class="num faint">
                {move || changed_at.map(|at| format::age(words, at, stores.now.get()))}
            </span>
            <span class="num disk__bytes">{size::format(bytes)}</span>
            {(!named).then(|| {
                view! { <small class="faint mono cut" title=label.clone()>{label.clone()}</small> }
            })}
        </li>
    }
}

/// The question before anything goes.
#[component]
fn Ask(
    disk: Disk,
    picked: Memo<Vec<ReclaimItem>>,
    asking: RwSignal<bool>,
    running: RwSignal<Option<TaskId>>,
    chosen: RwSignal<BTreeSet<String>>,
) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let failure = RwSignal::new(None::<WireError>);
    // What is asked about stays what it is while the dialog is open.
    let items = StoredValue::new(picked.get_untracked());
    let (count, bytes, models) = items.with_value(|items| {
        let models = items.iter().filter(|item| item.kind == ReclaimKind::Model).count();
        (items.len().to_string(), items.iter().map(|item| item.bytes).sum::<u64>(), models)
    });
    let instance = disk.instance;
    let title = Signal::derive(move || {
        let name = stores.instances.with(|all| all.get(instance).map(|each| each.name.clone()));
        words.fill("disk.askTitle", &[("n", &count), ("name", &name.unwrap_or_default())])
    });
    let close = Callback::new(move |()| asking.set(false));
    let go = move |()| {
        failure.set(None);
        let choice =
            |item: &ReclaimItem| ReclaimChoice { id: item.id.clone(), mark: item.mark.clone() };
        let items = items.with_value(|items| items.iter().map(choice).collect());
        let request = ReclaimItems { instance, items };
        disk.sending.ask::<call::Reclaim>("reclaim", request, move |answer| match answer {
            Ok(begun) => {
                chosen.update(BTreeSet::clear);
                asking.set(false);
                running.set(Some(begun.task));
            }
            Err(error) => failure.set(Some(error)),
        });
    };
    let footer = move || {
        view! {
            <DialogFoot
                cancel="reclaim-cancel"
                submit="reclaim-confirm"
                go=Signal::stored(words.fill("disk.clean", &[("bytes", &size::format(bytes))]))
                kind=ButtonKind::Danger
                icon=icondata::LuTrash2
                pending=disk.sending.pending("reclaim")
                on_go=go
                autofocus=true
                on_close=close
            />
        }
    };
    view! {
        <Dialog title=title on_close=close footer=footer narrow=true attr:data-testid="dialog-reclaim">
            {move || {
                failure.get().map(|error| {
                    view! { <ErrorCard error=Signal::stored(advice::textual(error)) /> }
                })
            }}
            <p>{words.fill("disk.askText", &[("bytes", &size::format(bytes))])}</p>
            {(models > 0).then(|| {
                view! { <p class="dim">{words.fill("disk.askModels", &[("n", &models.to_string())])}</p> }
            })}
        </Dialog>
    }
}
