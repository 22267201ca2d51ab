//! What deserves a notification. Each is kept, so that the window can show it also when the
//! system's notifications are off.

use corral_contract::{
    WireError,
    app::{Notice, NoticeKind},
    event::AppEvent,
};

use crate::{Core, Result};

mod store;

/// Notices that a snapshot carries.
const RECENT: i64 = 100;

/// Keeps a notice and tells everybody. One that cannot be kept is told all the same.
pub(crate) async fn tell(
    core: &Core,
    kind: NoticeKind,
    subject: impl Into<String>,
    problem: Option<WireError>,
) {
    let mut notice = Notice { id: 0, at: core.now(), kind, subject: subject.into(), problem };
    match store::insert(&core.db, &notice).await {
        Ok(id) => notice.id = id,
        Err(error) => tracing::warn!(%error, "notice not kept"),
    }
    core.bus.send(AppEvent::Notice(notice));
}

pub(crate) async fn recent(core: &Core) -> Result<Vec<Notice>> {
    store::recent(&core.db, RECENT).await
}
