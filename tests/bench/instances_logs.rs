//! Logs of servers and what watching them costs: the first page of a large log, a search against
//! ripgrep, and the processor while twenty servers are polled.

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use corral_contract::{
    InstanceId,
    app::{self, Visible},
    audit::Actor,
    command::Nothing,
    event::AppEvent,
    instances,
    serverlogs::{FindRequest, LineLevel, PageRequest, SetFile, call},
};
use corral_core::{
    Core, CoreConfig,
    config::{SeedInstance, Workers},
};
use corral_testbed::FakeOllama;

use super::{rows::Rows, times::median};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Bytes of the log.
const SIZE: u64 = 1_000_000_000;
/// What is looked for: once, near the beginning, so that all of it is read.
const NEEDLE: &str = "the one line that is wanted";
const SAMPLES: usize = 5;
const SERVERS: usize = 20;
/// How long the processor is watched.
const WATCHED: Duration = Duration::from_secs(60);
/// The word that makes this program serve instead of measure.
pub(crate) const SERVE: &str = "serve-twenty";

/// Adds the rows of this part.
pub(crate) async fn measure(rows: &mut Rows) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("server.log");
    write_log(&file)?;
    let mut config = CoreConfig::in_folder(folder.path().join("corral"));
    config.workers = Workers::None;
    config.seed =
        vec![SeedInstance { name: "lab".to_owned(), url: "http://127.0.0.1:9".to_owned() }];
    let core = Core::start(config).await?;
    let list = core.run::<instances::call::List>(Actor::Window, Nothing {}).await?;
    let instance = list.items[0].id;
    let path = Some(file.display().to_string());
    core.run::<call::ChooseFile>(Actor::Window, SetFile { instance, path }).await?;
    first_page(&core, instance, rows).await?;
    search(&core, instance, &file, rows).await?;
    core.shutdown().await;
    idle(folder.path(), rows).await
}

/// Lines as a busy server writes them.
fn write_log(file: &Path) -> Outcome<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    let mut written = 0;
    let mut n = 0_u64;
    while written < SIZE {
        let (day, hour, minute, second) = (1 + n / 86_400 % 28, n / 3600 % 24, n / 60 % 60, n % 60);
        let clock = format!("{hour:02}:{minute:02}:{second:02}");
        let line = match n % 4 {
            _ if n == 1000 => format!("time=2026-01-01T00:16:40Z level=WARN msg=\"{NEEDLE}\"\n"),
            0 => format!(
                "[GIN] 2026/01/{day:02} - {clock} | 200 |  {n}.31ms |  127.0.0.1 | POST     \"/api/chat\"\n"
            ),
            1 => format!(
                "time=2026-01-{day:02}T{clock}.001Z level=INFO source=sched.go:{n} msg=\"loaded runners\" count=1 model=/models/blobs/sha256-{n:064x}\n"
            ),
            2 => format!("llama_model_loader: - kv {n:3}:  general.name str = Herd of models\n"),
            _ => format!(
                "time=2026-01-{day:02}T{clock}.002Z level=DEBUG source=server.go:9 msg=\"gpu memory\" id=0 available=\"{n} MiB\"\n"
            ),
        };
        out.write_all(line.as_bytes())?;
        written += line.len() as u64;
        n += 1;
    }
    out.flush()?;
    Ok(())
}

async fn first_page(core: &Core, instance: InstanceId, rows: &mut Rows) -> Outcome<()> {
    let mut times = Vec::new();
    for _ in 0..SAMPLES {
        let request = PageRequest {
            instance,
            before: None,
            after: None,
            from: None,
            least: LineLevel::Debug,
            limit: 300,
        };
        let began = Instant::now();
        let page = core.run::<call::Page>(Actor::Window, request).await?;
        times.push(began.elapsed());
        if page.lines.len() != 300 {
            return Err("the page is short".into());
        }
    }
    let ms = median(&times).as_secs_f64() * 1000.0;
    rows.limit("first page of a 1 GB log", ms, "ms", 200.0, SAMPLES);
    Ok(())
}

async fn search(core: &Core, instance: InstanceId, file: &Path, rows: &mut Rows) -> Outcome<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        let began = Instant::now();
        let peer = Command::new("rg")
            .args(["--no-config", "--count", "--ignore-case", "--fixed-strings", NEEDLE])
            .arg(file)
            .stdout(Stdio::piped())
            .output();
        let Ok(peer) = peer else {
            rows.fact("search of 1 GB: no ripgrep to measure against", 0.0, "x", 0);
            return Ok(());
        };
        theirs.push(began.elapsed());
        if String::from_utf8_lossy(&peer.stdout).trim() != "1" {
            return Err("ripgrep found something else".into());
        }
        let request = FindRequest {
            instance,
            text: NEEDLE.to_owned(),
            least: LineLevel::Debug,
            from: None,
            to: None,
        };
        let mut events = core.bus.listen();
        let began = Instant::now();
        let begun = core.run::<call::Find>(Actor::Window, request).await?;
        while let Some(envelope) = events.next().await {
            if let AppEvent::LogSearch(found) = &envelope.event
                && found.search == begun.search
                && found.ended
            {
                ours.push(began.elapsed());
                if found.count != 1 {
                    return Err("something else was found".into());
                }
                break;
            }
        }
    }
    let (ours, theirs) = (median(&ours).as_secs_f64(), median(&theirs).as_secs_f64());
    rows.ratio("search of 1 GB, to ripgrep", ours / theirs, 2.0, SAMPLES);
    rows.fact("search of 1 GB", ours * 1000.0, "ms", SAMPLES);
    Ok(())
}

/// The fake servers run in another process: their work is not Corral's.
struct Servers {
    child: Child,
    urls: Vec<String>,
}

impl Drop for Servers {
    fn drop(&mut self) {
        // It ends with its input; this is for a child that does not.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Servers {
    fn start() -> Outcome<Servers> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SERVE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let urls: Vec<String> =
            BufReader::new(output).lines().take(SERVERS).collect::<Result<_, _>>()?;
        Ok(Servers { child, urls })
    }
}

/// Serves until its input ends.
pub(crate) async fn serve() -> Outcome<()> {
    let mut servers = Vec::new();
    for _ in 0..SERVERS {
        let server = FakeOllama::builder().start().await?;
        println!("{}", server.url());
        servers.push(server);
    }
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()))
        .await??;
    Ok(())
}

async fn idle(folder: &Path, rows: &mut Rows) -> Outcome<()> {
    let servers = Servers::start()?;
    let mut config = CoreConfig::in_folder(folder.join("idle"));
    let seed =
        |(n, url): (usize, &String)| SeedInstance { name: format!("s{n}"), url: url.clone() };
    config.seed = servers.urls.iter().enumerate().map(seed).collect();
    let core = Core::start(config).await?;
    for (visible, name) in [
        (false, "processor while 20 servers are polled, window hidden"),
        (true, "processor while 20 servers are polled, window shown"),
    ] {
        core.run::<app::call::SetVisible>(Actor::Window, Visible { visible }).await?;
        // What a start does is not idle.
        tokio::time::sleep(Duration::from_secs(15)).await;
        let before = used()?;
        tokio::time::sleep(WATCHED).await;
        let share = (used()? - before) / WATCHED.as_secs_f64() * 100.0;
        if visible {
            rows.fact(name, share, "% of a core", 1);
        } else {
            rows.limit(name, share, "% of a core", 1.0, 1);
        }
    }
    core.shutdown().await;
    Ok(())
}

/// Seconds of processor that this process took so far.
fn used() -> Outcome<f64> {
    let mut system = sysinfo::System::new()?;
    let own = sysinfo::get_current_pid()?;
    system.refresh_processes_specifics(
        sysinfo::ProcessesToUpdate::Some(&[own]),
        false,
        sysinfo::ProcessRefreshKind::nothing().with_cpu(),
    );
    let process = system.process(own).ok_or("this process is not seen")?;
    Ok(process.accumulated_cpu_time() as f64 / 1000.0)
}
