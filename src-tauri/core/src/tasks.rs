//! Tasks: every operation has a row, phases, a log file of its own and a result.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use corral_contract::{
    ErrorCode, InstanceId, ModelId, TaskId, WireError,
    command::Nothing,
    event::AppEvent,
    progress::Progress,
    tasks::{
        Cancelled, Cleared, Figures, LogPage, LogRequest, TaskKind, TaskList, TaskListRequest,
        TaskRef, TaskState, TaskView, call,
    },
};
use tokio_util::sync::CancellationToken;

use crate::{Core, Result, router::Handle};

mod log;
mod many;
mod store;

pub use log::{Level, TaskLog};
pub(crate) use many::{insert_all, keep_all, open_all, tell};
pub(crate) use store::last_of_model;

/// Running tasks.
#[derive(Default)]
pub(crate) struct State {
    running: Mutex<HashMap<TaskId, Running>>,
}

struct Running {
    view: TaskView,
    token: CancellationToken,
    log: Arc<TaskLog>,
}

/// What a new task is about.
#[derive(Debug, Clone)]
pub struct NewTask {
    pub kind: TaskKind,
    pub instance: Option<InstanceId>,
    pub model: Option<ModelId>,
    /// Name of what it works on.
    pub target: String,
    pub can_cancel: bool,
}

/// A running task, held by whoever does the work. Dropping it unfinished marks the task as
/// interrupted.
pub struct Task {
    core: Core,
    id: TaskId,
    token: CancellationToken,
    log: Arc<TaskLog>,
    finished: bool,
}

/// Opens a task: its row first, then its log.
///
/// # Errors
/// Database errors.
pub async fn begin(core: &Core, new: NewTask) -> Result<Task> {
    let view = store::insert(&core.db, &new, core.now()).await?;
    let log = TaskLog::create(&core.config.task_log(view.id));
    Ok(open(core, view, log))
}

/// The task of a row that was just written.
fn open(core: &Core, view: TaskView, log: TaskLog) -> Task {
    let token = core.supervisor.token().child_token();
    let log = Arc::new(log);
    let id = view.id;
    {
        let mut running = core.tasks.running.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = Running { view: view.clone(), token: token.clone(), log: log.clone() };
        running.insert(id, entry);
    }
    core.bus.send(AppEvent::Task(Box::new(view)));
    Task { core: core.clone(), id, token, log, finished: false }
}

impl Task {
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Cancelled when the user cancels the task or Corral ends.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Its log, to be handed to whoever writes it.
    #[must_use]
    pub fn log(&self) -> Arc<TaskLog> {
        self.log.clone()
    }

    /// One line into its log.
    pub fn note(&self, text: impl AsRef<str>) {
        self.log.line(self.core.now(), Level::Info, text.as_ref());
    }

    /// As [`Task::note`], about something that went wrong but does not end the task.
    pub fn warn(&self, text: impl AsRef<str>) {
        self.log.line(self.core.now(), Level::Warn, text.as_ref());
    }

    /// What it does now: a key under `taskPhase.`. Tells the windows and writes a log line.
    pub fn phase(&self, phase: &str) {
        self.note(format!("phase {phase}"));
        self.change(|view| phase.clone_into(&mut view.phase));
    }

    /// As [`Task::phase`], for what nobody knows the amount of: the figures of the phase before say
    /// nothing about it.
    pub fn unmeasured(&self, phase: &str) {
        self.note(format!("phase {phase}"));
        self.change(|view| {
            phase.clone_into(&mut view.phase);
            view.figures = None;
        });
    }

    /// Live figures; the caller keeps them to four per second. Not a log line.
    pub fn progress(&self, progress: Progress) {
        // Sent with the download's own event; kept here for the next snapshot.
        let mut running = self.core.tasks.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = running.get_mut(&self.id) {
            entry.view.progress = Some(progress);
        }
    }

    /// How much was read. Tells the windows; the caller keeps it to four per second.
    pub fn figures(&self, figures: Figures) {
        self.change(|view| view.figures = Some(figures));
    }

    /// Ends it with its result.
    pub async fn finish(self, result: &std::result::Result<(), WireError>) {
        let core = self.core.clone();
        if let Some(view) = self.close(result) {
            keep(&core, view).await;
        }
    }

    /// Ends it with its result, which the caller writes down ([`keep_all`]) and tells ([`tell`]).
    pub(crate) fn close(mut self, result: &std::result::Result<(), WireError>) -> Option<TaskView> {
        let (state, problem) = match result {
            Ok(()) => (TaskState::Done, None),
            Err(error) if error.code == ErrorCode::Cancelled => (TaskState::Cancelled, None),
            Err(error) => (TaskState::Failed, Some(error.clone())),
        };
        self.finished = true;
        match &problem {
            None => self.note(state.as_str()),
            Some(problem) => {
                self.log.line(self.core.now(), Level::Error, &format!("failed: {problem}"));
            }
        }
        ended(&self.core, self.id, state, problem)
    }

    fn change(&self, change: impl FnOnce(&mut TaskView)) {
        let view = {
            let mut running =
                self.core.tasks.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.get_mut(&self.id).map(|entry| {
                change(&mut entry.view);
                entry.view.state = TaskState::Running;
                entry.view.clone()
            })
        };
        if let Some(view) = view {
            self.core.bus.send(AppEvent::Task(Box::new(view)));
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let (core, id) = (self.core.clone(), self.id);
        self.core.supervisor.run("end of a dropped task", async move {
            if let Some(view) = ended(&core, id, TaskState::Interrupted, None) {
                keep(&core, view).await;
            }
        });
    }
}

/// Takes a task out of the running ones; `None` when it ended before.
fn ended(
    core: &Core,
    id: TaskId,
    state: TaskState,
    problem: Option<WireError>,
) -> Option<TaskView> {
    let entry = {
        let mut running = core.tasks.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&id)
    };
    let Running { mut view, .. } = entry?;
    view.state = state;
    view.problem = problem;
    view.finished_at = Some(core.now());
    view.can_cancel = false;
    view.has_log = true;
    Some(view)
}

async fn keep(core: &Core, view: TaskView) {
    if let Err(error) = store::finish(&core.db, &view).await {
        tracing::warn!(task = view.id.0, %error, "result of a task not stored");
    }
    core.bus.send(AppEvent::Task(Box::new(view)));
}

/// Running tasks and the last `finished` others, newest first.
///
/// # Errors
/// Database errors.
pub(crate) async fn recent(core: &Core, finished: u32) -> Result<Vec<TaskView>> {
    let request = TaskListRequest { limit: finished, ..Default::default() };
    let mut items = list(core, &request).await?.items;
    let running = core.tasks.running.lock().unwrap_or_else(PoisonError::into_inner);
    for entry in running.values() {
        if !items.iter().any(|view| view.id == entry.view.id) {
            items.push(entry.view.clone());
        }
    }
    drop(running);
    items.sort_by_key(|view| std::cmp::Reverse(view.id));
    Ok(items)
}

async fn list(core: &Core, request: &TaskListRequest) -> Result<TaskList> {
    let mut list = store::list(&core.db, request).await?;
    let running = core.tasks.running.lock().unwrap_or_else(PoisonError::into_inner);
    for view in &mut list.items {
        if let Some(entry) = running.get(&view.id) {
            *view = entry.view.clone();
        }
    }
    Ok(list)
}

/// Tasks that a crash left open become interrupted; their work is taken up by their domains.
///
/// # Errors
/// Database errors.
pub(crate) async fn recover(core: &Core) -> Result<()> {
    let interrupted = store::interrupt_open(&core.db, core.now()).await?;
    if interrupted > 0 {
        tracing::info!(interrupted, "tasks were open when Corral ended last time");
    }
    Ok(())
}

impl Handle<call::List> for Core {
    async fn handle(&self, request: TaskListRequest) -> Result<TaskList> {
        list(self, &request).await
    }
}

impl Handle<call::Log> for Core {
    async fn handle(&self, request: LogRequest) -> Result<LogPage> {
        let log = {
            let running = self.tasks.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.get(&request.id).map(|entry| entry.log.clone())
        };
        let path = self.config.task_log(request.id);
        let mut page = log::read(path.clone(), request, log).await?;
        if !page.exists
            && let Some(text) = store::short_log(&self.db, request.id).await?
        {
            log::make(path.clone(), text).await?;
            store::log_is_file(&self.db, request.id).await?;
            page = log::read(path, request, None).await?;
        }
        if !page.exists {
            store::log_is_gone(&self.db, request.id).await?;
        }
        Ok(page)
    }
}

impl Handle<call::Cancel> for Core {
    async fn handle(&self, TaskRef { id }: TaskRef) -> Result<Cancelled> {
        let running = self.tasks.running.lock().unwrap_or_else(PoisonError::into_inner);
        let token =
            running.get(&id).filter(|entry| entry.view.can_cancel).map(|entry| &entry.token);
        if let Some(token) = token {
            token.cancel();
        }
        Ok(Cancelled { cancelled: token.is_some() })
    }
}

impl Handle<call::ClearFinished> for Core {
    async fn handle(&self, _: Nothing) -> Result<Cleared> {
        let ids = store::clear_finished(&self.db).await?;
        for id in &ids {
            let file = self.config.task_log(*id);
            if let Err(error) = tokio::fs::remove_file(&file).await
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(task = id.0, %error, "log of a task not removed");
            }
        }
        Ok(Cleared { cleared: ids.len() as u32 })
    }
}
