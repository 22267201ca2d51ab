//! When a server is synced by itself.

use corral_contract::{
    InstanceId, WireError,
    instances::InstanceRef,
    sync::{Rhythm, ScheduleView, SetSchedule, call},
};
use leptos::prelude::*;

use crate::{
    components::{
        Button, ButtonKind, Checkbox, Dialog, ErrorCard, Field, Select, Skeleton, TextInput, Ticked,
    },
    format,
    pages::sending::Sending,
    state::use_stores,
    words::use_words,
};

mod form;

use form::{EXAMPLE, Form, Kind, refusal};

/// The form, as soon as the schedule is known.
#[component]
pub(super) fn ScheduleDialog(
    id: InstanceId,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let sending = Sending::here();
    let (stores, words) = (use_stores(), use_words());
    let form = RwSignal::new(None::<(Form, ScheduleView)>);
    let failed = RwSignal::new(None::<WireError>);
    sending.ask::<call::ReadSchedule>(
        &format!("schedule {id}"),
        InstanceRef { id },
        move |answer| match answer {
            Ok(view) => {
                form.try_set(Some((Form::new(&view), view)));
            }
            Err(problem) => {
                failed.try_set(Some(problem));
            }
        },
    );
    let name = stores.instances.with_untracked(|instances| {
        instances.get(id).map(|each| each.name.clone()).unwrap_or_default()
    });
    let title = Signal::derive(move || words.fill("schedule.title", &[("name", &name)]));
    let save = move |()| {
        let Some((form, _)) = form.get_untracked() else { return };
        form.refused.set(None);
        let request = SetSchedule { id, schedule: untrack(|| form.read()) };
        sending.ask::<call::SaveSchedule>("save schedule", request, move |answer| match answer {
            Ok(_) => {
                sending.good(untrack(|| words.get("schedule.saved")));
                on_close.run(());
            }
            Err(problem) => form.refused.set(Some(problem)),
        });
    };
    let save = Callback::new(save);
    let footer = move || {
        view! {
            <Button on_press=on_close attr:data-testid="schedule-cancel">
                {words.signal("common.cancel")}
            </Button>
            <Button
                kind=ButtonKind::Primary
                pending=sending.pending("save schedule")
                on_press=move |()| save.run(())
                attr:data-testid="schedule-save"
            >
                {words.signal("common.save")}
            </Button>
        }
    };
    view! {
        <Dialog title=title on_close=on_close footer=footer attr:data-testid="dialog-schedule">
            {move || match (form.get(), failed.get()) {
                (Some((form, view)), _) => view! { <Fields form view sending on_save=save /> }.into_any(),
                (None, Some(problem)) => view! { <ErrorCard error=Signal::stored(problem) /> }.into_any(),
                (None, None) => view! { <Skeleton rows=4 /> }.into_any(),
            }}
        </Dialog>
    }
}

#[component]
fn Fields(
    form: Form,
    view: ScheduleView,
    sending: Sending,
    #[prop(into)] on_save: Callback<()>,
) -> impl IntoView {
    let words = use_words();
    let usual = view.usual.rhythm.clone();
    let kinds = Signal::derive(move || {
        let usual = match &usual {
            Rhythm::Every { minutes } => {
                words.fill("schedule.usualEvery", &[("n", &minutes.to_string())])
            }
            _ => words.get("schedule.usualOff"),
        };
        Kind::ALL
            .map(|kind| {
                let text = match kind {
                    Kind::Usual => usual.clone(),
                    kind => words.get(&format!("schedule.{}", kind.as_str())),
                };
                (kind.as_str().to_owned(), text)
            })
            .to_vec()
    });
    // A newer question may be answered before an older one.
    let round = StoredValue::new(0_u32);
    Effect::new(move |_| {
        let schedule = form.read();
        let now = round.get_value() + 1;
        round.set_value(now);
        form.refused.set(None);
        let Some(schedule) = schedule else {
            form.runs.set(Vec::new());
            return;
        };
        sending.ask::<call::Preview>(&format!("preview {now}"), schedule, move |answer| {
            if round.try_get_value() != Some(now) {
                return;
            }
            match answer {
                Ok(preview) => form.runs.set(preview.runs),
                Err(problem) => {
                    form.runs.set(Vec::new());
                    form.refused.set(Some(problem));
                }
            }
        });
    });
    let is = move |kind: Kind| form.kind.get() == kind;
    let error = move |field: &'static str| Signal::derive(move || refusal(form, field, words));
    view! {
        <form
            class="instance-form"
            on:submit=move |event| {
                event.prevent_default();
                on_save.run(());
            }
        >
            <Stand view />
            <Field id="schedule-kind" label=words.signal("schedule.kind")>
                <Select
                    id="schedule-kind"
                    options=kinds
                    value=Signal::derive(move || form.kind.get().as_str().to_owned())
                    on_change=move |to: String| {
                        if let Some(kind) = Kind::ALL.iter().find(|kind| kind.as_str() == to) {
                            form.kind.set(*kind);
                        }
                    }
                    attr:autofocus=true
                    attr:data-testid="schedule-kind"
                />
            </Field>
            <Show when=move || is(Kind::Every)>
                <Field
                    id="schedule-minutes"
                    label=words.signal("schedule.minutes")
                    hint=words.signal("schedule.minutesHint")
                    error=error("minutes")
                >
                    <TextInput id="schedule-minutes" value=form.minutes attr:inputmode="numeric" attr:data-testid="schedule-minutes" />
                </Field>
            </Show>
            <Show when=move || is(Kind::Cron)>
                <Field
                    id="schedule-cron"
                    label=words.signal("schedule.expression")
                    hint=words.signal("schedule.expressionHint")
                    error=error("cron")
                >
                    <TextInput id="schedule-cron" value=form.cron mono=true placeholder=EXAMPLE attr:data-testid="schedule-cron" />
                </Field>
            </Show>
            <Show when=move || is(Kind::Every) || is(Kind::Cron)>
                <Runs form />
                <Field
                    id="schedule-jitter"
                    label=words.signal("schedule.jitter")
                    hint=words.signal("schedule.jitterHint")
                    error=error("jitterSeconds")
                >
                    <TextInput id="schedule-jitter" value=form.jitter attr:inputmode="numeric" attr:data-testid="schedule-jitter" />
                </Field>
            </Show>
            <Show when=move || !is(Kind::Usual)>
                <div class="schedule__ticks">
                    <Tick on=form.on_start key="schedule.onStart" testid="schedule-start" />
                    <Tick on=form.on_wake key="schedule.onWake" testid="schedule-wake" />
                    <Tick on=form.metered key="schedule.metered" testid="schedule-metered" />
                </div>
            </Show>
            <p class="faint">{words.signal("schedule.always")}</p>
            {move || {
                form.refused.get().filter(|problem| !problem.params.contains_key("field")).map(|problem| {
                    view! { <ErrorCard error=Signal::stored(problem) /> }
                })
            }}
            <button type="submit" class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
        </form>
    }
}

/// When it was synced last and will be next.
#[component]
fn Stand(view: ScheduleView) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let ScheduleView { last, next, held, .. } = view;
    let last = move || match last {
        Some(at) => format::age(words, at, stores.now.get()),
        None => words.get("schedule.never"),
    };
    let next = move || match (held, next) {
        (Some(held), _) => words.get(&format!("schedule.held.{}", held.as_str())),
        (None, Some(at)) => format::time_and_day(words, at, stores.now.get()),
        (None, None) => words.get("schedule.notByItself"),
    };
    view! {
        <dl class="facts" data-testid="schedule-stand">
            <dt>{words.signal("schedule.last")}</dt>
            <dd class="num">{last}</dd>
            <dt>{words.signal("schedule.next")}</dt>
            <dd class="num">{next}</dd>
        </dl>
    }
}

/// The next runs of what is written.
#[component]
fn Runs(form: Form) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    view! {
        <div class="schedule__runs" aria-live="polite" data-testid="schedule-runs">
            <span class="dim">{words.signal("schedule.runs")}</span>
            <ol class="num">
                {move || {
                    form.runs
                        .get()
                        .into_iter()
                        .map(|at| view! { <li>{format::time_and_day(words, at, stores.now.get_untracked())}</li> })
                        .collect_view()
                }}
            </ol>
        </div>
    }
}

#[component]
fn Tick(on: RwSignal<bool>, key: &'static str, testid: &'static str) -> impl IntoView {
    let words = use_words();
    view! {
        <Checkbox
            ticked=Signal::derive(move || Ticked::from(on.get()))
            label=words.signal(key)
            on_toggle=move |_| on.update(|on| *on = !*on)
            attr:data-testid=testid
        />
    }
}
