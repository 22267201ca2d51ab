//! Whole downloads into a real Ollama, registered and listed: by its own puller and by Corral.
//! Only with `CORRAL_OLLAMA`.

use std::{
    ffi::OsString,
    fs::{self, File},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use corral_contract::{
    audit::Actor,
    downloads::{self, JobState},
    instances,
    models::{self, CreateModel},
};
use corral_core::{Core, CoreConfig, config::SeedInstance};
use corral_testbed::gguf::Gguf;
use serde_json::json;

use super::{
    peers::{Blob, Depot, Outcome, Took, empty, make_after, run, walls},
    rows::Rows,
};

/// Bytes of the model.
const SIZE: u64 = 1_300_000_000;
/// A server needs this long to start at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// The binary to measure against.
pub(crate) fn binary() -> Option<OsString> {
    std::env::var_os("CORRAL_OLLAMA")
}

/// A server with folders of its own; ended when dropped.
struct Server {
    child: Child,
    host: String,
}

impl Server {
    fn start(binary: &OsString, folder: &Path) -> Outcome<Server> {
        let host = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        fs::create_dir_all(folder)?;
        let log = File::create(folder.join("server.log"))?;
        let child = Command::new(binary)
            .arg("serve")
            .env("OLLAMA_HOST", &host)
            .env("OLLAMA_MODELS", folder.join("models"))
            .env("OLLAMA_NO_CLOUD", "1")
            .env("HOME", folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let server = Server { child, host };
        let began = Instant::now();
        while TcpStream::connect(&server.host).is_err() {
            if began.elapsed() > PATIENCE {
                return Err("the server does not start".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Both ways by turns, at one speed of the server.
pub(crate) fn measure(
    binary: &OsString,
    (folder, work): (&Path, &Path),
    (what, rate, limit): (&str, u64, f64),
    samples: usize,
    rows: &mut Rows,
) -> Outcome<()> {
    // What Ollama takes for a model: the head of one, and as many bytes as it is to have.
    let head = Gguf::tiny().bytes();
    let blob = make_after(&head, folder, 4, SIZE)?;
    publish(folder, &blob)?;
    let depot = Depot::start(folder, rate, 0, 0)?;
    let name = format!("127.0.0.1:{}/library/bench:latest", depot.port);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..samples {
        empty(work)?;
        let server = Server::start(binary, &work.join("theirs"))?;
        let mut pull = Command::new(binary);
        pull.args(["pull", "--insecure", &name]).env("OLLAMA_HOST", &server.host);
        theirs.push(run(pull.env("HOME", work))?);
        drop(server);
        empty(work)?;
        let server = Server::start(binary, &work.join("ours"))?;
        let output = Command::new(std::env::current_exe()?)
            .args(["model", &server.host])
            .arg(work.join("corral"))
            .arg(&name)
            .stderr(Stdio::inherit())
            .output()?;
        let wall: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
        ours.push(Took { wall, ..Took::default() });
    }
    rows.fact(&format!("{what}: Corral, listed by Ollama"), walls(&ours), "s", samples);
    rows.fact(&format!("{what}: ollama pull"), walls(&theirs), "s", samples);
    let ratio = walls(&ours) / walls(&theirs);
    rows.ratio(&format!("{what}: wall / ollama pull"), ratio, limit, samples);
    fs::remove_file(folder.join("blobs").join(&blob.hex))?;
    Ok(())
}

/// A model of this blob and a config.
fn publish(folder: &Path, blob: &Blob) -> Outcome<()> {
    let config = json!({ "model_format": "gguf", "model_family": "llama" }).to_string();
    let config = Blob::write(folder, config.as_bytes())?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "digest": format!("sha256:{}", config.hex), "size": config.size,
        },
        "layers": [{
            "mediaType": "application/vnd.ollama.image.model",
            "digest": format!("sha256:{}", blob.hex), "size": blob.size,
        }],
    });
    fs::create_dir_all(folder.join("manifests"))?;
    Ok(fs::write(folder.join("manifests").join("bench"), manifest.to_string())?)
}

/// Plays Corral: one model onto one server, and how long it took from the wish to the end.
pub(crate) fn model(host: &str, folder: &str, name: &str) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut config = CoreConfig::in_folder(folder);
        config.seed =
            vec![SeedInstance { name: "bench".to_owned(), url: format!("http://{host}") }];
        let core = Core::start(config).await?;
        let all = core.run::<instances::call::List>(Actor::Window, Default::default()).await?;
        let instance = all.items.first().ok_or("no instance")?.id;
        loop {
            let id = instances::InstanceRef { id: instance };
            let view = core.run::<instances::call::Probe>(Actor::Window, id).await?;
            if view.api.state == instances::ApiState::Ok {
                break;
            }
        }
        let began = Instant::now();
        let wish = CreateModel {
            instance,
            name: name.to_owned(),
            priority: Default::default(),
            start_when_done: false,
            update: false,
            insecure: true,
            force: false,
        };
        let mut events = core.bus.listen();
        let job = core.run::<models::call::Create>(Actor::Window, wish).await?.job;
        loop {
            let queue =
                core.run::<downloads::call::List>(Actor::Window, Default::default()).await?;
            match queue.jobs.into_iter().find(|each| each.id == job) {
                Some(job) if job.state == JobState::Done => break,
                Some(job) if job.state == JobState::Failed => {
                    return Err(format!("{:?}", job.problem).into());
                }
                _ => {}
            }
            let _ = tokio::time::timeout(Duration::from_millis(50), events.next()).await;
        }
        println!("{}", began.elapsed().as_secs_f64());
        core.shutdown().await;
        Outcome::Ok(())
    })
}
