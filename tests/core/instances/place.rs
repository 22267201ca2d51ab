//! Where the models are.

use std::sync::Arc;

use corral_contract::instances::{
    InstanceDraft, InstanceRef, InstanceView, Runner, ServiceState, StoreSource, call,
};
use corral_core::{config::Workers, instances::System};
use corral_testbed::{FakeOllama, ollama::library};

use super::{add, draft, fake, machine::FakeMachine};
use crate::support::Bench;

async fn bench(machine: FakeMachine) -> Bench {
    Bench::with(|config| {
        config.workers = Workers::None;
        config.machine = Arc::new(machine);
    })
    .await
}

async fn probe(bench: &Bench, id: corral_contract::InstanceId) -> InstanceView {
    bench.ask::<call::Probe>(InstanceRef { id }).await.expect("asked")
}

#[tokio::test]
async fn the_server_itself_says_where_its_models_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let fake = FakeOllama::builder()
        .folder(folder.path())
        .models([library::pick("llama3.2:3b")])
        .start()
        .await
        .expect("a fake server");
    let bench = Bench::quiet().await;
    let id = add(&bench, &fake.url()).await;
    let view = probe(&bench, id).await;
    assert_eq!(view.store.path.as_deref(), folder.path().to_str());
    assert_eq!(view.store.source, StoreSource::Show);
    assert_eq!(view.store.writable, Some(true));
    let blobs = std::fs::read_dir(folder.path().join("blobs")).expect("blobs");
    let ours = blobs.flatten().any(|file| file.file_name().to_string_lossy().contains("corral"));
    assert!(!ours, "nothing of ours is left behind");
}

#[tokio::test]
async fn the_process_says_it_when_there_is_no_model_to_ask_for() {
    let fake = fake().await;
    let host = fake.address().to_string();
    let machine = FakeMachine::new(System::Linux)
        .server(4, &[("OLLAMA_HOST", &host), ("OLLAMA_MODELS", "/m")])
        .folder("/m");
    let bench = bench(machine).await;
    let id = add(&bench, &fake.url()).await;
    let view = probe(&bench, id).await;
    assert_eq!(view.store.path.as_deref(), Some("/m"));
    assert_eq!(view.store.source, StoreSource::Environment);
    assert_eq!(
        (view.store.writable, view.store.free, view.store.total),
        (Some(false), Some(7), Some(9))
    );
    assert_eq!((view.service.state, view.service.pid), (ServiceState::Running, Some(4)));
    assert!(!view.exposed);
}

#[tokio::test]
async fn a_folder_that_is_not_here_belongs_to_another_machine() {
    let fake = FakeOllama::builder().models([library::pick("llama3.2:3b")]).start().await;
    let fake = fake.expect("a fake server");
    let bench = bench(FakeMachine::new(System::Linux)).await;
    let id = add(&bench, &fake.url()).await;
    let view = probe(&bench, id).await;
    assert_eq!((view.store.path, view.store.source), (None, StoreSource::Unknown));
    assert_eq!(view.service.state, ServiceState::Unknown);
}

#[tokio::test]
async fn an_adopted_service_that_stopped_is_known_as_such() {
    let mut gone = fake().await;
    gone.stop().await;
    let bench =
        bench(FakeMachine::new(System::Linux).folder("/usr/share/ollama/.ollama/models")).await;
    let draft = InstanceDraft { force: true, found: Some(Runner::Systemd), ..draft(&gone.url()) };
    let id = bench.ask::<call::Add>(draft).await.expect("added").id;
    let view = probe(&bench, id).await;
    assert_eq!(view.service.state, ServiceState::Stopped);
    assert_eq!(view.store.path.as_deref(), Some("/usr/share/ollama/.ollama/models"));
    assert_eq!(view.store.source, StoreSource::Default);
}
