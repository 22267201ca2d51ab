//! What Corral asks an Ollama server, as a trait, so that tests can answer in its place.

use std::{
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, atomic::AtomicU64},
};

use async_trait::async_trait;
use corral_contract::{Timestamp, WireError, models::StartOptions};
use futures_util::Stream;

use crate::Result;

/// Lines of a running pull. Dropping it closes the connection, which ends the pull on the server
/// unless another client waits for the same layers.
pub type PullStream = Pin<Box<dyn Stream<Item = Result<PullLine>> + Send>>;

/// Lines of an answer that is being made. Dropping it ends the making.
pub type AnswerStream = Pin<Box<dyn Stream<Item = Result<AnswerLine>> + Send>>;

/// One Ollama server. Dropping the future of a call drops its connection.
#[async_trait]
pub trait OllamaApi: Send + Sync {
    /// `/api/version`.
    async fn version(&self) -> Result<String>;
    /// `/api/tags`, with a hash of the answer's bytes.
    async fn tags(&self) -> Result<TagsAnswer>;
    /// `/api/ps`.
    async fn ps(&self) -> Result<Vec<LoadedModel>>;
    /// `/api/show`, not verbose.
    async fn show(&self, name: &str) -> Result<ShowAnswer>;
    /// Loads a model and returns when it is loaded. Has no time limit of its own.
    async fn load(&self, name: &str, options: &StartOptions, kind: EmbeddingModel) -> Result<()>;
    /// Asks for one token, or for one embedding; loads the model for it, and lets it go afterwards
    /// unless it is to be kept, as one loaded with these options. Has no time limit of its own.
    async fn try_out(
        &self,
        name: &str,
        kind: EmbeddingModel,
        keep: Option<&StartOptions>,
    ) -> Result<()>;
    /// Asks a model for at most `most` tokens. Has no time limit of its own. A model that is loaded
    /// with other options is loaded anew.
    async fn generate(
        &self,
        name: &str,
        prompt: &str,
        most: u32,
        options: &StartOptions,
    ) -> Result<AnswerStream>;
    /// The embedding of a text. Has no time limit of its own. Options as for a question.
    async fn embed(&self, name: &str, text: &str, options: &StartOptions) -> Result<Embedding>;
    /// Changes how long a loaded model stays; loads it if it is not loaded with these options.
    async fn retime(&self, name: &str, options: &StartOptions, kind: EmbeddingModel) -> Result<()>;
    /// Asks to unload; the server does so when running requests have ended.
    async fn unload(&self, name: &str, kind: EmbeddingModel) -> Result<()>;
    /// `/api/delete`; a model that is not there counts as deleted.
    async fn delete(&self, name: &str) -> Result<()>;
    /// `/api/copy`: another name for the same content; what had that name is replaced.
    async fn copy(&self, source: &str, destination: &str) -> Result<()>;
    /// Whether the store has a blob, `sha256:` and 64 hex digits. Says nothing about its bytes.
    async fn has_blob(&self, digest: &str) -> Result<bool>;
    /// `POST /api/blobs`: the server hashes what it gets. Takes as long as it takes.
    async fn upload(&self, digest: &str, file: &Path) -> Result<()>;
    /// As [`OllamaApi::upload`], of a part of a file, counting what was sent.
    async fn send_blob(&self, digest: &str, part: &BlobPart) -> Result<()>;
    /// `/api/create` with this body, which asks for a stream. Dropping the stream lets the
    /// connection go; the server may finish all the same.
    async fn create(&self, body: &serde_json::Value) -> Result<PullStream>;
    /// `/api/pull`. `insecure` = plain http to the registry.
    async fn pull(&self, name: &str, insecure: bool) -> Result<PullStream>;
}

/// The bytes of a blob in a file.
#[derive(Debug, Clone)]
pub struct BlobPart {
    pub file: PathBuf,
    /// First byte in that file.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
    /// Grows with what is sent.
    pub sent: Arc<AtomicU64>,
}

/// Whether a model answers to `/api/embed` instead of `/api/generate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbeddingModel {
    No,
    Yes,
}

/// The list of installed models.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TagsAnswer {
    pub models: Vec<TagsModel>,
    /// SHA-256 of the answer's bytes, hex: equal means nothing changed.
    pub hash: String,
}

/// One installed model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TagsModel {
    pub name: String,
    pub modified_at: Option<Timestamp>,
    /// `None` when the server does not tell.
    pub size: Option<u64>,
    /// 64 hex digits, lower case.
    pub digest: Option<String>,
    pub details: ModelDetails,
    pub capabilities: Vec<String>,
    pub remote_host: Option<String>,
}

/// `details` of a list entry or of show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelDetails {
    pub format: Option<String>,
    pub family: Option<String>,
    pub parameter_size: Option<String>,
    pub quantization: Option<String>,
    pub context_length: Option<u64>,
}

/// One loaded model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadedModel {
    pub name: String,
    pub digest: Option<String>,
    pub size: u64,
    pub size_vram: u64,
    /// `None` = stays until it is stopped (the server then says a date centuries ahead).
    pub expires_at: Option<Timestamp>,
    pub context_length: Option<u64>,
}

/// The answer of show: as it came, for the cache, and parsed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ShowAnswer {
    pub raw: serde_json::Value,
    pub info: corral_contract::models::ShowInfo,
    /// The blob that `FROM` of the Modelfile names: tells where the models folder is.
    pub from_path: Option<String>,
}

/// One line of a pull.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullLine {
    pub status: String,
    /// `sha256:` and 64 hex digits.
    pub digest: Option<String>,
    pub total: Option<u64>,
    pub completed: Option<u64>,
}

/// One line of an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AnswerLine {
    pub text: String,
    pub thinking: String,
    pub done: bool,
    /// In ns; the last line has the figures.
    pub load_duration: Option<u64>,
    pub prompt_tokens: Option<u64>,
    pub answer_tokens: Option<u64>,
    /// For the tokens of the answer, in ns.
    pub answer_duration: Option<u64>,
}

/// The answer of an embedding model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Embedding {
    pub vector: Vec<f32>,
    /// In ns.
    pub load_duration: Option<u64>,
    pub prompt_tokens: Option<u64>,
}

/// An error text of Ollama with the status it came with; classified into a [`WireError`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OllamaError {
    /// HTTP status; 200 when the error came inside a stream.
    pub status: u16,
    pub text: String,
}

impl From<OllamaError> for WireError {
    fn from(error: OllamaError) -> WireError {
        super::classify::classify(error.status, &error.text)
    }
}
