//! A server that nothing here can steer.

use std::collections::BTreeMap;

use async_trait::async_trait;
use corral_contract::{ErrorCode, WireError};

use super::{Changes, LogSource, Powers, ServiceControl, Verb};
use crate::Result;

/// Refuses everything.
pub(super) struct Absent(pub(super) &'static str);

impl Absent {
    fn refused<T>(&self) -> Result<T> {
        Err(WireError::new(ErrorCode::ServiceMissing).with("reason", self.0))
    }
}

#[async_trait]
impl ServiceControl for Absent {
    fn powers(&self) -> Powers {
        Powers { why_not: Some(self.0), ..Powers::default() }
    }

    fn equivalent(&self, _verb: Verb) -> Vec<String> {
        Vec::new()
    }

    async fn act(&self, _verb: Verb) -> Result<()> {
        self.refused()
    }

    async fn environment(&self) -> Result<BTreeMap<String, String>> {
        // Nothing is written down for a server that nothing here starts.
        Ok(BTreeMap::new())
    }

    async fn preview_environment(&self, _changes: &Changes) -> Result<(String, String)> {
        self.refused()
    }

    async fn set_environment(&self, _changes: &Changes) -> Result<Changes> {
        self.refused()
    }

    async fn autostart(&self) -> Result<Option<bool>> {
        Ok(None)
    }

    async fn set_autostart(&self, _on: bool) -> Result<()> {
        self.refused()
    }

    fn log(&self) -> LogSource {
        LogSource::Nowhere
    }
}
