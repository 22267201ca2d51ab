//! What crosses the wire between the core and a window: every command with its request and
//! reply, every event, every error code. Plain data and pure rules only, so that the core, the
//! shell's `build.rs` and the WebAssembly window can all depend on it.
//!
//! Each command is listed exactly once, in the `commands!` list of its domain. That list drives
//! the permissions of the desktop shell, the handler table of the core and the typed call of the
//! window; adding a command here without a handler does not compile.

pub mod app;
pub mod audit;
pub mod bundles;
pub mod catalogue;
pub mod checks;
pub mod command;
pub mod desktop;
pub mod disk;
pub mod downloads;
pub mod environment;
pub mod error;
pub mod event;
pub mod fit;
pub mod health;
pub mod id;
pub mod installs;
pub mod instances;
pub mod labels;
pub mod makes;
pub mod modelfile;
pub mod models;
pub mod name;
pub mod progress;
pub mod registries;
pub mod resources;
pub mod running;
pub mod serverlogs;
pub mod settings;
pub mod size;
pub mod status;
pub mod steering;
pub mod storage;
pub mod stores;
pub mod sync;
pub mod tasks;
pub mod time;
pub mod updates;

pub use command::{Command, CommandInfo, Domain};
pub use error::{Advice, ErrorCode, WireError};
pub use id::{BatchId, InstanceId, JobId, ModelId, TaskId};
pub use time::Timestamp;

/// Every domain whose commands the core answers, then the one the shell answers itself.
pub const DOMAINS: &[Domain] = &[
    app::DOMAIN,
    instances::DOMAIN,
    environment::DOMAIN,
    installs::DOMAIN,
    models::DOMAIN,
    labels::DOMAIN,
    running::DOMAIN,
    downloads::DOMAIN,
    makes::DOMAIN,
    checks::DOMAIN,
    catalogue::DOMAIN,
    fit::DOMAIN,
    updates::DOMAIN,
    disk::DOMAIN,
    bundles::DOMAIN,
    stores::DOMAIN,
    resources::DOMAIN,
    sync::DOMAIN,
    serverlogs::DOMAIN,
    health::DOMAIN,
    tasks::DOMAIN,
    audit::DOMAIN,
    registries::DOMAIN,
    settings::DOMAIN,
    storage::DOMAIN,
    desktop::DOMAIN,
];
