//! Where everything of the servers is, and whether their models can be there.

use std::path::{Path, PathBuf};

use corral_contract::{ErrorCode, WireError};

use super::unpack::of_disk;
use crate::{Core, Result};

/// Where everything of the servers is.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// Of the versions, and of what is written down.
    pub(super) root: PathBuf,
    pub(super) logs: PathBuf,
}

impl Places {
    pub(super) fn of(core: &Core) -> Places {
        Places {
            root: core.config.data_dir.join("ollama"),
            logs: core.config.log_dir.join("ollama"),
        }
    }

    pub(super) fn version(&self, version: &str) -> PathBuf {
        self.root.join("versions").join(version)
    }

    pub(super) fn versions(&self) -> PathBuf {
        self.root.join("versions")
    }

    pub(super) fn models(&self) -> PathBuf {
        self.root.join("models")
    }

    pub(super) fn fetching(&self) -> PathBuf {
        self.root.join("fetching")
    }
}

/// Whether a folder can be a models folder, made if it is not there. Blocks.
///
/// # Errors
/// `INVALID_INPUT` naming `models`.
pub(super) fn models_folder(path: &Path) -> Result<()> {
    let bad = |reason: &str| WireError::field("models", reason);
    if !path.is_absolute() {
        return Err(bad("notAbsolute"));
    }
    std::fs::create_dir_all(path).map_err(|error| bad("notWritable").detail(error.to_string()))?;
    let tried = tempfile::Builder::new().prefix(".corral-").tempfile_in(path);
    tried.map(|_| ()).map_err(|error| bad("notWritable").detail(error.to_string()))
}

/// Whether the models folder of a server is there. Where its drive is away, a server would make the
/// folder anew and have no models. Corral's own folder is made if somebody removed it. Blocks.
///
/// # Errors
/// `FOLDER_MISSING` naming it; `FILE_SYSTEM`.
pub(super) fn present(places: &Places, models: &str) -> Result<()> {
    let path = Path::new(models);
    if path.is_dir() {
        return Ok(());
    }
    if path == places.models() {
        return std::fs::create_dir_all(path).map_err(of_disk);
    }
    Err(WireError::new(ErrorCode::FolderMissing).with("path", models))
}
