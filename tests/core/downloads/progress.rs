use std::{collections::HashMap, sync::Arc, time::Instant};

use corral_contract::{
    JobId,
    downloads::JobState,
    event::{AppEvent, Envelope},
    progress::{LayerState, Phase, Progress},
};
use corral_core::bus::Listener;
use corral_testbed::{
    ollama::{Model, Pace},
    patience::DEADLINE,
};

use super::stage::{Stage, WEIGHTS, fake};

/// Everything windows heard about one job, until its end.
async fn heard(events: &mut Listener, job: JobId) -> Vec<(Instant, Progress)> {
    let mut all = Vec::new();
    loop {
        let event = tokio::time::timeout(DEADLINE, events.next()).await.expect("events in time");
        let envelope: Arc<Envelope> = event.expect("the core runs");
        match &envelope.event {
            AppEvent::Progress(batch) => {
                let mine = batch.iter().filter(|each| each.job == job);
                all.extend(mine.map(|each| (Instant::now(), each.clone())));
            }
            AppEvent::Job(view) if view.id == job => {
                all.push((Instant::now(), view.progress.clone()));
                if view.state == JobState::Done {
                    return all;
                }
            }
            AppEvent::Resync => panic!("the listener fell behind"),
            _ => {}
        }
    }
}

fn never_back(all: &[(Instant, Progress)]) {
    for pair in all.windows(2) {
        let (before, now) = (&pair[0].1, &pair[1].1);
        assert!(now.done >= before.done, "{before:?} {now:?}");
        assert!(now.percent() >= before.percent(), "{before:?} {now:?}");
        assert!(now.again >= before.again, "{before:?} {now:?}");
        assert!(now.done <= now.total.unwrap_or(u64::MAX), "{now:?}");
    }
}

// criterion: 2.3
#[tokio::test]
async fn the_bar_stands_while_the_server_walks_back() {
    let stage = Stage::with(&["a"], Pace::Gated).await;
    let mut events = stage.bench.core.bus.listen();
    let job = stage.create("a").await.expect("a job").job;
    let listening = tokio::spawn(async move { heard(&mut events, job).await });
    stage.fake.release(WEIGHTS / 2);
    stage.until("half of it", job, |job| job.progress.done >= WEIGHTS / 2).await;
    stage.fake.roll_back(WEIGHTS / 4);
    stage.fake.release(WEIGHTS / 8);
    let repeated = stage.until("bytes come again", job, |job| job.progress.again > 0).await;
    assert_eq!(repeated.progress.done, WEIGHTS / 2, "counted once");
    // A server that starts anew may have lost even more.
    stage.fake.lost_on_cancel(WEIGHTS / 4);
    stage.pause(job).await;
    let idle = |fake: &corral_testbed::ollama::Control| fake.downloads().is_empty();
    stage.fake.until("the pull was let go", idle).await.expect("let go");
    stage.resume(job).await;
    stage.until_state(job, JobState::Running).await;
    stage.fake.pace(Pace::Instant);
    let all = listening.await.expect("heard to the end");
    never_back(&all);
    let last = &all.last().expect("something was told").1;
    assert_eq!(
        (last.phase, last.percent(), last.done),
        (Phase::Done, Some(100), last.total.unwrap_or(0))
    );
    assert!(last.again >= WEIGHTS / 8, "{last:?}");
    assert!(last.layers.iter().all(|layer| layer.state == LayerState::Verified), "{last:?}");
}

// criterion: 2.3
#[tokio::test]
async fn a_layer_named_late_does_not_push_the_bar_back() {
    let server = fake(&[], Pace::Gated).await;
    server.catalogue(|mine| mine.add(Model::new("a").projector(3_000_000)));
    let stage = Stage::on(server).await;
    let mut events = stage.bench.core.bus.listen();
    let job = stage.create("a").await.expect("a job").job;
    let listening = tokio::spawn(async move { heard(&mut events, job).await });
    let first = |job: &corral_contract::downloads::JobView| job.progress.layers.len() == 1;
    stage.until("the weights are named", job, first).await;
    stage.fake.release(WEIGHTS);
    let second = |job: &corral_contract::downloads::JobView| job.progress.layers.len() > 1;
    let now = stage.until("the projector is named", job, second).await.progress;
    assert!(now.percent() >= Some(57) && now.percent() < Some(100), "{now:?}");
    stage.fake.release(3_000_000);
    stage.until_state(job, JobState::Done).await;
    never_back(&listening.await.expect("heard to the end"));
}

// criterion: 2.3
#[tokio::test]
async fn tells_every_phase_and_figures_four_times_a_second_at_most() {
    let stage = Stage::with(&["a", "b", "c"], Pace::Rate(2_000_000)).await;
    let mut events = stage.bench.core.bus.listen();
    let began = Instant::now();
    let mut jobs = Vec::new();
    for name in ["a", "b", "c"] {
        jobs.push(stage.create(name).await.expect("a job").job);
    }
    let mut figures: HashMap<JobId, u32> = HashMap::new();
    let mut phases: HashMap<JobId, Vec<Phase>> = HashMap::new();
    let mut speeds = 0;
    while phases.values().filter(|all| all.last() == Some(&Phase::Done)).count() < 3 {
        let event = tokio::time::timeout(DEADLINE, events.next()).await.expect("events in time");
        match &event.expect("the core runs").event {
            AppEvent::Progress(batch) => {
                for progress in batch {
                    *figures.entry(progress.job).or_default() += 1;
                    speeds += u32::from(progress.speed.is_some_and(|speed| speed > 0));
                    if progress.speed.is_some_and(|speed| speed > 0) {
                        assert!(progress.left_seconds.is_some(), "{progress:?}");
                    }
                }
            }
            AppEvent::Job(view) => {
                let seen = phases.entry(view.id).or_default();
                if seen.last() != Some(&view.progress.phase) {
                    seen.push(view.progress.phase);
                }
            }
            _ => {}
        }
    }
    let most = began.elapsed().as_secs_f64() * 4.0 + 1.0;
    for job in jobs {
        let count = figures.get(&job).copied().unwrap_or_default();
        assert!(count >= 2 && f64::from(count) <= most, "{count} of at most {most}");
        let seen = &phases[&job];
        assert_eq!(seen.first(), Some(&Phase::Waiting));
        assert!(seen.contains(&Phase::Fetching), "{seen:?}");
    }
    assert!(speeds > 0, "a speed was measured");
}

// criterion: 2.3
#[tokio::test]
async fn a_restart_of_the_server_in_the_middle_costs_nothing_shown() {
    let stage = Stage::with(&["a"], Pace::Gated).await;
    let mut stage = stage;
    let mut events = stage.bench.core.bus.listen();
    let job = stage.create("a").await.expect("a job").job;
    let listening = tokio::spawn(async move { heard(&mut events, job).await });
    stage.fake.release(WEIGHTS / 2);
    stage.until("half of it", job, |job| job.progress.done >= WEIGHTS / 2).await;
    stage.fake.lost_on_cancel(WEIGHTS);
    stage.fake.restart_same_port().await.expect("the server starts again");
    stage.until("it is tried again", job, |job| job.attempts > 0 || job.wait.is_some()).await;
    stage.until_state(job, JobState::Running).await;
    stage.fake.pace(Pace::Rate(8_000_000));
    stage.until_state(job, JobState::Done).await;
    let all = listening.await.expect("heard to the end");
    never_back(&all);
    assert!(all.last().is_some_and(|(_, last)| last.again > 0), "what came again is told");
}
