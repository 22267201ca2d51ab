use corral_contract::{
    ErrorCode, InstanceId,
    command::Nothing,
    downloads::{
        JobIds, JobState,
        call::{Cancel, List},
    },
    models::{CreateModel, DeleteModels, call},
    status::Status,
};
use corral_core::{Core, config::SeedDownload};
use corral_testbed::ollama::Pace;

use super::stage::{Stage, ask, fake, online, seed, until, wish};
use crate::support::Bench;

// criterion: 2.1
#[tokio::test]
async fn takes_any_form_of_a_name_and_ends_with_a_ready_model() {
    let stage = Stage::with(&["a", "team/b:v2"], Pace::Instant).await;
    for (typed, shown) in
        [(" ollama pull a ", "a:latest"), ("https://ollama.com/team/b:v2", "team/b:v2")]
    {
        let job = stage.create(typed).await.expect("a job").job;
        let done = stage.until_state(job, JobState::Done).await;
        assert_eq!(done.name, shown);
        assert_eq!(done.progress.percent(), Some(100));
        let row = stage.row(shown).await.expect("a row");
        assert_eq!(row.status, Status::Stopped);
        assert_eq!((row.job, row.progress), (None, None));
        assert!(row.log_file_exist);
    }
}

// criterion: 2.1
#[tokio::test]
async fn refuses_a_bad_name_before_anything_moves() {
    let stage = Stage::with(&[], Pace::Instant).await;
    let long = "m".repeat(81);
    for (typed, reason) in [
        ("", "nameEmpty"),
        ("../../etc/passwd", "nameBadCharacter"),
        ("qwen\u{202e}3", "nameBadCharacter"),
        ("qwen\u{7}", "nameBadCharacter"),
        ("m@sha256:00", "nameDigest"),
        (long.as_str(), "nameTooLong"),
    ] {
        let refused = stage.create(typed).await.expect_err(typed);
        assert_eq!(refused.code, ErrorCode::InvalidInput, "{typed}");
        assert_eq!(refused.params["field"], "name");
        assert_eq!(refused.params["reason"], reason, "{typed}");
    }
    assert!(stage.queue().await.jobs.is_empty());
    assert!(stage.fake.requests_to("POST", "/api/pull").is_empty());
}

// criterion: 2.1
#[tokio::test]
async fn a_model_that_is_there_is_only_fetched_to_update_it() {
    let stage = Stage::with(&["a"], Pace::Instant).await;
    let job = stage.create("a").await.expect("a job").job;
    stage.until_state(job, JobState::Done).await;
    let refused = stage.create("a").await.expect_err("it is there");
    assert_eq!(refused.code, ErrorCode::AlreadyExists);
    let update = CreateModel { update: true, ..wish(stage.instance, "a") };
    let again = stage.bench.ask::<call::Create>(update).await.expect("an update");
    assert!(!again.existing);
    stage.until_state(again.job, JobState::Done).await;
    let row = stage.row("a:latest").await.expect("a row");
    assert_eq!(row.status, Status::Stopped);
}

#[tokio::test]
async fn cancelling_an_update_leaves_the_model_as_it_was() {
    let stage = Stage::with(&["a"], Pace::Instant).await;
    let job = stage.create("a").await.expect("a job").job;
    stage.until_state(job, JobState::Done).await;
    stage.fake.pace(Pace::Gated);
    let newer = corral_testbed::ollama::Model::new("a").weights_size(8_000_000);
    stage.fake.catalogue(|catalogue| catalogue.add(newer));
    let update = CreateModel { update: true, ..wish(stage.instance, "a") };
    let update = stage.bench.ask::<call::Create>(update).await.expect("an update").job;
    stage.until_state(update, JobState::Running).await;
    assert_eq!(stage.cancel(update).await, 1);
    let row = stage.row("a:latest").await.expect("the old model is still there");
    assert_eq!(row.status, Status::Stopped);
}

#[tokio::test]
async fn refuses_an_unknown_instance_and_a_model_that_is_going() {
    let stage = Stage::with(&["a"], Pace::Instant).await;
    let elsewhere = stage.bench.ask::<call::Create>(wish(InstanceId(999), "a")).await;
    assert_eq!(elsewhere.expect_err("no such instance").code, ErrorCode::NotFound);
    let job = stage.create("a").await.expect("a job");
    stage.until_state(job.job, JobState::Done).await;
    let delete = DeleteModels { ids: vec![job.model], force: false, ..Default::default() };
    stage.bench.ask::<call::Delete>(delete).await.expect("a delete that can be taken back");
    let refused = stage.create("a").await.expect_err("it is being deleted");
    assert_eq!(refused.code, ErrorCode::Busy);
}

// criterion: 2.1
#[tokio::test]
async fn loads_the_model_when_that_was_asked_for() {
    let stage = Stage::with(&["a"], Pace::Instant).await;
    let wanted = CreateModel { start_when_done: true, ..wish(stage.instance, "a") };
    stage.bench.ask::<call::Create>(wanted).await.expect("a job");
    let look = async || {
        let row = stage.row("a:latest").await?;
        (row.status == Status::Running).then_some(())
    };
    until(&stage.bench.core, "the model runs", look).await;
}

#[tokio::test]
async fn a_new_database_begins_with_the_downloads_it_is_given_and_an_old_one_does_not() {
    let fake = fake(&["a"], Pace::Gated).await;
    let wish = |instance: &str, model: &str| SeedDownload {
        instance: instance.to_owned(),
        model: model.to_owned(),
    };
    let bench = Bench::with(|config| {
        seed(config, &fake.url());
        config.seed_downloads = vec![wish("nobody", "b"), wish("fake", "a")];
    })
    .await;
    let asked = async || {
        let queue = ask::<List>(&bench.core, Nothing {}).await;
        queue.jobs.first().map(|job| (job.id, job.name.clone()))
    };
    let (job, name) = until(&bench.core, "a download", asked).await;
    assert_eq!(name, "a:latest");
    ask::<Cancel>(&bench.core, JobIds { ids: vec![job] }).await;
    bench.core.shutdown().await;

    let core = Core::start(bench.core.config.clone()).await.expect("it starts again");
    online(&core).await;
    let queue = ask::<List>(&core, Nothing {}).await;
    assert!(queue.jobs.iter().all(|job| job.state == JobState::Cancelled), "{queue:?}");
    core.shutdown().await;
}
