//! Getting models from a registry through the queue.

use corral_contract::{
    ErrorCode,
    downloads::{CheckDownload, JobIds, JobState, call},
    models::{CreateModel, call::Create},
    progress::Phase,
    status::Origin,
};
use corral_testbed::{content::Content, gguf::Gguf};

use crate::place::{Place, binary};

const LARGE: u64 = 48_000_000;

/// A model that the server can describe, with much behind it.
fn large(seed: u64) -> Content {
    let mut bytes = Gguf::tiny().bytes();
    let tail = Content::seeded(seed, LARGE);
    bytes.extend(tail.piece(0, usize::try_from(LARGE).expect("small enough")));
    Content::of(bytes)
}

// criterion: 2.1
#[tokio::test(flavor = "multi_thread")]
async fn a_pulled_model_is_listed_with_the_digest_of_its_manifest() {
    let Some(binary) = binary() else { return };
    let place = Place::start(&binary).await;
    let (name, published) = place.publish("lab/tiny:latest");
    let job = place.create(&name).await;
    let done = place.job(job.job, JobState::Done).await;
    assert_eq!((done.progress.phase, done.progress.percent()), (Phase::Done, Some(100)));

    let row = place.row_when(&name, |row| row.digest.is_some()).await;
    assert_eq!(row.digest.as_deref(), Some(published.digest.as_str()));
    assert_eq!(row.from, Origin::Remote);
    assert!(row.log_file_exist);
    let tags = place.server_says("GET", "/api/tags", serde_json::Value::Null).await;
    assert!(tags.contains(&name), "{tags}");
}

// criterion: 2.2
#[tokio::test(flavor = "multi_thread")]
async fn a_check_knows_what_the_server_has() {
    let Some(binary) = binary() else { return };
    let place = Place::start(&binary).await;
    let (name, _) = place.publish_weights("lab/known:latest", large(5));
    let wanted = CheckDownload {
        instance: place.instance,
        name: name.clone(),
        insecure: true,
        shape: Default::default(),
    };
    let check = place.ask::<call::Check>(wanted.clone()).await.expect("a check");
    assert!(check.total.is_some_and(|total| total > LARGE));
    assert_eq!((check.missing, check.refusal), (check.total, None));
    let job = place.create(&name).await;
    place.job(job.job, JobState::Done).await;
    let check = place.ask::<call::Check>(wanted).await.expect("a check");
    assert_eq!((check.missing, check.missing_layers), (Some(0), 0));
    let folder = place.server.models();
    assert_eq!(check.disk.path.as_deref(), folder.to_str(), "where the server keeps them");
    assert!(check.disk.free.is_some());
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_fails_for_good_and_says_so() {
    let Some(binary) = binary() else { return };
    let place = Place::start(&binary).await;
    let name = format!("{}/lab/nothing:latest", place.registry.host());
    let refused = place.ask::<Create>(place.wish(&name)).await.expect_err("not there");
    assert_eq!(refused.code, ErrorCode::ModelUnknown);
    let insisting = CreateModel { force: true, ..place.wish(&name) };
    let job = place.ask::<Create>(insisting).await.expect("who insists may try");
    let failed = place.job(job.job, JobState::Failed).await;
    assert_eq!(failed.problem.expect("why").code, ErrorCode::ModelUnknown);
    assert_eq!(failed.attempts, 1, "nobody retries a name that is not there");
}

// criterion: 2.8
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_pull_goes_on_and_its_bar_never_walks_back() {
    let Some(binary) = binary() else { return };
    let place = Place::start(&binary).await;
    let (name, published) = place.publish_weights("lab/large:latest", large(7));
    place.registry.rate(Some(8_000_000));
    let job = place.create(&name).await;
    let before = place.job_when(job.job, |job| job.progress.done > LARGE / 10).await;
    let ids = JobIds { ids: vec![job.job] };
    place.ask::<call::Pause>(ids.clone()).await.expect("a running job pauses");
    let paused = place.job(job.job, JobState::Paused).await;
    assert!(paused.progress.done >= before.progress.done);
    place.registry.rate(None);
    place.ask::<call::Resume>(ids).await.expect("a paused job resumes");
    let resumed = place.job_when(job.job, |job| job.state == JobState::Done).await;
    assert!(resumed.progress.done >= paused.progress.done);
    let row = place.row_when(&name, |row| row.digest.is_some()).await;
    assert_eq!(row.digest.as_deref(), Some(published.digest.as_str()));
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_the_middle_of_a_pull_costs_time_only() {
    let Some(binary) = binary() else { return };
    let mut place = Place::start(&binary).await;
    let (name, published) = place.publish_weights("lab/cut:latest", large(9));
    place.registry.rate(Some(8_000_000));
    let job = place.create(&name).await;
    let before = place.job_when(job.job, |job| job.progress.done > LARGE / 10).await;
    place.server.kill();
    place.job_when(job.job, |job| job.wait.is_some()).await;
    place.registry.rate(None);
    place.server.revive();
    place.online().await;
    let done = place.job(job.job, JobState::Done).await;
    assert!(done.progress.done >= before.progress.done);
    let row = place.row_when(&name, |row| row.digest.is_some()).await;
    assert_eq!(row.digest.as_deref(), Some(published.digest.as_str()));
}

// criterion: 2.4
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_pull_leaves_no_row() {
    let Some(binary) = binary() else { return };
    let place = Place::start(&binary).await;
    let (name, _) = place.publish_weights("lab/unwanted:latest", large(11));
    place.registry.rate(Some(1_000_000));
    let job = place.create(&name).await;
    place.job_when(job.job, |job| job.progress.done > 0).await;
    let ids = JobIds { ids: vec![job.job] };
    let changed = place.ask::<call::Cancel>(ids).await.expect("a running job is cancelled");
    assert_eq!(changed.changed, 1);
    crate::place::wait("the row to go", || async {
        place.row(&name).await.is_none().then_some(())
    })
    .await;
}
