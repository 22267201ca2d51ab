//! Reading every model of a server's store, and what was found.

use corral_contract::{
    InstanceId, WireError,
    checks::{DamagedList, call},
    instances::InstanceRef,
    models::OpRef,
    size,
    tasks::{TaskKind, TaskRef, TaskView, call::Cancel},
};
use leptos::prelude::*;

use crate::{
    components::{Button, ButtonKind, Dialog, ErrorCard, Part, ProgressBar, StatusBadge},
    format,
    pages::{advice, sending::Sending},
    state::use_stores,
    words::use_words,
};

/// The dialog. The check goes on when it is closed; the task centre shows it.
#[component]
pub(super) fn CheckStore(id: InstanceId, #[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let sending = Sending::here();
    let (words, stores) = (use_words(), use_stores());
    let failure = RwSignal::new(None::<WireError>);
    let list = RwSignal::new(None::<DamagedList>);
    let name = stores
        .instances
        .with_untracked(|all| all.get(id).map(|each| each.name.clone()))
        .unwrap_or_default();
    let title = Signal::derive(move || words.fill("checks.storeTitle", &[("name", &name)]));
    let task = Memo::new(move |_| {
        stores.tasks.with(|tasks| {
            let mine = |it: &&TaskView| {
                it.kind == TaskKind::Check && it.instance == Some(id) && it.model.is_none()
            };
            tasks.running().find(mine).cloned()
        })
    });
    let runs = Memo::new(move |_| task.with(Option::is_some));
    // At first, and again when a check ends.
    let latest = sending.latest();
    Effect::new(move |_| {
        if !runs.get() {
            latest.ask::<call::Damaged>(InstanceRef { id }, move |answer| match answer {
                Ok(found) => list.set(Some(found)),
                Err(error) => failure.set(Some(error)),
            });
        }
    });
    let begin = Callback::new(move |()| {
        if let Some(task) = task.get_untracked() {
            sending.send::<Cancel>("cancel check", TaskRef { id: task.id });
            return;
        }
        failure.set(None);
        sending.ask::<call::Store>("check", InstanceRef { id }, move |answer| match answer {
            Ok(OpRef { .. }) => {}
            Err(error) => failure.set(Some(error)),
        });
    });
    let footer = move || {
        view! {
            <Button on_press=on_close autofocus=true attr:data-testid="check-store-close">
                {words.signal("common.close")}
            </Button>
            <Button
                kind=ButtonKind::Primary
                icon=icondata::LuShieldCheck
                pending=sending.pending("check")
                on_press=begin
                attr:data-testid="check-store-begin"
            >
                {move || words.get(if runs.get() { "checks.stop" } else { "checks.storeBegin" })}
            </Button>
        }
    };
    view! {
        <Dialog title=title on_close=on_close footer=footer attr:data-testid="dialog-check-store">
            <p>{words.signal("checks.storeText")}</p>
            {move || {
                task.get().and_then(|task| task.figures).map(|figures| {
                    let (done, total) = (size::format(figures.done), size::format(figures.total));
                    let speed = figures.speed.map(format::speed);
                    let mut values = vec![("done", done.as_str()), ("total", total.as_str())];
                    values.extend(speed.as_deref().map(|speed| ("speed", speed)));
                    let text = words.fill("checks.progress", &values);
                    view! {
                        <ProgressBar
                            parts=vec![Part::of(figures.done, figures.total, "busy")]
                            label=Signal::stored(text.clone())
                            process=true
                        />
                        <p class="dim num">{text}</p>
                    }
                })
            }}
            {move || {
                failure.get().map(|error| {
                    view! { <ErrorCard error=Signal::stored(advice::textual(error)) /> }
                })
            }}
            <div role="status">
                {move || list.get().map(|list| view! { <Found list /> })}
            </div>
        </Dialog>
    }
}

#[component]
fn Found(list: DamagedList) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let DamagedList { items, sound, unchecked } = list;
    let (damaged, sound, unchecked) =
        (items.len().to_string(), format::count(sound), format::count(unchecked));
    view! {
        <p class="num" data-testid="check-store-result">
            {move || {
                words.fill(
                    "checks.storeResult",
                    &[("sound", &sound), ("damaged", &damaged), ("unchecked", &unchecked)],
                )
            }}
        </p>
        <ul class="damaged">
            {items
                .into_iter()
                .map(|item| {
                    let n = item.result.damaged.len().to_string();
                    let at = item.result.at;
                    view! {
                        <li>
                            <StatusBadge
                                icon=icondata::LuCircleAlert
                                tone="bad"
                                text=Signal::derive(move || {
                                    words.fill("checks.rowDamaged", &[("n", &n)])
                                })
                            />
                            <span class="cut">{item.name}</span>
                            <span class="num faint">
                                {move || format::age(words, at, stores.now.get())}
                            </span>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
}
