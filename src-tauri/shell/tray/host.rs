//! Is there a tray? On Linux that is a service on the session bus which may come late and go any
//! time.

use std::sync::Arc;

use futures_util::StreamExt;
use tauri::{AppHandle, Runtime, async_runtime};
use zbus::{Connection, Proxy, fdo::DBusProxy, names::BusName, proxy::CacheProperties};

use super::view::View;

/// Where programs with an icon register, and where those that show icons do.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const PATH: &str = "/StatusNotifierWatcher";

/// Follows it until the app ends.
pub(super) fn watch<R: Runtime>(app: &AppHandle<R>, view: Arc<View<R>>) {
    let app = app.clone();
    async_runtime::spawn(async move {
        let mut last = None;
        let mut report = |there: bool| {
            if last != Some(there) {
                super::host_changed(&app, &view, there, last.is_none());
                last = Some(there);
            }
        };
        if let Err(error) = listen(&mut report).await {
            tracing::info!(%error, "no session bus, so no tray");
        }
        report(false);
    });
}

/// Reports what is and each change of it. Returns when the bus is gone.
async fn listen(report: &mut impl FnMut(bool)) -> zbus::Result<()> {
    let bus = Connection::session().await?;
    let names = DBusProxy::new(&bus).await?;
    let watcher: Proxy<'_> = zbus::proxy::Builder::new(&bus)
        .destination(WATCHER)?
        .path(PATH)?
        .interface(WATCHER)?
        .cache_properties(CacheProperties::No)
        .build()
        .await?;
    let mut owners = names.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?;
    let mut hosts = watcher.receive_all_signals().await?;
    loop {
        let owned = names.name_has_owner(BusName::try_from(WATCHER)?).await?;
        report(owned && has_host(&watcher).await);
        let more = tokio::select! {
            owner = owners.next() => owner.is_some(),
            signal = hosts.next() => signal.is_some(),
        };
        if !more {
            return Ok(());
        }
    }
}

/// Whether somebody shows what is registered. A watcher that does not tell is taken at its word
/// that it watches for a reason.
async fn has_host(watcher: &Proxy<'_>) -> bool {
    watcher.get_property("IsStatusNotifierHostRegistered").await.unwrap_or(true)
}
