//! Downloads against their peers and the limits of the machine, all in one run on one loopback
//! server: `cargo xtask bench download`.
//!
//! This program plays three parts, each as a process of its own so that its processor time and
//! memory are its own: the server (`serve`), Corral's engine (`fetch`), and the one who measures.

mod control;
mod engine;
mod kills;
mod peers;
mod rows;
mod served;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use corral_testbed::{
    chaos::Proxy,
    depot::{self, Options},
};
use peers::{
    Blob, Depot, Line, Outcome, Took, aria2c, corral, cpus, curl, empty, make, middle, run, walls,
    write_and_hash,
};
use rows::Rows;

const SAMPLES: usize = 5;
const SIZES: [(&str, u64); 2] = [("1.3 GB", 1_300_000_000), ("3 GB", 3_000_000_000)];
const PER_CONNECTION: u64 = 8_000_000;
const SMALL: usize = 200;
const SMALL_SIZE: u64 = 64 * 1024;
/// What a lost packet costs a connection: the usual timer of TCP.
const STALL: Duration = Duration::from_millis(200);

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", folder, rate, slow, latency] => serve(folder, rate, slow, latency),
        ["fetch", port, folder, limit, ..] => engine::fetch(port, folder, limit, &words[4..]),
        ["proxy", to, delay, per_mille] => proxy(to, delay, per_mille),
        ["model", host, folder, name] => served::model(host, folder, name),
        [only] => measure(Some(only)),
        _ => measure(None),
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

/// A line with a delay and stalls before a server.
fn proxy(to: &str, delay: &str, per_mille: &str) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let proxy = Proxy::start(format!("127.0.0.1:{to}").parse()?).await?;
        let (delay, per_mille) = (delay.parse()?, per_mille.parse()?);
        proxy.weather(|weather| {
            weather.delay = Duration::from_millis(delay);
            weather.stalls = Some((per_mille, STALL));
        });
        println!("{}", proxy.address().port());
        tokio::task::spawn_blocking(|| io::copy(&mut io::stdin().lock(), &mut io::sink()))
            .await??;
        Outcome::Ok(())
    })
}

/// Everything, or only the part that is named: `-- small`.
fn measure(only: Option<&str>) -> Outcome<()> {
    let home = tempfile::tempdir()?;
    let (folder, work) = (home.path().join("depot"), home.path().join("work"));
    let (folder, work) = (folder.as_path(), work.as_path());
    let mut rows = Rows::default();
    let wanted = |part: &str| only.is_none_or(|only| only == part);
    if wanted("small") {
        small(folder, work, &mut rows)?;
    }
    if wanted("control") {
        limited(folder, work, &mut rows)?;
        control::measure(folder, work, &mut rows)?;
    }
    for (seed, (name, size)) in SIZES.iter().enumerate() {
        let blob = make(folder, seed as u64 + 1, *size)?;
        if wanted("unlimited") {
            unlimited(folder, work, name, &blob, &mut rows)?;
        }
        if seed == 0 && wanted("lines") {
            per_connection(folder, work, &blob, &mut rows)?;
        }
        if seed == 0 && wanted("stalls") {
            stalls(folder, work, &blob, &mut rows)?;
        }
        if seed == 0 && wanted("kills") {
            kills::measure(folder, work, &blob, &mut rows)?;
        }
        if seed == 0 && wanted("shared") {
            shared(folder, work, &blob, &mut rows)?;
        }
        fs::remove_file(folder.join("blobs").join(&blob.hex))?;
    }
    if let Some(ollama) = served::binary().filter(|_| wanted("ollama")) {
        let places = (folder, work);
        served::measure(&ollama, places, ("1.3 GB", 0, 0.7), SAMPLES, &mut rows)?;
        let slow = ("1.3 GB at 8 MB/s per connection", PER_CONNECTION, 0.85);
        served::measure(&ollama, places, slow, SAMPLES, &mut rows)?;
    }
    rows.write("download")?;
    Ok(())
}

/// Three that want the same blob at once.
fn shared(folder: &Path, work: &Path, blob: &Blob, rows: &mut Rows) -> Outcome<()> {
    let depot = Depot::start(folder, 0, 0, 0)?;
    empty(work)?;
    corral(&depot, work, &[blob, blob, blob], 0)?;
    let times = depot.sent()? as f64 / blob.size as f64;
    // What a connection had asked for when another took its end comes for nothing.
    rows.ratio("three that share a blob: bytes sent / bytes of it", times, 1.01, 1);
    Ok(())
}

/// A long line that loses something: against aria2c over the same one.
fn stalls(folder: &Path, work: &Path, blob: &Blob, rows: &mut Rows) -> Outcome<()> {
    let depot = Depot::start(folder, PER_CONNECTION, 0, 0)?;
    let line = Line::before(&depot, 40, 10)?;
    let (ours, arias) = by_turns(&line.far, work, blob)?;
    rows.fact("40 ms and 1 % stalls of 200 ms: Corral", walls(&ours), "s", SAMPLES);
    rows.fact("40 ms and 1 % stalls of 200 ms: aria2c", walls(&arias), "s", SAMPLES);
    let ratio = walls(&ours) / walls(&arias);
    rows.ratio("40 ms and 1 % stalls of 200 ms: wall / aria2c's", ratio, 1.0 / 0.9, SAMPLES);
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
