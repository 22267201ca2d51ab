//! What a person is asked, and what systemd is told.

use corral_contract::{
    ErrorCode,
    instances::{ApiState, InstanceRef, ServiceState, call},
    steering::{AllowSteering, Allowance, Consent, Contested, SetAutostart},
    tasks::{TaskKind, TaskState},
};
use corral_testbed::{FakeOllama, systemd::Refusal};

use super::{
    desk::{ended, reason},
    units::Units,
};

async fn allow(units: &Units, how: Allowance) {
    let allow = AllowSteering { id: units.id, how };
    units.bench.ask::<call::Allow>(allow).await.expect("allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ours_is_steered_only_after_the_user_agreed() {
    let units = Units::open(FakeOllama::builder()).await;
    let (bench, it) = (&units.bench, InstanceRef { id: units.id });
    let seen = bench.ask::<call::Steering>(it).await.expect("a look");
    assert_eq!(seen.unit.as_deref(), Some("ollama.service"));
    assert_eq!((seen.can_start, seen.can_stop, seen.can_configure), (true, true, true));
    assert_eq!(seen.consent, Consent::Ask);
    assert_eq!(seen.stop, ["systemctl --user stop ollama.service"]);

    let refused = bench.ask::<call::Stop>(it).await.expect_err("nobody agreed");
    assert_eq!((refused.code, reason(&refused)), (ErrorCode::Denied, "notOurs"));
    assert!(units.systemd.calls().is_empty(), "nothing was told to the system");

    allow(&units, Allowance::Once).await;
    let task = bench.ask::<call::Stop>(it).await.expect("begun").task;
    let task = ended(bench, task).await;
    assert_eq!((task.kind, task.state), (TaskKind::StopServer, TaskState::Done), "{task:?}");
    assert_eq!(units.systemd.calls(), ["StopUnit ollama.service replace"]);

    let refused = bench.ask::<call::Start>(it).await.expect_err("that was once");
    assert_eq!(refused.code, ErrorCode::Denied);
    allow(&units, Allowance::Always).await;
    for _ in 0..2 {
        let task = bench.ask::<call::Restart>(it).await.expect("begun").task;
        assert_eq!(ended(bench, task).await.state, TaskState::Done);
    }
    allow(&units, Allowance::Never).await;
    assert_eq!(bench.ask::<call::Start>(it).await.expect_err("taken back").code, ErrorCode::Denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_why() {
    let units = Units::open(FakeOllama::builder()).await;
    let (bench, it) = (&units.bench, InstanceRef { id: units.id });
    allow(&units, Allowance::Always).await;
    for (refusal, load, why) in [
        (Some(Refusal::Denied), "loaded", "notAllowed"),
        (Some(Refusal::NobodyAsks), "loaded", "notAllowed"),
        (None, "masked", "masked"),
    ] {
        units.systemd.refuse(refusal);
        units.systemd.load_state(load);
        let task = bench.ask::<call::Restart>(it).await.expect("begun").task;
        let problem = ended(bench, task).await.problem.expect("refused");
        assert_eq!((problem.code, reason(&problem)), (ErrorCode::ServiceRefused, why));
    }
    units.systemd.load_state("not-found");
    let task = bench.ask::<call::Start>(it).await.expect("begun").task;
    let problem = ended(bench, task).await.problem.expect("missing");
    assert_eq!(problem.code, ErrorCode::ServiceMissing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_at_once_is_told_with_its_last_lines() {
    let fake = FakeOllama::builder().start().await.expect("a fake server");
    let control = fake.control();
    let units = Units::play(fake, move |_, _| {
        control.offline(true);
        false
    })
    .await;
    allow(&units, Allowance::Always).await;
    let said = "Error: listen tcp 127.0.0.1:11434: bind: address already in use\n";
    units.programs.answer("journalctl", 0, said);
    let it = InstanceRef { id: units.id };
    let task = units.bench.ask::<call::Restart>(it).await.expect("begun").task;
    let problem = ended(&units.bench, task).await.problem.expect("failed");
    assert_eq!((problem.code, reason(&problem)), (ErrorCode::ServiceRefused, "unitFailed"));
    let detail = problem.detail.expect("systemd's words");
    assert!(detail.contains("exit-code, status 1"), "{detail}");
    let asked = units.programs.calls();
    assert!(asked.iter().any(|call| call.contains("--user --unit ollama.service")), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn autostart_is_switched_and_told() {
    let units = Units::open(FakeOllama::builder()).await;
    allow(&units, Allowance::Always).await;
    for on in [false, true] {
        let set = SetAutostart { id: units.id, on };
        let seen = units.bench.ask::<call::Autostart>(set).await.expect("switched");
        assert_eq!((seen.autostart, units.systemd.enabled()), (Some(on), on));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_port_is_named() {
    let units = Units::open(FakeOllama::builder()).await;
    let it = InstanceRef { id: units.id };
    let seen = units.bench.ask::<call::Steering>(it).await.expect("a look");
    assert_eq!(seen.conflicts, []);
    units.desk.server(&units.fake.address().to_string(), |process| process.pid = 77);
    let seen = units.bench.ask::<call::Steering>(it).await.expect("a look");
    let told: Vec<_> = seen.conflicts.iter().map(|it| (it.over, it.pid)).collect();
    assert_eq!(told, [(Contested::Port, Some(77))]);
    let view = units.bench.ask::<call::Probe>(it).await.expect("a look");
    assert_eq!(view.service.state, ServiceState::Running, "nothing was fought");
    assert_eq!(view.conflicts, seen.conflicts, "the card says so, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_succeeds_and_never_answers_is_told_as_that() {
    let fake = FakeOllama::builder().start().await.expect("a fake server");
    let control = fake.control();
    // systemd calls it running; nobody answers.
    let units = Units::play(fake, move |_, on| {
        control.offline(true);
        on
    })
    .await;
    allow(&units, Allowance::Always).await;
    units.programs.answer("journalctl", 0, "time=2026-11-27T00:00:00Z level=INFO msg=waiting\n");
    let it = InstanceRef { id: units.id };
    let task = units.bench.ask::<call::Restart>(it).await.expect("begun").task;
    let task = ended(&units.bench, task).await;
    let problem = task.problem.expect("nobody answers");
    assert_eq!(problem.code, ErrorCode::TimedOut);
    assert_eq!(problem.params["seconds"], "5");
    let view = units.bench.ask::<call::Probe>(it).await.expect("a look");
    assert_eq!(view.api.state, ApiState::Down);
    assert_eq!(view.service.state, ServiceState::Running, "two facts");
    assert!(units.bench.ask::<call::Start>(it).await.is_ok(), "it can be tried again");
}
