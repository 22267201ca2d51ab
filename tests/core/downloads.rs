//! The download queue against the fake server.

mod control;
mod create;
mod order;
mod progress;
mod recovery;
mod retry;
mod stage;
