use corral_contract::{
    Timestamp, WireError,
    app::{Health, NoticeKind},
    health::{Configure, IncidentKind, Level, LevelState, Reach, Rules, Strategy, call},
    instances::InstanceRef,
};
use corral_core::{Core, CoreConfig, config::Workers};
use corral_testbed::ollama::Fault;

use super::{Ward, snapshot};
use crate::support::{Bench, START};

fn state(report: &corral_contract::health::HealthReport, level: Level) -> LevelState {
    report.levels.iter().find(|fact| fact.level == level).expect("all five").state
}

// criterion: 9.1
#[tokio::test]
async fn every_step_is_asked_and_the_first_that_fails_is_named() {
    let ward = Ward::new(Reach::Never).await;
    let ask =
        async || ward.bench.ask::<call::Check>(InstanceRef { id: ward.id }).await.expect("asked");
    let report = ask().await;
    for level in [Level::Tcp, Level::Http, Level::Version, Level::Tags] {
        assert_eq!(state(&report, level), LevelState::Ok, "{level:?}");
    }
    assert_eq!(state(&report, Level::Inference), LevelState::NotAsked, "only where it is wished");
    assert!(report.levels[0].ms.is_some() && report.levels[3].ms.is_some());
    for (path, fault, failed) in [
        ("/api/tags", Fault::Status(500, "x".to_owned()), Level::Tags),
        ("/api/version", Fault::Html, Level::Version),
        ("/api/version", Fault::Reset, Level::Http),
    ] {
        {
            let server = ward.hands.server.lock().await;
            server.heal();
            server.fault(path, fault);
        }
        let report = ask().await;
        assert_eq!(state(&report, failed), LevelState::Failed, "{failed:?} {:?}", report.levels);
        assert!(report.levels.iter().all(|fact| match fact.level {
            level if level < failed => fact.state == LevelState::Ok,
            level if level == failed => fact.problem.is_some(),
            _ => fact.state != LevelState::Ok,
        }));
    }
    ward.hands.server.lock().await.stop().await;
    assert_eq!(state(&ask().await, Level::Tcp), LevelState::Failed);
    ward.bench.core.shutdown().await;
}

// criterion: 9.1
#[tokio::test]
async fn availability_and_latency_are_kept_over_a_new_start() {
    let ward = Ward::new(Reach::Never).await;
    ward.look().await;
    let asked = ward.until("two questions", |report| report.stretches[0].asked >= 2).await;
    assert_eq!(asked.stretches[0].availability, Some(1.0));
    assert!(asked.stretches.iter().all(|each| each.p50.is_some() && each.p50 <= each.p95));
    ward.dies().await;
    let down = ward.until("an outage", |report| {
        report.stretches[0].availability.is_some_and(|share| share < 1.0)
    });
    let down = down.await;
    assert_eq!(down.slots.len(), 48);
    ward.bench.core.shutdown().await;
    let mut config = CoreConfig::in_folder(ward.bench.folder.path());
    config.workers = Workers::None;
    config.clock = std::sync::Arc::new(ward.bench.clock.clone());
    let core = Core::start(config).await.expect("starts anew");
    let kept = core
        .run::<call::Report>(corral_contract::audit::Actor::Window, InstanceRef { id: ward.id })
        .await
        .expect("a report");
    let (before, after) = (down.stretches[1], kept.stretches[1]);
    assert!(after.asked >= before.asked && after.availability.is_some_and(|share| share < 1.0));
    assert!(kept.incidents.iter().any(|each| each.kind == IncidentKind::Down));
    core.shutdown().await;
    // A clock that somebody set back by a day: what was measured is in the future, and nobody's.
    ward.bench.clock.advance(-86_400_000);
}

// criterion: 9.1
#[tokio::test]
async fn an_update_of_ollama_is_no_outage() {
    let ward = Ward::new(Reach::Never).await;
    ward.dies().await;
    ward.online(false).await;
    {
        let mut server = ward.hands.server.lock().await;
        server.version("0.34.0");
        server.restart_same_port().await.expect("it starts");
    }
    ward.look().await;
    let report = ward
        .until("the update", |report| {
            report.incidents.first().is_some_and(|each| each.kind == IncidentKind::Update)
        })
        .await;
    assert_eq!(report.incidents[0].subject.as_deref(), Some("0.34.0"));
    assert_eq!(report.stretches[0].availability, Some(1.0));
    ward.bench.core.shutdown().await;
}

// criterion: 9.1
#[tokio::test]
async fn a_clock_that_jumps_is_no_outage_and_spoils_no_figure() {
    let ward = Ward::new(Reach::Ours).await;
    let rules = Rules { strategy: Strategy::Immediate, ..Rules::default() };
    ward.set(rules).await.expect("set");
    for jump in [40 * 3_600_000_i64, -80 * 3_600_000, 40 * 3_600_000 + 1] {
        let before = ward.report().await.stretches.last().expect("a week").asked;
        ward.bench.clock.advance(jump);
        ward.look().await;
        let report = ward
            .until("another question", |report| {
                report.levels[0].at.is_some_and(|at| at >= ward.bench.core.now())
                    || report.stretches.last().is_some_and(|week| week.asked > before)
            })
            .await;
        assert_eq!(report.incidents, [], "after {jump} ms");
        assert!(report.stretches.iter().all(|each| each.availability.is_none_or(|it| it == 1.0)));
    }
    assert_eq!(ward.starts(), 0);
    ward.bench.core.shutdown().await;
}

// criterion: 9.1
#[tokio::test]
async fn rules_are_checked_and_kept() {
    let ward = Ward::new(Reach::Never).await;
    let rules = Rules { interval_seconds: 30, timeout_seconds: 3, retries: 4, ..Rules::default() };
    ward.set(rules.clone()).await.expect("set");
    ward.hands.server.lock().await.forget_requests();
    ward.dies().await;
    ward.online(false).await;
    for (field, rules) in [
        ("intervalSeconds", Rules { interval_seconds: 4, ..Rules::default() }),
        ("timeoutSeconds", Rules { timeout_seconds: 0, ..Rules::default() }),
        ("mostRestarts", Rules { most_restarts: 21, ..Rules::default() }),
        ("inferenceModel", Rules { inference_model: Some("a b".to_owned()), ..Rules::default() }),
    ] {
        let refused = ward.set(rules).await.expect_err("refused");
        assert_eq!(refused.params.get("field").map(String::as_str), Some(field));
    }
    assert_eq!(ward.report().await.rules, rules);
    ward.bench.core.shutdown().await;
    let unknown = Configure { instance: corral_contract::InstanceId(99), rules };
    let bench = Bench::quiet().await;
    assert!(bench.ask::<call::Set>(unknown).await.is_err());
}

// criterion: 9.1
#[tokio::test]
async fn as_many_questions_follow_a_failed_one_as_the_user_set() {
    let ward = Ward::new(Reach::Never).await;
    ward.set(Rules { retries: 3, ..Rules::default() }).await.expect("set");
    {
        let server = ward.hands.server.lock().await;
        server.forget_requests();
        server.fault("/api/version", Fault::Status(500, "x".to_owned()));
    }
    ward.look().await;
    ward.online(false).await;
    let asked = ward.hands.server.lock().await.requests_to("GET", "/api/version").len();
    assert!(asked >= 4, "asked {asked} times");
    ward.bench.core.shutdown().await;
}

// criterion: 11.6
#[tokio::test]
async fn a_part_that_fails_is_shown_and_takes_no_other_along() {
    let ward = Ward::new(Reach::Never).await;
    let core = &ward.bench.core;
    core.supervisor.spawn("disk", |_| async { panic!("it breaks") });
    core.supervisor.spawn("updates", |_| async {
        Err(WireError::new(corral_contract::ErrorCode::DatabaseBusy))
    });
    crate::support::until(core, "both are shown", async || {
        let parts = snapshot(&ward.bench).await.subsystems;
        let broken = parts.iter().filter(|each| each.health == Health::Degraded).count();
        (broken == 2).then_some(())
    })
    .await;
    let parts = snapshot(&ward.bench).await.subsystems;
    let disk = parts.iter().find(|each| each.name == "disk").expect("shown");
    assert!(disk.restarts >= 1);
    let problem = disk.problem.as_ref().expect("why");
    assert_eq!(problem.detail.as_deref(), Some("it breaks"));
    // The others go on: the server is asked, its end is missed, commands are answered.
    ward.dies().await;
    ward.online(false).await;
    ward.until("the outage", |report| !report.incidents.is_empty()).await;
    assert!(ward.notices().await.iter().any(|(kind, _)| *kind == NoticeKind::InstanceDown));
    let well = parts.iter().filter(|each| each.health == Health::Ok).count();
    assert!(well > 5, "{parts:?}");
    assert!(ward.report().await.slots.last().is_some_and(|slot| slot.at <= Timestamp(START.0)));
    core.shutdown().await;
}
