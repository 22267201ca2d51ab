use corral_contract::{
    ErrorCode,
    app::NoticeKind,
    downloads::JobState,
    event::AppEvent,
    models::{DeleteModels, call::Delete},
    progress::{Phase, WaitReason},
    status::{Action, Status},
    tasks::{TaskRef, TaskState, call},
};
use corral_testbed::ollama::{Control, Fault, Model, Pace};

use super::stage::{Stage, WEIGHTS, fake, until};

fn idle(fake: &Control) -> bool {
    fake.downloads().is_empty()
}

/// A job that has fetched half of its weights.
async fn half_way(stage: &Stage, name: &str) -> corral_contract::models::JobRef {
    let job = stage.create(name).await.expect("a job");
    stage.fake.release(WEIGHTS / 2);
    stage.until("half of it", job.job, |job| job.progress.done >= WEIGHTS / 2).await;
    job
}

// criterion: 2.4
#[tokio::test]
async fn pauses_and_resumes_where_it_was() {
    let stage = Stage::with(&["a"], Pace::Gated).await;
    let job = half_way(&stage, "a").await.job;
    assert_eq!(stage.pause(job).await, 1);
    let paused = stage.job(job).await.expect("still there");
    assert_eq!((paused.state, paused.wait), (JobState::Paused, Some(WaitReason::User)));
    assert_eq!(paused.progress.phase, Phase::Paused);
    assert_eq!(paused.position, None);
    assert_eq!(stage.row("a:latest").await.expect("a row").status, Status::Paused);
    stage.fake.until("the pull was let go", idle).await.expect("the connection is closed");
    assert_eq!(stage.pause(job).await, 0, "paused is paused");
    assert_eq!(stage.resume(job).await, 1);
    let running = stage.until_state(job, JobState::Running).await;
    assert!(running.progress.done >= WEIGHTS / 2);
    stage.fake.release(WEIGHTS / 2);
    let done = stage.until_state(job, JobState::Done).await;
    assert_eq!(done.progress.again, 0);
    let log = stage.log(&done);
    for line in ["phase manifest", "phase fetching", "phase paused", "phase verifying", "done"] {
        assert!(log.contains(line), "{line} in {log}");
    }
}

// criterion: 2.4
#[tokio::test]
async fn a_waiting_job_can_be_paused_and_cancelled() {
    let stage = Stage::with(&["a", "b", "c", "d", "e"], Pace::Gated).await;
    let mut jobs = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        jobs.push(stage.create(name).await.expect("a job").job);
    }
    stage.until_state(jobs[2], JobState::Running).await;
    assert_eq!(stage.pause(jobs[3]).await, 1);
    assert_eq!(stage.cancel(jobs[4]).await, 1);
    assert!(stage.job(jobs[4]).await.is_none(), "its model was never there: nothing is left");
    assert!(stage.row("e:latest").await.is_none());
    stage.fake.pace(Pace::Instant);
    for job in &jobs[..3] {
        stage.until_state(*job, JobState::Done).await;
    }
    assert_eq!(stage.job(jobs[3]).await.expect("there").state, JobState::Paused);
    assert_eq!(stage.cancel(jobs[3]).await, 1);
    assert_eq!(stage.cancel(jobs[3]).await, 0);
}

// criterion: 2.6
#[tokio::test]
async fn cancelling_lets_go_and_leaves_nothing_behind() {
    let stage = Stage::with(&["a"], Pace::Gated).await;
    let job = half_way(&stage, "a").await;
    let task = stage.job(job.job).await.expect("runs").task.expect("a task");
    assert_eq!(stage.cancel(job.job).await, 1);
    stage.fake.until("the pull was let go", idle).await.expect("the connection is closed");
    assert!(stage.row("a:latest").await.is_none());
    assert!(stage.queue().await.jobs.is_empty());
    let core = &stage.bench.core;
    let ended = async || {
        let list = stage.bench.ask::<call::List>(Default::default()).await.ok()?;
        let state = list.items.iter().find(|each| each.id == task)?.state;
        (state != TaskState::Running).then_some(state)
    };
    assert_eq!(until(core, "its task ends", ended).await, TaskState::Cancelled);
    // A second time it is a job like any other, also while the first still winds down.
    stage.fake.pace(Pace::Instant);
    let again = stage.create("a").await.expect("a job");
    assert_ne!(again.job, job.job);
    stage.until_state(again.job, JobState::Done).await;
}

// criterion: 2.6
#[tokio::test]
async fn cancelling_before_the_first_byte_works_too() {
    let stage = Stage::with(&["a"], Pace::Gated).await;
    stage.fake.fault("/api/pull", Fault::Hang);
    let job = stage.create("a").await.expect("a job").job;
    let manifest = |job: &corral_contract::downloads::JobView| {
        job.state == JobState::Running && job.progress.phase == Phase::Manifest
    };
    stage.until("asks for the manifest", job, manifest).await;
    assert_eq!(stage.cancel(job).await, 1);
    assert!(stage.queue().await.jobs.is_empty());
    stage.fake.heal();
    stage.fake.pace(Pace::Instant);
    let job = stage.create("a").await.expect("a job").job;
    stage.until_state(job, JobState::Done).await;
}

// criterion: 2.4
#[tokio::test]
async fn a_paused_try_goes_on_only_when_it_may() {
    let stage = Stage::with(&["a"], Pace::Instant).await;
    stage.fake.fault("/api/pull", Fault::Status(500, "boom".to_owned()));
    let job = stage.create("a").await.expect("a job").job;
    let backs_off =
        |job: &corral_contract::downloads::JobView| job.progress.phase == Phase::BackingOff;
    let waiting = stage.until("a pause before the next try", job, backs_off).await;
    assert!(matches!(
        waiting.wait,
        Some(WaitReason::Retry { attempt: 1, code: ErrorCode::ServerFault, .. })
    ));
    assert_eq!(stage.pause(job).await, 1);
    stage.fake.heal();
    let tries = stage.fake.requests_to("POST", "/api/pull").len();
    assert_eq!(stage.resume(job).await, 1);
    stage.until_state(job, JobState::Done).await;
    assert_eq!(stage.fake.requests_to("POST", "/api/pull").len(), tries + 1);
}

#[tokio::test]
async fn cancelling_its_task_cancels_the_job() {
    let stage = Stage::with(&["a", "b"], Pace::Gated).await;
    let running = half_way(&stage, "a").await.job;
    let task = stage.job(running).await.expect("runs").task.expect("a task");
    let cancelled = stage.bench.ask::<call::Cancel>(TaskRef { id: task }).await;
    assert!(cancelled.expect("an answer").cancelled);
    let gone = async || stage.job(running).await.is_none().then_some(());
    until(&stage.bench.core, "the running job goes", gone).await;
    let paused = half_way(&stage, "b").await.job;
    stage.pause(paused).await;
    let task = stage.job(paused).await.expect("there").task.expect("a task");
    stage.fake.until("the pull was let go", idle).await.expect("the connection is closed");
    stage.bench.ask::<call::Cancel>(TaskRef { id: task }).await.expect("an answer");
    let gone = async || stage.job(paused).await.is_none().then_some(());
    until(&stage.bench.core, "the paused job goes", gone).await;
}

#[tokio::test]
async fn a_model_cannot_be_deleted_while_it_is_pulled() {
    let stage = Stage::with(&["a"], Pace::Gated).await;
    let job = half_way(&stage, "a").await;
    let row = stage.row("a:latest").await.expect("a row");
    assert_eq!(row.status, Status::Downloading);
    assert_eq!(row.actions, [Action::Pause, Action::Cancel]);
    let progress = row.progress.expect("live figures in the row");
    assert_eq!((row.job, progress.job), (Some(job.job), job.job));
    let delete = DeleteModels { ids: vec![job.model], force: false, ..Default::default() };
    let deleted = stage.bench.ask::<Delete>(delete).await;
    stage.fake.pace(Pace::Instant);
    stage.until_state(job.job, JobState::Done).await;
    if let Ok(batch) = deleted {
        // Accepted as a batch: its only item is then skipped.
        let settled = async || {
            let batches = super::stage::ask::<corral_contract::app::call::Snapshot>(
                &stage.bench.core,
                corral_contract::command::Nothing {},
            )
            .await
            .batches;
            batches.into_iter().find(|each| each.id == batch.batch)?.finished_at
        };
        until(&stage.bench.core, "the batch ends", settled).await;
    }
    assert_eq!(stage.row("a:latest").await.expect("still there").status, Status::Stopped);
}

// criterion: 2.6
#[tokio::test]
async fn the_end_is_told_to_everybody() {
    let mut catalogue = corral_testbed::ollama::Catalogue::empty();
    catalogue.add(Model::new("good"));
    catalogue.refuse("private", "unauthorized: access denied");
    let server = fake(&[], Pace::Instant).await;
    server.catalogue(|mine| *mine = catalogue);
    let stage = Stage::on(server).await;
    let mut events = stage.bench.core.bus.listen();
    let good = stage.create("good").await.expect("a job").job;
    let bad = stage.create("private").await.expect("a job").job;
    stage.until_state(good, JobState::Done).await;
    let failed = stage.until_state(bad, JobState::Failed).await;
    let problem = failed.problem.clone().expect("a reason");
    assert_eq!(problem.code, ErrorCode::SignInNeeded);
    assert!(stage.log(&failed).contains("SIGN_IN_NEEDED"));
    let row = stage.row("private:latest").await.expect("the row stays");
    assert_eq!(row.status, Status::Failed);
    assert_eq!(row.problem.map(|problem| problem.code), Some(ErrorCode::SignInNeeded));
    let mut notices = Vec::new();
    while notices.len() < 2 {
        let event = tokio::time::timeout(corral_testbed::patience::DEADLINE, events.next()).await;
        let envelope = event.expect("notices in time").expect("the core runs");
        if let AppEvent::Notice(notice) = &envelope.event {
            notices.push((notice.kind, notice.subject.clone()));
        }
    }
    notices.sort();
    assert_eq!(
        notices,
        [
            (NoticeKind::DownloadDone, "good:latest".to_owned()),
            (NoticeKind::DownloadFailed, "private:latest".to_owned()),
        ]
    );
    // A failed one stands in the list until it is cancelled or tried again.
    assert_eq!(stage.resume(bad).await, 1);
    stage
        .until("failed again", bad, |job| {
            job.state == JobState::Failed && job.finished_at.is_some()
        })
        .await;
    assert_eq!(stage.cancel(bad).await, 1);
    assert!(stage.row("private:latest").await.is_none());
}
