//! Models through the core's commands, against the fake Ollama.

mod batch;
mod concurrency;
mod delete;
mod detail;
mod events;
mod operations;
mod runners;
mod search;
mod watch;
