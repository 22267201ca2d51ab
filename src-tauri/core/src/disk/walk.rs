//! One walk over a store: every manifest, every blob, and what else lies there.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    io::Read as _,
    path::Path,
    time::SystemTime,
};

use corral_contract::name::ModelName;
use serde::Deserialize;

use super::files::allocated;

/// Largest manifest that is read; real ones have a few kilobytes.
const LARGEST: u64 = 1 << 20;
/// Most manifests that are read. Behind them nobody knows who needs what.
const MOST: usize = 50_000;
/// How deep folders inside the store are followed.
const DEEP: usize = 4;

/// Bytes and how many things they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) bytes: u64,
    pub(super) count: u64,
}

impl Sum {
    pub(super) fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.count += 1;
    }
}

/// A blob in its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blob {
    pub(super) bytes: u64,
    pub(super) modified: Option<SystemTime>,
}

/// Everything that a walk found. Blobs are named by their 64 hex digits.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The blobs of each model, by its key, each once.
    pub(super) models: BTreeMap<String, Vec<String>>,
    /// Manifests that cannot be read, by their path below `manifests`.
    pub(super) unreadable: Vec<String>,
    pub(super) blobs: HashMap<String, Blob>,
    pub(super) partials: Sum,
    pub(super) staging: Sum,
    pub(super) other: Sum,
    /// Blobs that each entry of the trash holds, by its folder.
    pub(super) trash: BTreeMap<String, HashMap<String, u64>>,
}

#[derive(Deserialize)]
struct Manifest {
    config: Option<Layer>,
    #[serde(default)]
    layers: Option<Vec<Layer>>,
}

#[derive(Deserialize)]
struct Layer {
    digest: String,
}

impl Walk {
    /// Walks over the models folder, the manifests on a thread of their own: a store has as much to
    /// read there as it has files to look at. Blocks.
    pub(super) fn over(models: &Path) -> Walk {
        std::thread::scope(|scope| {
            let named = scope.spawn(|| {
                let mut walk = Walk::default();
                walk.manifests(&models.join("manifests"));
                walk
            });
            let mut walk = Walk::default();
            walk.blobs(&models.join("blobs"));
            walk.beside(models);
            match named.join() {
                Ok(named) => Walk { models: named.models, unreadable: named.unreadable, ..walk },
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// How many models have each blob.
    pub(super) fn users(&self) -> HashMap<&str, u32> {
        let mut users = HashMap::with_capacity(self.blobs.len());
        for hex in self.models.values().flatten() {
            *users.entry(hex.as_str()).or_insert(0) += 1;
        }
        users
    }

    /// Bytes that only the trash holds.
    pub(super) fn only_in_trash(&self) -> u64 {
        let mut seen = HashSet::new();
        let held = self.trash.values().flatten();
        held.filter(|(hex, _)| !self.blobs.contains_key(*hex) && seen.insert(hex.as_str()))
            .map(|(_, bytes)| bytes)
            .sum()
    }

    /// Bytes that go when this entry of the trash does.
    pub(super) fn freed_by_trash(&self, folder: &str) -> u64 {
        let elsewhere = |hex: &String| {
            self.blobs.contains_key(hex)
                || self.trash.iter().any(|(other, held)| other != folder && held.contains_key(hex))
        };
        let held = self.trash.get(folder).into_iter().flatten();
        held.filter(|(hex, _)| !elsewhere(hex)).map(|(_, bytes)| bytes).sum()
    }

    fn manifests(&mut self, folder: &Path) {
        // What cannot be listed hides manifests: their blobs would look like nobody's.
        let mut found = Vec::new();
        self.level(folder, &mut Vec::new(), &mut found);
        for parts in found {
            if self.models.len() >= MOST {
                self.unreadable.push(format!("> {MOST}"));
                return;
            }
            let mut file = folder.to_owned();
            file.extend(&parts);
            let [host, namespace, model, tag] = parts.as_slice() else { continue };
            let name = ModelName::parse(&format!("{host}/{namespace}/{model}:{tag}"));
            match name.ok().zip(read(&file)) {
                Some((name, blobs)) => {
                    self.models.insert(name.key(), blobs);
                }
                None => self.unreadable.push(parts.join("/")),
            }
        }
    }

    fn level(&mut self, folder: &Path, parts: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(_) => return self.unreadable.push(parts.join("/") + "/"),
        };
        for entry in entries {
            let Some((entry, is_folder)) = entry
                .ok()
                .and_then(|entry| Some((entry.file_type().ok()?.is_dir(), entry)))
                .map(|(is_folder, entry)| (entry, is_folder))
            else {
                self.unreadable.push(parts.join("/") + "/?");
                continue;
            };
            let name = entry.file_name().to_string_lossy().into_owned();
            parts.push(name);
            if parts.len() < 4 && (is_folder || entry.path().is_dir()) {
                self.level(&entry.path(), parts, found);
            } else if parts.len() == 4 && !is_folder {
                found.push(parts.clone());
            }
            parts.pop();
        }
    }

    fn blobs(&mut self, folder: &Path) {
        for (name, entry) in entries(folder) {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                if name == ".corral" {
                    self.corral(&entry.path());
                } else {
                    add_all(&entry.path(), &mut self.other, DEEP);
                }
                continue;
            }
            // A link counts as what it leads to.
            let facts =
                if kind.is_symlink() { fs::metadata(entry.path()) } else { entry.metadata() };
            let Ok(facts) = facts else { continue };
            match name.strip_prefix("sha256-") {
                Some(hex) if is_hex(hex) => {
                    let blob = Blob { bytes: facts.len(), modified: facts.modified().ok() };
                    self.blobs.insert(hex.to_owned(), blob);
                }
                Some(rest) if rest.contains("-partial") => self.partials.add(allocated(&facts)),
                _ => self.other.add(allocated(&facts)),
            }
        }
    }

    fn corral(&mut self, folder: &Path) {
        for (name, entry) in entries(folder) {
            let path = entry.path();
            if name == "trash" {
                for (folder, entry) in entries(&path) {
                    let held = entries(&entry.path()).filter_map(|(name, entry)| {
                        let hex = name.strip_prefix("sha256-").filter(|hex| is_hex(hex))?;
                        Some((hex.to_owned(), entry.metadata().ok()?.len()))
                    });
                    self.trash.insert(folder, held.collect());
                }
            } else if path.is_dir() {
                add_all(&path, &mut self.staging, DEEP);
            } else if let Ok(facts) = entry.metadata() {
                self.staging.add(allocated(&facts));
            }
        }
    }

    /// What lies in the models folder beside its two folders.
    fn beside(&mut self, models: &Path) {
        for (name, entry) in entries(models) {
            if name == "blobs" || name == "manifests" {
                continue;
            }
            match entry.metadata() {
                Ok(facts) if facts.is_dir() => add_all(&entry.path(), &mut self.other, DEEP),
                Ok(facts) => self.other.add(allocated(&facts)),
                Err(_) => {}
            }
        }
    }
}

/// The blobs that manifests name; `None` when one of them cannot be read. Blocks.
pub(super) fn named(models: &Path) -> Option<HashSet<String>> {
    let mut walk = Walk::default();
    walk.manifests(&models.join("manifests"));
    walk.unreadable.is_empty().then(|| walk.models.into_values().flatten().collect())
}

/// Whether it is what a digest looks like in a file name.
pub(super) fn is_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The blobs of a manifest, each once; `None` when it is none.
pub(super) fn read(file: &Path) -> Option<Vec<String>> {
    let mut text = Vec::new();
    fs::File::open(file).ok()?.take(LARGEST).read_to_end(&mut text).ok()?;
    blobs_of(&text)
}

/// As [`read`], from the text of a manifest.
pub(super) fn blobs_of(text: &[u8]) -> Option<Vec<String>> {
    let manifest: Manifest = serde_json::from_slice(text).ok()?;
    let layers = manifest.layers.into_iter().flatten().chain(manifest.config);
    let mut blobs = Vec::new();
    for layer in layers {
        let hex = layer.digest.strip_prefix("sha256:").map(str::to_ascii_lowercase);
        if let Some(hex) = hex.filter(|hex| is_hex(hex) && !blobs.contains(hex)) {
            blobs.push(hex);
        }
    }
    Some(blobs)
}

fn add_all(folder: &Path, sum: &mut Sum, deep: usize) {
    for (_, entry) in entries(folder) {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && deep > 0 {
            add_all(&entry.path(), sum, deep - 1);
        } else if let (true, Ok(facts)) = (kind.is_file(), entry.metadata()) {
            sum.add(allocated(&facts));
        }
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = (String, fs::DirEntry)> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry))
}
