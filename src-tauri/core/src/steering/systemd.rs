//! systemd: units of the system and of the user's own manager.
//!
//! Everything is asked of systemd itself, over D-Bus; polkit asks the person where the system wants
//! him asked, never Corral. Variables go into a drop-in of Corral's own, which is read after all
//! others; no other file is ever written.

#[cfg(target_os = "linux")]
use std::path::PathBuf;
use std::sync::Arc;

use super::{ServiceControl, Surroundings};
#[cfg(target_os = "linux")]
use crate::instances;
use crate::instances::Machine;

#[cfg(target_os = "linux")]
mod bus;
#[cfg(target_os = "linux")]
mod drop_in;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod unit;

/// Corral's own file. Of drop-ins the last by name holds.
#[cfg(target_os = "linux")]
const FILE: &str = "zz-corral.conf";

/// What steers a unit.
#[cfg(target_os = "linux")]
pub(super) fn control(
    around: Surroundings,
    machine: &dyn Machine,
    name: String,
    user: bool,
) -> Arc<dyn ServiceControl> {
    let folder = match user {
        true => instances::user_units(machine).map(PathBuf::from),
        false => Some(around.units.clone()),
    };
    let file = folder.map(|folder| folder.join(format!("{name}.d")).join(FILE));
    Arc::new(unit::Unit::new(around, name, user, file))
}

/// There is no systemd on this system.
#[cfg(not(target_os = "linux"))]
pub(super) fn control(
    _around: Surroundings,
    _machine: &dyn Machine,
    _name: String,
    _user: bool,
) -> Arc<dyn ServiceControl> {
    Arc::new(super::absent::Absent("elsewhere"))
}
