//! A start: what was known is there at once, and is then compared with every server at the same time.

use std::time::Duration;

use corral_contract::{
    Command, InstanceId, WireError,
    app::{SnapshotView, call::Snapshot},
    audit::Actor,
    command::Nothing,
    instances::{ApiState, InstanceDraft, InstanceRef, call as instances},
    models::{ModelSearchRequest, call::Search},
    sync,
};
use corral_core::{Core, CoreConfig, config::Workers, router::Handle};
use corral_testbed::{FakeOllama, ollama::Model};

use crate::support::{Bench, out_of_reach, until};

async fn ask<C: Command>(core: &Core, request: C::Request) -> Result<C::Reply, WireError>
where
    Core: Handle<C>,
{
    core.run::<C>(Actor::Window, request).await
}

async fn names(core: &Core, instance: InstanceId) -> Vec<String> {
    let request = ModelSearchRequest { instance_id: Some(instance), ..Default::default() };
    let page = ask::<Search>(core, request).await.expect("a page");
    page.items.into_iter().map(|row| row.name).collect()
}

async fn server(name: &str) -> FakeOllama {
    FakeOllama::builder().models([Model::new(name)]).start().await.expect("a server")
}

// criterion: 3.5
#[tokio::test(flavor = "multi_thread")]
async fn the_last_state_is_there_at_once_and_one_that_hangs_keeps_no_other_waiting() {
    let (slow, quick) = (server("slow:1").await, server("quick:1").await);
    let bench = Bench::with(|config| config.workers = Workers::None).await;
    let mut ids = Vec::new();
    for server in [&slow, &quick] {
        let draft = InstanceDraft { url: server.url(), ..InstanceDraft::default() };
        let id = bench.ask::<instances::Add>(draft).await.expect("added").id;
        bench.ask::<instances::Probe>(InstanceRef { id }).await.expect("asked");
        bench.ask::<sync::call::Run>(InstanceRef { id }).await.expect("a sync");
        ids.push(id);
    }
    bench.core.shutdown().await;
    // One takes for ever, in everything; the other has a new model since.
    for route in ["/api/version", "/api/tags"] {
        slow.latency(route, Duration::from_secs(600));
    }
    quick.install(Model::new("late:1"));

    let mut config = CoreConfig::in_folder(bench.folder.path());
    config.registry = out_of_reach();
    config.workers = Workers::None;
    let core = Core::start(config).await.expect("it starts again");
    let SnapshotView { instances, counts, storage, .. } =
        ask::<Snapshot>(&core, Nothing {}).await.expect("a snapshot");
    assert_eq!(counts.total, 2, "what was known is there before anybody was asked");
    assert!(instances.iter().all(|view| view.api.state == ApiState::Checking), "and says so");
    assert_eq!(names(&core, ids[0]).await, ["slow:1"]);
    assert_eq!(names(&core, ids[1]).await, ["quick:1"]);
    assert!(storage.problem.is_none());
    core.shutdown().await;

    let mut config = CoreConfig::in_folder(bench.folder.path());
    config.registry = out_of_reach();
    let core = Core::start(config).await.expect("it starts again");
    let fresh = async || (names(&core, ids[1]).await.len() == 2).then_some(());
    until(&core, "the quick one is compared", fresh).await;
    assert_eq!(names(&core, ids[0]).await, ["slow:1"], "each keeps its own");
    let snapshot = ask::<Snapshot>(&core, Nothing {}).await.expect("a snapshot");
    let still = snapshot.instances.iter().find(|view| view.id == ids[0]).expect("known");
    assert_ne!(still.api.state, ApiState::Ok);
    core.shutdown().await;
}
