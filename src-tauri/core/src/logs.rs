//! Corral's own log: what is written, how much of it is kept, and what never gets into it.

use std::sync::Arc;

use corral_contract::settings::LogLevel;

mod file;
mod redact;

pub use file::{LogFile, init};
pub use redact::redact;

/// Changes how much is logged while Corral runs.
#[derive(Clone, Default)]
pub struct LevelHandle(Option<Arc<dyn Fn(LogLevel) + Send + Sync>>);

impl LevelHandle {
    fn new(set: impl Fn(LogLevel) + Send + Sync + 'static) -> Self {
        LevelHandle(Some(Arc::new(set)))
    }

    /// Takes effect at once; without a log (tests) it does nothing.
    pub fn set(&self, level: LogLevel) {
        if let Some(set) = &self.0 {
            set(level);
        }
    }
}
