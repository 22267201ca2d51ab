//! Newer versions of installed models: one line above the list, and the dialog behind it.

use std::collections::BTreeSet;

use corral_contract::{
    ModelId, WireError,
    models::ModelRefs,
    size,
    tasks::TaskKind,
    updates::{
        Refused, UpdateList, UpdateState, UpdateView, UpdatesOf,
        call::{Apply, Check, List, Snooze},
    },
};
use leptos::prelude::*;

use super::list::{Open, use_list};
use crate::{
    components::{
        Button, ButtonKind, Checkbox, Dialog, EmptyState, ErrorCard, Glyph, Note, Skeleton, Tone,
    },
    format,
    pages::sending::Sending,
    problem,
    words::{Words, use_words},
};

/// The line; it is not there when there is nothing to say.
#[component]
pub(super) fn RadarLine() -> impl IntoView {
    let (words, list, sending) = (use_words(), use_list(), Sending::here());
    let counts = Memo::new(move |_| {
        list.stores.models.with(|models| {
            let chosen = models.query().instance_id.and(models.chosen.as_ref());
            chosen.unwrap_or(&models.counts).updates
        })
    });
    let some = Memo::new(move |_| counts.with(|counts| counts.models + counts.unproven > 0));
    let later = move |()| {
        let of = UpdatesOf { instance_id: list.scope.chosen.get_untracked() };
        sending.then::<List>("list", of, move |answer| {
            let ids = answer.items.iter().filter(|it| it.state == UpdateState::Available);
            let ids = ids.map(|it| it.model).collect();
            sending.send::<Snooze>("later", ModelRefs { ids });
        });
    };
    view! {
        <Show when=move || some.get()>
            <div class="radar" role="status" data-testid="radar">
                <Glyph icon=icondata::LuCircleArrowUp />
                <span class="radar__text num" data-testid="radar-text">
                    {move || text(words, counts.get())}
                </span>
                <Show when=move || counts.with(|counts| counts.models > 0)>
                    <Button small=true pending=sending.pending("later") on_press=later attr:data-testid="radar-later">
                        {words.signal("updates.later")}
                    </Button>
                </Show>
                <Button
                    small=true
                    kind=ButtonKind::Primary
                    on_press=move |()| list.open.set(Open::Updates)
                    attr:data-testid="radar-open"
                >
                    {move || {
                        words.get(if counts.with(|it| it.models > 0) { "updates.all" } else { "updates.show" })
                    }}
                </Button>
            </div>
        </Show>
    }
}

fn text(words: Words, counts: corral_contract::updates::UpdateCounts) -> String {
    let (models, unproven) = (counts.models.to_string(), counts.unproven.to_string());
    match (counts.models, counts.unproven) {
        (0, _) => words.fill("updates.unproven", &[("n", &unproven)]),
        (_, 0) if counts.bytes == 0 => words.fill("updates.line", &[("n", &models)]),
        _ => words
            .fill("updates.lineBytes", &[("n", &models), ("bytes", &size::format(counts.bytes))]),
    }
}

/// Every update, to be chosen from.
#[component]
pub(super) fn UpdatesDialog() -> impl IntoView {
    let (words, list, sending) = (use_words(), use_list(), Sending::here());
    let view = RwSignal::new(None::<UpdateList>);
    let failure = RwSignal::new(None::<WireError>);
    let refused = RwSignal::new(Vec::<Refused>::new());
    let without = RwSignal::new(BTreeSet::<ModelId>::new());
    let checking = Memo::new(move |_| {
        list.stores.tasks.with(|tasks| tasks.running().any(|task| task.kind == TaskKind::Updates))
    });
    let counts = Memo::new(move |_| list.stores.models.with(|models| models.counts.updates));
    let of = move || UpdatesOf { instance_id: list.scope.chosen.get_untracked() };
    let latest = sending.latest();
    Effect::new(move |_| {
        checking.track();
        counts.track();
        latest.ask::<List>(of(), move |answer| match answer {
            Ok(answer) => view.set(Some(answer)),
            Err(error) => failure.set(Some(error)),
        });
    });
    let chosen = Memo::new(move |_| {
        view.with(|view| {
            let items = view.iter().flat_map(|view| &view.items);
            let open = items.filter(|it| it.state == UpdateState::Available);
            let open = open.filter(|it| !without.with(|without| without.contains(&it.model)));
            open.map(|it| (it.model, it.bytes.unwrap_or(0))).collect::<Vec<_>>()
        })
    });
    let nothing = Signal::derive(move || {
        if chosen.with(Vec::is_empty) { words.get("updates.chooseFirst") } else { String::new() }
    });
    let ids =
        move || ModelRefs { ids: chosen.get_untracked().into_iter().map(|it| it.0).collect() };
    let close = move |()| list.close();
    let footer = move || {
        view! {
            <Button on_press=close autofocus=true attr:data-testid="updates-close">
                {words.signal("common.close")}
            </Button>
            <Button
                reason=nothing
                pending=sending.pending("later")
                on_press=move |()| { sending.send::<Snooze>("later", ids()) }
                attr:data-testid="updates-later"
            >
                {words.signal("updates.later")}
            </Button>
            <Button
                kind=ButtonKind::Primary
                icon=icondata::LuDownload
                reason=nothing
                pending=sending.pending("apply")
                on_press=move |()| {
                    sending.ask::<Apply>("apply", ids(), move |answer| match answer {
                        Ok(answer) if answer.refused.is_empty() => list.close(),
                        Ok(answer) => refused.set(answer.refused),
                        Err(error) => failure.set(Some(error)),
                    });
                }
                attr:data-testid="updates-apply"
            >
                {move || {
                    let (count, bytes) = chosen.with(|all| (all.len(), all.iter().map(|it| it.1).sum()));
                    let bytes = size::format(bytes);
                    words.fill("updates.apply", &[("n", &count.to_string()), ("bytes", &bytes)])
                }}
            </Button>
        }
    };
    view! {
        <Dialog title=words.signal("updates.title") on_close=close footer=footer attr:data-testid="dialog-updates">
            <p class="dim">{words.signal("updates.kept")}</p>
            {move || match view.get() {
                None => view! { <Skeleton rows=3 /> }.into_any(),
                Some(view) if view.items.is_empty() => {
                    view! {
                        <EmptyState icon=icondata::LuCircleCheck title=words.signal("updates.none") />
                    }
                        .into_any()
                }
                Some(view) => {
                    view! {
                        <ul class="updates" data-testid="updates-list">
                            {view.items.into_iter().map(|item| view! { <Line item without /> }).collect_view()}
                        </ul>
                    }
                        .into_any()
                }
            }}
            {move || {
                refused
                    .get()
                    .into_iter()
                    .map(|each| {
                        let text = format!("{}: {}", each.name, problem::reason(words, &each.problem));
                        view! { <Note tone=Tone::Bad>{text}</Note> }
                    })
                    .collect_view()
            }}
            {move || failure.get().map(|error| view! { <ErrorCard error=Signal::stored(error) /> })}
            {move || view.get().map(|view| view! { <Silent view /> })}
            <div class="instance__asks">
                <span class="dim" data-testid="updates-age">
                    {move || {
                        let at = view.with(|view| view.as_ref().and_then(|view| view.checked_at));
                        match at {
                            Some(at) => {
                                let age = format::age(words, at, list.stores.now.get());
                                words.fill("updates.checked", &[("age", &age)])
                            }
                            None => words.get("updates.never"),
                        }
                    }}
                </span>
                <Button
                    small=true
                    icon=icondata::LuRefreshCw
                    pending=Signal::derive(move || checking.get())
                    on_press=move |()| { sending.send::<Check>("check", of()) }
                    attr:data-testid="updates-check"
                >
                    {words.signal("updates.check")}
                </Button>
            </div>
        </Dialog>
    }
}

#[component]
fn Line(item: UpdateView, without: RwSignal<BTreeSet<ModelId>>) -> impl IntoView {
    let words = use_words();
    let (id, can) = (item.model, item.state == UpdateState::Available);
    let name = item.name.clone();
    let bytes = item.bytes.map_or_else(|| words.get("common.none"), size::format);
    let said = details(words, &item);
    view! {
        <li class="updates__row" data-testid=format!("update-{}", item.name)>
            {if can {
                view! {
                    <Checkbox
                        bare=true
                        label=Signal::stored(name)
                        ticked=Signal::derive(move || without.with(|it| !it.contains(&id)).into())
                        on_toggle=move |_| without.update(|it| {
                            if !it.remove(&id) {
                                it.insert(id);
                            }
                        })
                    />
                }
                    .into_any()
            } else {
                view! { <Glyph icon=icondata::LuClock /> }.into_any()
            }}
            <span class="cut">{item.name.clone()}</span>
            <span class="num">{can.then_some(bytes)}</span>
            <span class="dim">
                {item.snoozed.then(|| words.get("updates.snoozed"))}
                {(!can).then(|| words.get(&format!("updates.state.{}", item.state.as_str())))}
            </span>
            <small>{said}</small>
        </li>
    }
}

/// What changed and when it came, as far as it is known.
pub(super) fn details(words: Words, item: &UpdateView) -> String {
    let kinds: Vec<String> = item
        .changed
        .iter()
        .map(|kind| words.get_or(&format!("updates.layer.{kind}"), kind))
        .collect();
    let mut said = Vec::new();
    if !kinds.is_empty() {
        said.push(words.fill("updates.changed", &[("kinds", &kinds.join(", "))]));
    }
    if let Some(at) = item.pushed_at {
        said.push(words.fill("updates.pushed", &[("time", &format::moment(at))]));
    }
    said.join(" · ")
}

/// Models that could not be compared, folded away.
#[component]
fn Silent(view: UpdateList) -> impl IntoView {
    let words = use_words();
    let count = view.unchecked.len().to_string();
    (!view.unchecked.is_empty()).then(|| {
        view! {
            <details data-testid="updates-unchecked">
                <summary class="dim">{words.fill("updates.unchecked", &[("n", &count)])}</summary>
                <ul class="updates">
                    {view
                        .unchecked
                        .into_iter()
                        .map(|each| {
                            let why = words.get(&format!("updates.why.{}", each.why.as_str()));
                            let more = each.problem.as_ref().map(|error| problem::line(words, error));
                            view! {
                                <li class="updates__row">
                                    <span></span>
                                    <span class="cut">{each.name}</span>
                                    <span></span>
                                    <span class="dim">{why}</span>
                                    <small>{more}</small>
                                </li>
                            }
                        })
                        .collect_view()}
                </ul>
            </details>
        }
    })
}
