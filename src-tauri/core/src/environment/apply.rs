//! Writing, restarting, trying out, and taking back.

use std::sync::Arc;

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    environment::{ApplyEnvironment, EnvironmentChange},
    instances::{UpdateInstance, call},
    models::OpRef,
    tasks::TaskKind,
};
use url::Url;

use super::{
    check,
    preview::{self, Plan},
    store, trial,
};
use crate::{
    Core, Result, instances,
    router::Handle,
    steering::{self, ServiceControl, Verb},
    tasks::Task,
};

/// Begins a change. Refused before there is a task: what cannot be written, what nobody allowed,
/// and what is not any more as it was shown.
///
/// # Errors
/// `NOT_FOUND`, `INVALID_INPUT`, `SERVICE_MISSING`, `DENIED`, `CHANGED_MEANWHILE`, `BUSY`, and what
/// the system says.
pub(super) async fn begin(core: &Core, request: ApplyEnvironment) -> Result<OpRef> {
    let ApplyEnvironment { id, values, mark } = request;
    let control = steering::control_of(core, id).await?;
    let powers = control.powers();
    if !powers.environment {
        let error = WireError::new(ErrorCode::ServiceMissing);
        return Err(error.with("reason", powers.why_not.unwrap_or("nothingHere")));
    }
    let (changes, problems) = check::checked(core, &EnvironmentChange { id, values }).await?;
    if let Some(problem) = problems.first() {
        return Err(WireError::field(&problem.name, &problem.reason));
    }
    let plan = preview::plan(&*control, changes).await?;
    if preview::mark(&plan.before) != mark {
        return Err(steering::changed_meanwhile());
    }
    if plan.before == plan.after {
        return Err(WireError::field("values", "nothingChanges"));
    }
    let turn = steering::Turn::take(core, id, TaskKind::Configure)?;
    steering::consent(core, id, &*control).await?;
    let task = steering::open(core, id, TaskKind::Configure).await?;
    turn.of(task.id());
    let op = OpRef { task: task.id() };
    let worker = core.clone();
    core.supervisor.run("environment", async move {
        let done = perform(&worker, id, &control, &plan, &task).await;
        instances::look_now(&worker, id).await;
        drop(turn);
        task.finish(&done).await;
    });
    Ok(op)
}

async fn perform(
    core: &Core,
    id: InstanceId,
    control: &Arc<dyn ServiceControl>,
    plan: &Plan,
    task: &Task,
) -> Result<()> {
    let running = instances::client(core, id)?.version().await.is_ok();
    store::begin(core, id, &plan.before, &plan.after).await?;
    task.phase("writingVariables");
    for name in plan.changes.keys() {
        task.note(format!("changes {name}"));
    }
    if let Err(error) = control.write_environment(&plan.before, &plan.after).await {
        // Nothing was changed.
        store::end(&core.db, id).await?;
        return Err(error);
    }
    if !running {
        task.note("the server does not run; it takes effect at its next start");
        return store::end(&core.db, id).await;
    }
    let token = task.token();
    let tried = tokio::select! {
        tried = tried(core, id, control, plan, task) => tried,
        () = token.cancelled() => Err(WireError::new(ErrorCode::Cancelled)),
    };
    let Err(problem) = tried else { return store::end(&core.db, id).await };
    if core.supervisor.token().is_cancelled() {
        // Corral ends; the next start looks after it.
        return Err(problem);
    }
    for line in problem.detail.iter().flat_map(|text| text.lines()) {
        task.warn(line);
    }
    let back = take_back(core, id, control, &plan.before, &plan.after, task).await;
    Err(match back {
        Ok(()) => {
            store::end(&core.db, id).await?;
            if problem.code == ErrorCode::Cancelled {
                problem
            } else {
                told(ErrorCode::ChangeTakenBack, problem)
            }
        }
        Err(error) => {
            task.warn(format!("not taken back: {error}"));
            told(ErrorCode::ChangeStuck, error)
        }
    })
}

/// An error about the change, because of another one.
fn told(code: ErrorCode, problem: WireError) -> WireError {
    let mut error = WireError::new(code).with("why", problem.code.as_str());
    if let Some(reason) = problem.params.get("reason") {
        error = error.with("reason", reason);
    }
    WireError { detail: problem.detail, ..error }
}

async fn tried(
    core: &Core,
    id: InstanceId,
    control: &Arc<dyn ServiceControl>,
    plan: &Plan,
    task: &Task,
) -> Result<()> {
    task.phase("restartingServer");
    control.act(Verb::Restart).await?;
    task.phase("untilAnswering");
    let host = plan.changes.get("OLLAMA_HOST");
    let url = host.map(|host| instances::listening(host.as_deref()).0);
    let client = match &url {
        Some(url) => instances::client_at(core, id, url)?,
        None => instances::client(core, id)?,
    };
    let version = steering::answering(core, &**control, &*client).await?;
    task.note(format!("answers as {version}"));
    trial::try_out(&*client, task).await?;
    if let Some(url) = url {
        follow(core, id, &url).await?;
    }
    Ok(())
}

/// The server listens elsewhere now.
pub(super) async fn follow(core: &Core, id: InstanceId, url: &Url) -> Result<()> {
    let update = UpdateInstance {
        id,
        name: None,
        url: Some(url.to_string()),
        headers: None,
        custom_ca: None,
    };
    Handle::<call::Update>::handle(core, update).await.map(drop)
}

/// Puts back what was there and restarts.
pub(super) async fn take_back(
    core: &Core,
    id: InstanceId,
    control: &Arc<dyn ServiceControl>,
    before: &str,
    after: &str,
    task: &Task,
) -> Result<()> {
    task.phase("takingBack");
    control.write_environment(after, before).await?;
    control.act(Verb::Restart).await?;
    task.phase("untilAnswering");
    let client = instances::client(core, id)?;
    steering::answering(core, &**control, &*client).await.map(drop)
}
