//! One round: what happens in it follows from its number.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use corral_testbed::{
    FakeOllama, FakeRegistry,
    content::Content,
    ollama::{Fault, Layer, LayerKind, Model, library},
    registry::Trouble,
};
use sha2::{Digest, Sha256};

/// What Corral is to bring.
pub(crate) const NAMES: [&str; 3] = ["m0", "m1", "m2"];
/// One life of Corral, when nobody kills it, and a whole round.
const PATIENCE: Duration = Duration::from_secs(90);
const MB: u64 = 1_000_000;

/// How a round ended.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub(crate) number: u64,
    pub(crate) kills: u64,
    pub(crate) damages: u64,
    pub(crate) troubles: u64,
    pub(crate) sent: u64,
    pub(crate) size: u64,
    /// What is not as it should be.
    pub(crate) wrong: Option<String>,
}

/// Numbers that follow from the round's.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) % end.max(1)
    }
}

struct Scene {
    server: FakeOllama,
    registry: FakeRegistry,
    store: PathBuf,
    own: PathBuf,
    contents: Vec<Content>,
}

pub(crate) async fn round(number: u64) -> Ended {
    let mut ended = Ended { number, ..Ended::default() };
    if let Err(wrong) = play(number, &mut ended).await {
        ended.wrong = Some(wrong);
    }
    ended
}

async fn play(number: u64, ended: &mut Ended) -> Result<(), String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let mut dice = Dice((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let folder = tempfile::tempdir().map_err(|error| said(&error))?;
    let scene = scene(number, folder.path(), &mut dice).await?;
    ended.size = scene.contents.iter().map(|content| content.size).sum();
    let lives = dice.below(5);
    for _ in 0..lives {
        ended.troubles += trouble(&scene, &mut dice);
        let child = Life::start(&scene)?;
        let enough = sent(&scene) + dice.below(6 * MB);
        let waits = scene.registry.until("bytes", |_| sent(&scene) >= enough);
        // When all is there already, nothing more is sent; it is killed at some moment all the same.
        let _ = tokio::time::timeout(Duration::from_secs(3), waits).await;
        tokio::task::spawn_blocking(move || drop(child)).await.map_err(|error| said(&error))?;
        ended.kills += 1;
        for _ in 0..dice.below(3) {
            ended.damages += u64::from(damage(&scene, &mut dice).is_some());
        }
    }
    ended.troubles += trouble(&scene, &mut dice);
    let life = Life::start(&scene)?;
    let ends = tokio::task::spawn_blocking(move || life.ends());
    let result = tokio::time::timeout(PATIENCE, ends).await;
    ended.sent = sent(&scene);
    match result {
        Ok(Ok(Ok(()))) => check(&scene),
        Ok(Ok(Err(wrong))) => Err(wrong),
        Ok(Err(error)) => Err(said(&error)),
        Err(_) => Err(format!("it is not done: {}", last_words(&scene))),
    }
}

async fn scene(number: u64, folder: &Path, dice: &mut Dice) -> Result<Scene, String> {
    let (store, own) = (folder.join("store"), folder.join("own"));
    // One model that is there: by it the server tells where its store is.
    let server = FakeOllama::builder().folder(&store).models([library::pick("all-minilm:22m")]);
    let server = server.start().await.map_err(|error| error.to_string())?;
    let registry = FakeRegistry::start().await.map_err(|error| error.to_string())?;
    let shared = Content::seeded(number * 10 + 9, 2 * MB);
    let mut contents = vec![shared.clone()];
    for (place, name) in NAMES.iter().enumerate() {
        let weights = Content::seeded(number * 10 + place as u64, 2 * MB + dice.below(14 * MB));
        let template = Content::of(format!("{{{{ .Prompt }}}} {number} {place}"));
        let config =
            Content::of(format!("{{\"model_format\":\"gguf\",\"of\":\"{name} {number}\"}}"));
        let layers = [
            (LayerKind::Model, weights.clone()),
            (LayerKind::Projector, shared.clone()),
            (LayerKind::Template, template.clone()),
        ];
        registry.publish(&format!("library/{name}:latest"), &layers, config.clone());
        let mut all = layers.iter().map(|(kind, content)| content.layer(*kind));
        let mut model = Model::new(name);
        let first: Layer = all.next().ok_or("weights")?;
        model.weights = first;
        model.other_layers = Some(all.collect());
        model.config = Some(config.layer(LayerKind::Config));
        server.catalogue(|catalogue| catalogue.add(model));
        contents.extend([weights, template, config]);
    }
    registry.rate(Some(2 * MB + dice.below(4 * MB)));
    Ok(Scene { server, registry, store, own, contents })
}

fn sent(scene: &Scene) -> u64 {
    scene.contents.iter().map(|content| scene.registry.sent(&content.digest)).sum()
}

/// What the next answers are like.
fn trouble(scene: &Scene, dice: &mut Dice) -> u64 {
    let count = dice.below(10);
    let script = (0..count).map(|_| match dice.below(11) {
        0 => Trouble::WrongBytes,
        1 => Trouble::ResetAfter(dice.below(2 * MB)),
        2 => Trouble::CloseAfter(dice.below(2 * MB)),
        3 => Trouble::Expired,
        4 => Trouble::RetryLater { status: 503, seconds: 0 },
        5 => Trouble::Status(500, "oh".to_owned()),
        6 => Trouble::Status(404, String::new()),
        7 => Trouble::IgnoreRange,
        8 => Trouble::WrongContentRange,
        9 => Trouble::OtherSize,
        _ => Trouble::Status(200, "<html>Please log in</html>".to_owned()),
    });
    let script: Vec<Trouble> = script.collect();
    scene.registry.script(script);
    if dice.below(3) == 0 {
        scene.registry.expire_addresses();
    }
    let fault = match dice.below(6) {
        0 => Fault::Reset,
        1 => Fault::Status(500, "oh".to_owned()),
        2 => Fault::CloseMidPull { at: 0.5 },
        _ => return count,
    };
    scene.server.fault_once("/api/pull", fault);
    count + 1
}

/// One file of those that were left becomes another.
fn damage(scene: &Scene, dice: &mut Dice) -> Option<()> {
    let files = staged(scene);
    let file = files.get(dice.below(files.len() as u64) as usize)?;
    let size = fs::metadata(file).ok()?.len();
    let at = dice.below(size);
    match dice.below(4) {
        0 => fs::remove_file(file).ok(),
        1 => File::options().write(true).open(file).ok()?.set_len(at).ok(),
        2 => File::options().write(true).open(file).ok()?.set_len(size + at).ok(),
        _ => {
            let mut file = File::options().read(true).write(true).open(file).ok()?;
            let mut byte = [0];
            file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut byte)).ok()?;
            byte[0] ^= 1 << dice.below(8);
            file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(&byte)).ok()
        }
    }
}

fn staged(scene: &Scene) -> Vec<PathBuf> {
    let own = scene.own.join("staging");
    let folders = [scene.store.join("blobs").join(".corral"), own];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    let mut files: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
    files.sort();
    files
}

/// The ends of the logs of all tasks, for who looks into it.
fn last_words(scene: &Scene) -> String {
    let logs = fs::read_dir(scene.own.join("logs").join("tasks"));
    let mut logs: Vec<PathBuf> = logs.into_iter().flatten().flatten().map(|it| it.path()).collect();
    logs.sort();
    let words = |log: &PathBuf| {
        let text = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(6)..].join("\n")
    };
    logs.iter().map(words).collect::<Vec<_>>().join("\n--\n")
}

fn check(scene: &Scene) -> Result<(), String> {
    for content in &scene.contents {
        let file = scene.store.join("blobs").join(format!("sha256-{}", content.digest));
        let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", content.digest))?;
        let digest = Sha256::digest(&bytes);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        if digest != content.digest {
            return Err(format!("{} has the bytes of {digest}", content.digest));
        }
    }
    for name in NAMES {
        let path = ["manifests", "registry.ollama.ai", "library", name, "latest"];
        let file = path.iter().fold(scene.store.clone(), |path, part| path.join(part));
        if !file.exists() {
            return Err(format!("{name} is not listed"));
        }
    }
    match staged(scene) {
        left if left.is_empty() => Ok(()),
        left => Err(format!("left in staging: {left:?}")),
    }
}

/// One life of Corral; it ends without a word when dropped.
struct Life(Child);

impl Life {
    fn start(scene: &Scene) -> Result<Life, String> {
        let itself = std::env::current_exe().map_err(|error| error.to_string())?;
        let child = Command::new(itself)
            .arg("corral")
            .arg(&scene.own)
            .args([scene.server.url(), scene.registry.url()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        child.map(Life).map_err(|error| error.to_string())
    }

    /// Waits for its own end.
    fn ends(mut self) -> Result<(), String> {
        let mut said = String::new();
        if let Some(out) = &mut self.0.stdout {
            out.read_to_string(&mut said).map_err(|error| error.to_string())?;
        }
        let status = self.0.wait().map_err(|error| error.to_string())?;
        if said.trim() == "done" { Ok(()) } else { Err(format!("Corral ended with {status}")) }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // Both fail when it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
