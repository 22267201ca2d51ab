//! Asking a server now instead of waiting for the next look.

use corral_contract::{
    InstanceId,
    instances::{InstanceRef, call::Probe},
};

use crate::pages::sending::Sending;

/// The key of [`now`] for one instance.
#[must_use]
pub fn key(id: InstanceId) -> String {
    format!("probe {id}")
}

/// Asks one instance; what it answers comes back as an event.
pub fn now(sending: Sending, id: InstanceId) {
    sending.send::<Probe>(&key(id), InstanceRef { id });
}
