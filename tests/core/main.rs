//! The core through its public API: a real SQLite file, the test bed in place of the outside.

#![expect(unreachable_pub, reason = "a test binary has no outside")]

mod bundles;
mod catalogue;
mod checks;
mod conformance;
mod disk;
mod downloads;
mod fit;
mod ground;
mod instances;
mod keep;
mod labels;
mod makes;
mod models;
mod played;
mod reclaim;
mod registries;
mod running;
#[cfg(target_os = "linux")]
mod small_disk;
mod stage;
mod support;
mod sync;
mod transfers;
mod trash;
mod updates;
