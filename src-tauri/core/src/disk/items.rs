//! What of a store could go, and how it was when it was looked at.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use corral_contract::{
    ModelId, Timestamp,
    disk::{OrphansHeld, ReclaimItem, ReclaimKind, Safety},
};

use super::{
    files, links,
    store::{Entry, uses::Used},
    walk::Walk,
};
use crate::checks::Found;

/// A blob without a manifest may be one whose manifest is still to come.
const ORPHAN_AFTER: Duration = Duration::from_secs(3600);

/// Something that could go, with what is needed to do it.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) shown: ReclaimItem,
    pub(super) way: Way,
}

/// How it goes.
#[derive(Debug)]
pub(super) enum Way {
    /// By the rules of its kind.
    Leftover(Found),
    Blob(PathBuf),
    Entry(Entry),
    /// A folder of the trash that no row names.
    Folder(PathBuf),
    Model(ModelId),
}

impl Candidate {
    /// How it is now.
    pub(super) fn mark_now(&self) -> String {
        match &self.way {
            Way::Leftover(found) => files::mark(&found.files),
            Way::Blob(file) | Way::Folder(file) => files::mark([file]),
            Way::Entry(_) | Way::Model(_) => self.shown.mark.clone(),
        }
    }
}

/// A file or a few that nobody needs.
pub(super) fn leftover(id: String, found: Found, models: Vec<String>) -> Candidate {
    let kind = found.kind;
    let safety = match kind {
        ReclaimKind::OllamaPartial | ReclaimKind::SetAside => Safety::Again,
        _ => Safety::Safe,
    };
    let label = found.files.first().map(|file| file.to_string_lossy().into_owned());
    let shown = ReclaimItem {
        id,
        mark: files::mark(&found.files),
        kind,
        safety,
        label: label.unwrap_or_default(),
        models,
        bytes: found.bytes,
        changed_at: found.changed.and_then(files::timestamp),
        model: None,
    };
    Candidate { shown, way: Way::Leftover(found) }
}

/// Why blobs without a manifest stay, when they do.
pub(super) fn held(walk: &Walk, writable: bool, busy: bool) -> Option<OrphansHeld> {
    if !walk.unreadable.is_empty() {
        Some(OrphansHeld::Unreadable)
    } else if busy {
        Some(OrphansHeld::Busy)
    } else if !writable {
        Some(OrphansHeld::ReadOnly)
    } else {
        None
    }
}

/// Blobs that no manifest names, whatever their age.
pub(super) fn orphans(walk: &Walk) -> Vec<(&str, u64, Option<SystemTime>)> {
    let users = walk.users();
    let nobodys = walk.blobs.iter().filter(|(hex, _)| !users.contains_key(hex.as_str()));
    nobodys.map(|(hex, blob)| (hex.as_str(), blob.bytes, blob.modified)).collect()
}

/// Those of them that are old enough and that no download of ours wants.
pub(super) fn old_orphans(
    walk: &Walk,
    blobs: &Path,
    wanted: &HashSet<String>,
    now: SystemTime,
) -> Vec<Candidate> {
    let old = |modified: Option<SystemTime>| {
        let age = modified.and_then(|at| now.duration_since(at).ok());
        age.is_some_and(|age| age >= ORPHAN_AFTER)
    };
    let found = orphans(walk).into_iter();
    let found = found
        .filter(|(hex, _, modified)| old(*modified) && !wanted.contains(&format!("sha256:{hex}")));
    found
        .map(|(hex, bytes, modified)| {
            let file = blobs.join(format!("sha256-{hex}"));
            let shown = ReclaimItem {
                id: format!("orphan:{hex}"),
                mark: files::mark([&file]),
                kind: ReclaimKind::Orphan,
                safety: Safety::Safe,
                label: file.to_string_lossy().into_owned(),
                models: Vec::new(),
                bytes,
                changed_at: modified.and_then(files::timestamp),
                model: None,
            };
            Candidate { shown, way: Way::Blob(file) }
        })
        .collect()
}

/// Every entry of the trash, and folders there that no row names.
pub(super) fn trashed(walk: &Walk, store: &Path, entries: Vec<Entry>) -> Vec<Candidate> {
    let named: HashSet<String> = entries.iter().map(|entry| entry.folder.clone()).collect();
    let mut found: Vec<Candidate> = entries
        .into_iter()
        .map(|entry| {
            let shown = ReclaimItem {
                id: format!("trash:{}", entry.id),
                mark: entry.folder.clone(),
                kind: ReclaimKind::Trash,
                safety: Safety::Again,
                label: entry.name.clone(),
                models: Vec::new(),
                bytes: walk.freed_by_trash(&entry.folder),
                changed_at: Some(entry.at),
                model: None,
            };
            Candidate { shown, way: Way::Entry(entry) }
        })
        .collect();
    for folder in walk.trash.keys().filter(|folder| !named.contains(*folder)) {
        let path = links::trash_of(store).join(folder);
        let shown = ReclaimItem {
            id: format!("folder:{folder}"),
            mark: files::mark([&path]),
            kind: ReclaimKind::Trash,
            safety: Safety::Again,
            label: path.to_string_lossy().into_owned(),
            models: Vec::new(),
            bytes: walk.freed_by_trash(folder),
            changed_at: None,
            model: None,
        };
        found.push(Candidate { shown, way: Way::Folder(path) });
    }
    found
}

/// Models that were not used since `before`; those never seen in use and pinned ones are not among
/// them. `exclusive` tells the bytes that go with one.
pub(super) fn unused(
    models: &[Used],
    before: Timestamp,
    exclusive: impl Fn(&str) -> Option<u64>,
) -> Vec<Candidate> {
    let unused = models.iter().filter(|model| {
        model.idle && !model.pinned && model.last_used.is_some_and(|at| at < before)
    });
    unused
        .map(|model| {
            let shown = ReclaimItem {
                id: format!("model:{}", model.id.0),
                mark: format!(
                    "{}:{}",
                    model.digest.as_deref().unwrap_or_default(),
                    model.last_used.map_or(0, |at| at.0)
                ),
                kind: ReclaimKind::Model,
                safety: Safety::Model,
                label: model.name.clone(),
                models: Vec::new(),
                bytes: exclusive(&model.key).or(model.bytes).unwrap_or(0),
                changed_at: model.last_used,
                model: Some(model.id),
            };
            Candidate { shown, way: Way::Model(model.id) }
        })
        .collect()
}

/// The safest first, the largest of each first.
pub(super) fn rank(items: &mut [Candidate]) {
    items.sort_by(|one, other| {
        let place = |item: &Candidate| (item.shown.safety, std::cmp::Reverse(item.shown.bytes));
        place(one).cmp(&place(other)).then_with(|| one.shown.id.cmp(&other.shown.id))
    });
}
