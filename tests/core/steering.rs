//! Starting and stopping what runs a server, on every system and in every way it can be refused.

#[cfg(target_os = "linux")]
mod asking;
pub(crate) mod desk;
#[cfg(unix)]
mod mac;
mod other_systems;
#[cfg(target_os = "linux")]
pub(crate) mod units;
