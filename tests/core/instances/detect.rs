//! What a look at a machine of each system finds.

use std::sync::Arc;

use corral_contract::{
    command::Nothing,
    instances::{ApiState, DetectedServer, Kind, Runner, ServiceState, call},
};
use corral_core::{config::Workers, instances::System};

use super::{add, fake, machine::FakeMachine, until};
use crate::support::Bench;

async fn detect(machine: FakeMachine) -> Vec<DetectedServer> {
    let bench = bench(machine).await;
    bench.ask::<call::Detect>(Nothing {}).await.expect("a look").servers
}

async fn bench(machine: FakeMachine) -> Bench {
    Bench::with(|config| {
        config.workers = Workers::None;
        config.machine = Arc::new(machine);
    })
    .await
}

/// The one at this address; others may run on the machine of the test itself.
fn at<'a>(servers: &'a [DetectedServer], url: &str) -> &'a DetectedServer {
    let found = servers.iter().find(|server| server.url == url);
    found.unwrap_or_else(|| panic!("{url} in {servers:?}"))
}

#[tokio::test]
async fn a_plain_process_is_found_with_its_port_and_folder() {
    let fake = fake().await;
    let host = fake.address().to_string();
    let machine = FakeMachine::new(System::Linux)
        .server(42, &[("OLLAMA_HOST", &host), ("OLLAMA_MODELS", "/srv/models")]);
    let servers = detect(machine).await;
    let server = at(&servers, &fake.url());
    assert_eq!((server.runner, server.pid), (Runner::Process, Some(42)));
    assert_eq!(server.store.as_deref(), Some("/srv/models"));
    assert_eq!(server.api.state, ApiState::Ok);
    assert_eq!(server.models, Some(0));
    assert_eq!((server.known, server.conflict.as_ref()), (None, None));
}

#[tokio::test]
async fn systemd_is_known_by_the_cgroup_and_its_unit_read() {
    // Another user's process: its environment cannot be seen.
    let machine = FakeMachine::new(System::Linux)
        .server(7, &[])
        .file("/proc/7/cgroup", "0::/system.slice/ollama.service\n")
        .file("/etc/systemd/system/ollama.service", "[Service]\nEnvironment=\"PATH=/bin\"\n")
        .file(
            "/etc/systemd/system/ollama.service.d/override.conf",
            "[Service]\nEnvironment=\"OLLAMA_HOST=0.0.0.0:1\"\n",
        );
    let servers = detect(machine).await;
    let server = at(&servers, "http://127.0.0.1:1");
    assert_eq!(server.runner, Runner::Systemd);
    assert_eq!(server.store.as_deref(), Some("/usr/share/ollama/.ollama/models"));
    assert_eq!(server.api.state, ApiState::Down, "found although it does not answer");
}

#[tokio::test]
async fn a_unit_that_does_not_run_is_found() {
    let unit = "[Service]\nEnvironment=OLLAMA_HOST=127.0.0.1:1\nEnvironment=OLLAMA_MODELS=/m\n";
    let machine =
        FakeMachine::new(System::Linux).file("/usr/lib/systemd/system/ollama.service", unit);
    let servers = detect(machine).await;
    let server = at(&servers, "http://127.0.0.1:1");
    assert_eq!((server.runner, server.pid), (Runner::Systemd, None));
    assert_eq!(server.store.as_deref(), Some("/m"));
}

#[tokio::test]
async fn a_process_in_a_container_is_not_one_of_this_machine() {
    let machine = FakeMachine::new(System::Linux)
        .server(9, &[("OLLAMA_HOST", "0.0.0.0:1")])
        .file("/proc/9/cgroup", "0::/system.slice/docker-0123.scope\n");
    let servers = detect(machine).await;
    assert!(servers.iter().all(|server| server.pid != Some(9)));
}

#[tokio::test]
async fn the_macs_app_is_found_running_and_not() {
    let log = "msg=\"server config\" env=\"map[OLLAMA_MODELS:/Volumes/x y OLLAMA_Z:1]\"";
    let machine = FakeMachine::new(System::MacOs)
        .server(5, &[("OLLAMA_HOST", "127.0.0.1:1")])
        .which(|process| {
            process.executable = Some("/Applications/Ollama.app/Contents/Resources/ollama".into());
        })
        .file("/Users/me/.ollama/logs/server.log", log);
    let servers = detect(machine).await;
    let server = at(&servers, "http://127.0.0.1:1");
    assert_eq!(server.runner, Runner::App);
    assert_eq!(server.store.as_deref(), Some("/Volumes/x y"));
    let machine = FakeMachine::new(System::MacOs).folder("/Applications/Ollama.app");
    let servers = detect(machine).await;
    let server = at(&servers, "http://127.0.0.1:11434");
    assert_eq!((server.runner, server.pid), (Runner::App, None));
    assert_eq!(server.store.as_deref(), Some("/Users/me/.ollama/models"));
}

#[tokio::test]
async fn launchd_is_known_by_its_description() {
    let plist = "<dict><key>EnvironmentVariables</key><dict><key>OLLAMA_HOST</key>\
                 <string>127.0.0.1:1</string></dict></dict>";
    let file = "/Users/me/Library/LaunchAgents/homebrew.mxcl.ollama.plist";
    let machine = FakeMachine::new(System::MacOs).file(file, plist);
    let stopped = detect(machine.clone()).await;
    assert_eq!(at(&stopped, "http://127.0.0.1:1").runner, Runner::Launchd);
    let running = machine.server(3, &[]).which(|process| process.parent = Some("launchd".into()));
    let running = detect(running).await;
    let server = at(&running, "http://127.0.0.1:1");
    assert_eq!((server.runner, server.pid), (Runner::Launchd, Some(3)));
}

#[tokio::test]
async fn windows_app_and_service_are_told_apart() {
    let app = r"C:\Users\me\AppData\Local\Programs\Ollama\ollama app.exe";
    let machine = FakeMachine::new(System::Windows).file(app, "");
    let servers = detect(machine.clone()).await;
    let server = at(&servers, "http://127.0.0.1:11434");
    assert_eq!((server.runner, server.pid), (Runner::App, None));
    assert_eq!(server.store.as_deref(), Some(r"C:\Users\me\.ollama\models"));
    for (parent, runner) in [
        ("ollama app.exe", Runner::App),
        ("nssm.exe", Runner::WindowsService),
        ("services.exe", Runner::WindowsService),
        ("pwsh.exe", Runner::Process),
    ] {
        let machine = machine
            .clone()
            .server(3, &[("OLLAMA_HOST", "127.0.0.1:1")])
            .which(|process| process.parent = Some(parent.to_owned()));
        let servers = detect(machine).await;
        assert_eq!(at(&servers, "http://127.0.0.1:1").runner, runner, "{parent}");
    }
}

#[tokio::test]
async fn the_address_of_ollama_host_is_asked() {
    let fake = fake().await;
    let mut machine = FakeMachine::new(System::Linux);
    machine.variables.insert("OLLAMA_HOST".to_owned(), fake.address().to_string());
    let servers = detect(machine).await;
    let server = at(&servers, &fake.url());
    assert_eq!((server.runner, server.pid), (Runner::Unknown, None));
}

#[tokio::test]
async fn two_servers_on_one_port_or_one_folder_are_named() {
    let models = ("OLLAMA_MODELS", "/m");
    let machine = FakeMachine::new(System::Linux)
        .server(1, &[("OLLAMA_HOST", "127.0.0.1:1"), models])
        .server(2, &[("OLLAMA_HOST", "0.0.0.0:1"), ("OLLAMA_MODELS", "/other")])
        .server(3, &[("OLLAMA_HOST", "127.0.0.1:2"), models]);
    let servers = detect(machine).await;
    let conflict = |pid| {
        let server = servers.iter().find(|server| server.pid == Some(pid)).expect("found");
        server.conflict.as_deref()
    };
    assert_eq!(
        (conflict(1), conflict(2), conflict(3)),
        (Some("port"), Some("port"), Some("models"))
    );
}

#[tokio::test]
async fn a_known_server_is_marked_and_nothing_changes() {
    let fake = fake().await;
    let host = fake.address().to_string();
    let bench = bench(FakeMachine::new(System::Linux).server(1, &[("OLLAMA_HOST", &host)])).await;
    let id = add(&bench, &fake.url()).await;
    let found = bench.ask::<call::Detect>(Nothing {}).await.expect("a look");
    assert_eq!(at(&found.servers, &fake.url()).known, Some(id));
    assert_eq!(bench.ask::<call::List>(Nothing {}).await.expect("a list").items.len(), 1);
}

// criterion: 0.2
#[tokio::test]
async fn the_first_run_adopts_what_it_finds() {
    let fake = fake().await;
    let port = fake.address().port();
    let host = format!("0.0.0.0:{port}");
    let machine = FakeMachine::new(System::Linux).server(42, &[("OLLAMA_HOST", &host)]);
    let bench = Bench::with(|config| {
        config.machine = Arc::new(machine);
        config.detect_on_first_run = true;
    })
    .await;
    let mut events = bench.core.bus.listen();
    let adopted = async {
        loop {
            let items = bench.ask::<call::List>(Nothing {}).await.expect("a list").items;
            if let Some(view) = items.into_iter().find(|view| view.url == fake.url()) {
                return view.id;
            }
            events.next().await.expect("the core runs");
        }
    };
    let id = tokio::time::timeout(super::DEADLINE, adopted).await.expect("adopted");
    let view = until(&bench, &mut events, id, "both facts", |view| {
        view.api.state == ApiState::Ok && view.service.state == ServiceState::Running
    })
    .await;
    assert_eq!((view.kind, view.runner), (Kind::NativeAdopted, Runner::Process));
    assert_eq!(view.service.pid, Some(42));
    assert!(view.exposed, "it listens on every address");
    bench.core.shutdown().await;
}

#[tokio::test]
async fn a_first_look_tells_models_and_sizes_and_changes_nothing_of_what_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let fake = corral_testbed::FakeOllama::builder()
        .folder(folder.path())
        .models([corral_testbed::ollama::Model::new("kept:1").weights_size(90_000)])
        .start()
        .await
        .expect("a server");
    let before = crate::bundles::tree(folder.path());
    let host = fake.address().to_string();
    let models = folder.path().to_string_lossy().into_owned();
    let machine = FakeMachine::new(System::Linux)
        .server(42, &[("OLLAMA_HOST", &host), ("OLLAMA_MODELS", &models)]);
    let servers = detect(machine.clone()).await;
    let server = at(&servers, &fake.url());
    assert_eq!(server.models, Some(1));
    assert!(server.bytes.is_some_and(|bytes| bytes >= 90_000), "{server:?}");
    let bench = Bench::with(|config| {
        config.machine = Arc::new(machine);
        config.detect_on_first_run = true;
    })
    .await;
    let look = async || {
        let items = bench.ask::<call::List>(Nothing {}).await.expect("a list").items;
        items.into_iter().find(|view| view.url == fake.url() && view.models == 1)
    };
    crate::support::until(&bench.core, "it is taken up with its model", look).await;
    bench.core.shutdown().await;
    assert_eq!(crate::bundles::tree(folder.path()), before);
    let changes = |asked: &corral_testbed::ollama::Recorded| {
        let asks = matches!(asked.path.as_str(), "/api/show" | "/api/tags" | "/api/ps");
        asked.method != "GET" && !asks
    };
    assert!(!fake.requests().iter().any(changes), "only questions were asked");
}
