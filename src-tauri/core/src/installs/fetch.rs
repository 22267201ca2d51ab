//! From a release or a file to a version that lies complete in the folder.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::digest::{Context, SHA256};
use corral_contract::{ErrorCode, WireError, tasks::Figures};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    child::{Places, blocking},
    job::LOOK_EVERY,
    platform, recovery,
    release::{self, Archive},
    store::{self, Version},
    unpack::{self, Watch, of_disk},
};
use crate::{
    Core, Result,
    digest::hex,
    tasks::Task,
    transfers::{Order, Whole, Why},
};

/// Tries of one archive before it counts as failed; each has many of its own.
const TRIES: u32 = 4;
/// Before another one; doubles.
const PAUSE: Duration = Duration::from_secs(2);
/// An archive needs so many times its own size when it is unpacked, itself included.
const UNPACKED: u64 = 4;
/// Bytes hashed at once.
const PIECE: usize = 1 << 20;

/// Fetches the archives of a release and makes a version of them.
///
/// # Errors
/// What a registry answers; `DIGEST_MISMATCH`, `DISK_SHORT`, `ARCHIVE_REFUSED`,
/// `SERVER_NOT_STARTED`, `CANCELLED`. What was fetched stays, to go on from.
pub(super) async fn from_release(
    core: &Core,
    version: &str,
    parts: &[String],
    task: &Task,
) -> Result<()> {
    let archives = release::archives(core, version, parts).await?;
    let mut sized = Vec::new();
    for archive in archives {
        let size = core.registries.length(&archive.file).await?;
        let unknown =
            || WireError::new(ErrorCode::RegistryIncompatible).with("name", &archive.name);
        let size = size.ok_or_else(unknown)?;
        task.note(format!("{} {}: {size} bytes", archive.name, archive.digest));
        sized.push((archive, size));
    }
    let total = sized.iter().map(|(_, size)| size).sum();
    let places = Places::of(core);
    room(core, &places, total).await?;
    task.phase("fetching");
    let mut wholes = Vec::new();
    let mut before = 0;
    for (archive, size) in &sized {
        wholes.push(fetch(core, &places, archive, *size, (before, total), task).await?);
        before += size;
    }
    let files: Vec<PathBuf> = wholes.iter().filter_map(|whole| whole.path()).collect();
    let digest = sized.first().map(|(archive, _)| archive.digest.clone()).unwrap_or_default();
    let made = make(core, &files, total, task).await?;
    if made.version != version {
        discard(made.staging).await;
        let told = unpack::refused("otherVersion").with("version", made.version);
        return Err(told.with("needed", version));
    }
    let row = Version {
        version: version.to_owned(),
        digest,
        verified: true,
        from_file: false,
        size: made.size,
        installed_at: core.now(),
    };
    keep(core, made.staging, row).await?;
    blocking(move || {
        wholes.iter().for_each(|whole| whole.discard());
        // Nothing else is fetched there: what is left of other versions is of no use.
        recovery::discard(&places.fetching());
        Ok(())
    })
    .await
}

/// Makes a version of an archive on this machine; answers which. Its digest is held against a list
/// of sums that lies beside it.
///
/// # Errors
/// `INVALID_INPUT` naming `file`; otherwise as [`from_release`].
pub(super) async fn from_file(core: &Core, file: PathBuf, task: &Task) -> Result<String> {
    let bad =
        |error: std::io::Error| WireError::field("file", "notReadable").detail(error.to_string());
    let size = tokio::fs::metadata(&file).await.map_err(bad)?.len();
    room(core, &Places::of(core), size).await?;
    task.phase("verifying");
    let (path, token, read) = (file.clone(), task.token(), Arc::new(AtomicU64::new(0)));
    let counted = read.clone();
    let hashing = blocking(move || hash(&path, &token, &counted));
    let digest = watched(task, &read, size, hashing).await?;
    task.note(format!("{}: {digest}", file.display()));
    let beside = file.clone();
    let published = blocking(move || Ok(published(&beside))).await?;
    match &published {
        Some(sum) if *sum == digest => task.note("as its list of sums says"),
        Some(sum) => {
            return Err(WireError::new(ErrorCode::DigestMismatch)
                .with("layer", sum)
                .detail(format!("it is {digest}")));
        }
        None => task.warn("no list of sums lies beside it: nothing to hold it against"),
    }
    let made = make(core, &[file], size, task).await?;
    let version = made.version.clone();
    let known = store::versions(&core.db).await?;
    if known.iter().any(|row| row.version == version && row.digest == digest) {
        discard(made.staging).await;
        return Ok(version);
    }
    let server = store::server(&core.db).await?;
    if server.is_some_and(|server| server.active == version) {
        discard(made.staging).await;
        return Err(WireError::new(ErrorCode::AlreadyExists).with("name", version));
    }
    let row = Version {
        version: version.clone(),
        digest,
        verified: published.is_some(),
        from_file: true,
        size: made.size,
        installed_at: core.now(),
    };
    keep(core, made.staging, row).await?;
    Ok(version)
}

/// Refuses what there is no room for.
async fn room(core: &Core, places: &Places, size: u64) -> Result<()> {
    let (machine, root) = (core.config.machine.clone(), places.root.clone());
    let free = blocking(move || {
        fs::create_dir_all(&root).map_err(of_disk)?;
        Ok(machine.space(&root).map(|space| space.free))
    })
    .await?;
    let needed = size.saturating_mul(UNPACKED);
    match free {
        Some(free) if free < needed => Err(WireError::new(ErrorCode::DiskShort)
            .with("needed", needed)
            .with("free", free)
            .with("missing", needed - free)),
        _ => Ok(()),
    }
}

async fn fetch(
    core: &Core,
    places: &Places,
    archive: &Archive,
    size: u64,
    (before, total): (u64, u64),
    task: &Task,
) -> Result<Arc<Whole>> {
    let folder = places.fetching();
    let made = folder.clone();
    blocking(move || fs::create_dir_all(&made).map_err(of_disk)).await?;
    let mut pause = PAUSE;
    for left in (0..TRIES).rev() {
        let order = Order::new(archive.file.clone(), &archive.digest, size, &folder);
        let order = order.ok_or_else(|| WireError::new(ErrorCode::BadAnswer))?;
        let share = core.transfers.join(order);
        share.connections(Some(core.settings().connections));
        let standing = share.standing();
        let (began, first) = (Instant::now(), standing.borrow().done);
        let mut look = tokio::time::interval(LOOK_EVERY);
        let whole = share.whole();
        tokio::pin!(whole);
        let brought = loop {
            tokio::select! {
                brought = &mut whole => break brought,
                _ = look.tick() => {
                    let done = standing.borrow().done;
                    let took = began.elapsed().as_secs_f64();
                    let measured = took >= 0.5 && done > first;
                    let speed = measured.then(|| (done.saturating_sub(first) as f64 / took) as u64);
                    task.figures(Figures { done: before + done, total, speed });
                }
            }
        };
        match brought {
            Ok(whole) => {
                task.note(format!("{} is whole and what was published", archive.name));
                return Ok(whole);
            }
            Err(failed) if failed.why == Why::Again && left > 0 => {
                task.warn(format!("{}: {}", archive.name, failed.error));
                tokio::time::sleep(failed.retry_after.unwrap_or(pause).min(PAUSE * 16)).await;
                pause *= 2;
            }
            Err(failed) => return Err(failed.error.with("name", &archive.name)),
        }
    }
    Err(WireError::new(ErrorCode::DownloadInterrupted).with("name", &archive.name))
}

/// What was unpacked and looked at.
struct Made {
    staging: PathBuf,
    version: String,
    size: u64,
}

/// Unpacks archives into one folder and looks whether it is a server for this machine.
async fn make(core: &Core, files: &[PathBuf], total: u64, task: &Task) -> Result<Made> {
    task.phase("unpacking");
    let staging = Places::of(core).versions().join("next.staging");
    let (folder, files) = (staging.clone(), files.to_vec());
    let (token, read) = (task.token(), Arc::new(AtomicU64::new(0)));
    let counted = read.clone();
    let unpacking = blocking(move || {
        recovery::discard(&folder);
        fs::create_dir_all(&folder).map_err(of_disk)?;
        let watch = Watch { read: &counted, token: &token };
        let mut size = 0;
        for file in &files {
            size += unpack::unpack(file, &folder, &watch)?;
        }
        let program = platform::executable(&folder).ok_or_else(|| unpack::refused("noServer"))?;
        platform::fits(&program)?;
        Ok((size, program))
    });
    let looked = async {
        let (size, program) = watched(task, &read, total, unpacking).await?;
        task.unmeasured("looking");
        let version = platform::version(&program).await?;
        Ok(Made { staging: staging.clone(), version, size })
    }
    .await;
    if looked.is_err() {
        discard(staging).await;
    }
    looked
}

async fn discard(folder: PathBuf) {
    let _ = tokio::task::spawn_blocking(move || recovery::discard(&folder)).await;
}

/// Gives what was made its place. The row comes last: without it a start removes the folder.
async fn keep(core: &Core, staging: PathBuf, row: Version) -> Result<()> {
    let place = Places::of(core).version(&row.version);
    blocking(move || {
        recovery::discard(&place);
        fs::rename(&staging, &place).map_err(of_disk)
    })
    .await?;
    store::add_version(&core.db, &row).await
}

/// The sum that a list beside a file gives for it. Blocks.
fn published(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?;
    let list = file.with_file_name("sha256sum.txt");
    let mut text = String::new();
    File::open(list).ok()?.take(256 * 1024).read_to_string(&mut text).ok()?;
    release::sums_in(&text).remove(name)
}

fn hash(path: &Path, token: &CancellationToken, read: &AtomicU64) -> Result<String> {
    let mut file = File::open(path).map_err(of_disk)?;
    let (mut context, mut piece) = (Context::new(&SHA256), vec![0; PIECE]);
    loop {
        if token.is_cancelled() {
            return Err(WireError::new(ErrorCode::Cancelled));
        }
        let length = file.read(&mut piece).map_err(of_disk)?;
        if length == 0 {
            return Ok(format!("sha256:{}", hex(context.finish().as_ref())));
        }
        context.update(&piece[..length]);
        read.fetch_add(length as u64, Ordering::Relaxed);
    }
}

/// Tells how far work is until it ends.
async fn watched<T>(
    task: &Task,
    done: &AtomicU64,
    total: u64,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::pin!(work);
    let began = Instant::now();
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            ended = &mut work => return ended,
            _ = look.tick() => {
                let done = done.load(Ordering::Relaxed).min(total);
                let took = began.elapsed().as_secs_f64();
                let speed = (took >= 0.5 && done > 0).then(|| (done as f64 / took) as u64);
                task.figures(Figures { done, total, speed });
            }
        }
    }
}
