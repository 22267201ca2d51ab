//! How an instance is over time.

use corral_contract::{
    ErrorCode,
    app::{NoticeKind, Visible, call as app},
    command::Nothing,
    event::AppEvent,
    instances::{ApiState, InstanceDraft, InstanceRef, Kind, call},
};
use corral_core::signal::Signal;
use corral_testbed::{FakeOllama, ollama::Fault};

use super::{add, fake, seen, until};
use crate::support::Bench;

async fn notices(bench: &Bench) -> Vec<NoticeKind> {
    let snapshot = bench.ask::<app::Snapshot>(Nothing {}).await.expect("a snapshot");
    snapshot.notices.iter().map(|notice| notice.kind).collect()
}

/// Makes every poller look now.
async fn look_now(bench: &Bench) {
    bench.ask::<app::SetVisible>(Visible { visible: true }).await.expect("told");
}

// criterion: 0.2
#[tokio::test]
async fn a_server_that_dies_and_comes_back_is_told_once_each() {
    let bench = Bench::with(|_| {}).await;
    let mut fake = fake().await;
    let mut signals = bench.core.signals.listen();
    let mut events = bench.core.bus.listen();
    let id = add(&bench, &fake.url()).await;
    assert_eq!(signals.recv().await, Ok(Signal::InstanceAdded(id)));
    assert_eq!(signals.recv().await, Ok(Signal::InstanceUp(id)));
    fake.stop().await;
    look_now(&bench).await;
    let down =
        |state| move |view: &corral_contract::instances::InstanceView| view.api.state == state;
    let view = until(&bench, &mut events, id, "down", down(ApiState::Down)).await;
    assert_eq!(view.api.problem.map(|problem| problem.code), Some(ErrorCode::ConnectionRefused));
    assert_eq!(view.api.version.as_deref(), Some("0.33.0"), "what it was stays known");
    assert_eq!(view.latencies.last(), Some(&None));
    bench.ask::<call::Probe>(InstanceRef { id }).await.expect("asked again");
    fake.restart_same_port().await.expect("starts again");
    look_now(&bench).await;
    until(&bench, &mut events, id, "up again", down(ApiState::Ok)).await;
    until_notices(&bench, &mut events, &[NoticeKind::InstanceBack, NoticeKind::InstanceDown]).await;
    let mut told = Vec::new();
    while let Ok(signal) = signals.try_recv() {
        if matches!(signal, Signal::InstanceUp(_) | Signal::InstanceDown(_)) {
            told.push(signal);
        }
    }
    assert_eq!(told, [Signal::InstanceDown(id), Signal::InstanceUp(id)]);
    bench.core.shutdown().await;
}

async fn until_notices(
    bench: &Bench,
    events: &mut corral_core::bus::Listener,
    wanted: &[NoticeKind],
) {
    let wait = async {
        while notices(bench).await != wanted {
            events.next().await.expect("the core runs");
        }
    };
    tokio::time::timeout(super::DEADLINE, wait).await.expect("the notices");
}

// criterion: 0.2
#[tokio::test]
async fn one_failed_question_is_no_outage() {
    let (bench, fake) = (Bench::quiet().await, fake().await);
    let id = add(&bench, &fake.url()).await;
    fake.fault_once("/api/version", Fault::Reset);
    let view = bench.ask::<call::Probe>(InstanceRef { id }).await.expect("asked");
    assert_eq!(view.api.state, ApiState::Ok);
    assert_eq!(fake.requests_to("GET", "/api/version").len(), 3, "asked again at once");
    assert!(notices(&bench).await.is_empty());
}

#[tokio::test]
async fn waking_from_sleep_is_no_outage() {
    let bench = Bench::with(|_| {}).await;
    let fake = fake().await;
    let mut events = bench.core.bus.listen();
    let id = add(&bench, &fake.url()).await;
    until(&bench, &mut events, id, "the poller's first look", |view| view.latencies.len() > 1)
        .await;
    // The machine sleeps for an hour; after it the network needs a moment.
    fake.fault("/api/version", Fault::Reset);
    fake.forget_requests();
    bench.clock.advance(3_600_000);
    let woken = corral_contract::Timestamp(crate::support::START.0 + 3_600_000);
    look_now(&bench).await;
    fake.until("more tries than in an ordinary look", |fake| {
        fake.requests_to("GET", "/api/version").len() > 2
    })
    .await
    .expect("patience");
    fake.heal();
    let mut told = Vec::new();
    while seen(&bench, id).await.api.checked_at < Some(woken) {
        let next = tokio::time::timeout(super::DEADLINE, events.next()).await;
        told.extend(next.expect("a look").map(|envelope| envelope.event.clone()));
    }
    let went_down = told
        .iter()
        .any(|event| matches!(event, AppEvent::Instance(view) if view.api.state == ApiState::Down));
    assert!(!went_down);
    assert_eq!(seen(&bench, id).await.api.state, ApiState::Ok);
    assert!(notices(&bench).await.is_empty());
    bench.core.shutdown().await;
}

// criterion: 0.2
#[tokio::test]
async fn each_reason_is_shown_at_its_instance_alone() {
    let bench = Bench::quiet().await;
    let (well, page, old, broken) = (fake().await, fake().await, fake().await, fake().await);
    let id = add(&bench, &well.url()).await;
    page.fault("/api/version", Fault::Html);
    old.version("0.1.32");
    broken.fault("/api/version", Fault::Status(500, "x".to_owned()));
    for (fake, state, code) in [
        (&page, ApiState::Down, ErrorCode::NotOllama),
        (&old, ApiState::Limited, ErrorCode::TooOld),
        (&broken, ApiState::Down, ErrorCode::ServerFault),
    ] {
        let other = add(&bench, &fake.url()).await;
        let view = seen(&bench, other).await;
        assert_eq!(view.api.state, state);
        assert_eq!(view.api.problem.map(|problem| problem.code), Some(code));
    }
    assert_eq!(seen(&bench, id).await.api.state, ApiState::Ok);
}

#[tokio::test]
async fn an_instance_that_never_answered_is_down_without_a_notice() {
    let bench = Bench::quiet().await;
    let mut gone = fake().await;
    gone.stop().await;
    let id = add(&bench, &gone.url()).await;
    bench.ask::<call::Probe>(InstanceRef { id }).await.expect("asked");
    assert_eq!(seen(&bench, id).await.api.state, ApiState::Down);
    assert!(notices(&bench).await.is_empty());
}

/// One of another machine is updated there, without a word to anybody here.
#[tokio::test]
async fn a_remote_server_that_changes_its_version_is_shown_as_what_it_is_now() {
    let fake = FakeOllama::builder().start().await.expect("a fake server");
    let bench = Bench::quiet().await;
    let draft = InstanceDraft { url: fake.url(), ..InstanceDraft::default() };
    let added = bench.ask::<call::Add>(draft).await.expect("added");
    assert_eq!((added.kind, added.api.version.as_deref()), (Kind::Remote, Some("0.33.0")));
    let it = InstanceRef { id: added.id };
    for (version, state) in
        [("0.34.1", ApiState::Ok), ("0.1.30", ApiState::Limited), ("0.33.0", ApiState::Ok)]
    {
        fake.version(version);
        let view = bench.ask::<call::Probe>(it).await.expect("asked");
        assert_eq!((view.api.state, view.api.version.as_deref()), (state, Some(version)));
        assert_eq!(view.api.problem.is_some(), state == ApiState::Limited);
    }
}
