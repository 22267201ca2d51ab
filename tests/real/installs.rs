//! An archive of the real server: installed from a file, run, taken over by a second Corral, ended.

use corral_contract::{
    audit::Actor,
    command::Nothing,
    installs::{InstallOllama, ServerPhase, call},
    instances::{self, ApiState},
    tasks::{self, TaskListRequest, TaskState},
};
use corral_core::{Core, CoreConfig, config::Workers};
use corral_testbed::archive::{Packing, carry, of_real, pack};

#[tokio::test(flavor = "multi_thread")]
async fn a_release_of_the_real_server_is_installed_and_runs() {
    let Some(program) = std::env::var_os("CORRAL_OLLAMA") else {
        println!("skipped: CORRAL_OLLAMA is not set");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let entries = of_real(program.as_ref()).expect("the server and its helpers");
    let packed = pack(Packing::usual(), &entries).expect("packed");
    let archive = carry(folder.path(), &packed).expect("written");
    let mut config = CoreConfig::in_folder(folder.path().join("corral"));
    config.workers = Workers::None;
    let core = Core::start(config.clone()).await.expect("it starts");
    let mut events = core.bus.listen();
    let file = Some(archive.to_string_lossy().into_owned());
    let request = InstallOllama { file, ..InstallOllama::default() };
    let begun = core.run::<instances::call::Install>(Actor::Window, request).await;
    let task = begun.expect("it begins").task;
    let ended = loop {
        let list = core.run::<tasks::call::List>(Actor::Window, TaskListRequest::default()).await;
        let view = list.expect("a list").items.into_iter().find(|view| view.id == task);
        let view = view.expect("the task");
        if !matches!(view.state, TaskState::Running | TaskState::Waiting) {
            break view;
        }
        events.next().await.expect("the core runs");
    };
    assert_eq!(ended.state, TaskState::Done, "{ended:#?}");
    let view = core.run::<call::List>(Actor::Window, Nothing {}).await.expect("a view");
    let server = view.server.expect("a server");
    assert_eq!(server.phase, ServerPhase::Running);
    assert!(view.versions[0].verified && view.versions[0].from_file);
    let list = core.run::<instances::call::List>(Actor::Window, Nothing {}).await.expect("a list");
    assert_eq!(list.items[0].api.state, ApiState::Ok, "{:#?}", list.items[0]);
    // As if Corral had been killed: the server goes on, and the next Corral takes it over.
    core.supervisor.shutdown().await;
    core.db.close().await;
    let core = Core::start(config).await.expect("it starts again");
    let view = core.run::<call::List>(Actor::Window, Nothing {}).await.expect("a view");
    assert_eq!(view.server.expect("a server").pid, server.pid);
    core.shutdown().await;
}
