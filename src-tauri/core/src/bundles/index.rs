//! The table at the head of a file of models, and where everything in the file lies.
//!
//! A file of models is a tar file that holds, in this order,
//!
//! ```text
//! corral.json                                    the table, see [`Index`]
//! blobs/sha256-<64 hex digits>                   each layer once
//! manifests/<host>/<namespace>/<model>/<tag>     where the path fits the head of a tar file
//! ```
//!
//! so that it can be unpacked into a models folder without Corral, too. Corral itself believes the
//! table only: everything lies where the table says, without a gap, and the file ends there.

use std::collections::{BTreeMap, BTreeSet};

use corral_contract::{WireError, name::ModelName};
use serde::{Deserialize, Serialize};

use super::{names, tar};
use crate::{Result, registry::Manifest, transfers};

/// Name of the table in the file.
pub(super) const TABLE: &str = "corral.json";
/// What the table says of itself.
const FORMAT: &str = "corral-bundle";
/// The newest version that is understood, and the one that is written.
const VERSION: u32 = 1;
/// Largest table that is read, in bytes.
pub(super) const LARGEST: u64 = 64 << 20;
/// Most models of one file.
pub(super) const MOST_MODELS: usize = 10_000;
/// Most layers of one file.
const MOST_BLOBS: usize = 200_000;
/// Largest file that is believed, in bytes: a petabyte.
const LARGEST_FILE: u64 = 1 << 50;

/// The table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Index {
    format: String,
    version: u32,
    pub(super) models: Vec<Listed>,
    pub(super) blobs: Vec<Placed>,
}

/// A model in the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    /// As Ollama displays it.
    pub(super) name: String,
    /// 64 hex digits: SHA-256 of the manifest.
    pub(super) digest: String,
    /// When the manifest changed last, seconds since 1970.
    pub(super) modified: u64,
    /// Its text, byte for byte.
    pub(super) manifest: String,
}

/// A layer in the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Placed {
    /// `sha256:` and 64 lower-case hex digits.
    pub(super) digest: String,
    /// Bytes.
    pub(super) size: u64,
    /// Where its bytes begin, counted from the end of the table (filled up to whole blocks).
    pub(super) offset: u64,
}

/// A model with what it consists of.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) name: ModelName,
    pub(super) modified: u64,
    pub(crate) manifest: Manifest,
}

/// Why a table is refused, as an error about the file.
pub(super) fn wrong(reason: &str, what: impl Into<String>) -> WireError {
    WireError::field("path", reason).detail(what)
}

impl Index {
    /// The table of some models. The same models always make the same table.
    ///
    /// # Errors
    /// `INVALID_INPUT` when they are too many, or one of them has a manifest that is no text.
    pub(super) fn of(packages: &[Package]) -> Result<Index> {
        let broken = |what: String| wrong("bundleBroken", what);
        let mut models = Vec::with_capacity(packages.len());
        for package in packages {
            let manifest = String::from_utf8(package.manifest.bytes.clone())
                .map_err(|error| broken(format!("{}: {error}", package.name.display())))?;
            models.push(Listed {
                name: package.name.display(),
                digest: package.manifest.digest.clone(),
                modified: package.modified,
                manifest,
            });
        }
        let mut blobs: Vec<Placed> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut at = 0_u64;
        for blob in packages.iter().flat_map(|package| &package.manifest.blobs) {
            if seen.insert(blob.digest.clone()) {
                at += tar::BLOCK;
                blobs.push(Placed { digest: blob.digest.clone(), size: blob.size, offset: at });
                at = after(at, blob.size).ok_or_else(|| broken("sizes".to_owned()))?;
            }
        }
        Ok(Index { format: FORMAT.to_owned(), version: VERSION, models, blobs })
    }

    /// Reads a table and refuses everything that a file of ours would not say.
    ///
    /// # Errors
    /// `INVALID_INPUT` about `path`: `notBundle`, `bundleNewer`, `bundleBroken`, `bundleName`.
    pub(super) fn read(text: &[u8]) -> Result<(Index, Vec<Package>)> {
        #[derive(Deserialize)]
        struct Says {
            format: String,
            version: u32,
        }
        let says: Says =
            serde_json::from_slice(text).map_err(|error| wrong("notBundle", error.to_string()))?;
        if says.format != FORMAT {
            return Err(wrong("notBundle", format!("format {:?}", says.format)));
        }
        if says.version == 0 || says.version > VERSION {
            return Err(wrong("bundleNewer", format!("version {}", says.version)));
        }
        let broken = |what: String| wrong("bundleBroken", what);
        let index: Index =
            serde_json::from_slice(text).map_err(|error| broken(error.to_string()))?;
        if index.models.is_empty() || index.models.len() > MOST_MODELS {
            return Err(broken(format!("{} models", index.models.len())));
        }
        if index.blobs.len() > MOST_BLOBS {
            return Err(broken(format!("{} layers", index.blobs.len())));
        }
        let sizes = index.placed()?;
        let mut used = BTreeSet::new();
        let mut packages = Vec::with_capacity(index.models.len());
        let mut keys = BTreeSet::new();
        for model in &index.models {
            let package = model.package(&sizes)?;
            if !keys.insert(package.name.key()) {
                return Err(wrong("bundleName", format!("{:?} is in it twice", model.name)));
            }
            used.extend(package.manifest.blobs.iter().map(|blob| blob.digest.clone()));
            packages.push(package);
        }
        match sizes.keys().find(|digest| !used.contains(**digest)) {
            Some(digest) => Err(broken(format!("no model has {digest}"))),
            None => Ok((index, packages)),
        }
    }

    /// The sizes of all layers, once their places were seen to follow one another.
    fn placed(&self) -> Result<BTreeMap<&str, u64>> {
        let broken = |what: String| wrong("bundleBroken", what);
        let mut sizes = BTreeMap::new();
        let mut at = 0_u64;
        for Placed { digest, size, offset } in &self.blobs {
            let lower = digest.bytes().all(|byte| !byte.is_ascii_uppercase());
            if transfers::sum_of(digest).is_none() || !lower {
                return Err(broken(format!("a layer has the digest {digest:?}")));
            }
            if sizes.insert(digest.as_str(), *size).is_some() {
                return Err(broken(format!("{digest} is in it twice")));
            }
            at += tar::BLOCK;
            if *offset != at {
                return Err(broken(format!("{digest} lies at {offset} and not at {at}")));
            }
            at = after(at, *size)
                .filter(|end| *end <= LARGEST_FILE)
                .ok_or_else(|| broken(format!("{digest} has the size {size}")))?;
        }
        Ok(sizes)
    }

    /// Where the last layer ends, counted as the offsets are.
    pub(super) fn end_of_blobs(&self) -> u64 {
        let last = self.blobs.last();
        last.and_then(|last| after(last.offset, last.size)).unwrap_or(0)
    }

    /// What the tar file says after the layers: the manifests once more, and its end.
    pub(super) fn tail(&self) -> Vec<u8> {
        let mut tail = Vec::new();
        for model in &self.models {
            let Ok(ModelName { host, namespace, model: name, tag }) = ModelName::parse(&model.name)
            else {
                continue;
            };
            let path = format!("manifests/{host}/{namespace}/{name}/{tag}");
            let size = model.manifest.len() as u64;
            let Some(head) = tar::head(&path, size, model.modified) else { continue };
            tail.extend_from_slice(&head);
            tail.extend_from_slice(model.manifest.as_bytes());
            fill(&mut tail);
        }
        tail.resize(tail.len() + tar::END as usize, 0);
        tail
    }

    /// The head of the file: the table as the first file in it.
    ///
    /// # Errors
    /// `INVALID_INPUT` when it is longer than what is read.
    pub(super) fn front(&self) -> Result<Vec<u8>> {
        let table =
            serde_json::to_vec(self).map_err(|error| wrong("bundleBroken", error.to_string()))?;
        let size = table.len() as u64;
        let head = tar::head(TABLE, size, self.modified()).filter(|_| size <= LARGEST);
        let mut front =
            head.ok_or_else(|| wrong("bundleBroken", "the table is too long"))?.to_vec();
        front.extend_from_slice(&table);
        fill(&mut front);
        Ok(front)
    }

    /// The head of a layer in the file.
    pub(super) fn head_of(&self, blob: &Placed) -> Option<[u8; tar::BLOCK as usize]> {
        let path = format!("blobs/{}", blob.digest.replace(':', "-"));
        tar::head(&path, blob.size, self.modified())
    }

    /// When the newest model changed.
    fn modified(&self) -> u64 {
        self.models.iter().map(|model| model.modified).max().unwrap_or(0)
    }
}

impl Listed {
    fn package(&self, sizes: &BTreeMap<&str, u64>) -> Result<Package> {
        let name = names::safe(&self.name)
            .map_err(|reason| wrong("bundleName", format!("{:?}: {reason}", self.name)))?;
        let broken = |what: String| wrong("bundleBroken", format!("{}: {what}", self.name));
        let manifest = Manifest::read(self.manifest.clone().into_bytes())
            .map_err(|error| broken(error.detail.unwrap_or_default()))?;
        if manifest.digest != self.digest {
            return Err(broken(format!("its manifest has the digest {}", manifest.digest)));
        }
        for blob in &manifest.blobs {
            match sizes.get(blob.digest.as_str()) {
                None => return Err(broken(format!("{} is not in it", blob.digest))),
                Some(size) if *size != blob.size => {
                    return Err(broken(format!("{} has {size} bytes", blob.digest)));
                }
                Some(_) => {}
            }
        }
        Ok(Package { name, modified: self.modified, manifest })
    }
}

/// Where the next thing begins after `size` bytes at `at`.
fn after(at: u64, size: u64) -> Option<u64> {
    at.checked_add(tar::padded(size)?)
}

fn fill(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(tar::BLOCK as usize), 0);
}

#[cfg(test)]
#[path = "index_test.rs"]
mod tests;
