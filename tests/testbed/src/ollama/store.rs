//! The server's models and blobs.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::disk::Disk;
use super::layer::{Layer, sha256};
use super::model::{Model, manifest};
use super::name::Name;

/// A blob the server holds.
#[derive(Clone, Debug)]
pub struct Blob {
    /// Bytes.
    pub size: u64,
    pub data: Option<Arc<[u8]>>,
}

/// A model in the store, with what follows from it worked out once.
#[derive(Clone, Debug)]
pub struct Stored {
    pub model: Model,
    pub layers: Vec<Layer>,
    pub config: Layer,
    /// The manifest, byte for byte.
    pub manifest: Vec<u8>,
    /// SHA-256 of the manifest, 64 hex digits.
    pub digest: String,
    /// Sum of layers and config, bytes.
    pub size: u64,
    pub modified_at: DateTime<Utc>,
}

impl Stored {
    fn new(model: Model, now: DateTime<Utc>) -> Self {
        let layers = model.layers();
        let config = model.config_layer();
        let size = layers.iter().map(|layer| layer.size).sum::<u64>() + config.size;
        let manifest = manifest(&layers, &config);
        let digest = sha256(&manifest);
        let modified_at = model.modified_at.unwrap_or(now);
        Self { model, layers, config, manifest, digest, size, modified_at }
    }

    /// Layers, then config: the order of a pull.
    pub fn blobs(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().chain(std::iter::once(&self.config))
    }
}

/// Models by name, blobs by digest, and bytes of interrupted downloads.
#[derive(Debug, Default)]
pub struct Store {
    models: BTreeMap<String, Arc<Stored>>,
    blobs: HashMap<String, Blob>,
    /// Bytes already fetched of blobs that are not complete.
    pub partials: HashMap<String, u64>,
    disk: Option<Disk>,
    revision: u64,
    /// What was removed, should somebody put its manifest back.
    removed: HashMap<String, Arc<Stored>>,
}

impl Store {
    pub(crate) fn on_disk(disk: Disk) -> Self {
        Self { disk: Some(disk), ..Self::default() }
    }

    /// Counts every change of the list.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Adds or replaces a model together with all its blobs.
    pub fn install(&mut self, model: Model, now: DateTime<Utc>) {
        let stored = Stored::new(model, now);
        for layer in stored.blobs() {
            self.add_blob(&layer.digest, Blob { size: layer.size, data: layer.data.clone() });
        }
        self.put(stored);
    }

    /// Takes up manifests that somebody else wrote into the folder: the server reads them anew for
    /// each answer.
    pub(crate) fn take_up(&mut self, now: DateTime<Utc>) {
        let Some(disk) = self.disk.clone() else { return };
        for (name, bytes) in disk.manifests() {
            let known = self.models.get(&name.key());
            if known.is_none_or(|stored| stored.manifest != bytes)
                && let Some(model) = Model::of_manifest(&name, &bytes)
            {
                let (mut stored, digest) = (Stored::new(model, now), sha256(&bytes));
                stored.manifest = bytes;
                stored.digest = digest;
                self.revision += 1;
                for layer in stored.blobs() {
                    self.has(&layer.digest);
                }
                self.models.insert(name.key(), Arc::new(stored));
            }
        }
    }

    /// Writes only the manifest; returns the model it replaced.
    pub(crate) fn write_manifest(
        &mut self,
        model: Model,
        now: DateTime<Utc>,
    ) -> Option<Arc<Stored>> {
        self.put(Stored::new(model, now))
    }

    fn put(&mut self, stored: Stored) -> Option<Arc<Stored>> {
        if let Some(disk) = &self.disk {
            disk.write_manifest(&stored.model.name, &stored.manifest);
        }
        self.revision += 1;
        self.models.insert(stored.model.name.key(), Arc::new(stored))
    }

    pub fn find(&self, name: &Name) -> Option<Arc<Stored>> {
        self.models.get(&name.key()).map(Arc::clone)
    }

    /// The name as it is stored: each part as any installed model writes it already.
    pub(crate) fn cased(&self, name: &Name) -> Name {
        let like = |part: &str, of: fn(&Name) -> &str| {
            let mut known = self.models.values().map(|stored| of(&stored.model.name));
            known.find(|known| known.eq_ignore_ascii_case(part)).unwrap_or(part).to_owned()
        };
        Name {
            host: like(&name.host, |name| &name.host),
            namespace: like(&name.namespace, |name| &name.namespace),
            model: like(&name.model, |name| &name.model),
            tag: like(&name.tag, |name| &name.tag),
        }
    }

    /// Newest first, as the list shows them.
    pub fn newest_first(&self) -> Vec<Arc<Stored>> {
        let mut models: Vec<_> = self.models.values().map(Arc::clone).collect();
        // Seconds only: the server sorts by the manifest's time in seconds.
        models.sort_by_key(|stored| std::cmp::Reverse(stored.modified_at.timestamp()));
        models
    }

    pub fn len(&self) -> usize {
        self.models.len()
    }

    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    /// Removes a model and the blobs nobody else uses; false when it is not there.
    pub fn remove(&mut self, name: &Name) -> bool {
        let Some(gone) = self.models.remove(&name.key()) else { return false };
        self.removed.insert(name.key(), Arc::clone(&gone));
        self.revision += 1;
        if let Some(disk) = &self.disk {
            disk.remove_manifest(&gone.model.name);
        }
        self.drop_unused(&gone);
        true
    }

    /// Deletes those blobs of `old` that no model refers to; says whether there were any.
    pub(crate) fn drop_unused(&mut self, old: &Stored) -> bool {
        let used: HashSet<String> = self
            .models
            .values()
            .flat_map(|stored| stored.blobs().map(|layer| layer.digest.clone()))
            .collect();
        let unused: Vec<String> = old
            .blobs()
            .map(|layer| layer.digest.clone())
            .filter(|digest| !used.contains(digest) && self.blobs.contains_key(digest))
            .collect();
        for digest in &unused {
            self.remove_blob(digest);
        }
        !unused.is_empty()
    }

    /// Empties the store: models and blobs.
    pub fn wipe(&mut self) {
        let names: Vec<Name> =
            self.models.values().map(|stored| stored.model.name.clone()).collect();
        for name in names {
            self.remove(&name);
        }
        let blobs: Vec<String> = self.blobs.keys().cloned().collect();
        for digest in blobs {
            self.remove_blob(&digest);
        }
        self.partials.clear();
    }

    /// Like the server, which reads its manifests anew for every list: a removed model whose
    /// manifest and blobs somebody put back is there again.
    pub(crate) fn look_at_disk(&mut self) {
        let Some(disk) = &self.disk else { return };
        let is_there = |stored: &Stored| {
            disk.manifest_is(&stored.model.name, &stored.manifest)
                && stored.blobs().all(|layer| disk.size_of(&layer.digest) == Some(layer.size))
        };
        let back: Vec<String> = self
            .removed
            .iter()
            .filter(|(key, stored)| !self.models.contains_key(*key) && is_there(stored))
            .map(|(key, _)| key.clone())
            .collect();
        for key in back {
            if let Some(stored) = self.removed.remove(&key) {
                for layer in stored.blobs() {
                    let blob = Blob { size: layer.size, data: layer.data.clone() };
                    self.blobs.insert(layer.digest.clone(), blob);
                }
                self.models.insert(key, stored);
                self.revision += 1;
            }
        }
    }

    pub fn blob(&self, digest: &str) -> Option<&Blob> {
        self.blobs.get(digest)
    }

    /// Whether a blob is there: also when somebody else laid its file into the store. Like the
    /// server, nobody looks what is in the file.
    pub(crate) fn has(&mut self, digest: &str) -> bool {
        if !self.blobs.contains_key(digest)
            && let Some(size) = self.disk.as_ref().and_then(|disk| disk.size_of(digest))
        {
            self.blobs.insert(digest.to_owned(), Blob { size, data: None });
        }
        self.blobs.contains_key(digest)
    }

    /// How many blobs the store holds.
    pub fn blob_count(&self) -> usize {
        self.blobs.len()
    }

    pub fn add_blob(&mut self, digest: &str, blob: Blob) {
        if let Some(disk) = &self.disk {
            disk.write_blob(digest, &blob);
        }
        self.partials.remove(digest);
        self.blobs.insert(digest.to_owned(), blob);
    }

    pub fn remove_blob(&mut self, digest: &str) {
        if let Some(disk) = &self.disk {
            disk.remove_blob(digest);
        }
        self.blobs.remove(digest);
    }
}
