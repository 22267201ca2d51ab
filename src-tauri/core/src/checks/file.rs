//! A file of this machine that is to be imported: its checksums and what is in it.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use corral_contract::{
    ErrorCode, WireError,
    checks::{CheckFile, FileCheck, Structure, call},
    tasks::TaskKind,
};
use md5::Md5;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{blobs, run::figures, sums};
use crate::{
    Core, Result,
    digest::hex,
    gguf::structure::Verdict,
    router::Handle,
    tasks::{self, NewTask, Task},
};

/// Between two looks at how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl Handle<call::File> for Core {
    async fn handle(&self, request: CheckFile) -> Result<FileCheck> {
        let md5 = sums::read("md5", request.md5.as_deref(), 32)?;
        let sha256 = sums::read("sha256", request.sha256.as_deref(), 64)?;
        let path = PathBuf::from(request.path.trim());
        let looked = path.clone();
        let opened = tokio::task::spawn_blocking(move || open(&looked)).await;
        let (file, size) = opened.map_err(|error| internal(&error))??;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let new = NewTask {
            kind: TaskKind::Check,
            instance: None,
            model: None,
            target: name,
            can_cancel: true,
        };
        let task = tasks::begin(self, new).await?;
        let read = read(path.clone(), file, size, &task).await;
        task.finish(&read.as_ref().map(|_| ()).map_err(Clone::clone)).await;
        let read = read?;
        let matches = |given: &Option<String>, found: &str| Some(given.as_deref()? == found);
        let mut check = FileCheck {
            path: path.to_string_lossy().into_owned(),
            bytes: size,
            sha256_matches: matches(&sha256, &read.sha256),
            md5_matches: matches(&md5, &read.md5),
            sha256: read.sha256,
            md5: read.md5,
            structure: Structure::Unknown,
            detail: None,
            architecture: None,
            parameters: None,
            quantization: None,
            context_length: None,
        };
        match read.verdict {
            Verdict::Sound(summary) => {
                check.structure = Structure::Sound;
                check.architecture = summary.architecture;
                check.parameters = Some(summary.parameters);
                check.quantization = summary.quantization.map(str::to_owned);
                check.context_length = summary.context_length;
            }
            Verdict::Broken(what) => {
                check.structure = Structure::Broken;
                check.detail = Some(what);
            }
            Verdict::Unknown(why) => check.detail = Some(why.to_owned()),
        }
        Ok(check)
    }
}

/// Opens a file that can be checked. Blocks.
///
/// # Errors
/// `INVALID_INPUT` about `path`, `FILE_SYSTEM`.
pub(crate) fn open(path: &Path) -> Result<(File, u64)> {
    let wrong = |reason: &str| WireError::field("path", reason).with("path", path.display());
    if path.as_os_str().is_empty() {
        return Err(wrong("empty"));
    }
    if !path.is_absolute() {
        return Err(wrong("notAbsolute"));
    }
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => wrong("noSuchFile"),
        io::ErrorKind::PermissionDenied => wrong("noPermission"),
        _ => WireError::new(ErrorCode::FileSystem).detail(error.to_string()),
    };
    // Asked before it is opened: a pipe would keep whoever opens it waiting.
    let facts = std::fs::metadata(path).map_err(refused)?;
    if facts.is_dir() {
        return Err(wrong("isFolder"));
    }
    if !facts.is_file() {
        return Err(wrong("noRegularFile"));
    }
    if facts.len() == 0 {
        return Err(wrong("emptyFile"));
    }
    Ok((File::open(path).map_err(refused)?, facts.len()))
}

struct Read {
    sha256: String,
    md5: String,
    verdict: Verdict,
}

/// Both sums in one pass.
struct Both(Sha256, Md5);

impl blobs::Sum for Both {
    type Out = (String, String);
    fn eat(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
        self.1.update(bytes);
    }
    fn out(&mut self) -> (String, String) {
        (hex(&self.0.finalize_reset()), hex(&self.1.finalize_reset()))
    }
}

async fn read(path: PathBuf, file: File, size: u64, task: &Task) -> Result<Read> {
    task.phase("reading");
    let (done, token) = (Arc::new(AtomicU64::new(0)), task.token());
    let counted = done.clone();
    let reading = tokio::task::spawn_blocking(move || whole(&path, file, &token, &counted));
    tokio::pin!(reading);
    let began = Instant::now();
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = &mut reading => return ended.map_err(|error| internal(&error))?,
            _ = look.tick() => task.figures(figures(done.load(Ordering::Relaxed), size, began)),
        }
    }
}

fn whole(path: &Path, mut file: File, token: &CancellationToken, done: &AtomicU64) -> Result<Read> {
    let mut hears = |bytes| {
        done.fetch_add(bytes, Ordering::Relaxed);
    };
    let sums = blobs::hash(&mut file, token, &mut Both(Sha256::new(), Md5::new()), &mut hears);
    let (sha256, md5) = sums.map_err(|stop| stop.told(path))?;
    let verdict = blobs::structure_of(path).map_err(|error| blobs::unreadable(&error, path))?;
    Ok(Read { sha256, md5, verdict })
}

fn internal(error: &tokio::task::JoinError) -> WireError {
    WireError::new(ErrorCode::Internal).detail(error.to_string())
}
