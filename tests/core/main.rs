//! The core through its public API: a real SQLite file, the test bed in place of the outside.

#![expect(unreachable_pub, reason = "a test binary has no outside")]

mod checks;
mod conformance;
mod downloads;
mod ground;
mod instances;
mod makes;
mod models;
mod played;
mod registries;
#[cfg(target_os = "linux")]
mod small_disk;
mod stage;
mod support;
mod sync;
mod transfers;
