//! Building again on every change.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::{Variant, build, sources};

/// How often the sources are looked at; reading them all takes a few milliseconds.
const PAUSE: Duration = Duration::from_millis(400);

/// Builds the quick variant now and after every change. A source that does not compile is
/// reported by the compiler and waited on, not an end.
pub(super) fn forever() -> Result<()> {
    loop {
        let seen = sources(Variant::Dev)?;
        if let Err(error) = build(Variant::Dev) {
            eprintln!("ui: {error:#}");
        }
        eprintln!("ui: waiting for a change (Ctrl+C ends)");
        while sources(Variant::Dev)? == seen {
            thread::sleep(PAUSE);
        }
    }
}
