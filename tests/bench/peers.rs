//! Who takes part in the download bench, each as a process of its own: the server, Corral's
//! engine, curl, aria2c, and writing and hashing one after the other.

use std::{
    error::Error,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use sha2::{Digest, Sha256};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// The middle of some figures.
pub(crate) fn middle(figures: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Processor time of all children that have ended, in seconds.
pub(crate) fn children_time() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |place: usize| {
        after.split_whitespace().nth(place).and_then(|ticks| ticks.parse::<f64>().ok())
    };
    // Fields 16 and 17 of the whole line; the third comes first here. 100 ticks a second.
    (ticks(13).unwrap_or(0.0) + ticks(14).unwrap_or(0.0)) / 100.0
}

/// A server until dropped.
pub(crate) struct Depot {
    child: Child,
    pub(crate) port: String,
}

impl Depot {
    pub(crate) fn start(folder: &Path, rate: u64, slow: u64, latency: u64) -> Outcome<Depot> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve").arg(folder);
        Depot::of(command.args([rate, slow, latency].map(|number| number.to_string())))
    }

    /// A process that says on which port it listens, and ends with its input.
    fn of(command: &mut Command) -> Outcome<Depot> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut port = String::new();
        let output = child.stdout.take().ok_or("no output")?;
        BufReader::new(output).read_line(&mut port)?;
        Ok(Depot { child, port: port.trim().to_owned() })
    }

    /// Bytes of blobs that it sent so far.
    pub(crate) fn sent(&self) -> Outcome<u64> {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{}", self.port))?;
        stream.write_all(b"GET /sent HTTP/1.1\r\n\r\n")?;
        let mut answer = [0; 256];
        let read = stream.read(&mut answer)?;
        let text = String::from_utf8_lossy(&answer[..read]);
        Ok(text.rsplit("\r\n").next().unwrap_or_default().parse()?)
    }

    pub(crate) fn url(&self, hex: &str) -> String {
        format!("http://127.0.0.1:{}/data/{hex}", self.port)
    }
}

impl Drop for Depot {
    fn drop(&mut self) {
        // Both fail only when it has gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A long line to a server.
pub(crate) struct Line {
    /// The server as it is seen from the far end.
    pub(crate) far: Depot,
}

impl Line {
    /// Everything arrives `delay` ms later; so many of a thousand pieces are lost at first.
    pub(crate) fn before(depot: &Depot, delay: u64, per_mille: u64) -> Outcome<Line> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["proxy", &depot.port]);
        let far = Depot::of(command.args([delay, per_mille].map(|number| number.to_string())))?;
        Ok(Line { far })
    }
}

pub(crate) struct Blob {
    pub(crate) hex: String,
    pub(crate) size: u64,
}

impl Blob {
    pub(crate) fn word(&self) -> String {
        format!("{}:{}", self.hex, self.size)
    }

    /// What [`Blob::word`] said.
    pub(crate) fn of(word: &str) -> Blob {
        let (hex, size) = word.split_once(':').unwrap_or((word, "0"));
        Blob { hex: hex.to_owned(), size: size.parse().unwrap_or(0) }
    }

    /// These bytes, in the server's folder.
    pub(crate) fn write(folder: &Path, bytes: &[u8]) -> Outcome<Blob> {
        let digest = Sha256::digest(bytes);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(folder.join("blobs").join(&hex), bytes)?;
        Ok(Blob { hex, size: bytes.len() as u64 })
    }
}

/// Random bytes that follow from `seed`, in the server's folder.
pub(crate) fn make(folder: &Path, seed: u64, size: u64) -> Outcome<Blob> {
    make_after(&[], folder, seed, size)
}

/// The same behind some bytes that are given, `size` bytes in all.
pub(crate) fn make_after(head: &[u8], folder: &Path, seed: u64, size: u64) -> Outcome<Blob> {
    let blobs = folder.join("blobs");
    fs::create_dir_all(&blobs)?;
    let path = blobs.join("new");
    let mut file = io::BufWriter::with_capacity(1 << 20, File::create(&path)?);
    let (mut hash, mut state, mut left) =
        (Sha256::new(), seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, size);
    let mut block = vec![0_u8; 1 << 20];
    hash.update(head);
    file.write_all(head)?;
    left = left.saturating_sub(head.len() as u64);
    while left > 0 {
        for word in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        let piece = &block[..left.min(1 << 20) as usize];
        hash.update(piece);
        file.write_all(piece)?;
        left -= piece.len() as u64;
    }
    file.flush()?;
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    fs::rename(path, blobs.join(&hex))?;
    Ok(Blob { hex, size })
}

/// What one run took.
#[derive(Clone, Copy, Default)]
pub(crate) struct Took {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
    /// KiB above what the process had before.
    pub(crate) memory: u64,
}

pub(crate) fn run(command: &mut Command) -> Outcome<Took> {
    let (cpu, began) = (children_time(), Instant::now());
    let status =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if !status.success() {
        return Err(format!("{command:?} ended with {status}").into());
    }
    Ok(Took { wall: began.elapsed().as_secs_f64(), cpu: children_time() - cpu, memory: 0 })
}

/// Corral's engine: wall as it measured itself, from an empty folder to published.
pub(crate) fn corral(depot: &Depot, work: &Path, blobs: &[&Blob], limit: u64) -> Outcome<Took> {
    let cpu = children_time();
    let output = Command::new(std::env::current_exe()?)
        .args(["fetch", &depot.port])
        .arg(work)
        .arg(limit.to_string())
        .args(blobs.iter().map(|blob| blob.word()))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let figures: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [wall, idle, peak] = figures[..] else { return Err(format!("no figures: {text}").into()) };
    for blob in blobs {
        if fs::metadata(work.join(&blob.hex))?.len() != blob.size {
            return Err("a blob of another size".into());
        }
    }
    Ok(Took { wall, cpu: children_time() - cpu, memory: (peak - idle).max(0.0) as u64 })
}

pub(crate) fn curl(depot: &Depot, work: &Path, blob: &Blob) -> Outcome<Took> {
    run(Command::new("curl")
        .args(["-sS", "--fail", "-o"])
        .arg(work.join("curl"))
        .arg(depot.url(&blob.hex)))
}

pub(crate) fn aria2c(depot: &Depot, work: &Path, blob: &Blob) -> Outcome<Took> {
    run(Command::new("aria2c")
        .args([
            "-x16",
            "-s16",
            "-k1M",
            "-q",
            "--allow-overwrite=true",
            "--file-allocation=falloc",
            "-d",
        ])
        .arg(work)
        .args(["-o", "aria2c"])
        .arg(depot.url(&blob.hex)))
}

/// Writing the bytes and hashing what was written, one after the other.
pub(crate) fn write_and_hash(
    depot_folder: &Path,
    work: &Path,
    blob: &Blob,
) -> Outcome<(Took, Took)> {
    let began = Instant::now();
    let mut from = File::open(depot_folder.join("blobs").join(&blob.hex))?;
    let target = work.join("written");
    let mut to = File::create(&target)?;
    let mut block = vec![0; 1 << 20];
    loop {
        let read = from.read(&mut block)?;
        if read == 0 {
            break;
        }
        to.write_all(&block[..read])?;
    }
    // What a download has to do as well before it may call the file its own.
    to.sync_all()?;
    let wrote = began.elapsed().as_secs_f64();
    let hashed = run(Command::new("openssl").args(["dgst", "-sha256"]).arg(&target))?;
    Ok((Took { wall: wrote + hashed.wall, cpu: 0.0, memory: 0 }, hashed))
}

pub(crate) fn empty(work: &Path) -> Outcome<()> {
    if work.exists() {
        fs::remove_dir_all(work)?;
    }
    Ok(fs::create_dir_all(work)?)
}

pub(crate) fn walls(all: &[Took]) -> f64 {
    middle(all.iter().map(|took| took.wall))
}

pub(crate) fn cpus(all: &[Took]) -> f64 {
    middle(all.iter().map(|took| took.cpu))
}
