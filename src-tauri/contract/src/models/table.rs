//! The list as a file.

use serde::{Deserialize, Serialize};

use super::ModelSearchRequest;
use crate::{ModelId, status::words};

words! {
    /// How a list is written.
    ListFormat {
        /// UTF-8 with a mark of it, commas, a head line, lines ending in CR LF.
        Csv = "csv",
        /// An object with `models`, a list of objects.
        Json = "json",
    }
}

/// The columns that can be written, as they are called in the file.
pub const LIST_COLUMNS: &[&str] = &[
    "id",
    "name",
    "instance",
    "status",
    "message",
    "size",
    "bytes",
    "from",
    "registry",
    "digest",
    "family",
    "parameterSize",
    "quantization",
    "contextLength",
    "capabilities",
    "createdAt",
    "modifiedAt",
    "vramBytes",
    "memoryBytes",
    "favourite",
    "tags",
    "note",
    "modelfile",
];

/// Asks for a file of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListExport {
    /// Full path of the file.
    pub path: String,
    pub format: ListFormat,
    /// Which models, and in which order; its page says nothing.
    pub search: ModelSearchRequest,
    /// Only these, if any are named.
    #[serde(default)]
    pub ids: Vec<ModelId>,
    /// Of [`LIST_COLUMNS`], in the order wanted; none = all but `modelfile`.
    #[serde(default)]
    pub columns: Vec<String>,
    /// A file that is there is replaced.
    #[serde(default)]
    pub overwrite: bool,
}
