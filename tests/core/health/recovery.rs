use std::sync::atomic::Ordering;

use corral_contract::{
    ErrorCode,
    app::NoticeKind,
    audit::{self, Actor, AuditRequest, Outcome},
    health::{FindingKind, IncidentKind, Reach, RecoveryState, Rules, Strategy, call},
    instances::{
        InstanceRef,
        call::{Allow, Probe},
    },
    serverlogs::{SetFile, call as logs},
    steering::{AllowSteering, Allowance},
};
use corral_core::signal::Signal;

use super::Ward;
use crate::support::until;

fn at_once() -> Rules {
    Rules { strategy: Strategy::Immediate, most_restarts: 2, ..Rules::default() }
}

fn kinds(ward: &[(NoticeKind, Option<corral_contract::WireError>)]) -> Vec<NoticeKind> {
    ward.iter().map(|(kind, _)| *kind).collect()
}

// criterion: 9.2
#[tokio::test]
async fn one_that_goes_is_started_again_and_every_step_is_told() {
    let ward = Ward::new(Reach::Ours).await;
    ward.set(at_once()).await.expect("set");
    ward.dies().await;
    let report = ward
        .until("the start", |report| {
            report.incidents.iter().any(|each| each.kind == IncidentKind::Restarted)
        })
        .await;
    ward.online(true).await;
    assert_eq!(ward.starts(), 1);
    assert_eq!(report.recovery.state, RecoveryState::Idle);
    ward.until("the end of the outage", |report| {
        let down = report.incidents.iter().find(|each| each.kind == IncidentKind::Down);
        down.is_some_and(|down| down.until.is_some())
    })
    .await;
    let rows = ward.bench.ask::<audit::call::Search>(AuditRequest {
        command: Some("health.restart".to_owned()),
        ..AuditRequest::default()
    });
    let rows = rows.await.expect("the audit").items;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].actor, rows[0].outcome), (Actor::Scheduler, Outcome::Done));
    // A notice is told a moment after what it is about was written down.
    let all = [NoticeKind::InstanceDown, NoticeKind::InstanceBack, NoticeKind::InstanceRestarted];
    let told = until(&ward.bench.core, "every step is told", async || {
        let told = kinds(&ward.notices().await);
        all.iter().all(|kind| told.contains(kind)).then_some(told)
    })
    .await;
    for kind in all {
        assert_eq!(told.iter().filter(|each| **each == kind).count(), 1, "{kind:?} once");
    }
    ward.bench.core.shutdown().await;
}

// criterion: 9.3
#[tokio::test]
async fn after_so_many_failed_starts_it_is_left_alone_and_that_is_told() {
    let ward = Ward::new(Reach::Ours).await;
    let log = ward.bench.folder.path().join("server.log");
    std::fs::write(
        &log,
        "time=2026-11-27T00:00:00Z level=ERROR msg=\"key token=secret\"\n\
         Error: listen tcp 127.0.0.1:11434: bind: address already in use\n",
    )
    .expect("a log");
    let path = Some(log.display().to_string());
    ward.bench.ask::<logs::ChooseFile>(SetFile { instance: ward.id, path }).await.expect("chosen");
    ward.set(at_once()).await.expect("set");
    ward.hands.refuses.store(true, Ordering::SeqCst);
    ward.dies().await;
    let report = ward
        .until("the end of trying", |report| {
            report.recovery.state == RecoveryState::GivenUp
                && report.incidents.first().is_some_and(|each| each.kind == IncidentKind::GaveUp)
        })
        .await;
    assert_eq!((ward.starts(), report.recovery.failed), (2, 2));
    let gave_up = &report.incidents[0];
    assert_eq!(gave_up.cause, Some(FindingKind::PortTaken), "the log says why");
    assert_eq!(gave_up.lines.len(), 2);
    assert!(!gave_up.lines.join("").contains("secret"), "{:?}", gave_up.lines);
    let wait = async {
        loop {
            let notices = ward.notices().await;
            if let Some((_, problem)) =
                notices.iter().find(|(kind, _)| *kind == NoticeKind::InstanceCritical)
            {
                break problem.clone().expect("why");
            }
            tokio::task::yield_now().await;
        }
    };
    let problem = tokio::time::timeout(corral_testbed::patience::DEADLINE, wait).await;
    let problem = problem.expect("told in time");
    assert_eq!(problem.code, ErrorCode::ServiceRefused);
    let detail = problem.detail.expect("words");
    assert!(detail.contains("unit is masked") && detail.contains("already in use"), "{detail}");
    // Nothing more is tried, however often it is missed.
    ward.look().await;
    ward.look().await;
    assert_eq!(ward.starts(), 2);
    // Until the user says so.
    ward.hands.refuses.store(false, Ordering::SeqCst);
    ward.bench.ask::<call::TryNow>(InstanceRef { id: ward.id }).await.expect("tried");
    ward.online(true).await;
    ward.until("well again", |report| report.recovery.state == RecoveryState::Idle).await;
    assert_eq!(ward.starts(), 3);
    ward.bench.core.shutdown().await;
}

// criterion: 9.2
#[tokio::test]
async fn what_is_not_ours_is_started_only_when_the_user_allowed_it() {
    let ward = Ward::new(Reach::WithConsent).await;
    let refused = ward.set(at_once()).await.expect_err("refused");
    assert_eq!(refused.params.get("field").map(String::as_str), Some("consent"));
    let allow = async |how: Allowance| {
        let allow = AllowSteering { id: ward.id, how };
        ward.bench.ask::<Allow>(allow).await.expect("kept");
    };
    // Once is for what a person does now; later there is nobody to be asked.
    allow(Allowance::Once).await;
    assert!(ward.set(at_once()).await.is_err());
    allow(Allowance::Always).await;
    let report = ward.set(at_once()).await.expect("allowed");
    assert_eq!((report.rules, report.recovery.reach), (at_once(), Reach::Allowed));
    ward.dies().await;
    ward.until("the start", |report| {
        report.incidents.iter().any(|each| each.kind == IncidentKind::Restarted)
    })
    .await;
    assert_eq!(ward.starts(), 1);
    // Taken back where it was given, or anywhere else: it is one word.
    ward.online(true).await;
    allow(Allowance::Never).await;
    ward.dies().await;
    ward.online(false).await;
    ward.until("another outage", |report| {
        let down = report.incidents.iter().filter(|each| each.kind == IncidentKind::Down);
        down.count() == 2 && report.recovery.reach == Reach::WithConsent
    })
    .await;
    ward.look().await;
    assert_eq!(ward.starts(), 1);
    ward.bench.core.shutdown().await;
    let ward = Ward::new(Reach::Never).await;
    let refused = ward.set(at_once()).await.expect_err("refused");
    assert_eq!(refused.params.get("reason").map(String::as_str), Some("cannotStart"));
    let refused = ward.bench.ask::<call::TryNow>(InstanceRef { id: ward.id }).await;
    assert_eq!(refused.expect_err("refused").code, ErrorCode::ServiceMissing);
    ward.bench.core.shutdown().await;
}

#[tokio::test]
async fn one_that_the_user_stopped_is_not_missed() {
    let ward = Ward::new(Reach::Ours).await;
    ward.set(at_once()).await.expect("set");
    // An answer that was under way when he did it counts as one more sign of life: said until heard.
    ward.until("held", |report| {
        ward.bench.core.signals.send(Signal::StoppedByUser(ward.id));
        report.recovery.state == RecoveryState::Held
    })
    .await;
    ward.dies().await;
    ward.until("it is gone", |report| {
        report.incidents.first().is_some_and(|each| each.kind == IncidentKind::Held)
    })
    .await;
    ward.look().await;
    assert_eq!(ward.starts(), 0);
    ward.hands.server.lock().await.restart_same_port().await.expect("it starts");
    ward.look().await;
    let report = ward
        .until("it is back", |report| {
            report.incidents.first().is_some_and(|each| each.until.is_some())
        })
        .await;
    assert_eq!(report.stretches[0].availability, Some(1.0), "no outage");
    assert_eq!(report.recovery.state, RecoveryState::Idle);
    assert_eq!(kinds(&ward.notices().await), [], "nobody is told what he did himself");
    ward.bench.core.shutdown().await;
}

// criterion: 9.2
#[cfg(unix)]
#[tokio::test]
async fn a_process_that_ends_is_seen_though_nobody_asked_the_server() {
    let server = corral_testbed::FakeOllama::builder().start().await.expect("a fake server");
    let mut process =
        std::process::Command::new("sleep").arg("600").spawn().expect("a process to watch");
    let ward = {
        let ward = Ward::on(server, Reach::Ours).await;
        ward.played.process(process.id());
        ward
    };
    // The next look that takes in processes is at a change of state: make one.
    ward.dies().await;
    ward.online(false).await;
    ward.hands.server.lock().await.restart_same_port().await.expect("it starts");
    ward.online(true).await;
    crate::support::until(&ward.bench.core, "its process", async || {
        let list = ward
            .bench
            .ask::<corral_contract::instances::call::List>(corral_contract::command::Nothing {})
            .await
            .expect("a list");
        (list.items[0].service.pid == Some(process.id())).then_some(())
    })
    .await;
    process.kill().expect("killed");
    process.wait().expect("gone");
    ward.until("the crash", |report| {
        report.incidents.iter().any(|each| each.kind == IncidentKind::Crash)
    })
    .await;
    ward.bench.core.shutdown().await;
}

/// The number of a process that went may be another one's soon.
#[cfg(unix)]
#[tokio::test]
async fn a_number_that_another_process_has_by_now_is_no_server() {
    let server = corral_testbed::FakeOllama::builder().start().await.expect("a fake server");
    let mut other =
        std::process::Command::new("sleep").arg("600").spawn().expect("another process");
    let ward = Ward::on(server, Reach::Ours).await;
    // The server's own began an hour before.
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let since = hour_ago.duration_since(std::time::UNIX_EPOCH).expect("a time").as_millis();
    let since = corral_contract::Timestamp(i64::try_from(since).expect("a time"));
    ward.played.process_since(other.id(), since);
    ward.bench.ask::<Probe>(InstanceRef { id: ward.id }).await.expect("asked");
    ward.until("the crash", |report| {
        report.incidents.iter().any(|each| each.kind == IncidentKind::Crash)
    })
    .await;
    let crashes = async || {
        let report = ward.report().await;
        report.incidents.iter().filter(|each| each.kind == IncidentKind::Crash).count()
    };
    ward.look().await;
    ward.look().await;
    assert_eq!(crashes().await, 1, "told once");
    other.kill().expect("killed");
    other.wait().expect("gone");
    ward.bench.core.shutdown().await;
}
