//! The server while it runs: its end, its start again, and a Corral that comes and goes.

use corral_contract::{
    ErrorCode,
    command::Nothing,
    installs::{InstallOllama, RemoveOllama, ServerPhase, call},
    instances::{self, ApiState, InstanceRef, Kind, Runner, ServiceState},
    models::OpRef,
    tasks::TaskState,
};
use corral_core::config::Workers;
use corral_testbed::serve::Behaviour;

use super::{Home, kill, processes};

#[tokio::test(flavor = "multi_thread")]
async fn one_command_brings_a_server_that_answers_and_ends_with_corral() {
    let home = Home::running(Behaviour::version("0.40.0")).await;
    let view = home.view().await;
    let server = view.server.expect("a server");
    assert_eq!((server.phase, server.version.as_str()), (ServerPhase::Running, "0.40.0"));
    assert_eq!(server.models, view.models_folder);
    assert!(view.versions[0].active && view.versions[0].verified, "{:#?}", view.versions);
    let instance = home.instances().await.remove(0);
    assert_eq!((instance.kind, instance.runner), (Kind::NativeManaged, Runner::Managed));
    assert_eq!(instance.api.state, ApiState::Ok);
    assert_eq!(instance.api.version.as_deref(), Some("0.40.0"));
    assert_eq!((instance.service.state, instance.service.pid), (ServiceState::Running, server.pid));
    assert_eq!(instance.store.path, Some(server.models));
    assert_eq!(instance.store.writable, Some(true), "its store is ours to write");
    assert!(!instance.exposed);
    let refused = home.bench.ask::<instances::call::Remove>(InstanceRef { id: instance.id }).await;
    assert_eq!(refused.expect_err("it goes with its server").code, ErrorCode::WrongState);
    home.bench.core.shutdown().await;
    assert!(processes(home.bench.folder.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_is_started_again_and_how_it_died_is_kept() {
    let home = Home::running(Behaviour::version("0.40.0")).await;
    let before = home.pid().await;
    kill(before);
    let view = home
        .until("another process", |view| {
            let server = view.server.as_ref().expect("a server");
            server.phase == ServerPhase::Running && server.pid.is_some_and(|pid| pid != before)
        })
        .await;
    let exit = view.server.expect("a server").last_exit.expect("how it ended");
    assert_eq!(exit.times, 1);
    if cfg!(unix) {
        assert_eq!((exit.code, exit.signal), (None, Some(9)));
    }
    assert!(exit.lines.iter().any(|line| line.contains("Listening on")), "{exit:#?}");
    home.bench.core.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_dies_again_and_again_is_left_alone() {
    let home = Home::running(Behaviour::version("0.40.0")).await;
    let bad = Behaviour { exits: Some(3), ..Behaviour::version("0.40.0") };
    home.behave(&bad);
    kill(home.pid().await);
    let view = home
        .until("the end of it", |view| {
            view.server.as_ref().is_some_and(|server| server.phase == ServerPhase::GivenUp)
        })
        .await;
    let server = view.server.expect("a server");
    let problem = server.problem.expect("why");
    assert_eq!(problem.code, ErrorCode::ServerNotStarted);
    assert_eq!(problem.params["code"], "3");
    assert!(problem.detail.is_some_and(|text| text.contains("something is wrong")));
    assert!(processes(home.bench.folder.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_want_to_end_is_ended_with_all_it_started() {
    let stubborn =
        Behaviour { ignores_term: true, leaves_runner: true, ..Behaviour::version("0.40.0") };
    let home = Home::running(stubborn).await;
    assert_eq!(processes(home.bench.folder.path()).len(), 2, "itself and what it started");
    let removed = home.bench.ask::<call::Remove>(RemoveOllama { models: false }).await;
    let OpRef { task } = removed.expect("it begins");
    assert_eq!(home.ended(task).await.state, TaskState::Done);
    home.is_empty().await;
    assert!(home.bench.folder.path().join("ollama").join("models").exists(), "models stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_server_had_started_goes() {
    let leaves = Behaviour { leaves_runner: true, ..Behaviour::version("0.40.0") };
    let home = Home::running(leaves).await;
    let before = home.pid().await;
    kill(before);
    home.until("another process", |view| {
        let server = view.server.as_ref().expect("a server");
        server.phase == ServerPhase::Running && server.pid.is_some_and(|pid| pid != before)
    })
    .await;
    assert_eq!(processes(home.bench.folder.path()).len(), 2, "the new one and its own");
    home.bench.core.shutdown().await;
    assert!(processes(home.bench.folder.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_outlives_a_corral_that_was_killed_and_is_taken_over() {
    let mut home = Home::running(Behaviour::version("0.40.0")).await;
    let before = home.pid().await;
    home.killed_and_started(Workers::None, |_| {}).await;
    assert_eq!((home.pid().await, home.phase().await), (before, ServerPhase::Running));
    // Killed between the start of the process and the note of its number.
    home.killed_and_started(Workers::None, |home| {
        let note = home.bench.folder.path().join("ollama").join("server.json");
        let text = std::fs::read_to_string(&note).expect("a note");
        let mut note_of: serde_json::Value = serde_json::from_str(&text).expect("json");
        note_of["pid"] = serde_json::Value::Null;
        note_of["started"] = serde_json::Value::Null;
        std::fs::write(&note, note_of.to_string()).expect("written");
    })
    .await;
    assert_eq!(home.pid().await, before);
    // It is as much ours as before: its death is seen, and it is started again.
    kill(before);
    home.until("another process", |view| {
        view.server.as_ref().is_some_and(|server| server.pid.is_some_and(|pid| pid != before))
    })
    .await;
    home.bench.core.shutdown().await;
    assert!(processes(home.bench.folder.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_server_is_not_touched() {
    let mut home = Home::running(Behaviour::version("0.40.0")).await;
    // Another user's Corral has a folder of its own; here even the program is the same.
    let program = home.versions().join("0.40.0").join(corral_testbed::archive::program_path());
    let mut other = std::process::Command::new(program)
        .arg("serve")
        .env("OLLAMA_HOST", "127.0.0.1:0")
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let ours = home.pid().await;
    home.killed_and_started(Workers::None, |_| kill(ours)).await;
    assert_eq!(processes(home.bench.folder.path()), [other.id()]);
    assert_eq!(home.phase().await, ServerPhase::Stopped);
    home.bench.core.shutdown().await;
    assert!(other.try_wait().expect("asked").is_none(), "it runs on");
    other.kill().and_then(|()| other.wait()).expect("ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_of_corral_starts_its_server() {
    let mut home = Home::running(Behaviour::version("0.40.0")).await;
    let ours = home.pid().await;
    home.killed_and_started(Workers::All, |_| kill(ours)).await;
    home.until("a running server", |view| {
        view.server.as_ref().is_some_and(|server| server.phase == ServerPhase::Running)
    })
    .await;
    home.bench.core.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_install_is_refused_and_the_first_goes_on() {
    let home = Home::running(Behaviour::version("0.40.0")).await;
    let error = home.begin(InstallOllama::default()).await.expect_err("there is one");
    assert_eq!(error.code, ErrorCode::AlreadyExists);
    let view = home.bench.ask::<call::List>(Nothing {}).await.expect("a view");
    assert_eq!(view.server.expect("a server").phase, ServerPhase::Running);
    home.bench.core.shutdown().await;
}
