use corral_contract::{
    command::Nothing,
    downloads::{
        JobPriority, JobState, MoveJob, Priority, QueueLimit,
        call::{ClearFinished, Move, PauseAll, ResumeAll, SetLimit, SetPriority},
    },
    progress::WaitReason,
};
use corral_testbed::ollama::Pace;

use super::stage::{Stage, WEIGHTS, until};

/// Names in the order in which the server was asked to pull them.
fn pulled(stage: &Stage) -> Vec<String> {
    let requests = stage.fake.requests_to("POST", "/api/pull");
    let name = |body: serde_json::Value| body["model"].as_str().unwrap_or_default().to_owned();
    requests.iter().map(|one| name(one.json())).collect()
}

async fn limit(stage: &Stage, parallel: u32) {
    stage.bench.ask::<SetLimit>(QueueLimit { parallel }).await.expect("a new limit");
}

// criterion: 2.4
#[tokio::test]
async fn three_run_and_the_rest_wait_for_their_turn() {
    let stage = Stage::with(&["a", "b", "c", "d", "e"], Pace::Gated).await;
    let mut jobs = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        jobs.push(stage.create(name).await.expect("a job").job);
    }
    for job in &jobs[..3] {
        stage.until_state(*job, JobState::Running).await;
    }
    for (job, position) in [(jobs[3], 4), (jobs[4], 5)] {
        let waiting = stage.job(job).await.expect("still there");
        assert_eq!(waiting.state, JobState::Queued);
        assert_eq!(waiting.position, Some(position));
        assert_eq!(waiting.wait, Some(WaitReason::Queue { position }));
    }
    let metrics = stage.queue().await.metrics;
    assert_eq!((metrics.running, metrics.waiting, metrics.parallel), (3, 2, 3));
    // Room for one: the next in line takes it, not the last.
    stage.fake.release(WEIGHTS);
    stage.until_state(jobs[3], JobState::Running).await;
    assert_eq!(stage.job(jobs[4]).await.expect("waits").state, JobState::Queued);
    stage.fake.pace(Pace::Instant);
    for job in &jobs {
        stage.until_state(*job, JobState::Done).await;
    }
    let metrics = stage.queue().await.metrics;
    assert_eq!((metrics.running, metrics.waiting), (0, 0));
    assert!(metrics.mean_wait_ms.is_some());
    let cleared = stage.bench.ask::<ClearFinished>(Nothing {}).await.expect("cleared").changed;
    assert_eq!(cleared, 5);
    assert!(stage.queue().await.jobs.is_empty());
}

// criterion: 2.4
#[tokio::test]
async fn priority_and_manual_order_decide() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let stage = Stage::with(&names, Pace::Gated).await;
    limit(&stage, 1).await;
    let first = stage.create("a").await.expect("a job").job;
    stage.until_state(first, JobState::Running).await;
    let b = stage.create("b").await.expect("a job").job;
    stage.create_as("c", Priority::Low).await.expect("a job");
    stage.create_as("d", Priority::High).await.expect("a job");
    let e = stage.create("e").await.expect("a job").job;
    let f = stage.create("f").await.expect("a job").job;
    let moved = stage.bench.ask::<Move>(MoveJob { id: e, before: Some(b) }).await;
    assert_eq!(moved.expect("moved").changed, 1);
    let other = MoveJob { id: e, before: Some(first) };
    assert_eq!(stage.bench.ask::<Move>(other).await.expect("same priority").changed, 1);
    let raised = JobPriority { id: f, priority: Priority::High };
    assert_eq!(stage.bench.ask::<SetPriority>(raised).await.expect("raised").changed, 1);
    assert_eq!(stage.bench.ask::<SetPriority>(raised).await.expect("the same").changed, 0);
    let apart = MoveJob { id: f, before: Some(b) };
    assert_eq!(stage.bench.ask::<Move>(apart).await.expect("apart").changed, 0);
    stage.fake.pace(Pace::Instant);
    let look = async || {
        let metrics = stage.queue().await.metrics;
        (metrics.running + metrics.waiting == 0).then_some(())
    };
    until(&stage.bench.core, "all are there", look).await;
    let wanted = ["a", "d", "f", "e", "b", "c"].map(|name| format!("{name}:latest"));
    assert_eq!(pulled(&stage), wanted);
}

// criterion: 2.4
#[tokio::test]
async fn the_same_model_twice_is_one_job() {
    let stage = Stage::with(&["a"], Pace::Gated).await;
    let first = stage.create("a").await.expect("a job");
    let second = stage.create("A:Latest").await.expect("the same job");
    assert!(!first.existing);
    assert!(second.existing);
    assert_eq!((first.job, first.model), (second.job, second.model));
    stage.until_state(first.job, JobState::Running).await;
    let (left, right) = tokio::join!(stage.create("a"), stage.create("a:latest"));
    for again in [left, right] {
        assert_eq!(again.expect("the same job").job, first.job);
    }
    assert_eq!(stage.queue().await.jobs.len(), 1);
    stage.fake.pace(Pace::Instant);
    stage.until_state(first.job, JobState::Done).await;
    assert_eq!(pulled(&stage).len(), 1);
}

// criterion: 2.4
#[tokio::test]
async fn a_new_limit_starts_more_and_stops_nobody() {
    let stage = Stage::with(&["a", "b"], Pace::Gated).await;
    limit(&stage, 1).await;
    let a = stage.create("a").await.expect("a job").job;
    let b = stage.create("b").await.expect("a job").job;
    stage.until_state(a, JobState::Running).await;
    assert_eq!(stage.job(b).await.expect("waits").state, JobState::Queued);
    limit(&stage, 2).await;
    stage.until_state(b, JobState::Running).await;
    limit(&stage, 1).await;
    assert_eq!(stage.queue().await.metrics.running, 2);
    let refused = stage.bench.ask::<SetLimit>(QueueLimit { parallel: 17 }).await;
    assert_eq!(refused.expect_err("out of range").params["field"], "parallelDownloads");
}

// criterion: 2.4
#[tokio::test]
async fn all_can_be_paused_and_go_on() {
    let stage = Stage::with(&["a", "b", "c"], Pace::Gated).await;
    limit(&stage, 2).await;
    let mut jobs = Vec::new();
    for name in ["a", "b", "c"] {
        jobs.push(stage.create(name).await.expect("a job").job);
    }
    stage.until_state(jobs[1], JobState::Running).await;
    let paused = stage.bench.ask::<PauseAll>(Nothing {}).await.expect("paused");
    assert_eq!(paused.changed, 3);
    let idle = |fake: &corral_testbed::ollama::Control| fake.downloads().is_empty();
    stage.fake.until("no download goes on", idle).await.expect("the server is left alone");
    assert_eq!(stage.queue().await.metrics.paused, 3);
    stage.fake.pace(Pace::Instant);
    assert_eq!(stage.bench.ask::<ResumeAll>(Nothing {}).await.expect("resumed").changed, 3);
    for job in jobs {
        stage.until_state(job, JobState::Done).await;
    }
}

// criterion: 2.4
#[tokio::test]
async fn says_when_each_starts_and_ends() {
    let stage = Stage::with(&["a", "b", "c"], Pace::Rate(400_000)).await;
    limit(&stage, 1).await;
    let a = stage.create("a").await.expect("a job").job;
    let b = stage.create("b").await.expect("a job").job;
    let c = stage.create("c").await.expect("a job").job;
    let known = |job: &corral_contract::downloads::JobView| job.ends_at.is_some();
    stage.until("an estimate", c, known).await;
    let queue = stage.queue().await;
    let find = |id| queue.jobs.iter().find(|job| job.id == id).expect("in the queue");
    let (a, b, c) = (find(a), find(b), find(c));
    assert!(a.ends_at.is_some() && a.starts_at.is_none());
    assert!(b.starts_at < b.ends_at && b.ends_at <= c.starts_at && c.starts_at < c.ends_at);
    let metrics = queue.metrics;
    assert!(metrics.speed > 0 && metrics.left_seconds.is_some() && metrics.last_hour > 0);
}
