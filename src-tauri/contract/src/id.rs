//! Row identifiers. Each is a database row id: positive, never reused, below 2^53 and so safe in
//! JavaScript.

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(formatter)
            }
        }
    )+};
}

ids! {
    /// One Ollama server that Corral knows; the document's `AppInstallID`.
    InstanceId,
    /// One model name on one instance.
    ModelId,
    /// One place in the download queue.
    JobId,
    /// One operation with its phases, result and log.
    TaskId,
    /// One operation over several models.
    BatchId,
}
