//! The core through its public API: a real SQLite file, the test bed in place of the outside.

mod conformance;
mod ground;
mod support;
