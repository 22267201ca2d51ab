//! What a desktop offers beside windows: somebody who shows tray icons and somebody who shows
//! notifications.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use zbus::{
    Connection, Proxy, connection, interface,
    message::Header,
    object_server::SignalEmitter,
    zvariant::{OwnedObjectPath, OwnedValue, Value},
};

use super::{Desktop, PATIENCE, until};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const WATCHER_PATH: &str = "/StatusNotifierWatcher";
const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
const NOTIFICATIONS_PATH: &str = "/org/freedesktop/Notifications";

/// Icons that registered: who and where.
type Icons = Arc<Mutex<Vec<(String, String)>>>;

/// Title and body of what was shown; the place in the list is its number.
type Shown = Arc<Mutex<Vec<(String, String)>>>;

/// Both services on the bus of a desktop. They end with it.
#[derive(Debug)]
pub struct Services {
    bus: Connection,
    icons: Icons,
    shown: Shown,
}

impl Services {
    /// Starts both.
    ///
    /// # Errors
    /// When the bus refuses a name.
    pub async fn start(desktop: &Desktop) -> Result<Services> {
        let (icons, shown) = (Icons::default(), Shown::default());
        let bus = connection::Builder::address(desktop.bus())?
            .serve_at(WATCHER_PATH, Watcher { icons: Arc::clone(&icons) })?
            .serve_at(NOTIFICATIONS_PATH, Notifications { shown: Arc::clone(&shown) })?
            .name(WATCHER)?
            .name(NOTIFICATIONS)?
            .build()
            .await?;
        Ok(Services { bus, icons, shown })
    }

    /// The tray goes away, as when a panel crashes.
    ///
    /// # Errors
    /// When the bus is gone.
    pub async fn end_tray(&self) -> Result<()> {
        self.bus.release_name(WATCHER).await?;
        Ok(())
    }

    /// Waits for a notification whose title holds a text; answers its number.
    ///
    /// # Errors
    /// When none came in time.
    pub async fn notified(&self, text: &str) -> Result<u32> {
        let mut found = None;
        until(&format!("a notification about {text}"), PATIENCE, async || {
            let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
            found = shown.iter().position(|(title, _)| title.contains(text));
            Ok(found.is_some())
        })
        .await?;
        Ok(u32::try_from(found.context("it was there a moment ago")?)? + 1)
    }

    /// Clicks a notification.
    ///
    /// # Errors
    /// When the bus is gone.
    pub async fn click(&self, number: u32) -> Result<()> {
        let emitter = SignalEmitter::new(&self.bus, NOTIFICATIONS_PATH)?;
        Notifications::action_invoked(&emitter, number, "default").await?;
        Ok(())
    }

    /// Waits until the tray's menu has an entry whose text holds this; answers its number.
    ///
    /// # Errors
    /// When none came in time.
    pub async fn entry(&self, text: &str) -> Result<i32> {
        let mut found = None;
        until(&format!("the tray's menu says {text:?}"), PATIENCE, async || {
            found = match self.menu().await {
                Ok(entries) => {
                    entries.into_iter().find(|(_, label)| label.contains(text)).map(|(id, _)| id)
                }
                // It is not there yet, or being replaced right now.
                Err(_) => None,
            };
            Ok(found.is_some())
        })
        .await?;
        found.context("it was there a moment ago")
    }

    /// Chooses an entry of the tray's menu.
    ///
    /// # Errors
    /// When there is no such entry in time.
    pub async fn choose(&self, text: &str) -> Result<()> {
        let entry = self.entry(text).await?;
        let menu = self.proxy().await?;
        menu.call_method("Event", &(entry, "clicked", Value::from(0_i32), 0_u32)).await?;
        Ok(())
    }

    /// Every entry of the menu: number and text.
    async fn menu(&self) -> Result<Vec<(i32, String)>> {
        type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);
        let nothing: Vec<&str> = Vec::new();
        let (_, root): (u32, Layout) =
            self.proxy().await?.call("GetLayout", &(0_i32, -1_i32, nothing)).await?;
        let mut entries = Vec::new();
        let mut left = root.2;
        while let Some(node) = left.pop() {
            let (id, facts, more): Layout = node.try_into()?;
            if let Some(label) = facts.get("label") {
                entries.push((id, String::try_from(label.try_clone()?)?));
            }
            left.extend(more);
        }
        Ok(entries)
    }

    /// The menu of the icon that registered last.
    async fn proxy(&self) -> Result<Proxy<'static>> {
        let icon = self.icons.lock().unwrap_or_else(PoisonError::into_inner).last().cloned();
        let (owner, path) = icon.context("no icon has registered")?;
        let item = Proxy::new(&self.bus, owner.clone(), path, "org.kde.StatusNotifierItem").await?;
        let menu: OwnedObjectPath = item.get_property("Menu").await?;
        Ok(Proxy::new(&self.bus, owner, menu, "com.canonical.dbusmenu").await?)
    }
}

struct Watcher {
    icons: Icons,
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    /// Programs send a path, or the name they own with the usual path meant.
    fn register_status_notifier_item(&self, #[zbus(header)] header: Header<'_>, service: &str) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        let icon = if service.starts_with('/') {
            (sender, service.to_owned())
        } else {
            (service.to_owned(), "/StatusNotifierItem".to_owned())
        };
        self.icons.lock().unwrap_or_else(PoisonError::into_inner).push(icon);
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let icons = self.icons.lock().unwrap_or_else(PoisonError::into_inner);
        icons.iter().map(|(owner, path)| format!("{owner}{path}")).collect()
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

struct Notifications {
    shown: Shown,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[expect(clippy::too_many_arguments, reason = "the specification has so many")]
    fn notify(
        &self,
        _app: &str,
        _replaces: u32,
        _icon: &str,
        summary: &str,
        body: &str,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.push((summary.to_owned(), body.to_owned()));
        u32::try_from(shown.len()).unwrap_or(u32::MAX)
    }

    fn close_notification(&self, _id: u32) {}

    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".to_owned(), "actions".to_owned()]
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("test".to_owned(), "Corral".to_owned(), "1".to_owned(), "1.2".to_owned())
    }

    #[zbus(signal)]
    async fn action_invoked(
        emitter: &SignalEmitter<'_>,
        id: u32,
        action_key: &str,
    ) -> zbus::Result<()>;
}
