//! Files that belong to nobody: downloads that were given up, and what was being written when
//! something ended.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use corral_contract::{ErrorCode, WireError, disk::ReclaimKind};

use crate::{Core, Result, bundles, downloads, models, transfers};

/// How the ids of downloads in Corral's own folder begin.
pub(crate) const OWN_STAGING: &str = "staged:own:";
/// What the server is writing is not older than this.
const JUNK_AFTER: Duration = Duration::from_secs(3600);

fn internal(error: tokio::task::JoinError) -> WireError {
    WireError::new(ErrorCode::Internal).detail(error.to_string())
}

/// Files that go together.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) kind: ReclaimKind,
    /// The first is the one that is shown.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) bytes: u64,
    pub(crate) changed: Option<SystemTime>,
    /// `sha256:` and 64 hex digits.
    pub(crate) digest: Option<String>,
}

impl Found {
    /// `false` when somebody uses it after all, or it cannot be removed.
    pub(crate) fn remove(&self) -> bool {
        if let (ReclaimKind::Staged, Some(digest), Some(folder)) =
            (self.kind, &self.digest, self.files.first().and_then(|file| file.parent()))
        {
            if self.files.iter().any(|file| bundles::is_moved(file)) {
                return self.files.iter().all(|file| fs::remove_file(file).is_ok());
            }
            return transfers::discard(folder, digest) && !self.files.iter().any(|it| it.exists());
        }
        // Notes first: data without notes is what the server itself takes for junk.
        let removed = |file: &PathBuf| match fs::remove_file(file) {
            Ok(()) => true,
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        self.files.iter().rev().all(removed)
    }
}

/// By the id that names each.
pub(crate) type All = BTreeMap<String, Found>;

/// What belongs to nobody, in a models folder and in Corral's own; `None` = there is no models
/// folder to be seen.
///
/// # Errors
/// `INTERNAL`.
pub(crate) async fn find_in(core: &Core, models: Option<PathBuf>) -> Result<All> {
    let own = core.config.data_dir.join("staging");
    let wanted = downloads::wanted_layers(core).await;
    let repairs = models::any_repair(core);
    let now = UNIX_EPOCH + Duration::from_millis(core.now().0.unsigned_abs());
    let look = move || {
        let mut all = All::new();
        staged(&own, "own", &wanted, &mut all);
        if let Some(models) = models {
            let blobs = models.join("blobs");
            staged(&blobs.join(".corral"), "store", &wanted, &mut all);
            if !repairs {
                aside(&blobs.join(".corral"), &wanted, &mut all);
            }
            loose(&blobs, now, &mut all);
        }
        all
    };
    tokio::task::spawn_blocking(look).await.map_err(internal)
}

/// Downloads of ours that no job wants any more and nobody holds.
fn staged(folder: &Path, place: &str, wanted: &HashSet<String>, all: &mut All) {
    for (name, path) in files(folder) {
        if let Some((hex, bundles::MOVED | bundles::LINKED)) = name.rsplit_once('.') {
            moved(hex, place, path, all);
            continue;
        }
        let Some((stem, "data" | "journal" | "small")) = name.rsplit_once('.') else { continue };
        // Small ones have a name of their own each time.
        let hex = stem.split_once('-').map_or(stem, |(hex, _)| hex);
        let digest = format!("sha256:{hex}");
        let id = format!("staged:{place}:{hex}");
        if transfers::sum_of(&digest).is_none()
            || wanted.contains(&digest)
            || (!all.contains_key(&id) && transfers::is_held(folder, &digest))
        {
            continue;
        }
        add(all, id, ReclaimKind::Staged, Some(digest), path);
    }
}

/// A layer that an import or a copy was bringing, and that nobody is at now.
fn moved(hex: &str, place: &str, path: PathBuf, all: &mut All) {
    let digest = format!("sha256:{hex}");
    if transfers::sum_of(&digest).is_some() && !bundles::is_held(&path) {
        let id = format!("moved:{place}:{}", path.file_name().unwrap_or_default().display());
        add(all, id, ReclaimKind::Staged, Some(digest), path);
    }
}

fn aside(folder: &Path, wanted: &HashSet<String>, all: &mut All) {
    for (name, path) in files(folder) {
        let Some(hex) = name.strip_prefix("sha256-").and_then(|rest| rest.strip_suffix(".aside"))
        else {
            continue;
        };
        let digest = format!("sha256:{hex}");
        if !wanted.contains(&digest) {
            add(all, format!("aside:{hex}"), ReclaimKind::SetAside, Some(digest), path);
        }
    }
}

/// What the server left among its blobs, by the rules of its own clean-up.
fn loose(blobs: &Path, now: SystemTime, all: &mut All) {
    let mut partials = All::new();
    for (name, path) in files(blobs) {
        let rest = name.strip_prefix("sha256-");
        if rest.is_some_and(|hex| transfers::sum_of(&format!("sha256:{hex}")).is_some()) {
            continue;
        }
        let partial = rest.and_then(|rest| rest.split_once("-partial"));
        match partial {
            Some((hex, _)) if transfers::sum_of(&format!("sha256:{hex}")).is_some() => {
                let digest = Some(format!("sha256:{hex}"));
                add(
                    &mut partials,
                    format!("partial:{hex}"),
                    ReclaimKind::OllamaPartial,
                    digest,
                    path,
                );
            }
            _ if old(&path, now) => {
                add(all, format!("temporary:{name}"), ReclaimKind::Temporary, None, path);
            }
            _ => {}
        }
    }
    let idle = |found: &Found| !transfers::is_active(&found.files, now);
    all.extend(partials.into_iter().filter(|(_, found)| idle(found)));
}

fn old(file: &Path, now: SystemTime) -> bool {
    let changed = fs::metadata(file).and_then(|facts| facts.modified());
    changed.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age >= JUNK_AFTER))
}

fn add(all: &mut All, id: String, kind: ReclaimKind, digest: Option<String>, path: PathBuf) {
    let facts = fs::metadata(&path).ok();
    let changed = facts.as_ref().and_then(|facts| facts.modified().ok());
    let bytes = facts.as_ref().map_or(0, on_disk);
    let found = all.entry(id).or_insert_with(|| Found {
        kind,
        files: Vec::new(),
        bytes: 0,
        changed: None,
        digest,
    });
    found.bytes += bytes;
    found.changed = found.changed.max(changed);
    found.files.push(path);
    // The data file has the shortest name, or the first.
    found.files.sort_by_key(|file| (file.as_os_str().len(), file.clone()));
}

/// Bytes that go with a file: one of a partial download is mostly holes.
#[cfg(unix)]
fn on_disk(facts: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(facts) * 512
}

#[cfg(not(unix))]
fn on_disk(facts: &fs::Metadata) -> u64 {
    facts.len()
}

fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let file = |entry: fs::DirEntry| {
        let is_file = entry.file_type().ok()?.is_file();
        Some((is_file.then(|| entry.file_name().into_string().ok())??, entry.path()))
    };
    entries.flatten().filter_map(file).collect()
}
