//! One look at a disk with many models, against `find` and parsing the same manifests.

use std::{
    fs,
    hint::black_box,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use corral_contract::{
    audit::Actor,
    disk::{LookAtDisk, call::Look},
    instances::{self, InstanceRef},
    sync,
};
use corral_core::{
    Core, CoreConfig,
    config::{SeedInstance, Workers},
};
use corral_testbed::{
    clock::Clock,
    ollama::{FakeOllama, Model},
};

use crate::{rows::Rows, times::median};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const MANIFESTS: usize = 2_000;
const BLOBS: usize = 6_000;
const ROUNDS: usize = 15;
const LIMIT: f64 = 1.5;

pub(crate) async fn measure(rows: &mut Rows) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let models = folder.path().join("models");
    let server = FakeOllama::builder().clock(Clock::system()).folder(&models);
    let server = server.models((0..MANIFESTS).map(model)).start().await?;
    let blobs = fs::read_dir(models.join("blobs"))?.count();
    // A layer that all share may come on top.
    if !(BLOBS..BLOBS + 5).contains(&blobs) {
        return Err(format!("{blobs} blobs instead of {BLOBS}").into());
    }

    let mut config = CoreConfig::in_folder(folder.path().join("data"));
    config.workers = Workers::None;
    config.seed = vec![SeedInstance { name: "here".to_owned(), url: server.url() }];
    let core = Core::start(config).await?;
    let list = core.run::<instances::call::List>(Actor::Window, Default::default()).await?;
    let instance = list.items.first().ok_or("the seed is registered")?.id;
    core.run::<instances::call::Probe>(Actor::Window, InstanceRef { id: instance }).await?;
    core.run::<sync::call::Run>(Actor::Window, InstanceRef { id: instance }).await?;

    let (mut peer, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let found = Command::new("find").arg(&models).args(["-printf", "%s\n"]).output()?;
        black_box(found.stdout.split(|byte| *byte == b'\n').count());
        let parsed = parse(&models.join("manifests"))?;
        peer.push(began.elapsed());
        if parsed != MANIFESTS {
            return Err(format!("{parsed} manifests instead of {MANIFESTS}").into());
        }

        let began = Instant::now();
        let request = LookAtDisk { instance, unused_days: 30 };
        let view = core.run::<Look>(Actor::Window, request).await?;
        ours.push(began.elapsed());
        if view.models.len() as u64 + view.more.count != MANIFESTS as u64 {
            return Err(format!("a look that does not see every model: {:?}", view.parts).into());
        }
    }
    let millis = |times: &[Duration]| median(times).as_secs_f64() * 1000.0;
    rows.fact("find and parse, 2,000 manifests, 6,000 blobs", millis(&peer), "ms", ROUNDS);
    rows.fact("disk map of the same", millis(&ours), "ms", ROUNDS);
    rows.ratio("disk map / peer", millis(&ours) / millis(&peer), LIMIT, ROUNDS);
    core.shutdown().await;
    Ok(())
}

/// One with three blobs of its own: weights, template and what describes it.
fn model(index: usize) -> Model {
    let name = format!("team{}/model{}:v{index}", index % 20, index % 200);
    let parameters = 1_000_000 + index as u64;
    let model = Model::new(&name).weights_size(parameters).template(&format!("{index}: {{ . }}"));
    model.facts("llama", &format!("{parameters}"), parameters, "Q4_0")
}

/// Reads and parses every file below a folder.
fn parse(folder: &Path) -> Outcome<usize> {
    let mut parsed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            parsed += parse(&entry.path())?;
        } else {
            let text = fs::read(entry.path())?;
            black_box(serde_json::from_slice::<serde_json::Value>(&text)?);
            parsed += 1;
        }
    }
    Ok(parsed)
}
