use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{Outside, ThisSystem};

/// Where whoever runs servers is found, so that a test can stand in for it.
#[derive(Clone)]
pub struct Surroundings {
    /// Runs programs of the system.
    pub outside: Arc<dyn Outside>,
    /// Where the system's manager of units is asked; `None` = on the system bus.
    pub system_bus: Option<String>,
    /// Where the user's own manager is asked; `None` = on the session bus.
    pub user_bus: Option<String>,
    /// Where the administrator's units lie.
    pub units: PathBuf,
    /// How long a server has to answer after it was started.
    pub patience: Duration,
}

impl Default for Surroundings {
    fn default() -> Self {
        Surroundings {
            outside: Arc::new(ThisSystem),
            system_bus: None,
            user_bus: None,
            units: PathBuf::from("/etc/systemd/system"),
            patience: Duration::from_secs(60),
        }
    }
}
