//! Downloads against their peers and the limits of the machine, all in one run on one loopback
//! server: `cargo xtask bench download`.
//!
//! This program plays three parts, each as a process of its own so that its processor time and
//! memory are its own: the server (`serve`), Corral's engine (`fetch`), and the one who measures.

mod peers;
mod rows;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use corral_contract::name::ModelName;
use corral_core::{
    registry::{Registries, RegistryConfig, Repository},
    transfers::{self, Order, Transfers},
};
use corral_testbed::depot::{self, Options};
use futures_util::{StreamExt, TryStreamExt, stream};
use peers::{
    Blob, Depot, Outcome, Took, aria2c, corral, cpus, curl, empty, make, middle, run, walls,
    write_and_hash,
};
use rows::Rows;

const SAMPLES: usize = 5;
const SIZES: [(&str, u64); 2] = [("1.3 GB", 1_300_000_000), ("3 GB", 3_000_000_000)];
const PER_CONNECTION: u64 = 8_000_000;
const SMALL: usize = 200;
const SMALL_SIZE: u64 = 64 * 1024;
const KILLS: u32 = 10;

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", folder, rate, slow, latency] => serve(folder, rate, slow, latency),
        ["fetch", port, folder, limit, ..] => fetch(port, folder, limit, &words[4..]),
        _ => measure(),
    }
}

fn serve(folder: &str, rate: &str, slow: &str, latency: &str) -> Outcome<()> {
    let number = |text: &str| text.parse::<u64>().ok().filter(|number| *number > 0);
    let options = Options {
        rate: number(rate),
        slow_every: number(slow),
        latency: Duration::from_millis(number(latency).unwrap_or(0)),
    };
    println!("{}", depot::serve(folder.into(), options)?);
    // Until whoever started it goes.
    io::copy(&mut io::stdin().lock(), &mut io::sink())?;
    Ok(())
}

/// Brings blobs, publishes them, and says what that took.
fn fetch(port: &str, folder: &str, limit: &str, digests: &[String]) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let transfers = Transfers::new(Registries::new(RegistryConfig::default())?);
        let limit = limit.parse::<u64>().ok().filter(|limit| *limit > 0);
        transfers.throttle().set(limit);
        let repository = Repository {
            name: ModelName::parse(&format!("127.0.0.1:{port}/library/bench:latest"))
                .map_err(|error| error.as_str())?,
            insecure: true,
            server_version: None,
        };
        let folder = PathBuf::from(folder);
        let settled = folder.clone();
        let idle = memory("VmHWM");
        let began = Instant::now();
        let one = |word: &String| {
            let (transfers, repository, folder) =
                (transfers.clone(), repository.clone(), folder.clone());
            let (hex, size) = word.split_once(':').unwrap_or((word, "0"));
            let digest = format!("sha256:{hex}");
            let size = size.parse().unwrap_or(0);
            let place = folder.join(hex);
            async move {
                let order = Order::new(repository, &digest, size, folder.join(".corral"))
                    .ok_or("a digest")?;
                let share = transfers.join(order);
                let whole = share.whole().await.map_err(|failed| failed.error.to_string())?;
                tokio::task::spawn_blocking(move || whole.publish(&place))
                    .await?
                    .map_err(|failed| failed.error.to_string())?;
                Outcome::Ok(())
            }
        };
        stream::iter(digests.iter().map(one)).buffer_unordered(6).try_collect::<()>().await?;
        tokio::task::spawn_blocking(move || transfers::settle(&settled))
            .await?
            .map_err(|failed| failed.error.to_string())?;
        let wall = began.elapsed().as_secs_f64();
        println!("{wall} {} {}", idle, memory("VmHWM"));
        Outcome::Ok(())
    })
}

/// A figure of this process in kibibytes; 0 where the system does not tell.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

fn measure() -> Outcome<()> {
    let home = tempfile::tempdir()?;
    let (folder, work) = (home.path().join("depot"), home.path().join("work"));
    let mut rows = Rows::default();
    for (seed, (name, size)) in SIZES.iter().enumerate() {
        let blob = make(&folder, seed as u64 + 1, *size)?;
        unlimited(&folder, &work, name, &blob, &mut rows)?;
        if seed == 0 {
            per_connection(&folder, &work, &blob, &mut rows)?;
            kills(&folder, &work, &blob, &mut rows)?;
            limited(&folder, &work, &mut rows)?;
        }
        fs::remove_file(folder.join("blobs").join(&blob.hex))?;
    }
    small(&folder, &work, &mut rows)?;
    rows.write("download")?;
    Ok(())
}

/// As fast as it goes, against one stream of curl and against writing and hashing.
fn unlimited(folder: &Path, work: &Path, name: &str, blob: &Blob, rows: &mut Rows) -> Outcome<()> {
    let depot = Depot::start(folder, 0, 0, 0)?;
    let (mut ours, mut curls, mut arias) = (Vec::new(), Vec::new(), Vec::new());
    let (mut writes, mut hashes) = (Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        empty(work)?;
        ours.push(corral(&depot, work, &[blob], 0)?);
        empty(work)?;
        curls.push(curl(&depot, work, blob)?);
        empty(work)?;
        arias.push(aria2c(&depot, work, blob)?);
        empty(work)?;
        let (wrote, hashed) = write_and_hash(folder, work, blob)?;
        writes.push(wrote);
        hashes.push(hashed);
    }
    let peer = walls(&curls).max(walls(&writes));
    rows.fact(&format!("{name}: Corral, verified"), walls(&ours), "s", SAMPLES);
    rows.fact(&format!("{name}: curl, one stream"), walls(&curls), "s", SAMPLES);
    rows.fact(&format!("{name}: aria2c -x16"), walls(&arias), "s", SAMPLES);
    rows.fact(&format!("{name}: write + openssl"), walls(&writes), "s", SAMPLES);
    rows.ratio(
        &format!("{name}: wall / slower of curl and write+hash"),
        walls(&ours) / peer,
        1.05,
        SAMPLES,
    );
    let processor = cpus(&ours) / (cpus(&curls) + cpus(&hashes));
    rows.ratio(&format!("{name}: processor / (curl + openssl)"), processor, 1.3, SAMPLES);
    let memory = middle(ours.iter().map(|took| took.memory as f64 / 1024.0));
    rows.limit(&format!("{name}: memory above idle"), memory, "MiB", 64.0, SAMPLES);
    Ok(())
}

/// Where each connection gets only so much: more of them count.
fn per_connection(folder: &Path, work: &Path, blob: &Blob, rows: &mut Rows) -> Outcome<()> {
    let depot = Depot::start(folder, PER_CONNECTION, 0, 0)?;
    let (ours, arias) = by_turns(&depot, work, blob)?;
    rows.fact("8 MB/s per connection: Corral, verified", walls(&ours), "s", SAMPLES);
    rows.fact("8 MB/s per connection: aria2c -x16", walls(&arias), "s", SAMPLES);
    rows.ratio(
        "8 MB/s per connection: wall / aria2c's",
        walls(&ours) / walls(&arias),
        1.0 / 0.9,
        SAMPLES,
    );
    drop(depot);
    let depot = Depot::start(folder, PER_CONNECTION, 8, 0)?;
    let mut slowed = Vec::new();
    for _ in 0..SAMPLES {
        empty(work)?;
        slowed.push(corral(&depot, work, &[blob], 0)?);
    }
    rows.ratio(
        "one connection in eight 20 x slower: wall / without",
        walls(&slowed) / walls(&ours),
        1.15,
        SAMPLES,
    );
    drop(depot);
    let depot = Depot::start(folder, PER_CONNECTION, 0, 40)?;
    let (ours, arias) = by_turns(&depot, work, blob)?;
    rows.ratio(
        "8 MB/s, 40 ms before each answer: wall / aria2c's",
        walls(&ours) / walls(&arias),
        1.0 / 0.9,
        SAMPLES,
    );
    Ok(())
}

/// Corral and aria2c, one after the other, again and again.
fn by_turns(depot: &Depot, work: &Path, blob: &Blob) -> Outcome<(Vec<Took>, Vec<Took>)> {
    let (mut ours, mut arias) = (Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        empty(work)?;
        ours.push(corral(depot, work, &[blob], 0)?);
        empty(work)?;
        arias.push(aria2c(depot, work, blob)?);
    }
    Ok((ours, arias))
}

/// Killed without a word, again and again: what is on disk and proved after each.
fn kills(folder: &Path, work: &Path, blob: &Blob, rows: &mut Rows) -> Outcome<()> {
    let depot = Depot::start(folder, PER_CONNECTION, 0, 0)?;
    empty(work)?;
    let (mut lost, mut rest) = (Vec::new(), Vec::new());
    for round in 0..KILLS {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["fetch", &depot.port])
            .arg(work)
            .args(["0", &blob.word()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        // Somewhere in a second of work, another place each time.
        std::thread::sleep(Duration::from_millis(700 + u64::from(round) * 53 % 500));
        child.kill()?;
        child.wait()?;
        let claimed =
            transfers::left_of(&work.join(".corral"), &format!("sha256:{}", blob.hex), blob.size);
        lost.push(claimed.unwrap_or(0));
    }
    for pair in lost.windows(2) {
        // What a restart loses would make the claims of the next round smaller.
        rest.push(pair[1] > pair[0]);
    }
    let grows = rest.iter().filter(|grows| **grows).count();
    rows.limit("kill -9: rounds without gain", (rest.len() - grows) as f64, "", 0.0, rest.len());
    let began = Instant::now();
    let took = corral(&depot, work, &[blob], 0)?;
    let left = blob.size - lost.last().copied().unwrap_or(0);
    let fair = left as f64 / (PER_CONNECTION as f64 * 16.0);
    rows.fact("kill -9: rest after ten kills", took.wall, "s", 1);
    rows.fact("kill -9: the same at 16 x 8 MB/s", fair, "s", 1);
    rows.fact("kill -9: start to end", began.elapsed().as_secs_f64(), "s", 1);
    Ok(())
}

/// A limit of 20 MB/s over ten seconds.
fn limited(folder: &Path, work: &Path, rows: &mut Rows) -> Outcome<()> {
    let blob = make(folder, 99, 200_000_000)?;
    let depot = Depot::start(folder, 0, 0, 0)?;
    empty(work)?;
    let took = corral(&depot, work, &[&blob], 20_000_000)?;
    let off = (blob.size as f64 / took.wall / 20e6 - 1.0).abs() * 100.0;
    rows.limit("limit of 20 MB/s over 10 s: off by", off, "%", 5.0, 1);
    fs::remove_file(folder.join("blobs").join(&blob.hex))?;
    Ok(())
}

/// Many small layers.
fn small(folder: &Path, work: &Path, rows: &mut Rows) -> Outcome<()> {
    let blobs: Vec<Blob> = (0..SMALL)
        .map(|index| make(folder, 1000 + index as u64, SMALL_SIZE))
        .collect::<Outcome<_>>()?;
    let all: Vec<&Blob> = blobs.iter().collect();
    let depot = Depot::start(folder, 0, 0, 0)?;
    let (mut ours, mut curls, mut writes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        empty(work)?;
        ours.push(corral(&depot, work, &all, 0)?);
        empty(work)?;
        let mut command = Command::new("curl");
        command.args(["-sS", "--fail"]);
        for blob in &blobs {
            command.arg("-o").arg(work.join(&blob.hex)).arg(depot.url(&blob.hex));
        }
        curls.push(run(&mut command)?);
        empty(work)?;
        let began = Instant::now();
        for blob in &blobs {
            let bytes = fs::read(folder.join("blobs").join(&blob.hex))?;
            let mut file = File::create(work.join(&blob.hex))?;
            file.write_all(&bytes)?;
            file.sync_all()?;
        }
        let mut hash = Command::new("openssl");
        hash.args(["dgst", "-sha256"]).args(blobs.iter().map(|blob| work.join(&blob.hex)));
        let hashed = run(&mut hash)?;
        writes.push(Took { wall: began.elapsed().as_secs_f64(), ..hashed });
    }
    let peer = walls(&curls).max(walls(&writes));
    rows.fact("200 small layers: Corral, verified", walls(&ours), "s", SAMPLES);
    rows.fact("200 small layers: curl", walls(&curls), "s", SAMPLES);
    rows.fact("200 small layers: write + openssl", walls(&writes), "s", SAMPLES);
    rows.ratio(
        "200 small layers: wall / slower of curl and write+hash",
        walls(&ours) / peer,
        1.05,
        SAMPLES,
    );
    Ok(())
}
