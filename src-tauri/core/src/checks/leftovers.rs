//! Files that belong to nobody: downloads that were given up, and what was being written when
//! something ended.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use corral_contract::{
    ErrorCode, InstanceId, Timestamp, WireError,
    checks::{CleanLeftovers, Cleaned, Leftover, LeftoverKind, LeftoverList, call},
    instances::InstanceRef,
};

use super::store;
use crate::{Core, Result, bundles, downloads, instances, models, router::Handle, transfers};

/// How the ids of downloads in Corral's own folder begin.
pub(crate) const OWN_STAGING: &str = "staged:own:";
/// What the server is writing is not older than this.
const JUNK_AFTER: Duration = Duration::from_secs(3600);

impl Handle<call::Leftovers> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<LeftoverList> {
        let names = store::names_of_layers(self, id).await?;
        let found = find(self, id).await?;
        let items: Vec<Leftover> =
            found.into_iter().map(|(id, found)| found.shown(id, &names)).collect();
        Ok(LeftoverList { bytes: items.iter().map(|item| item.bytes).sum(), items })
    }
}

impl Handle<call::Clean> for Core {
    async fn handle(&self, CleanLeftovers { instance, ids }: CleanLeftovers) -> Result<Cleaned> {
        // Looked for once more: what somebody took up meanwhile is not among them any more.
        let mut found = find(self, instance).await?;
        let wanted: HashSet<String> = ids.into_iter().collect();
        let unknown = wanted.iter().filter(|id| !found.contains_key(*id)).count() as u32;
        found.retain(|id, _| wanted.contains(id));
        let clean = move || {
            let mut cleaned = Cleaned { removed: 0, bytes: 0, left: unknown };
            for found in found.into_values() {
                if found.remove() {
                    cleaned.removed += 1;
                    cleaned.bytes += found.bytes;
                } else {
                    cleaned.left += 1;
                }
            }
            cleaned
        };
        tokio::task::spawn_blocking(clean).await.map_err(internal)
    }
}

fn internal(error: tokio::task::JoinError) -> WireError {
    WireError::new(ErrorCode::Internal).detail(error.to_string())
}

/// Files that go together.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) kind: LeftoverKind,
    /// The first is the one that is shown.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) bytes: u64,
    pub(crate) changed: Option<SystemTime>,
    /// `sha256:` and 64 hex digits.
    pub(crate) digest: Option<String>,
}

impl Found {
    fn shown(self, id: String, names: &HashMap<String, Vec<String>>) -> Leftover {
        let ms = |at: SystemTime| {
            i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok().map(Timestamp)
        };
        let path = self.files.first().map(|file| file.to_string_lossy().into_owned());
        Leftover {
            id,
            kind: self.kind,
            path: path.unwrap_or_default(),
            bytes: self.bytes,
            changed_at: self.changed.and_then(ms),
            models: self.digest.and_then(|it| names.get(&it).cloned()).unwrap_or_default(),
        }
    }

    /// `false` when somebody uses it after all, or it cannot be removed.
    pub(crate) fn remove(&self) -> bool {
        if let (LeftoverKind::Staged, Some(digest), Some(folder)) =
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
type All = BTreeMap<String, Found>;

/// What belongs to nobody, by the id that names each.
///
/// # Errors
/// `NOT_FOUND`.
pub(crate) async fn find(core: &Core, instance: InstanceId) -> Result<All> {
    let models = instances::store_now(core, instance).await?.path.map(PathBuf::from);
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
        add(all, id, LeftoverKind::Staged, Some(digest), path);
    }
}

/// A layer that an import or a copy was bringing, and that nobody is at now.
fn moved(hex: &str, place: &str, path: PathBuf, all: &mut All) {
    let digest = format!("sha256:{hex}");
    if transfers::sum_of(&digest).is_some() && !bundles::is_held(&path) {
        let id = format!("moved:{place}:{}", path.file_name().unwrap_or_default().display());
        add(all, id, LeftoverKind::Staged, Some(digest), path);
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
            add(all, format!("aside:{hex}"), LeftoverKind::SetAside, Some(digest), path);
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
                    LeftoverKind::OllamaPartial,
                    digest,
                    path,
                );
            }
            _ if old(&path, now) => {
                add(all, format!("temporary:{name}"), LeftoverKind::Temporary, None, path);
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

fn add(all: &mut All, id: String, kind: LeftoverKind, digest: Option<String>, path: PathBuf) {
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
