//! What a crash left of the trash is finished or taken back.

use std::path::Path;

use super::{
    blocking, links,
    store::{self, Entry, Stage},
    trash,
};
use crate::{Core, Result};

/// What the files say about an entry that was under way.
enum Found {
    /// The store is not there: nothing can be said.
    Away,
    /// The server deleted the model; the entry holds so many bytes.
    Kept(u64),
    /// The model is in the store, or the entry is worth nothing.
    Over,
}

/// Brings every entry to a state in which it may stay. An entry that cannot be judged now is left
/// to the next start.
///
/// # Errors
/// Database errors.
pub(crate) async fn recover(core: &Core) -> Result<()> {
    for entry in store::entries(core).await? {
        if entry.stage == Stage::Kept {
            continue;
        }
        let looked = entry.clone();
        match blocking(move || look(&looked)).await? {
            Found::Away => {}
            Found::Kept(bytes) => store::kept(core, entry.id, bytes).await?,
            Found::Over => {
                let stage = entry.stage;
                trash::leave(core, entry, stage).await?;
            }
        }
    }
    Ok(())
}

fn look(entry: &Entry) -> Found {
    if !Path::new(&entry.store).join("blobs").is_dir() {
        return Found::Away;
    }
    match entry.stage {
        Stage::Leaving => Found::Over,
        // Before the delete, or after one that the server refused.
        Stage::Entering if links::is_in_store(entry) || !links::is_whole(entry) => Found::Over,
        // The blobs may be in their places and the manifest not: all of it once more.
        Stage::Restoring if links::link_back(entry).is_ok() => Found::Over,
        Stage::Entering | Stage::Restoring | Stage::Kept => Found::Kept(links::only_here(entry)),
    }
}
