//! What all handlers of one fake server share.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};
use serde_json::{Value, json};

use super::catalogue::Catalogue;
use super::downloads::Downloads;
use super::fault::Faults;
use super::scheduler::Scheduler;
use super::store::Store;
use super::version::Version;
use crate::clock::{Clock, go_time};
use crate::patience::{Changes, lock};
use crate::wire::Switch;

/// A request the server received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub method: String,
    pub path: String,
    pub query: Option<String>,
    /// In the order received, names in lower case.
    pub headers: Vec<(String, String)>,
    /// At most 64 KiB; uploads of blobs are left out.
    pub body: String,
}

impl Recorded {
    /// The body as JSON, `null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What a test may turn while the server runs.
#[derive(Debug)]
pub(crate) struct Knobs {
    pub(crate) version: Version,
    pub(crate) latency: HashMap<String, Duration>,
    pub(crate) faults: Faults,
    pub(crate) authorization: Option<String>,
    pub(crate) duplicate_in_tags: bool,
    pub(crate) unknown_fields: bool,
    pub(crate) missing_fields: Vec<String>,
    pub(crate) linger_after_cancel: bool,
    pub(crate) lost_on_cancel: u64,
    pub(crate) no_prune: bool,
    pub(crate) status: Value,
    pub(crate) account: Option<Value>,
    pub(crate) requests: Vec<Recorded>,
}

impl Knobs {
    pub(crate) fn new(version: &str) -> Self {
        Self {
            version: Version::new(version),
            latency: HashMap::new(),
            faults: Faults::default(),
            authorization: None,
            duplicate_in_tags: false,
            unknown_fields: false,
            missing_fields: Vec::new(),
            linger_after_cancel: false,
            lost_on_cancel: 0,
            no_prune: false,
            status: json!({"cloud": {"disabled": true, "source": "env"}}),
            account: None,
            requests: Vec::new(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) offset: FixedOffset,
    pub(crate) models_dir: Mutex<PathBuf>,
    pub(crate) store: Mutex<Store>,
    pub(crate) catalogue: Mutex<Catalogue>,
    pub(crate) knobs: Mutex<Knobs>,
    pub(crate) downloads: Downloads,
    pub(crate) scheduler: Scheduler,
    pub(crate) tags: Mutex<Option<super::list::Cached>>,
    /// It listens on every address of this machine.
    pub(crate) everywhere: bool,
    pub(crate) changes: Changes,
    pub(crate) switch: Arc<Switch>,
}

impl Shared {
    /// A time of the kind that carries the server's own offset.
    pub(crate) fn local_time(&self, at: DateTime<Utc>) -> String {
        go_time(at, self.offset)
    }

    /// `created_at`: always UTC.
    pub(crate) fn created_at(&self) -> String {
        go_time(self.clock.now(), FixedOffset::east_opt(0).unwrap_or(self.offset))
    }

    /// Path of a blob as the server would show it.
    pub(crate) fn blob_path(&self, digest: &str) -> String {
        let name = format!("sha256-{digest}");
        lock(&self.models_dir).join("blobs").join(name).to_string_lossy().into_owned()
    }
}
