//! The real window, by clicks and keys, on fake servers. Each test opens the app once and walks
//! through several scenarios in it: opening takes longer than most of them.
//!
//! The page must be built before (`cargo xtask ui`); `cargo xtask test --only window` does both.

#[cfg(target_os = "linux")]
mod access;
#[cfg(target_os = "linux")]
mod batches;
#[cfg(target_os = "linux")]
mod check;
#[cfg(target_os = "linux")]
mod choose;
#[cfg(target_os = "linux")]
mod desktop;
#[cfg(target_os = "linux")]
mod detail;
#[cfg(target_os = "linux")]
mod downloads;
#[cfg(target_os = "linux")]
mod environment;
#[cfg(target_os = "linux")]
mod facts;
#[cfg(target_os = "linux")]
mod feedback;
#[cfg(target_os = "linux")]
mod find;
#[cfg(target_os = "linux")]
mod hand;
#[cfg(target_os = "linux")]
mod health;
#[cfg(target_os = "linux")]
mod install;
#[cfg(target_os = "linux")]
mod interruptions;
#[cfg(target_os = "linux")]
mod keep;
#[cfg(target_os = "linux")]
mod late;
#[cfg(target_os = "linux")]
mod life;
#[cfg(target_os = "linux")]
mod main_job;
#[cfg(target_os = "linux")]
mod make;
#[cfg(target_os = "linux")]
mod motion;
#[cfg(target_os = "linux")]
mod moving;
#[cfg(target_os = "linux")]
mod outside;
#[cfg(target_os = "linux")]
mod pages;
#[cfg(target_os = "linux")]
mod palette;
#[cfg(target_os = "linux")]
mod radar;
#[cfg(target_os = "linux")]
mod stage;
#[cfg(target_os = "linux")]
mod store_move;
#[cfg(target_os = "linux")]
mod sync;
#[cfg(target_os = "linux")]
mod tray;
