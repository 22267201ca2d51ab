//! How fast the model list answers, measured through the core as the window asks it.
//!
//! `cargo xtask bench search` runs this in release and prints the table. Nothing here asserts: a
//! row says whether it holds, and the caller decides.

mod rows;
mod times;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use corral_contract::{
    InstanceId,
    audit::Actor,
    instances::{self, InstanceRef},
    models::{self, ModelSearchRequest, SortKey},
    status::{Origin, Status},
    sync,
};
use corral_core::{
    Core, CoreConfig,
    config::{SeedInstance, Workers},
};
use corral_testbed::ollama::{FakeOllama, library};
use rows::Rows;
use times::{median, percentile};

const INSTANCES: usize = 3;
const MODELS: usize = 10_000;
const SEARCHES: usize = 2_000;
const SYNCS: usize = 9;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut servers = Vec::new();
    for index in 0..INSTANCES {
        let builder = FakeOllama::builder();
        let clock = corral_testbed::clock::Clock::system();
        let share = MODELS / INSTANCES + usize::from(index < MODELS % INSTANCES);
        servers.push(builder.models(library::many(share, &clock)).start().await?);
    }
    let folder = tempfile::tempdir()?;
    let mut config = CoreConfig::in_folder(folder.path());
    // Without pollers: what is measured is what this program asks for.
    config.workers = Workers::None;
    config.seed = servers
        .iter()
        .enumerate()
        .map(|(index, server)| SeedInstance { name: format!("bench {index}"), url: server.url() })
        .collect();
    let core = Core::start(config).await?;
    let ids: Vec<InstanceId> = core
        .run::<instances::call::List>(Actor::Window, Default::default())
        .await?
        .items
        .iter()
        .map(|instance| instance.id)
        .collect();
    for id in &ids {
        core.run::<instances::call::Probe>(Actor::Window, InstanceRef { id: *id }).await?;
        core.run::<sync::call::Run>(Actor::Window, InstanceRef { id: *id }).await?;
    }

    let mut rows = Rows::default();
    searches(&core, &ids, &mut rows).await?;
    one_large_sync(&mut rows).await?;
    rows.write("search")?;
    core.shutdown().await;
    Ok(())
}

/// Combinations of name, status, size and sort, each its own row, and all of them together.
async fn searches(
    core: &Core,
    ids: &[InstanceId],
    rows: &mut Rows,
) -> Result<(), Box<dyn std::error::Error>> {
    let base = ModelSearchRequest { page: 1, page_size: 50, ..Default::default() };
    let combinations = [
        ("everything, default order", base.clone()),
        ("name", ModelSearchRequest { name: "qwen".to_owned(), ..base.clone() }),
        ("sorted by name", ModelSearchRequest { sort_by: Some(SortKey::Name), ..base.clone() }),
        (
            "name, status, size, sorted by size down",
            ModelSearchRequest {
                name: "a".to_owned(),
                status: vec![Status::Stopped, Status::Running],
                min_size: Some("1GB".to_owned()),
                max_size: Some("30GB".to_owned()),
                sort_by: Some(SortKey::Size),
                sort_desc: true,
                ..base.clone()
            },
        ),
        (
            "one instance, origin, by creation, page 30",
            ModelSearchRequest {
                page: 30,
                instance_id: ids.first().copied(),
                from: vec![Origin::Remote, Origin::Local],
                sort_by: Some(SortKey::CreatedAt),
                ..base.clone()
            },
        ),
        (
            "by status, last page",
            ModelSearchRequest { page: 9_999, sort_by: Some(SortKey::Status), ..base },
        ),
    ];
    let mut all = Vec::new();
    for (name, request) in combinations {
        let mut times = Vec::with_capacity(SEARCHES);
        for _ in 0..SEARCHES {
            let begun = Instant::now();
            let page = core.run::<models::call::Search>(Actor::Window, request.clone()).await?;
            times.push(begun.elapsed());
            assert!(
                !black_box(page).items.is_empty(),
                "a search that finds nothing measures nothing"
            );
        }
        rows.limit(
            &format!("search p99: {name}"),
            millis(percentile(&times, 99)),
            "ms",
            5.0,
            SEARCHES,
        );
        all.extend(times);
    }
    rows.fact("search p50 over all", millis(percentile(&all, 50)), "ms", all.len());
    Ok(())
}

/// A sync of one server with all the models, against fetching and parsing the same list.
async fn one_large_sync(rows: &mut Rows) -> Result<(), Box<dyn std::error::Error>> {
    let clock = corral_testbed::clock::Clock::system();
    let server = FakeOllama::builder().models(library::many(MODELS, &clock)).start().await?;
    let folder = tempfile::tempdir()?;
    let mut config = CoreConfig::in_folder(folder.path());
    config.workers = Workers::None;
    config.seed = vec![SeedInstance { name: "large".to_owned(), url: server.url() }];
    let core = Core::start(config).await?;
    let list = core.run::<instances::call::List>(Actor::Window, Default::default()).await?;
    let id = list.items.first().ok_or("the seed is registered")?.id;
    let instance = InstanceRef { id };
    core.run::<instances::call::Probe>(Actor::Window, instance).await?;
    let first = Instant::now();
    core.run::<sync::call::Run>(Actor::Window, instance).await?;
    rows.fact("first sync of 10,000 models", millis(first.elapsed()), "ms", 1);

    let client = corral_core::http::for_server(&server.url().parse()?, &[], None)?;
    let (mut bare, mut unchanged, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..SYNCS {
        // All three in every round, so that a slow moment of the machine strikes all of them.
        let begun = Instant::now();
        let bytes = client.get(format!("{}/api/tags", server.url())).send().await?.bytes().await?;
        black_box(serde_json::from_slice::<serde_json::Value>(&bytes)?);
        bare.push(begun.elapsed());

        let begun = Instant::now();
        let report = core.run::<sync::call::Run>(Actor::Window, instance).await?;
        unchanged.push(begun.elapsed());
        assert_eq!(report.updated + report.added + report.removed, 0, "nothing changed");

        touch_one_in_a_hundred(&server, round);
        // The stand-in makes its list anew after a change and keeps it: its work, which the bare
        // GET does not pay either.
        client.get(format!("{}/api/tags", server.url())).send().await?.bytes().await?;
        let begun = Instant::now();
        let report = core.run::<sync::call::Run>(Actor::Window, instance).await?;
        changed.push(begun.elapsed());
        assert_eq!(report.updated, (MODELS / 100) as u32, "one in a hundred changed");
    }
    let peer = median(&bare);
    rows.fact("bare GET + JSON parse of the list", millis(peer), "ms", SYNCS);
    rows.ratio("sync, nothing changed / bare", ratio(median(&unchanged), peer), 1.5, SYNCS);
    rows.ratio("sync, 1 % changed / bare", ratio(median(&changed), peer), 2.0, SYNCS);
    core.shutdown().await;
    Ok(())
}

/// Gives every hundredth model another modification time.
fn touch_one_in_a_hundred(server: &FakeOllama, round: usize) {
    let moved = chrono::Utc::now() + chrono::TimeDelta::seconds(round as i64 + 1);
    let touched: Vec<_> = server
        .control()
        .store(|store| store.newest_first())
        .iter()
        .step_by(100)
        .map(|stored| stored.model.clone().modified_at(moved))
        .collect();
    for model in touched {
        server.control().install(model);
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn ratio(time: Duration, peer: Duration) -> f64 {
    time.as_secs_f64() / peer.as_secs_f64()
}
