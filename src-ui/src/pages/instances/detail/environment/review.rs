//! What a change would write, line by line, before it is written.

use corral_contract::{
    InstanceId, TaskId, WireError,
    environment::{ApplyEnvironment, EnvironmentChange, EnvironmentPreview, Side, call},
    instances::{InstanceRef, call::Steering},
    models::OpRef,
    steering::SteeringView,
};
use leptos::prelude::*;

use super::{
    super::super::steer::{Agreement, agreed},
    Values,
};
use crate::{
    components::{Button, ButtonKind, Dialog, ErrorCard, Note, Skeleton, Tone},
    pages::{advice, sending::Sending},
    state::use_stores,
    words::use_words,
};

/// The dialog.
#[component]
pub(super) fn Review(
    id: InstanceId,
    values: Values,
    /// It was begun, as this task.
    #[prop(into)]
    on_begun: Callback<TaskId>,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let sending = Sending::here();
    let (words, stores) = (use_words(), use_stores());
    let name = stores
        .instances
        .with_untracked(|all| all.get(id).map(|view| view.name.clone()).unwrap_or_default());
    let title = Signal::derive(move || words.fill("environment.reviewTitle", &[("name", &name)]));
    let seen = RwSignal::new(None::<EnvironmentPreview>);
    let steering = RwSignal::new(None::<SteeringView>);
    let failure = RwSignal::new(None::<WireError>);
    let always = RwSignal::new(false);
    let request = EnvironmentChange { id, values: values.clone() };
    sending.ask::<call::Preview>("preview", request, move |answer| match answer {
        Ok(preview) => seen.set(Some(preview)),
        Err(error) => failure.set(Some(error)),
    });
    sending.ask::<Steering>("preview steering", InstanceRef { id }, move |answer| match answer {
        Ok(view) => steering.set(Some(view)),
        Err(error) => failure.set(Some(error)),
    });
    let values = StoredValue::new(values);
    let send = move || {
        let Some(mark) = seen.with_untracked(|seen| seen.as_ref().map(|it| it.mark.clone())) else {
            return;
        };
        let request = ApplyEnvironment { id, values: values.get_value(), mark };
        sending.ask::<call::Apply>("apply", request, move |answer| match answer {
            Ok(OpRef { task }) => {
                on_begun.run(task);
                on_close.run(());
            }
            Err(error) => failure.set(Some(error)),
        });
    };
    let apply = move |()| {
        failure.set(None);
        let consent = steering.with_untracked(|it| it.as_ref().map(|it| it.consent));
        agreed(sending, id, consent, always.get_untracked(), move |_| send());
    };
    let restarts = Memo::new(move |_| seen.with(|it| it.as_ref().is_some_and(|it| it.restarts)));
    let possible = Memo::new(move |_| {
        seen.with(|it| it.as_ref().is_some_and(EnvironmentPreview::possible))
            && steering.with(Option::is_some)
    });
    let footer = move || {
        view! {
            <Button on_press=on_close autofocus=true attr:data-testid="review-cancel">
                {words.signal("common.cancel")}
            </Button>
            <Show when=move || possible.get()>
                <Button
                    kind=ButtonKind::Primary
                    pending=sending.pending("apply")
                    on_press=apply
                    attr:data-testid="review-apply"
                >
                    {move || {
                        words.get(if restarts.get() {
                            "environment.apply"
                        } else {
                            "environment.applyStopped"
                        })
                    }}
                </Button>
            </Show>
        }
    };
    view! {
        <Dialog
            title=title
            on_close=on_close
            footer=footer
            wide=true
            attr:data-testid="dialog-environment"
        >
            {move || {
                failure.get().map(|error| {
                    view! { <ErrorCard error=Signal::stored(advice::textual(error)) /> }
                })
            }}
            {move || match seen.get() {
                None if failure.with(Option::is_some) => ().into_any(),
                None => view! { <Skeleton rows=5 /> }.into_any(),
                Some(preview) => view! { <Preview preview steering always /> }.into_any(),
            }}
        </Dialog>
    }
}

#[component]
fn Preview(
    preview: EnvironmentPreview,
    steering: RwSignal<Option<SteeringView>>,
    always: RwSignal<bool>,
) -> impl IntoView {
    let words = use_words();
    let EnvironmentPreview { lines, problems, warnings, restarts, equivalent, .. } = preview;
    let problems: Vec<_> = problems
        .into_iter()
        .map(|problem| {
            let reason = words.get(&format!("reason.{}", problem.reason));
            view! {
                <Note tone=Tone::Bad icon=icondata::LuCircleAlert>
                    <strong>{problem.name}</strong>
                    " "
                    {reason}
                </Note>
            }
        })
        .collect();
    let warnings: Vec<_> = warnings
        .into_iter()
        .map(|warning| {
            let key = format!("environment.warning.{}", warning.as_str());
            view! {
                <Note tone=Tone::Warning icon=icondata::LuTriangleAlert>
                    {words.signal_of(key)}
                </Note>
            }
        })
        .collect();
    let lines: Vec<_> = lines
        .into_iter()
        .map(|line| {
            let (class, sign) = match line.side {
                Side::Both => ("diff__line", "  "),
                Side::Before => ("diff__line diff__line--gone", "- "),
                Side::After => ("diff__line diff__line--new", "+ "),
            };
            view! { <span class=class>{format!("{sign}{}\n", line.text)}</span> }
        })
        .collect();
    view! {
        {problems}
        {warnings}
        <pre
            class="diff"
            tabindex="0"
            role="region"
            aria-label=words.signal("environment.diff")
            data-testid="review-diff"
        >
            {lines}
        </pre>
        <p>
            {words.signal(if restarts { "environment.restartText" } else { "environment.writeText" })}
        </p>
        {move || {
            steering.get().map(|seen| {
                let lines = equivalent.clone();
                view! { <Agreement seen lines always /> }
            })
        }}
    }
}
