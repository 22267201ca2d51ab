//! What downloads may use, and when they may move at all.

use std::{sync::Arc, time::Duration};

use corral_contract::{
    ErrorCode, InstanceId,
    command::Nothing,
    downloads::{HoursBack, JobIds, JobLimit, JobState, call},
    models::call::Create,
    progress::WaitReason,
    settings::{BandwidthWindow, Days, Settings, call as settings},
};
use corral_testbed::ollama::Pace;

use super::{
    direct::{MB, Place, layers},
    stage::{Stage, fake, online, seed, until_job, wish},
};
use crate::{played::Played, support::Bench};

const MINUTES: u32 = 5;

/// A stage on a machine that tells what the test says.
async fn on(played: &Played, names: &[&str]) -> Stage {
    let fake = fake(names, Pace::Gated).await;
    let (url, machine) = (fake.url(), played.clone());
    let bench = Bench::with(|config| {
        seed(config, &url);
        config.machine = Arc::new(machine);
    })
    .await;
    let mut stage = Stage { bench, fake, instance: InstanceId(0) };
    stage.instance = online(&stage.bench.core).await;
    stage
}

/// Saves settings, which also has the core look at the machine again.
async fn set(bench: &Bench, change: impl FnOnce(&mut Settings)) {
    let mut wanted = bench.ask::<settings::Get>(Nothing {}).await.expect("settings");
    change(&mut wanted);
    bench.ask::<settings::Update>(wanted).await.expect("taken");
}

// criterion: 2.4
#[tokio::test]
async fn no_more_run_in_all_than_is_allowed() {
    let stage = Stage::with(&["a", "b", "c"], Pace::Gated).await;
    set(&stage.bench, |settings| settings.parallel_in_all = 2).await;
    let mut jobs = Vec::new();
    for name in ["a", "b", "c"] {
        jobs.push(stage.create(name).await.expect("a job").job);
    }
    for job in &jobs[..2] {
        stage.until_state(*job, JobState::Running).await;
    }
    let third = stage.job(jobs[2]).await.expect("it waits");
    assert_eq!(third.wait, Some(WaitReason::Queue { position: 3 }));
    set(&stage.bench, |settings| settings.parallel_in_all = 3).await;
    stage.until_state(jobs[2], JobState::Running).await;
}

// criterion: 2.4
#[tokio::test]
async fn what_is_to_be_next_is_next() {
    let stage = Stage::with(&["a", "b", "c"], Pace::Gated).await;
    set(&stage.bench, |settings| settings.parallel_downloads = 1).await;
    let a = stage.create("a").await.expect("a job").job;
    stage.until_state(a, JobState::Running).await;
    let b = stage.create("b").await.expect("a job").job;
    let c = stage.create("c").await.expect("a job").job;
    let changed = stage.bench.ask::<call::Next>(JobIds { ids: vec![c] }).await.expect("moved");
    assert_eq!(changed.changed, 1);
    let places = [stage.job(c).await, stage.job(b).await].map(|job| job.and_then(|it| it.position));
    assert_eq!(places, [Some(2), Some(3)]);
}

// criterion: 8.5
#[tokio::test]
async fn a_line_paid_by_volume_is_left_alone_unless_somebody_insists() {
    let played = Played::default();
    played.metered(false);
    let stage = on(&played, &["a", "b"]).await;
    set(&stage.bench, |settings| settings.pause_on_metered = true).await;
    let a = stage.create("a").await.expect("a job").job;
    stage.until_state(a, JobState::Running).await;
    played.metered(true);
    set(&stage.bench, |_| {}).await;
    let held = stage.until("it lets go", a, |job| job.wait == Some(WaitReason::Metered)).await;
    assert_eq!(held.state, JobState::Queued);
    let b = stage.create("b").await.expect("a job").job;
    stage.until("it waits", b, |job| job.wait == Some(WaitReason::Metered)).await;
    assert_eq!(stage.queue().await.metrics.hold, Some(WaitReason::Metered));
    stage.resume(b).await;
    stage.until_state(b, JobState::Running).await;
    assert_eq!(stage.job(a).await.map(|job| job.wait), Some(Some(WaitReason::Metered)));
    played.metered(false);
    set(&stage.bench, |_| {}).await;
    stage.until_state(a, JobState::Running).await;
    stage.fake.pace(Pace::Instant);
    for job in [a, b] {
        stage.until_state(job, JobState::Done).await;
    }
}

// criterion: 8.5
#[tokio::test]
async fn while_somebody_works_nothing_moves_and_afterwards_it_does() {
    let played = Played::default();
    played.idle(Duration::from_secs(10));
    let stage = on(&played, &["a"]).await;
    set(&stage.bench, |settings| settings.only_while_idle = true).await;
    let a = stage.create("a").await.expect("a job").job;
    let reason = Some(WaitReason::InUse { minutes: MINUTES });
    stage.until("it waits", a, |job| job.wait == reason).await;
    let told = stage.bench.ask::<call::Conditions>(Nothing {}).await.expect("told");
    assert_eq!((told.metered, told.idle_seconds), (None, Some(10)));
    played.idle(Duration::from_secs(u64::from(MINUTES) * 60));
    set(&stage.bench, |_| {}).await;
    stage.until_state(a, JobState::Running).await;
}

// criterion: 8.5
#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_a_job_holds_for_that_job_alone_and_can_be_lifted() {
    let place = Place::new().await;
    let (slow, quick) = (layers(31, 30 * MB), layers(32, 30 * MB));
    place.publish("slow", &slow);
    place.publish("quick", &quick);
    let core = &place.bench.core;
    place.registry.hold(true);
    let job = place.create("slow").await.job;
    let limit = |kb| JobLimit { id: job, kb };
    let set = place.bench.ask::<call::SetJobLimit>(limit(10)).await.expect("set");
    assert_eq!(set.changed, 1);
    place.registry.hold(false);
    let limited = until_job(core, "it moves", job, |it| it.progress.done > 0).await;
    assert_eq!(limited.limit_kb, 10);
    let other = place.create("quick").await.job;
    place.done(other).await;
    let still = until_job(core, "it is there", job, |_| true).await;
    assert_eq!(still.state, JobState::Running, "it has most of an hour to go");
    assert!(still.progress.done < 30 * MB);
    place.bench.ask::<call::SetJobLimit>(limit(0)).await.expect("lifted");
    place.done(job).await;
    place.whole(&slow);
    let absurd = place.bench.ask::<call::SetJobLimit>(limit(u32::MAX)).await;
    assert_eq!(absurd.expect_err("refused").code, ErrorCode::InvalidInput);
}

// criterion: 8.5
#[tokio::test]
async fn a_window_of_the_day_changes_the_limit_and_bad_ones_are_refused() {
    let stage = Stage::with(&[], Pace::Instant).await;
    let all_day = BandwidthWindow { days: Days::Every, from: 0, to: 0, kb: 5_000 };
    set(&stage.bench, |settings| {
        settings.bandwidth_kb = 900;
        settings.bandwidth_windows = vec![all_day];
    })
    .await;
    let metrics = stage.queue().await.metrics;
    assert_eq!(metrics.limit, Some(5_000_000));
    let until = metrics.limit_until.expect("at midnight");
    let ahead = until.since(crate::support::START);
    assert!((1..=24 * 3_600_000).contains(&ahead), "{ahead}");
    set(&stage.bench, |settings| settings.bandwidth_windows.clear()).await;
    let metrics = stage.queue().await.metrics;
    assert_eq!((metrics.limit, metrics.limit_until), (Some(900_000), None));
    for windows in [
        vec![all_day; 9],
        vec![BandwidthWindow { to: 24 * 60, ..all_day }],
        vec![BandwidthWindow { kb: u32::MAX, ..all_day }],
    ] {
        let wanted = Settings { bandwidth_windows: windows, ..Settings::default() };
        let refused = stage.bench.ask::<settings::Update>(wanted).await.expect_err("refused");
        assert_eq!(refused.params.get("field").map(String::as_str), Some("bandwidthWindows"));
    }
}

// criterion: 2.4
#[tokio::test(flavor = "multi_thread")]
async fn figures_by_the_hour_outlive_the_jobs() {
    let place = Place::new().await;
    let parts = layers(33, 9 * MB);
    place.publish("large", &parts);
    let force = wish(place.instance, "large");
    let job = place.bench.ask::<Create>(force).await.expect("a job").job;
    place.done(job).await;
    place.bench.ask::<call::ClearFinished>(Nothing {}).await.expect("cleared");
    let asked = place.bench.ask::<call::Hours>(HoursBack { hours: 24 }).await.expect("figures");
    assert_eq!(asked.hours.len(), 24);
    let last = asked.hours.last().expect("the current hour");
    let size: u64 = parts.iter().map(|(_, content)| content.size).sum();
    assert!(last.bytes >= size, "{last:?}");
    assert_eq!((last.started, last.done, last.failed, last.longest), (1, 1, 0, 1));
    assert!(asked.hours.windows(2).all(|two| two[1].at.since(two[0].at) == 3_600_000));
    let refused = place.bench.ask::<call::Hours>(HoursBack { hours: 0 }).await;
    assert_eq!(refused.expect_err("refused").code, ErrorCode::InvalidInput);
}
