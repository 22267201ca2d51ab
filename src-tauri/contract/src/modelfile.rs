//! Ollama's Modelfile: its grammar, so that window and core read the same text the same way.
//!
//! What Ollama's own reader takes is taken here, with the same meaning: instructions in any case,
//! values over several lines in quotes, a quote that only counts at the end of a line. Unlike it,
//! reading goes on after a mistake, so that all of them are told at once.

mod parameter;
mod read;
mod source;
mod write;

pub use parameter::{Parameter, Range, find as parameter};
pub use read::{Mark, MarkKind, Parsed, Problem, Why, decode, parse};
pub use source::Source;
pub use write::{portable, quoted};

/// Longest text that is read, in bytes. Weights are named in a Modelfile, never part of it.
pub const LONGEST: usize = 2 << 20;

/// The instructions, as they are usually written.
pub const INSTRUCTIONS: &[&str] = &[
    "FROM",
    "PARAMETER",
    "TEMPLATE",
    "SYSTEM",
    "ADAPTER",
    "LICENSE",
    "MESSAGE",
    "RENDERER",
    "PARSER",
    "REQUIRES",
];

/// Who may speak in a `MESSAGE`.
pub const ROLES: &[&str] = &["system", "user", "assistant"];

/// What a Modelfile says. Values are as they stand inside their quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Modelfile {
    /// A model's name, or files and folders; several for a model with a projector.
    pub from: Vec<Value>,
    pub adapters: Vec<Value>,
    pub template: Option<String>,
    pub system: Option<String>,
    pub licenses: Vec<String>,
    /// In their order; `stop` may repeat.
    pub parameters: Vec<(String, String)>,
    /// Role and text.
    pub messages: Vec<(String, String)>,
    pub renderer: Option<String>,
    pub parser: Option<String>,
    /// The Ollama version it needs.
    pub requires: Option<String>,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    pub text: String,
    /// From 1.
    pub line: u32,
}

#[cfg(test)]
mod tests;
