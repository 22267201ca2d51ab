//! The download queue against the fake server.

mod control;
mod create;
pub(crate) mod direct;
mod faults;
mod kill;
mod limits;
mod order;
mod preflight;
mod progress;
mod recovery;
mod retry;
mod seam;
mod sources;
pub(crate) mod stage;
