//! Header values as they are stored: sealed. Their names stay readable, so that the window can show
//! them while the key cannot be had.

use std::time::Duration;

use corral_contract::{ErrorCode, InstanceId, WireError};
use tokio::time::timeout;

use super::{
    model::{Live, Record},
    store,
};
use crate::{
    Core, Result,
    secrets::{Secrets, is_sealed},
};

/// How long a start waits for a keychain that asks its owner first.
const LIMIT: Duration = Duration::from_secs(3);

/// The values as they are stored. One that could not be opened stays as it is.
///
/// # Errors
/// `SECRETS_LOCKED`.
pub(super) async fn seal(
    secrets: &Secrets,
    headers: &[(String, String)],
) -> Result<Vec<(String, String)>> {
    let mut sealed = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let value = match is_sealed(value) {
            true => value.clone(),
            false => secrets.seal(&purpose(name), value).await?,
        };
        sealed.push((name.clone(), value));
    }
    Ok(sealed)
}

async fn open(secrets: &Secrets, headers: &mut [(String, String)]) -> Result<()> {
    for (name, value) in headers {
        if is_sealed(value) {
            *value = secrets.open(&purpose(name), value).await?;
        }
    }
    Ok(())
}

fn purpose(name: &str) -> String {
    format!("header:{}", name.to_ascii_lowercase())
}

/// Why an instance cannot be asked while its header values are sealed.
pub(super) fn locked() -> WireError {
    WireError::new(ErrorCode::SecretsLocked)
}

/// Opens what was stored. Values from before there was a key are sealed now.
pub(super) async fn take_up(core: &Core, record: &mut Record) {
    let headers = &mut record.profile.headers;
    if headers.is_empty() {
        return;
    }
    let plain = headers.iter().any(|(_, value)| !is_sealed(value));
    // What cannot be opened now is opened when the instance is asked for the next time.
    let opened = timeout(LIMIT, open(core.secrets(), headers)).await;
    if !matches!(opened, Ok(Ok(()))) {
        tracing::warn!(instance = %record.id, "header values cannot be read for now");
    }
    if plain {
        let rewritten = timeout(LIMIT, store::update(core, record.id, &record.profile)).await;
        if !matches!(rewritten, Ok(Ok(()))) {
            tracing::warn!(instance = %record.id, "header values are not sealed yet");
        }
    }
}

/// Opens the header values of an instance that could not be opened before.
pub(super) async fn open_again(core: &Core, id: InstanceId) {
    let record = core.instances.lock().get(&id).map(|live| live.record.clone());
    let Some(mut record) = record else { return };
    let headers = &mut record.profile.headers;
    if !headers.iter().any(|(_, value)| is_sealed(value)) {
        return;
    }
    if open(core.secrets(), headers).await.is_ok()
        && let Some(live) = core.instances.lock().get_mut(&id)
    {
        // The poller goes on; it takes the new client at its next look.
        let (worker, wake) = (live.worker.take(), live.wake.clone());
        *live = Live { worker, wake, ..Live::new(record) };
    }
}
