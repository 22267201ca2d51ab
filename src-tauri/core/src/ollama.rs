//! Typed client of Ollama's HTTP API.
//!
//! Answers are read tolerantly: unknown fields are kept, missing ones allowed, because fields come
//! and go between versions. Size of an answer and length of a stream line are limited.

mod answer;
mod api;
mod classify;
mod client;
mod follow;
mod generate;
mod lines;
mod loose;
mod parse;
mod pull;
mod show;
mod tags;

pub(crate) use classify::meaning;

pub use answer::ANSWER_LIMIT;
pub use api::{
    AnswerLine, AnswerStream, BlobPart, Embedding, EmbeddingModel, LoadedModel, ModelDetails,
    OllamaApi, OllamaError, PullLine, PullStream, ShowAnswer, TagsAnswer, TagsModel,
};
pub use client::HttpOllama;
pub use lines::LINE_LIMIT;
