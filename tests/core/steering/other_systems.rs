//! What the programs of other systems are told, word by word.

use std::{sync::Arc, time::Duration};

use corral_contract::{
    ErrorCode, InstanceId,
    environment::{EnvironmentChange, call as environment},
    instances::{InstanceDraft, InstanceRef, Runner, call},
    steering::{AllowSteering, Allowance},
    tasks::TaskState,
};
use corral_core::{
    config::Workers,
    instances::{Process, System},
};
use corral_testbed::FakeOllama;

use super::desk::{Desk, Programs, ended};
use crate::support::Bench;

pub(super) struct Other {
    pub(super) bench: Bench,
    pub(super) id: InstanceId,
    pub(super) programs: Programs,
    /// Only what the Mac is told asks for it.
    #[cfg(unix)]
    pub(super) desk: Desk,
    _fake: FakeOllama,
}

impl Other {
    /// A server of this kind, which goes on answering whatever happens to its process.
    pub(super) async fn open(
        desk: Desk,
        runner: Runner,
        change: impl FnOnce(&mut Process),
    ) -> Other {
        let fake = FakeOllama::builder().start().await.expect("a fake server");
        desk.server(&fake.address().to_string(), change);
        let programs = Programs::default();
        let (gone, control) = (desk.clone(), fake.control());
        programs.at_end(move || {
            gone.gone();
            control.offline(true);
        });
        let (machine, outside) = (Arc::new(desk.clone()), Arc::new(programs.clone()));
        let bench = Bench::with(move |config| {
            config.workers = Workers::None;
            config.machine = machine;
            config.steering.outside = outside;
            config.steering.patience = Duration::from_secs(5);
        })
        .await;
        let draft =
            InstanceDraft { url: fake.url(), found: Some(runner), ..InstanceDraft::default() };
        let id = bench.ask::<call::Add>(draft).await.expect("added").id;
        let how = Allowance::Always;
        bench.ask::<call::Allow>(AllowSteering { id, how }).await.expect("allowed");
        programs.calls();
        Other {
            bench,
            id,
            programs,
            #[cfg(unix)]
            desk,
            _fake: fake,
        }
    }
}

pub(super) fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a home")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_process_is_asked_to_end_and_not_started_again() {
    let home = home();
    let other = Other::open(Desk::new(System::Linux, home.path()), Runner::Process, |_| {}).await;
    let it = InstanceRef { id: other.id };
    let refused = other.bench.ask::<call::Restart>(it).await.expect_err("nobody knows how");
    assert_eq!(refused.code, ErrorCode::ServiceMissing);
    let task = other.bench.ask::<call::Stop>(it).await.expect("begun").task;
    assert_eq!(ended(&other.bench, task).await.state, TaskState::Done);
    assert_eq!(other.programs.calls(), ["end own"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_of_windows_is_ended_with_its_server_and_started_with_the_written_variables() {
    let home = home();
    let desk = Desk::new(System::Windows, home.path());
    let other = Other::open(desk, Runner::App, |process| {
        process.parent = Some("ollama app.exe".to_owned());
        process.parent_pid = Some(40);
    })
    .await;
    let before = "\r\nHKEY_CURRENT_USER\\Environment\r\n    Path    REG_EXPAND_SZ    C:\\x\r\n    \
                  OLLAMA_DEBUG    REG_SZ    1\r\n";
    other.programs.answer("reg.exe query HKCU\\Environment", 0, before);
    let it = InstanceRef { id: other.id };
    let task = other.bench.ask::<call::Stop>(it).await.expect("begun").task;
    assert_eq!(ended(&other.bench, task).await.state, TaskState::Done);
    let stopped = other.programs.calls();
    assert_eq!(stopped, ["taskkill /PID 40 /T /F"]);
    let values = [("OLLAMA_DEBUG".to_owned(), None)];
    let change = EnvironmentChange { id: other.id, values: values.into() };
    let refused = other.bench.ask::<environment::Preview>(change).await;
    // Without its process nothing tells what would start it: the app is not installed here.
    assert!(refused.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_windows_service_is_told_by_its_controller() {
    let home = home();
    let desk = Desk::new(System::Windows, home.path());
    let other = Other::open(desk, Runner::WindowsService, |process| {
        process.parent = Some("services.exe".to_owned());
    })
    .await;
    let it = InstanceRef { id: other.id };
    for state in [3, 1, 2, 4] {
        let said = format!("        STATE              : {state}  X\r\n");
        other.programs.answer("sc.exe query", 0, &said);
    }
    let task = other.bench.ask::<call::Restart>(it).await.expect("begun").task;
    assert_eq!(ended(&other.bench, task).await.state, TaskState::Done);
    let told = other.programs.calls();
    assert_eq!(
        told,
        [
            "sc.exe stop Ollama",
            "sc.exe query Ollama",
            "sc.exe query Ollama",
            "sc.exe start Ollama",
            "sc.exe query Ollama",
            "sc.exe query Ollama",
        ]
    );
    other.programs.answer("sc.exe stop", 5, "Access is denied.");
    let task = other.bench.ask::<call::Stop>(it).await.expect("begun").task;
    let problem = ended(&other.bench, task).await.problem.expect("refused");
    assert_eq!(problem.code, ErrorCode::ServiceRefused);
    assert_eq!(problem.params.get("reason").map(String::as_str), Some("needsAdmin"));
}
