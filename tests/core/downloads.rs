//! The download queue against the fake server.

mod control;
mod create;
pub(crate) mod direct;
mod kill;
mod order;
mod preflight;
mod progress;
mod recovery;
mod retry;
mod seam;
pub(crate) mod stage;
