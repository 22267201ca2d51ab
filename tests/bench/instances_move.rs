//! Moving a models folder: over two file systems, against copying its files and hashing the copies,
//! one after the other; and on one file system, where nothing has to be copied.
//!
//! What is measured is the whole of it: looking, stopping, moving, switching, starting and asking
//! whether the server lists the same. The server is the fake one, which starts at once.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use corral_contract::{
    InstanceId,
    audit::Actor,
    instances::{self, InstanceRef},
    stores::{MoveRef, MoveStore, MoveWay, call},
    sync,
};
use corral_core::{
    Core, CoreConfig,
    config::{SeedInstance, Workers},
};
use corral_testbed::{
    clock::Clock,
    content::Content,
    ollama::{FakeOllama, LayerKind, Model},
};

use crate::{
    moving::{fill, over, run},
    rows::Rows,
    steered::Steered,
    times::median,
};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Three models of one gigabyte.
const MODELS: u64 = 3;
const SIZE: u64 = 1_000_000_000;
const ROUNDS: usize = 3;
const LIMIT: f64 = 1.1;
/// Seconds that a move on one file system may take.
const AT_ONCE: f64 = 1.0;
/// A second file system.
const OTHER: &str = "/dev/shm";

pub(crate) async fn measure(rows: &mut Rows) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let old = folder.path().join("old");
    let contents: Vec<Content> = (0..MODELS).map(|seed| Content::seeded(seed, SIZE)).collect();
    let models = contents.iter().enumerate().map(|(number, content)| {
        let mut model = Model::new(&format!("large{number}"));
        model.weights = content.layer(LayerKind::Model);
        model
    });
    let server = FakeOllama::builder().clock(Clock::system()).folder(&old).models(models);
    let server = server.start().await?;
    for content in &contents {
        fill(&old.join("blobs").join(format!("sha256-{}", content.digest)), content)?;
    }
    let stand = Steered::new(server.control(), true);
    let mut config = CoreConfig::in_folder(folder.path().join("data"));
    config.workers = Workers::None;
    config.stand = Some(Arc::new(stand));
    config.seed = vec![SeedInstance { name: "here".to_owned(), url: server.url() }];
    let core = Core::start(config).await?;
    let list = core.run::<instances::call::List>(Actor::Window, Default::default()).await?;
    let id = list.items.first().ok_or("the seed is registered")?.id;
    core.run::<instances::call::Probe>(Actor::Window, InstanceRef { id }).await?;
    core.run::<sync::call::Run>(Actor::Window, InstanceRef { id }).await?;

    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let new = folder.path().join(format!("new{round}"));
        times.push(moved(&core, id, &new, MoveWay::Link).await?);
        returned(&core, id).await?;
    }
    let name = "moving 3 GB on one file system, all of it";
    rows.limit(name, median(&times).as_secs_f64(), "s", AT_ONCE, ROUNDS);

    let Ok(other) = tempfile::Builder::new().prefix("corral-bench-").tempdir_in(OTHER) else {
        println!("skipped: there is no second file system at {OTHER}");
        core.shutdown().await;
        return Ok(());
    };
    let (mut peer, mut times) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Both in every round, so that a slow moment of the machine strikes both of them.
        let copy = other.path().join("copy");
        let began = Instant::now();
        run(Command::new("cp").arg("-r").arg(&old).arg(&copy))?;
        for content in &contents {
            let blob = copy.join("blobs").join(format!("sha256-{}", content.digest));
            run(Command::new("openssl").args(["dgst", "-sha256"]).arg(blob))?;
        }
        peer.push(began.elapsed());
        fs::remove_dir_all(&copy)?;

        let new = other.path().join(format!("new{round}"));
        times.push(moved(&core, id, &new, MoveWay::Copy).await?);
        returned(&core, id).await?;
    }
    let peer = median(&peer);
    rows.fact("cp -r, then openssl dgst -sha256, 3 GB", peer.as_secs_f64(), "s", ROUNDS);
    let ratio = median(&times).as_secs_f64() / peer.as_secs_f64();
    rows.ratio("moving 3 GB to another file system, all of it / peer", ratio, LIMIT, ROUNDS);
    core.shutdown().await;
    Ok(())
}

async fn moved(core: &Core, id: InstanceId, to: &Path, way: MoveWay) -> Outcome<Duration> {
    let wish = MoveStore { instance: id, to: to.display().to_string() };
    let began = Instant::now();
    let task = core.run::<call::Move>(Actor::Window, wish).await?.task;
    over(core, task).await?;
    let took = began.elapsed();
    let view = core.run::<call::View>(Actor::Window, InstanceRef { id }).await?;
    let went = view.moving.ok_or("the move is kept")?.way;
    if went == way { Ok(took) } else { Err(format!("it went by {}", went.as_str()).into()) }
}

async fn returned(core: &Core, id: InstanceId) -> Outcome<()> {
    let view = core.run::<call::View>(Actor::Window, InstanceRef { id }).await?;
    let kept = MoveRef { id: view.moving.ok_or("the move is kept")?.id };
    let task = core.run::<call::RollBack>(Actor::Window, kept).await?.task;
    over(core, task).await
}
