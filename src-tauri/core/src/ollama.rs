//! Typed client of Ollama's HTTP API.
//!
//! Answers are read tolerantly: unknown fields are kept, missing ones allowed, because fields come
//! and go between versions. Size of an answer and length of a stream line are limited.

mod api;
mod classify;

pub use api::{
    EmbeddingModel, LoadedModel, ModelDetails, OllamaApi, OllamaError, PullLine, PullStream,
    ShowAnswer, TagsAnswer, TagsModel,
};
