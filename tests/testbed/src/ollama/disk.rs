//! The store as a real folder, for tests that look at files.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::name::Name;
use super::store::Blob;

/// A models folder with `blobs/` and `manifests/`. Imagined blobs become sparse files.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    root: PathBuf,
}

impl Disk {
    pub(crate) fn create(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root.join("blobs"))?;
        fs::create_dir_all(root.join("manifests"))?;
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) fn write_blob(&self, digest: &str, blob: &Blob) {
        let path = self.blob(digest);
        let result = match &blob.data {
            Some(data) => fs::write(&path, data),
            None => File::create(&path).and_then(|file| file.set_len(blob.size)),
        };
        report(result, &path);
    }

    pub(crate) fn size_of(&self, digest: &str) -> Option<u64> {
        Some(fs::metadata(self.blob(digest)).ok()?.len())
    }

    pub(crate) fn remove_blob(&self, digest: &str) {
        let path = self.blob(digest);
        report(fs::remove_file(&path), &path);
    }

    pub(crate) fn write_manifest(&self, name: &Name, bytes: &[u8]) {
        let path = self.manifest(name);
        let parent = path.parent().unwrap_or(&self.root);
        report(fs::create_dir_all(parent).and_then(|()| fs::write(&path, bytes)), &path);
    }

    /// Whether the manifest of a name is there, with just these bytes.
    pub(crate) fn manifest_is(&self, name: &Name, bytes: &[u8]) -> bool {
        fs::read(self.manifest(name)).is_ok_and(|there| there == bytes)
    }

    pub(crate) fn remove_manifest(&self, name: &Name) {
        let path = self.manifest(name);
        report(fs::remove_file(&path), &path);
        // Like the server: empty folders go with their last manifest.
        let end = self.root.join("manifests");
        let mut folder = path.parent();
        while let Some(empty) = folder.filter(|folder| **folder != *end) {
            if fs::remove_dir(empty).is_err() {
                break;
            }
            folder = empty.parent();
        }
    }

    /// Every manifest that lies in the folder, whoever wrote it.
    pub(crate) fn manifests(&self) -> Vec<(Name, Vec<u8>)> {
        let mut folders = vec![(self.root.join("manifests"), Vec::new())];
        let mut found = Vec::new();
        while let Some((folder, parts)) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let mut parts: Vec<String> = parts.clone();
                parts.push(entry.file_name().to_string_lossy().into_owned());
                match parts.as_slice() {
                    [host, namespace, model, tag] => {
                        let name = Name::parse(&format!("{host}/{namespace}/{model}:{tag}"));
                        found.extend(name.zip(fs::read(entry.path()).ok()));
                    }
                    _ => folders.push((entry.path(), parts)),
                }
            }
        }
        found
    }

    fn blob(&self, digest: &str) -> PathBuf {
        self.root.join("blobs").join(format!("sha256-{digest}"))
    }

    fn manifest(&self, name: &Name) -> PathBuf {
        let mut path = self.root.join("manifests");
        // A port's colon cannot be part of a Windows file name.
        path.extend(
            name.path().map(|part| part.replace(':', if cfg!(windows) { "_" } else { ":" })),
        );
        path
    }
}

fn report(result: io::Result<()>, path: &Path) {
    if let Err(error) = result {
        eprintln!("testbed store: {}: {error}", path.display());
    }
}
