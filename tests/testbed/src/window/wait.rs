//! Waiting for a condition instead of for a time.

use std::time::{Duration, Instant};

use anyhow::{Error, Result, bail};

/// How long anything may take before a test gives up. Far above what it takes on a slow machine.
pub const PATIENCE: Duration = crate::patience::DEADLINE;

/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(25);

/// An element that went while it was looked at: that look told nothing.
fn not_yet(error: Error) -> Result<bool> {
    let stale = format!("{error:#}").contains("Element is stale");
    if stale { Ok(false) } else { Err(error) }
}

/// Looks again and again until the condition holds.
///
/// # Errors
/// When it does not hold by `deadline`, naming `what` was waited for, or when looking fails.
pub async fn until(
    what: &str,
    deadline: Duration,
    mut holds: impl AsyncFnMut() -> Result<bool>,
) -> Result<()> {
    let started = Instant::now();
    while !holds().await.or_else(not_yet)? {
        if started.elapsed() > deadline {
            bail!("waited {} s in vain until {what}", deadline.as_secs());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
