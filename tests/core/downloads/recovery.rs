use corral_contract::{
    Timestamp,
    command::Nothing,
    downloads::{JobState, QueueView, call::List},
    instances::{InstanceRef, call::Remove},
    progress::WaitReason,
    settings::{Settings, call::Update},
    status::Status,
};
use corral_core::{Core, CoreConfig};
use corral_testbed::ollama::{Control, Pace};

use super::stage::{Stage, WEIGHTS, ask, fake, online, row, seed, until, until_job, wish};

fn idle(fake: &Control) -> bool {
    fake.downloads().is_empty()
}

async fn reopened(stage: &Stage) -> Core {
    let mut config = CoreConfig::in_folder(stage.bench.folder.path());
    config.clock = std::sync::Arc::new(stage.bench.clock.clone());
    Core::start(config).await.expect("the core starts again")
}

/// One job at half and one behind it, then Corral is quit.
async fn quit_half_way(stage: &Stage) -> corral_contract::JobId {
    let job = stage.create("a").await.expect("a job").job;
    stage.fake.release(WEIGHTS / 2);
    stage.until("half of it", job, |job| job.progress.done >= WEIGHTS / 2).await;
    stage.bench.core.shutdown().await;
    stage.fake.until("the pull was let go", idle).await.expect("let go");
    job
}

// criterion: 2.8
#[tokio::test]
async fn quitting_pauses_and_the_next_start_goes_on() {
    let stage = Stage::with(&["a"], Pace::Gated).await;
    let job = quit_half_way(&stage).await;
    let core = reopened(&stage).await;
    let again = until_job(&core, "runs again", job, |job| job.state == JobState::Running).await;
    assert_eq!(again.progress.done, WEIGHTS / 2, "it was kept how far it was");
    stage.fake.release(WEIGHTS / 2);
    let done = until_job(&core, "done", job, |job| job.state == JobState::Done).await;
    assert_eq!(done.progress.again, 0);
    core.shutdown().await;
}

// criterion: 2.8
#[tokio::test]
async fn asks_before_it_goes_on_when_set_so() {
    let stage = Stage::with(&["a"], Pace::Gated).await;
    let settings = Settings { resume_on_start: false, ..Settings::default() };
    stage.bench.ask::<Update>(settings).await.expect("settings");
    let job = quit_half_way(&stage).await;
    let core = reopened(&stage).await;
    online(&core).await;
    let waits = until_job(&core, "paused", job, |job| job.state == JobState::Paused).await;
    assert_eq!(waits.wait, Some(WaitReason::Quit));
    assert_eq!(row(&core, "a:latest").await.expect("a row").status, Status::Paused);
    stage.fake.pace(Pace::Instant);
    ask::<corral_contract::downloads::call::Resume>(
        &core,
        corral_contract::downloads::JobIds { ids: vec![job] },
    )
    .await;
    until_job(&core, "done", job, |job| job.state == JobState::Done).await;
    core.shutdown().await;
}

// criterion: 2.8
#[test]
fn goes_on_after_an_end_without_a_word() {
    let runtime = || tokio::runtime::Runtime::new().expect("a runtime");
    let (world, first) = (runtime(), runtime());
    let folder = tempfile::tempdir().expect("a folder");
    let fake = world.block_on(fake(&["a", "b"], Pace::Gated));
    let url = fake.url();
    let config = || {
        let mut config = CoreConfig::in_folder(folder.path());
        seed(&mut config, &url);
        config
    };
    let (running, waiting) = first.block_on(async {
        let core = Core::start(config()).await.expect("the core starts");
        let instance = online(&core).await;
        ask::<corral_contract::downloads::call::SetLimit>(
            &core,
            corral_contract::downloads::QueueLimit { parallel: 1 },
        )
        .await;
        let create = async |name| {
            ask::<corral_contract::models::call::Create>(&core, wish(instance, name)).await.job
        };
        let (a, b) = (create("a").await, create("b").await);
        fake.release(WEIGHTS / 2);
        let half = |job: &corral_contract::downloads::JobView| job.progress.done >= WEIGHTS / 2;
        until_job(&core, "half of it", a, half).await;
        // What is stored may be two seconds old; this test wants to see it again.
        let stored = async || {
            let done: i64 = sqlx::query_scalar("SELECT done FROM job WHERE id = ?")
                .bind(a.0)
                .fetch_one(core.db.read())
                .await
                .expect("the job's row");
            (done > 0).then_some(())
        };
        until(&core, "stored", stored).await;
        (a, b)
    });
    // Every task of the first core stops where it is.
    first.shutdown_background();
    world.block_on(async {
        fake.until("the pull was let go", idle).await.expect("let go");
        let core = Core::start(config()).await.expect("the core starts again");
        let queue: QueueView = ask::<List>(&core, Nothing {}).await;
        assert_eq!(queue.jobs.len(), 2);
        for job in &queue.jobs {
            assert!(matches!(job.state, JobState::Queued | JobState::Running), "{job:?}");
        }
        let first = queue.jobs.iter().find(|job| job.id == running).expect("not lost");
        assert!(first.progress.done > 0);
        fake.pace(Pace::Instant);
        for job in [running, waiting] {
            until_job(&core, "done", job, |job| job.state == JobState::Done).await;
        }
        core.shutdown().await;
    });
}

// criterion: 2.8
#[tokio::test]
async fn a_removed_instance_takes_its_jobs_along() {
    let stage = Stage::with(&["a", "b", "c", "d"], Pace::Gated).await;
    for name in ["a", "b", "c", "d"] {
        stage.create(name).await.expect("a job");
    }
    let busy = |fake: &Control| fake.downloads().len() == 3;
    stage.fake.until("three downloads run", busy).await.expect("three run");
    let removed = stage.bench.ask::<Remove>(InstanceRef { id: stage.instance }).await;
    assert_eq!(removed.expect("removed").jobs, 4);
    stage.fake.until("the pulls were let go", idle).await.expect("let go");
    let empty = async || stage.queue().await.jobs.is_empty().then_some(());
    until(&stage.bench.core, "no job is left", empty).await;
}

// criterion: 2.6
#[tokio::test]
async fn a_jumping_clock_neither_hangs_nor_hurries_a_retry() {
    let stage = Stage::with(&["a"], Pace::Gated).await;
    let fault = corral_testbed::ollama::Fault::Status(500, "boom".to_owned());
    stage.fake.fault_once("/api/pull", fault);
    let job = stage.create("a").await.expect("a job").job;
    let waits = |job: &corral_contract::downloads::JobView| {
        matches!(job.wait, Some(WaitReason::Retry { .. }))
    };
    stage.until("a pause before the next try", job, waits).await;
    stage.bench.clock.advance(-365 * 86_400_000);
    stage.until_state(job, JobState::Running).await;
    stage.fake.release(WEIGHTS / 2);
    stage.until("half of it", job, |job| job.progress.done >= WEIGHTS / 2).await;
    stage.bench.clock.advance(2 * 365 * 86_400_000);
    stage.fake.pace(Pace::Instant);
    let done = stage.until_state(job, JobState::Done).await;
    assert!(done.finished_at > Some(Timestamp(0)));
    let metrics = stage.queue().await.metrics;
    assert!(metrics.mean_wait_ms.is_some_and(|ms| ms < 600_000), "{metrics:?}");
}

async fn put(core: &Core, statement: &'static str) {
    let mut transaction = core.db.write().await.expect("a transaction");
    sqlx::query(statement).execute(&mut *transaction).await.expect("written");
    transaction.commit().await.expect("committed");
}

// criterion: 2.8
#[tokio::test]
async fn rows_that_an_end_left_in_between_are_put_right() {
    let stage = Stage::with(&["a", "b"], Pace::Instant).await;
    let job = stage.create("a").await.expect("a job").job;
    stage.until_state(job, JobState::Done).await;
    // The job was done, the model's row not yet; another row was made, its job not yet.
    put(&stage.bench.core, "UPDATE model SET install = 'verifying', status = 'verifying'").await;
    put(
        &stage.bench.core,
        "INSERT INTO model (instance_id, name, key, sort_key, origin, registry, install, run,
                            status, created_at)
         SELECT instance_id, 'x:latest', 'x', 'x', origin, registry, 'queued', 'stopped',
                'queued', 0 FROM model",
    )
    .await;
    stage.bench.core.shutdown().await;
    let core = reopened(&stage).await;
    assert_eq!(row(&core, "a:latest").await.expect("a row").status, Status::Stopped);
    assert!(row(&core, "x:latest").await.is_none());
    core.shutdown().await;
}

// criterion: 2.8
#[tokio::test]
async fn a_locked_database_delays_the_end_but_loses_nothing() {
    let stage = Stage::with(&["a"], Pace::Gated).await;
    let job = stage.create("a").await.expect("a job").job;
    stage.until_state(job, JobState::Running).await;
    let file = stage.bench.folder.path().join("corral.db");
    assert!(file.exists(), "another process opens the same file");
    let other = corral_core::db::Db::open(&file).await.expect("opened");
    let lock = other.write().await.expect("locked");
    let mut events = stage.bench.core.bus.listen();
    stage.fake.pace(Pace::Instant);
    loop {
        let next = tokio::time::timeout(corral_testbed::patience::DEADLINE, events.next()).await;
        let envelope = next.expect("in time").expect("the core runs");
        if let corral_contract::event::AppEvent::Subsystem(subsystem) = &envelope.event
            && subsystem.name == "downloads"
            && subsystem.problem.is_some()
        {
            break;
        }
    }
    drop(lock);
    let done = stage.until_state(job, JobState::Done).await;
    assert_eq!(done.problem, None);
    other.close().await;
}
