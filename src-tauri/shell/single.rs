//! One Corral per data folder: a start hands over to one that lives, waits for one that ends, and
//! takes the place of one that died.
//!
//! Two things say so. The plugin's registration at the system means "I take visitors" and is given
//! back as soon as leaving begins; the lock on the data folder means "the database is mine" and
//! goes with the process, whatever ended it.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
    time::{Duration, Instant},
};

use corral_contract::{ErrorCode, WireError};
use tauri::{AppHandle, Manager, Runtime, Wry, plugin::TauriPlugin};

use crate::{quit::Quit, window};

#[cfg(target_os = "linux")]
mod bus;

/// How long a start waits for another Corral to be gone. Leaving takes three seconds at most; the
/// rest is for a machine that has other things to do.
pub const LIMIT: Duration = Duration::from_secs(15);

/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// The file in the data folder whose lock is meant.
const LOCK: &str = "corral.lock";

/// Who is there when Corral starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody takes visitors: this start becomes the one.
    Alone,
    /// Another one lives and has shown its window.
    HandedOver,
    /// Another one is there and answers nothing.
    Stuck,
}

/// Hands this start over to a Corral of this identifier that lives. The plugin would too, but takes
/// one that dies meanwhile for a reason to end.
#[must_use]
pub fn hand_over(identifier: &str) -> Standing {
    #[cfg(target_os = "linux")]
    let standing = bus::hand_over(identifier);
    #[cfg(not(target_os = "linux"))]
    let standing = {
        // The system itself forgets a process with its end, and the plugin asks the system.
        let _ = identifier;
        Standing::Alone
    };
    standing
}

/// Takes the visitors of this process and, where [`hand_over`] does not, hands over to another.
pub(crate) fn plugin() -> TauriPlugin<Wry> {
    tauri_plugin_single_instance::init(|app, _, _| {
        // One that comes before the window is made sees it open anyway.
        if app.try_state::<Quit>().is_some() {
            window::present(app);
        }
    })
}

/// Takes no more visitors: the next start becomes the one, and waits for the lock.
pub(crate) fn step_back<R: Runtime>(app: &AppHandle<R>) {
    tauri_plugin_single_instance::destroy(app);
}

/// The data folder is this process's, as long as the value lives.
#[derive(Debug)]
pub struct Claim {
    // Held for its end only. `None` where the folder cannot be written or locked: then nobody's
    // database can be spoilt, or nobody can tell.
    _lock: Option<File>,
}

/// Waits, up to `limit`, until no other process works in the folder. Safe to cancel.
///
/// # Errors
/// `DATABASE_BUSY` when another one still does.
pub async fn claim(folder: &Path, limit: Duration) -> Result<Claim, WireError> {
    let opened = fs::create_dir_all(folder)
        .and_then(|()| File::options().create(true).append(true).open(folder.join(LOCK)));
    let lock = match opened {
        Ok(lock) => lock,
        Err(error) => {
            tracing::warn!(%error, "the data folder cannot be claimed");
            return Ok(Claim { _lock: None });
        }
    };
    let started = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(Claim { _lock: Some(lock) }),
            Err(TryLockError::WouldBlock) if started.elapsed() < limit => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(TryLockError::WouldBlock) => {
                let detail = format!("another Corral works in {}", folder.display());
                return Err(WireError::new(ErrorCode::DatabaseBusy).detail(detail));
            }
            Err(TryLockError::Error(error)) => {
                tracing::warn!(%error, "the data folder cannot be locked");
                return Ok(Claim { _lock: None });
            }
        }
    }
}
