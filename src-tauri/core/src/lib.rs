//! Corral's behaviour, without a window: tests, benches and the desktop shell all hold the same
//! [`Core`] handle.
//!
//! Every command enters through [`Core::call`] or [`Core::run`], passes the guard, is answered by
//! the [`router::Handle`] of its marker type, and leaves an audit row if it can change anything.
//! What happens is told on the [`bus::Bus`], in one order, to as many listeners as there are.

pub mod app;
pub mod audit;
mod bundles;
pub mod bus;
pub mod catalogue;
pub mod checks;
pub mod clock;
pub mod config;
pub mod core;
pub mod db;
mod digest;
pub mod disk;
pub mod downloads;
mod environment;
pub mod fit;
mod fleet;
pub mod gguf;
pub mod guard;
pub mod health;
pub mod http;
pub mod installs;
pub mod instances;
pub mod labels;
pub mod logs;
pub mod makes;
pub mod models;
pub mod notices;
pub mod ollama;
pub mod registry;
mod resources;
pub mod router;
pub mod running;
pub mod secrets;
mod serverlogs;
pub mod settings;
pub mod signal;
pub mod steering;
pub mod storage;
mod stores;
pub mod supervise;
pub mod sync;
pub mod tasks;
pub mod transfers;
pub mod updates;

pub use config::CoreConfig;
pub use core::Core;

/// What every fallible function of the core answers. The codes of [`corral_contract::WireError`]
/// are a closed list of exactly what callers act on, so there is no second enum beside it; domains
/// keep an inner error type only where code inside the core branches on it.
pub type Result<T> = std::result::Result<T, corral_contract::WireError>;
