//! The core through its public API: a real SQLite file, the test bed in place of the outside.

#![expect(unreachable_pub, reason = "a test binary has no outside")]

mod bundles;
mod catalogue;
mod checks;
mod conformance;
mod disk;
mod downloads;
// It edits units of systemd; what holds of every system is tried in `steering`.
#[cfg(target_os = "linux")]
mod environment;
mod fit;
mod ground;
mod health;
mod installs;
mod instances;
mod keep;
mod labels;
mod makes;
mod models;
mod played;
mod reclaim;
mod registries;
mod resources;
mod restore;
mod running;
mod serverlogs;
#[cfg(target_os = "linux")]
mod small_disk;
mod stage;
mod steered;
mod steering;
mod stores;
mod support;
mod sync;
mod transfers;
mod trash;
mod updates;
