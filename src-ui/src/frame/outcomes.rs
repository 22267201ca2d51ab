//! Says how operations ended, in a toast, when the event of their end comes in.

use corral_contract::{
    event::AppEvent,
    models::{BatchOp, BatchView, ItemState},
    sync::{SyncReport, Trigger},
    tasks::{TaskKind, TaskState, TaskView},
};
use leptos::prelude::*;

use super::toasts::{Offer, Toasts};
use crate::{
    components::Tone,
    state::{Stores, tasks::is_over},
    words::Words,
};

/// Turns ends of operations into toasts.
#[derive(Clone, Copy)]
pub struct Outcomes {
    stores: Stores,
    toasts: Toasts,
    words: Words,
}

impl Outcomes {
    /// Says what it sees in `toasts`.
    #[must_use]
    pub fn new(stores: Stores, toasts: Toasts, words: Words) -> Outcomes {
        Outcomes { stores, toasts, words }
    }

    /// Looks at an event before the stores take it, while they still hold the state before.
    pub fn before(self, event: &AppEvent) {
        untrack(|| match event {
            AppEvent::Task(task) => self.task(task),
            AppEvent::Batch(batch) => self.batch(batch),
            AppEvent::SyncDone(report) => self.sync(report),
            _ => {}
        });
    }

    fn task(self, task: &TaskView) {
        let known = self.stores.tasks.with(|tasks| {
            let running = tasks.get(task.id).is_some_and(|before| !is_over(before.state));
            running && !tasks.in_batch(task.id)
        });
        if !known || !is_over(task.state) || task.kind.shows_its_end() {
            return;
        }
        let name = [("name", task.target.as_str())];
        match (task.state, &task.problem) {
            (TaskState::Done, _) => {
                let text = self.words.fill(&format!("done.{}", task.kind.as_str()), &name);
                let offer = match (task.kind, task.model) {
                    (TaskKind::Rename, Some(model)) => {
                        Offer::NameBack { model, name: task.target.clone() }
                    }
                    _ => Offer::Nothing,
                };
                self.toasts.say(Tone::Good, text, offer);
            }
            (TaskState::Failed, Some(problem)) => {
                let text = self.words.fill(&format!("failed.{}", task.kind.as_str()), &name);
                self.toasts.error(text, problem.clone());
            }
            // That of a download is told where it is cancelled, with the way back.
            (TaskState::Cancelled, _) if task.kind != TaskKind::Pull => {
                let kind = self.words.get(&format!("task.{}", task.kind.as_str()));
                let values = [("task", kind.as_str()), ("name", task.target.as_str())];
                self.toasts.say(
                    Tone::Info,
                    self.words.fill("tasks.cancelled", &values),
                    Offer::Nothing,
                );
            }
            _ => {}
        }
    }

    fn batch(self, batch: &BatchView) {
        let open = self
            .stores
            .tasks
            .with(|tasks| tasks.batch(batch.id).is_none_or(|before| before.finished_at.is_none()));
        if !open || batch.finished_at.is_none() || batch.undone {
            return;
        }
        let done = batch.items.iter().filter(|item| item.state == ItemState::Done).count();
        let failed = batch.items.iter().filter(|item| item.state == ItemState::Failed).count();
        if batch.items.len() == 1 && failed == 0 && batch.op == BatchOp::Delete {
            // Its toast said so when it was hidden.
            return;
        }
        let text = self.words.fill(
            &format!("batchDone.{}", batch.op.as_str()),
            &[("done", &done.to_string()), ("total", &batch.items.len().to_string())],
        );
        let tone = if failed > 0 { Tone::Warning } else { Tone::Good };
        self.toasts.say(tone, text, Offer::Batch(batch.id));
    }

    fn sync(self, report: &SyncReport) {
        if report.trigger != Trigger::User {
            return;
        }
        let name = self.stores.instances.with(|instances| {
            instances.get(report.instance).map(|each| each.name.clone()).unwrap_or_default()
        });
        if report.asks_empty {
            self.toasts.open(Offer::Sync(report.instance));
            return;
        }
        if !report.completed {
            // Who asked for it is told why it failed; one that was stopped found nothing.
            if report.errors.is_empty() {
                self.toasts.say(Tone::Info, self.words.get("sync.stopped"), Offer::Nothing);
            }
            return;
        }
        let text = self.words.fill(
            "sync.done",
            &[
                ("name", &name),
                ("added", &report.added.to_string()),
                ("updated", &report.updated.to_string()),
                ("removed", &report.removed.to_string()),
            ],
        );
        let tone = if report.errors.is_empty() { Tone::Good } else { Tone::Warning };
        self.toasts.say(tone, text, Offer::Report(report.id));
    }
}
