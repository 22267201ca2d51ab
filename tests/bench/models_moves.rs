//! Export and import of one large model, against copying its file and hashing the copy, one after
//! the other.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use corral_contract::{
    InstanceId, ModelId,
    audit::Actor,
    bundles::{ExportModels, ImportItem, ImportModels, call},
    instances::{self, InstanceDraft, InstanceRef},
    models::{ModelSearchRequest, call::Search},
    sync,
};
use corral_core::{
    Core, CoreConfig,
    config::{SeedInstance, Workers},
};
use corral_testbed::{
    clock::Clock,
    content::Content,
    ollama::{FakeOllama, LayerKind, Model, library},
};

use crate::{
    moving::{fill, over, run},
    rows::Rows,
    times::median,
};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Bytes of the weights.
const SIZE: u64 = 3_000_000_000;
const ROUNDS: usize = 5;
/// At nine tenths of the speed it takes this many times as long.
const LIMIT: f64 = 1.0 / 0.9;
const NAME: &str = "large:latest";

pub(crate) async fn measure(rows: &mut Rows) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let weights = Content::seeded(1, SIZE);
    let mut model = Model::new("large");
    model.weights = weights.layer(LayerKind::Model);
    let clock = Clock::system();
    let here = FakeOllama::builder().clock(clock.clone()).folder(&one).models([model]);
    let here = here.start().await?;
    let blob = one.join("blobs").join(format!("sha256-{}", weights.digest));
    fill(&blob, &weights)?;
    let there = FakeOllama::builder().clock(clock).folder(&two);
    // By this model it tells where its folder is.
    let there = there.models([library::pick("all-minilm:22m")]).start().await?;

    let mut config = CoreConfig::in_folder(folder.path().join("data"));
    config.workers = Workers::None;
    config.seed = vec![SeedInstance { name: "here".to_owned(), url: here.url() }];
    let core = Core::start(config).await?;
    let list = core.run::<instances::call::List>(Actor::Window, Default::default()).await?;
    let id = list.items.first().ok_or("the seed is registered")?.id;
    core.run::<instances::call::Probe>(Actor::Window, InstanceRef { id }).await?;
    core.run::<sync::call::Run>(Actor::Window, InstanceRef { id }).await?;
    let page = core.run::<Search>(Actor::Window, ModelSearchRequest::default()).await?;
    let model = page.items.iter().find(|row| row.name == NAME).ok_or("the row")?.id;
    let draft = InstanceDraft { url: there.url(), force: true, ..InstanceDraft::default() };
    let to = core.run::<instances::call::Add>(Actor::Window, draft).await?.id;

    let file = folder.path().join("large.corral.tar");
    let copy = folder.path().join("copy");
    let (mut peer, mut export, mut import) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // All three in every round, so that a slow moment of the machine strikes all of them.
        let _ = fs::remove_file(&copy);
        warm();
        let began = Instant::now();
        run(Command::new("cp").arg(&blob).arg(&copy))?;
        run(Command::new("openssl").args(["dgst", "-sha256"]).arg(&copy))?;
        peer.push(began.elapsed());
        fs::remove_file(&copy)?;

        let _ = fs::remove_file(&file);
        warm();
        export.push(exported(&core, model, &file).await?);

        warm();
        import.push(imported(&core, to, &file).await?);
        let arrived = two.join("blobs").join(format!("sha256-{}", weights.digest));
        fs::remove_file(arrived)?;
        fs::remove_file(two.join("manifests/registry.ollama.ai/library/large/latest"))?;
    }
    let peer = median(&peer);
    rows.fact("cp, then openssl dgst -sha256, 3 GB", peer.as_secs_f64(), "s", ROUNDS);
    let ratio = |times: &[Duration]| median(times).as_secs_f64() / peer.as_secs_f64();
    rows.ratio("export to a file, on disk at the end / peer", ratio(&export), LIMIT, ROUNDS);
    rows.ratio("import from a file, on disk at the end / peer", ratio(&import), LIMIT, ROUNDS);
    core.shutdown().await;
    Ok(())
}

/// Gives each of the three the same memory to begin with. A virtual machine hands free memory back
/// and getting it again takes longer than writing to it: on one, a bare `cp` of these bytes took
/// between 1.0 and 9.4 seconds, by what the memory had been used for before.
fn warm() {
    let mut memory = vec![0_u8; 3 * SIZE as usize];
    memory.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
    std::hint::black_box(&memory);
}

async fn exported(core: &Core, model: ModelId, file: &Path) -> Outcome<Duration> {
    let path = file.to_string_lossy().into_owned();
    let wish = ExportModels { ids: vec![model], path, overwrite: false, keep_part: false };
    let began = Instant::now();
    let task = core.run::<call::Export>(Actor::Window, wish).await?.task;
    over(core, task).await?;
    Ok(began.elapsed())
}

async fn imported(core: &Core, instance: InstanceId, file: &Path) -> Outcome<Duration> {
    let item = ImportItem { name: NAME.to_owned(), rename: None, overwrite: false };
    let path = file.to_string_lossy().into_owned();
    let wish = ImportModels { path, instance, items: vec![item], rebuild: false };
    let began = Instant::now();
    let task = core.run::<call::Import>(Actor::Window, wish).await?.task;
    over(core, task).await?;
    Ok(began.elapsed())
}
