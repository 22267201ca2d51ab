//! How far it is, and how it went with each model.

use corral_contract::{
    TaskId,
    bundles::{MoveOutcome, MoveState, call},
    tasks::{TaskRef, TaskState, TaskView, call::Cancel},
};
use leptos::prelude::*;

use super::{
    super::list::List,
    shell::{Line, lines},
};
use crate::{
    components::{Button, ButtonKind, Note, Part, ProgressBar, Tone},
    format,
    pages::sending::Sending,
    problem,
    state::tasks::is_over,
    words::Words,
};

/// The work of a dialog, once it has begun.
#[derive(Clone, Copy)]
pub(super) struct Running {
    pub(super) task: RwSignal<Option<TaskId>>,
    list: List,
    words: Words,
    sending: Sending,
}

impl Running {
    pub(super) fn new(list: List, words: Words, sending: Sending) -> Running {
        Running { task: RwSignal::new(None), list, words, sending }
    }

    fn view(self) -> Option<TaskView> {
        let id = self.task.get()?;
        self.list.stores.tasks.with(|tasks| tasks.get(id).cloned())
    }

    pub(super) fn begun(self) -> Signal<bool> {
        Signal::derive(move || self.task.with(Option::is_some))
    }

    /// The buttons once it has begun: the work goes on when the dialog closes.
    pub(super) fn footer(self) -> impl IntoView {
        let runs = Memo::new(move |_| self.view().is_some_and(|view| !is_over(view.state)));
        let stop = move |()| {
            if let Some(id) = self.task.get_untracked() {
                self.sending.send::<Cancel>("cancel", TaskRef { id });
            }
        };
        view! {
            <Show when=move || runs.get()>
                <Button kind=ButtonKind::Ghost on_press=stop attr:data-testid="moving-stop">
                    {self.words.signal("moving.stop")}
                </Button>
            </Show>
            <Button
                autofocus=true
                on_press=move |()| self.list.close()
                attr:data-testid="moving-close"
            >
                {move || {
                    let key = if runs.get() { "moving.background" } else { "common.close" };
                    self.words.get(key)
                }}
            </Button>
        }
    }
}

/// Progress, then the result.
#[component]
pub(super) fn Progress(running: Running) -> impl IntoView {
    let Running { words, sending, .. } = running;
    let outcome = RwSignal::new(None::<MoveOutcome>);
    let over =
        Memo::new(move |_| running.view().filter(|view| is_over(view.state)).map(|it| it.id));
    Effect::new(move |_| {
        if let Some(id) = over.get() {
            sending.ask::<call::Outcome>("outcome", TaskRef { id }, move |answer| {
                // Without one there is still what the task says.
                outcome.set(answer.ok());
            });
        }
    });
    let bar = move || {
        let view = running.view().filter(|view| !is_over(view.state))?;
        let phase = words.get_or(&format!("taskPhase.{}", view.phase), &view.phase);
        let text = match view.figures {
            Some(figures) => {
                let part = format::part(figures.done, figures.total);
                let speed = figures.speed.map(format::speed).unwrap_or_default();
                words.fill(
                    "moving.progress",
                    &[("phase", &phase), ("part", &part), ("speed", &speed)],
                )
            }
            None => phase,
        };
        let (done, total) = view.figures.map_or((0, 0), |it| (it.done, it.total));
        Some(view! {
            <ProgressBar
                parts=vec![Part::of(done, total.max(1), "busy")]
                label=Signal::stored(text.clone())
                process=true
            />
            <p class="dim num" data-testid="moving-progress">{text}</p>
        })
    };
    let result = move || {
        let view = running.view().filter(|view| is_over(view.state))?;
        let (tone, text) = match (view.state, &view.problem) {
            (TaskState::Done, _) => (Tone::Good, words.get("moving.done")),
            (TaskState::Failed, Some(trouble)) => (Tone::Bad, problem::line(words, trouble)),
            _ => (Tone::Warning, words.get("moving.stopped")),
        };
        let advice = view.problem.as_ref().map(|trouble| {
            let told = problem::describe(words, trouble);
            view! { <p class="dim">{told.cause} " " {told.advice}</p> }
        });
        Some(view! {
            <Note tone=tone>
                <span data-testid="moving-result">{text}</span>
                {advice}
            </Note>
        })
    };
    let items = move || {
        let items = outcome.get()?.items;
        let line = |item: corral_contract::bundles::MovedItem| {
            let look = match item.state {
                MoveState::Done | MoveState::Present => (icondata::LuCircleCheck, "ok"),
                MoveState::Rebuilt => (icondata::LuCircleCheck, "warn"),
                MoveState::Failed => (icondata::LuCircleAlert, "bad"),
                MoveState::Waiting => (icondata::LuCircleDashed, "off"),
            };
            Line {
                name: item.name,
                look: Some(look),
                end: words.get(&format!("moveState.{}", item.state.as_str())),
                why: item.problem.map(|it| problem::reason(words, &it)).unwrap_or_default(),
                faint: false,
            }
        };
        Some(lines(items.into_iter().map(line).collect(), "moving-items"))
    };
    view! {
        <div class="create" role="status">
            {bar}
            {result}
            {items}
        </div>
    }
}
