//! Five hundred deletes as one batch, against the same calls of the server without anything else.

use std::time::{Duration, Instant};

use corral_contract::{
    ModelId,
    audit::Actor,
    event::AppEvent,
    instances::{self, InstanceRef},
    models::{DeleteModels, ItemState, ModelSearchRequest, call},
    settings, sync,
};
use corral_core::{
    Core, CoreConfig,
    bus::Listener,
    config::{SeedInstance, Workers},
};
use corral_testbed::{
    clock::Clock,
    ollama::{FakeOllama, Model, library},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use crate::{rows::Rows, times::median};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Models of the server, and how many of them go.
const MODELS: usize = 1_000;
const DELETES: usize = 500;
/// As many as a batch of Corral.
const PARALLEL: usize = 4;
/// Rows that are asked for at once.
const PAGE: usize = 200;
const ROUNDS: usize = 5;
const LIMIT: f64 = 1.2;
/// Whoever operated on a server makes Corral look at its models a second later: that is over before
/// the next round, which it would disturb.
const SETTLED: Duration = Duration::from_secs(2);

pub(crate) async fn measure(rows: &mut Rows) -> Outcome<()> {
    let (peer, ours) = rounds(false).await?;
    rows.fact("500 bare deletes, a server elsewhere", millis(&peer), "ms", ROUNDS);
    rows.fact("500 deletes as a batch", millis(&ours), "ms", ROUNDS);
    rows.ratio("batch / bare deletes", millis(&ours) / millis(&peer), LIMIT, ROUNDS);
    let (peer, ours) = rounds(true).await?;
    rows.fact("500 bare deletes, a folder of this machine", millis(&peer), "ms", ROUNDS);
    rows.fact("500 deletes into the trash", millis(&ours), "ms", ROUNDS);
    Ok(())
}

/// The times of both, by turns. With a folder the models go into the trash.
async fn rounds(trash: bool) -> Outcome<(Vec<Duration>, Vec<Duration>)> {
    let folder = tempfile::tempdir()?;
    let clock = Clock::system();
    let models = library::many(MODELS, &clock);
    let gone: Vec<Model> = models.iter().step_by(MODELS / DELETES).cloned().collect();
    let server = |name: &str| {
        let builder = FakeOllama::builder().clock(clock.clone()).models(models.clone());
        if trash { builder.folder(folder.path().join(name)) } else { builder }
    };
    // Servers are other programs: on threads of their own they keep nobody waiting who only waits for
    // an answer.
    let elsewhere =
        tokio::runtime::Builder::new_multi_thread().thread_name("server").enable_all().build()?;
    let (bare, ours) = (server("bare"), server("ours"));
    let both = async { anyhow::Ok((bare.start().await?, ours.start().await?)) };
    let (bare, server) = elsewhere.spawn(both).await??;

    let mut config = CoreConfig::in_folder(folder.path().join("data"));
    config.workers = Workers::None;
    config.seed = vec![SeedInstance { name: "here".to_owned(), url: server.url() }];
    let core = Core::start(config).await?;
    let settings = settings::Settings { undo_seconds: 0, ..settings::Settings::default() };
    core.run::<settings::call::Update>(Actor::Window, settings).await?;
    let list = core.run::<instances::call::List>(Actor::Window, Default::default()).await?;
    let instance = InstanceRef { id: list.items.first().ok_or("the seed is registered")?.id };
    core.run::<instances::call::Probe>(Actor::Window, instance).await?;
    core.go_to_work();

    let (mut peer, mut ours) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        if round > 0 {
            gone.iter().for_each(|model| bare.control().install(model.clone()));
            gone.iter().for_each(|model| server.control().install(model.clone()));
        }
        core.run::<sync::call::Run>(Actor::Window, instance).await?;
        let ids = ids(&core, &gone).await?;
        peer.push(bare_deletes(&bare, &gone).await?);
        ours.push(batch(&core, ids).await?);
        let left = server.store(|store| store.len());
        if left != MODELS - DELETES {
            return Err(format!("{left} models are left").into());
        }
    }
    core.shutdown().await;
    elsewhere.shutdown_background();
    Ok((peer, ours))
}

async fn ids(core: &Core, gone: &[Model]) -> Outcome<Vec<ModelId>> {
    let names: std::collections::HashSet<String> =
        gone.iter().map(|model| model.name.to_string()).collect();
    let mut ids = Vec::new();
    for page in 1..=(MODELS / PAGE) as u32 {
        let request =
            ModelSearchRequest { page, page_size: PAGE as u32, ..ModelSearchRequest::default() };
        let found = core.run::<call::Search>(Actor::Window, request).await?;
        ids.extend(found.items.iter().filter(|row| names.contains(&row.name)).map(|row| row.id));
    }
    if ids.len() == DELETES { Ok(ids) } else { Err(format!("{} rows", ids.len()).into()) }
}

async fn bare_deletes(server: &FakeOllama, gone: &[Model]) -> Outcome<Duration> {
    let client = corral_core::http::for_server(&server.url().parse()?, &[], None)?;
    let address = format!("{}/api/delete", server.url());
    let one = |model: &Model| {
        let request = client.delete(&address).json(&json!({ "model": model.name.to_string() }));
        async move { request.send().await?.error_for_status()?.bytes().await }
    };
    let began = Instant::now();
    stream::iter(gone.iter().map(one)).buffer_unordered(PARALLEL).try_collect::<Vec<_>>().await?;
    Ok(began.elapsed())
}

async fn batch(core: &Core, ids: Vec<ModelId>) -> Outcome<Duration> {
    let mut events = core.bus.listen();
    let began = Instant::now();
    let request = DeleteModels { ids, force: false, for_good: false, pinned_too: false };
    let batch = core.run::<call::Delete>(Actor::Window, request).await?.batch;
    ended(&mut events, batch).await?;
    let took = began.elapsed();
    tokio::time::sleep(SETTLED).await;
    Ok(took)
}

async fn ended(events: &mut Listener, wanted: corral_contract::BatchId) -> Outcome<()> {
    while let Some(envelope) = events.next().await {
        match &envelope.event {
            AppEvent::Batch(view) if view.id == wanted && view.finished_at.is_some() => {
                let odd = view.items.iter().find(|item| item.state != ItemState::Done);
                return odd.map_or(Ok(()), |item| Err(format!("{item:?}").into()));
            }
            AppEvent::Resync => return Err("the listener fell behind".into()),
            _ => {}
        }
    }
    Err("the core ended".into())
}

fn millis(times: &[Duration]) -> f64 {
    median(times).as_secs_f64() * 1000.0
}
