//! A registry over a folder of files, as fast as the machine: threads that hand files to sockets.
//! For measuring; it knows no faults.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Most connections over the life of a depot; later ones are closed.
const CONNECTIONS: u64 = 20_000;
/// Bytes between two looks at the clock where a rate is kept.
const PIECE: u64 = 64 * 1024;

/// How a depot serves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Bytes per second and connection.
    pub rate: Option<u64>,
    /// Every n-th connection is twenty times slower.
    pub slow_every: Option<u64>,
    /// Before the first byte of each answer.
    pub latency: Duration,
}

/// Serves `<folder>/blobs/<hex>`, `<folder>/manifests/<model>` and, as `/sent`, how many bytes of
/// blobs it sent so far, on a free loopback port until the process ends; answers the port.
///
/// # Errors
/// When no port can be bound.
pub fn serve(folder: PathBuf, options: Options) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let place = Arc::new((folder, options, port, AtomicU64::new(0), AtomicU64::new(0)));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let place = Arc::clone(&place);
            let number = place.3.fetch_add(1, Ordering::Relaxed);
            if number >= CONNECTIONS {
                return;
            }
            thread::spawn(move || {
                let (folder, options, port, _, sent) = &*place;
                let slow = options.slow_every.is_some_and(|every| number.is_multiple_of(every));
                let rate = options.rate.map(|rate| if slow { rate / 20 } else { rate });
                // A client that goes ends it, which is nothing to report.
                let _ = converse(stream, folder, *port, rate, options.latency, sent);
            });
        }
    });
    Ok(port)
}

fn converse(
    stream: TcpStream,
    folder: &Path,
    port: u16,
    rate: Option<u64>,
    latency: Duration,
    sent: &AtomicU64,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut requests = BufReader::new(stream.try_clone()?);
    let mut answers = stream;
    loop {
        let mut line = String::new();
        if requests.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let head = line.starts_with("HEAD");
        let mut range = None;
        // A client that comes over a line before this port is sent back the same way.
        let mut seen = port;
        loop {
            let mut header = String::new();
            requests.read_line(&mut header)?;
            let header = header.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(host) = header.strip_prefix("host: ") {
                let own = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
                seen = own.unwrap_or(port);
            }
            if let Some(bytes) = header.strip_prefix("range: bytes=") {
                range =
                    bytes.split_once('-').map(|(first, last)| (first.to_owned(), last.to_owned()));
            }
        }
        if path == "/sent" {
            let text = sent.load(Ordering::Relaxed).to_string();
            let length = text.len();
            // In one piece: whoever asks reads once.
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{text}");
            answers.write_all(answer.as_bytes())?;
            continue;
        }
        if !latency.is_zero() {
            thread::sleep(latency);
        }
        if let Some((_, digest)) = path.split_once("/blobs/sha256:") {
            // Another name than the registry's, as clients expect it.
            write!(
                answers,
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://localhost:{seen}/data/{digest}\r\nContent-Length: 0\r\n\r\n"
            )?;
            continue;
        }
        let file = match path.rsplit_once("/manifests/") {
            Some((model, _)) => {
                folder.join("manifests").join(model.rsplit('/').next().unwrap_or_default())
            }
            None => folder.join("blobs").join(path.trim_start_matches("/data/")),
        };
        match File::open(&file) {
            Ok(file) => send(&mut answers, file, range, head, rate, sent)?,
            Err(_) => write!(answers, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")?,
        }
    }
}

fn send(
    answers: &mut TcpStream,
    mut file: File,
    range: Option<(String, String)>,
    head: bool,
    rate: Option<u64>,
    sent: &AtomicU64,
) -> io::Result<()> {
    let size = file.metadata()?.len();
    let first = range.as_ref().and_then(|(first, _)| first.parse().ok()).unwrap_or(0);
    let last: Option<u64> = range.as_ref().and_then(|(_, last)| last.parse().ok());
    let end = last.map_or(size, |last| (last + 1).min(size));
    let length = end.saturating_sub(first);
    let status = if range.is_some() {
        format!(
            "206 Partial Content\r\nContent-Range: bytes {first}-{}/{size}",
            end.saturating_sub(1)
        )
    } else {
        "200 OK".to_owned()
    };
    write!(
        answers,
        "HTTP/1.1 {status}\r\nAccept-Ranges: bytes\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"
    )?;
    if head {
        return Ok(());
    }
    file.seek(SeekFrom::Start(first))?;
    let Some(rate) = rate else {
        sent.fetch_add(io::copy(&mut file.take(length), answers)?, Ordering::Relaxed);
        return Ok(());
    };
    let (began, mut done) = (Instant::now(), 0);
    while done < length {
        let piece = PIECE.min(length - done);
        sent.fetch_add(io::copy(&mut (&mut file).take(piece), answers)?, Ordering::Relaxed);
        done += piece;
        let due = Duration::from_secs_f64(done as f64 / rate as f64);
        thread::sleep(due.saturating_sub(began.elapsed()));
    }
    Ok(())
}
