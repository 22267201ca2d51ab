//! Taking models elsewhere: into one file and out of it, to another server, and as a list of names.
//!
//! Whatever comes is hashed before a server sees it, and a manifest is written only when every layer
//! is in its place. Exports, imports and copies are rows before they are tasks; one that Corral's end
//! interrupts goes on at the next start from what proves itself.

use std::{collections::HashMap, sync::Mutex};

use corral_contract::{
    TaskId,
    bundles::{MoveOutcome, call},
    tasks::TaskRef,
};

use crate::{Core, Result, router::Handle};

mod board;
mod copy;
mod deliver;
mod export;
mod import;
mod index;
mod job;
mod list;
pub(crate) mod names;
pub(crate) mod pour;
mod read;
mod recovery;
mod server;
pub(crate) mod stage;
mod store;
mod tar;
mod target;
mod weigh;
mod write;

pub(crate) use export::{Held, held};
pub(crate) use job::followed;
pub(crate) use recovery::start;
pub(crate) use stage::{LINKED, MOVED, is_held, is_moved};
pub(crate) use target::{by_key, manifest_of};

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    /// The task that works at a place now: a file, a models folder, a server.
    running: Mutex<HashMap<String, TaskId>>,
}

impl Handle<call::Outcome> for Core {
    async fn handle(&self, TaskRef { id }: TaskRef) -> Result<MoveOutcome> {
        store::outcome(&self.db, id).await
    }
}
