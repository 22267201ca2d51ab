//! Whether the files of a model are what they should be, and whether it answers.

use std::sync::Arc;

use corral_contract::{
    ModelId,
    checks::{DamagedLayer, RepairModel, SmokeOutcome, SmokeResult, call},
    models::{ModelDetail, ModelRef, OpRef},
    size,
    status::{Run, Status},
    tasks::{TaskKind, TaskRef, call::Cancel},
};
use leptos::prelude::*;

use super::super::{cells::Row, list::use_list};
use crate::{
    components::{
        Button, ButtonKind, Dialog, DialogFoot, Note, Part, ProgressBar, StatusBadge, Tone,
    },
    format,
    pages::sending::Sending,
    problem,
    words::{Words, use_words},
};

/// The section of the first tab.
#[component]
pub(super) fn Files(row: Row, detail: Arc<ModelDetail>) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let sending = Sending::here();
    let id = detail.row.id;
    let asking = RwSignal::new(false);
    let running = Memo::new(move |_| {
        list.stores.tasks.with(|tasks| {
            let mine = |kind| tasks.running().find(|it| it.kind == kind && it.model == Some(id));
            mine(TaskKind::Check).or_else(|| mine(TaskKind::Repair)).cloned()
        })
    });
    let trying = Memo::new(move |_| {
        list.stores.tasks.with(|tasks| {
            tasks.running().any(|it| it.kind == TaskKind::Smoke && it.model == Some(id))
        })
    });
    let begin = move |()| match running.get_untracked() {
        Some(task) => sending.send::<Cancel>("cancel check", TaskRef { id: task.id }),
        None => sending.then::<call::Model>("check", ModelRef { id }, |OpRef { .. }| {}),
    };
    let progress = move || {
        let figures = running.get()?.figures?;
        let (done, total) = (size::format(figures.done), size::format(figures.total));
        let speed = figures.speed.map(format::speed);
        let mut values = vec![("done", done.as_str()), ("total", total.as_str())];
        values.extend(speed.as_deref().map(|speed| ("speed", speed)));
        Some((
            Part::of(figures.done, figures.total, "busy"),
            words.fill("checks.progress", &values),
        ))
    };
    let check = detail.check.clone();
    let damaged = check.as_ref().map(|check| check.damaged.clone()).unwrap_or_default();
    let said = move || match &check {
        None => words.get("checks.never"),
        Some(check) => {
            let age = format::age(words, check.at, list.stores.now.get());
            if check.damaged.is_empty() {
                let bytes = size::format(check.bytes);
                words.fill("checks.sound", &[("age", &age), ("bytes", &bytes)])
            } else {
                let n = check.damaged.len().to_string();
                words.fill("checks.damaged", &[("age", &age), ("n", &n)])
            }
        }
    };
    let smoke = detail.smoke.clone();
    let tried = move || smoke_line(words, smoke.as_ref(), list.stores.now.get());
    let offline = Signal::derive(move || {
        let online = row.with(|row| row.as_ref().is_some_and(|row| row.online));
        if online { String::new() } else { words.get("why.offline") }
    });
    let cloud = detail.row.cloud;
    (!cloud).then(|| view! {
        <section class="detail__section" data-testid="detail-files">
            <div class="detail__head">
                <h3>{words.signal("checks.title")}</h3>
                <span class="detail__buttons">
                    <Button
                        small=true
                        icon=icondata::LuActivity
                        pending=trying
                        reason=offline
                        on_press=move |()| {
                            sending.then::<call::Smoke>("smoke", ModelRef { id }, |OpRef { .. }| {});
                        }
                        attr:data-testid="detail-smoke"
                    >
                        {words.signal("checks.smoke")}
                    </Button>
                    <Button
                        small=true
                        icon=icondata::LuShieldCheck
                        pending=sending.pending("check")
                        on_press=begin
                        attr:data-testid="detail-check"
                    >
                        {move || {
                            let stop = running.with(Option::is_some);
                            words.get(if stop { "checks.stop" } else { "checks.check" })
                        }}
                    </Button>
                </span>
            </div>
            {move || match progress() {
                Some((part, text)) => {
                    let label = text.clone();
                    view! {
                        <ProgressBar parts=vec![part] label=Signal::stored(label) process=true />
                        <p class="dim num">{text}</p>
                    }
                        .into_any()
                }
                None => view! { <p class="dim" role="status">{said.clone()}</p> }.into_any(),
            }}
            <p class="dim" data-testid="detail-smoke-result">{tried}</p>
            <Damaged damaged=damaged.clone() />
            {(!damaged.is_empty()).then(|| view! {
                <div>
                    <Button
                        kind=ButtonKind::Primary
                        small=true
                        icon=icondata::LuDownload
                        reason=offline
                        pending=Signal::derive(move || running.with(Option::is_some))
                        on_press=move |()| asking.set(true)
                        attr:data-testid="detail-repair"
                    >
                        {words.signal("checks.repair")}
                    </Button>
                </div>
            })}
            {move || asking.get().then(|| {
                view! { <RepairQuestion id row sending on_close=move |()| asking.set(false) /> }
            })}
        </section>
    })
}

fn smoke_line(
    words: Words,
    smoke: Option<&SmokeResult>,
    now: corral_contract::Timestamp,
) -> String {
    let Some(smoke) = smoke else { return words.get("checks.smokeNever") };
    let age = format::age(words, smoke.at, now);
    match smoke.outcome {
        SmokeOutcome::Passed => {
            let time = format::span(words, smoke.ms.unwrap_or(0).div_ceil(1000));
            words.fill("checks.smokePassed", &[("age", &age), ("time", &time)])
        }
        SmokeOutcome::Failed => {
            let reason = smoke.problem.as_ref().map(|error| problem::reason(words, error));
            let reason = reason.unwrap_or_else(|| words.get("smokeOutcome.failed"));
            words.fill("checks.smokeFailed", &[("age", &age), ("reason", &reason)])
        }
        SmokeOutcome::NotTested => words.fill("checks.smokeNotTested", &[("age", &age)]),
    }
}

/// Layers with what is wrong with each.
#[component]
fn Damaged(damaged: Vec<DamagedLayer>) -> impl IntoView {
    let words = use_words();
    (!damaged.is_empty()).then(|| view! {
        <ul class="damaged" data-testid="detail-damaged">
            {damaged
                .into_iter()
                .map(|layer| {
                    let key = format!("damage.{}", layer.why.as_str());
                    view! {
                        <li>
                            <StatusBadge
                                icon=icondata::LuCircleAlert
                                tone="bad"
                                text=words.signal_of(key)
                            />
                            <span class="cut" title=layer.digest.clone()>
                                {layer.kind} " "
                                <span class="mono dim">
                                    {format::short_digest(&layer.digest).to_owned()}
                                </span>
                                {layer.detail.map(|text| view! { <small class="faint">" · " {text}</small> })}
                            </span>
                            <span class="num">{size::format(layer.bytes)}</span>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    })
}

/// Whoever uses the model is interrupted when it runs.
#[component]
fn RepairQuestion(
    id: ModelId,
    row: Row,
    sending: Sending,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let words = use_words();
    let name = row.with_untracked(|row| row.as_ref().map(|row| row.name.clone()));
    let name = name.unwrap_or_default();
    let title = Signal::derive(move || words.fill("checks.repairTitle", &[("name", &name)]));
    let runs = move || {
        row.with(|row| {
            row.as_ref()
                .is_some_and(|row| row.run == Run::Running || matches!(row.status, Status::Running))
        })
    };
    let go = Callback::new(move |()| {
        on_close.run(());
        let request = RepairModel { id, stop: true };
        sending.then::<call::Repair>("repair", request, |OpRef { .. }| {});
    });
    let footer = move || {
        view! {
            <DialogFoot
                cancel="repair-cancel"
                submit="repair-confirm"
                go=words.signal("checks.repair")
                on_go=go
                autofocus=true
                on_close=on_close
            />
        }
    };
    view! {
        <Dialog title=title on_close=on_close footer=footer narrow=true attr:data-testid="dialog-repair">
            <p>{words.signal("checks.repairText")}</p>
            {move || {
                let tone = if runs() { Tone::Warning } else { Tone::default() };
                view! { <Note tone=tone>{words.signal("checks.repairRunning")}</Note> }
            }}
        </Dialog>
    }
}
