//! Starting, stopping and restarting, as a task that ends when the server answers or does not.

use std::{sync::Arc, time::Duration};

use corral_contract::{ErrorCode, InstanceId, TaskId, WireError, models::OpRef, tasks::TaskKind};
use tokio::time::Instant;

use super::{ServiceControl, Verb, control_of, last_lines, store};
use crate::{
    Core, Result, instances,
    ollama::OllamaApi,
    signal::Signal,
    tasks::{self, NewTask, Task},
};

/// How often a server is asked whether it answers.
const LOOK: Duration = Duration::from_millis(200);
/// How long one question may take meanwhile.
const QUESTION: Duration = Duration::from_secs(3);
/// How long a server may go on answering after it was stopped.
const SILENCE: Duration = Duration::from_secs(15);
/// Lines of its log that tell why a server does not run.
const LINES: usize = 12;

/// Who has a server.
#[derive(Clone, Copy)]
pub(super) struct Held {
    operation: TaskKind,
    task: Option<TaskId>,
}

/// Keeps a server for one operation that may silence it: starting, stopping, setting it up, moving
/// its folder, exchanging its program. Dropping it lets the next one begin.
pub(crate) struct Turn {
    core: Core,
    id: InstanceId,
}

impl Turn {
    /// # Errors
    /// As [`free`].
    pub(crate) fn take(core: &Core, id: InstanceId, operation: TaskKind) -> Result<Turn> {
        let mut turns = core.steering.turns();
        if let Some(held) = turns.get(&id) {
            return Err(busy(*held));
        }
        turns.insert(id, Held { operation, task: None });
        drop(turns);
        Ok(Turn { core: core.clone(), id })
    }

    /// It is this task's from now on.
    pub(crate) fn of(&self, task: TaskId) {
        if let Some(held) = self.core.steering.turns().get_mut(&self.id) {
            held.task = Some(task);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.core.steering.turns().remove(&self.id);
    }
}

/// Whether nothing is done to a server now.
///
/// # Errors
/// `BUSY` naming the operation, and its task once it has one.
pub(crate) fn free(core: &Core, id: InstanceId) -> Result<()> {
    core.steering.turns().get(&id).map_or(Ok(()), |held| Err(busy(*held)))
}

fn busy(held: Held) -> WireError {
    let busy = WireError::new(ErrorCode::Busy).with("operation", held.operation.as_str());
    match held.task {
        Some(task) => busy.with("task", task),
        None => busy,
    }
}

/// Begins one. Refused before there is a task: what cannot be done, and what nobody allowed.
///
/// # Errors
/// `NOT_FOUND`, `WRONG_STATE` where nothing here can do it, `DENIED` where the user has to agree
/// first, `BUSY`.
pub(super) async fn begin(core: &Core, id: InstanceId, verb: Verb) -> Result<OpRef> {
    let control = control_of(core, id).await?;
    let powers = control.powers();
    let can = match verb {
        Verb::Start => powers.start,
        Verb::Stop => powers.stop,
        Verb::Restart => powers.start && powers.stop,
    };
    if !can {
        let error = WireError::new(ErrorCode::ServiceMissing);
        return Err(error.with("reason", powers.why_not.unwrap_or("nothingHere")));
    }
    let kind = match verb {
        Verb::Start => TaskKind::StartServer,
        Verb::Stop => TaskKind::StopServer,
        Verb::Restart => TaskKind::RestartServer,
    };
    let turn = Turn::take(core, id, kind)?;
    consent(core, id, &*control).await?;
    let task = open(core, id, kind).await?;
    turn.of(task.id());
    let op = OpRef { task: task.id() };
    let worker = core.clone();
    core.supervisor.run("steering", async move {
        let done = perform(&worker, id, &control, verb, &task).await;
        instances::look_now(&worker, id).await;
        drop(turn);
        task.finish(&done).await;
    });
    Ok(op)
}

/// A task about a server.
///
/// # Errors
/// `NOT_FOUND`, database errors.
pub(crate) async fn open(core: &Core, id: InstanceId, kind: TaskKind) -> Result<Task> {
    let target = instances::view(core, id).await?.name;
    let new = NewTask { kind, instance: Some(id), model: None, target, can_cancel: true };
    tasks::begin(core, new).await
}

/// Whether the user allowed for good that a server is touched which is not Corral's.
///
/// # Errors
/// Database errors.
pub(crate) async fn allowed(core: &Core, id: InstanceId) -> Result<bool> {
    store::allowed(&core.db, id).await
}

/// Whether a server may be touched. What was allowed once is used up.
///
/// # Errors
/// `DENIED` where the user has to agree first.
pub(crate) async fn consent(
    core: &Core,
    id: InstanceId,
    control: &dyn ServiceControl,
) -> Result<()> {
    let once = || {
        let mut once = core.steering.once.lock();
        once.as_mut().map(|once| once.remove(&id)).unwrap_or(false)
    };
    if control.powers().ours || store::allowed(&core.db, id).await? || once() {
        Ok(())
    } else {
        Err(WireError::new(ErrorCode::Denied).with("reason", "notOurs"))
    }
}

async fn perform(
    core: &Core,
    id: InstanceId,
    control: &Arc<dyn ServiceControl>,
    verb: Verb,
    task: &Task,
) -> Result<()> {
    for line in control.equivalent(verb) {
        task.note(format!("as if: {line}"));
    }
    task.phase(match verb {
        Verb::Start => "startingServer",
        Verb::Stop => "stoppingServer",
        Verb::Restart => "restartingServer",
    });
    let client = instances::client(core, id)?;
    if verb == Verb::Stop {
        // Before it goes: then nobody misses it.
        core.signals.send(Signal::StoppedByUser(id));
    }
    let token = task.token();
    let work = async {
        control.act(verb).await?;
        match verb {
            Verb::Stop => {
                task.phase("untilSilent");
                silent(&*client).await
            }
            Verb::Start | Verb::Restart => {
                task.phase("untilAnswering");
                answering(core, &**control, &*client).await.map(drop)
            }
        }
    };
    let done = tokio::select! {
        done = work => done,
        () = token.cancelled() => Err(WireError::new(ErrorCode::Cancelled)),
    };
    if verb != Verb::Stop && done.is_ok() {
        core.signals.send(Signal::StartedByUser(id));
    }
    if let Err(error) = &done
        && error.code != ErrorCode::Cancelled
    {
        for line in last_lines(&*core.config.steering.outside, &control.log(), LINES).await {
            task.warn(line);
        }
    }
    done
}

/// Waits until a server answers, and says which version it is.
///
/// # Errors
/// `SERVICE_REFUSED` when the system gave up on it, `TIMED_OUT`; both with the last lines that it
/// wrote.
pub(crate) async fn answering(
    core: &Core,
    control: &dyn ServiceControl,
    client: &dyn OllamaApi,
) -> Result<String> {
    let around = &core.config.steering;
    let until = Instant::now() + around.patience;
    let mut problem;
    loop {
        match tokio::time::timeout(QUESTION, client.version()).await {
            Ok(Ok(version)) => return Ok(version),
            // Something is there, and it is not what was started.
            Ok(Err(error)) if error.code == ErrorCode::NotOllama => {
                problem = super::refused("portTaken");
                break;
            }
            _ => {}
        }
        if let Some(words) = control.failure().await {
            problem = super::refused("unitFailed").detail(words);
            break;
        }
        if Instant::now() >= until {
            problem =
                WireError::new(ErrorCode::TimedOut).with("seconds", around.patience.as_secs());
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    let lines = last_lines(&*around.outside, &control.log(), LINES).await;
    let words = problem.detail.take().into_iter().chain(lines).collect::<Vec<_>>().join("\n");
    Err(if words.is_empty() { problem } else { problem.detail(words) })
}

/// Waits until a server does not answer any more.
///
/// # Errors
/// `TIMED_OUT` when something goes on answering.
async fn silent(client: &dyn OllamaApi) -> Result<()> {
    let until = Instant::now() + SILENCE;
    while let Ok(Ok(_)) = tokio::time::timeout(QUESTION, client.version()).await {
        if Instant::now() >= until {
            return Err(WireError::new(ErrorCode::TimedOut).with("seconds", SILENCE.as_secs()));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
