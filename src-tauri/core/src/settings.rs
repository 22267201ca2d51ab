//! What the user can set.

use std::sync::{PoisonError, RwLock};

use corral_contract::{
    WireError, command::Nothing, event::AppEvent, settings::BandwidthWindow, settings::Settings,
    settings::call,
};

use crate::{Core, Result, db::Db, router::Handle, signal::Signal};

mod store;

/// Highest limit of the speed that can be set, in kilobytes per second.
pub(crate) const FASTEST_KB: u32 = 10_000_000;
/// Most times of the day with a limit of their own.
const MOST_WINDOWS: usize = 8;

/// The settings in force.
pub(crate) struct Cell(RwLock<Settings>);

impl Cell {
    pub(crate) fn new(settings: Settings) -> Self {
        Cell(RwLock::new(settings))
    }
}

impl Core {
    /// The settings in force now.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Stored settings; defaults where there are none or they cannot be read.
pub(crate) async fn load(db: &Db) -> Settings {
    match store::load(db).await {
        Ok(settings) => settings.unwrap_or_default(),
        Err(error) => {
            tracing::warn!(%error, "settings could not be read, taking the defaults");
            Settings::default()
        }
    }
}

impl Handle<call::Get> for Core {
    async fn handle(&self, _: Nothing) -> Result<Settings> {
        Ok(self.settings())
    }
}

impl Handle<call::Update> for Core {
    async fn handle(&self, settings: Settings) -> Result<Settings> {
        check(&settings)?;
        store::save(&self.db, &settings).await?;
        *self.settings.0.write().unwrap_or_else(PoisonError::into_inner) = settings.clone();
        self.log_level.set(settings.log_level);
        self.bus.send(AppEvent::Settings(settings.clone()));
        self.signals.send(Signal::SettingsChanged);
        Ok(settings)
    }
}

fn check(settings: &Settings) -> Result<()> {
    let ranges = [
        ("parallelDownloads", settings.parallel_downloads, 1..=16),
        ("parallelInAll", settings.parallel_in_all, 1..=64),
        ("connections", settings.connections, 1..=16),
        ("idleMinutes", settings.idle_minutes, 1..=120),
        ("maxAttempts", settings.max_attempts, 1..=20),
        ("diskReserveMb", settings.disk_reserve_mb, 0..=1_000_000),
        ("bandwidthKb", settings.bandwidth_kb, 0..=FASTEST_KB),
        ("syncMinutes", settings.sync_minutes, 0..=1440),
        ("syncFailures", settings.sync_failures, 1..=20),
        ("syncKeepDays", settings.sync_keep_days, 1..=3650),
        ("syncKeepReports", settings.sync_keep_reports, 10..=100_000),
        ("pollVisibleSeconds", settings.poll_visible_seconds, 1..=60),
        ("pollHiddenSeconds", settings.poll_hidden_seconds, 5..=600),
        ("undoSeconds", settings.undo_seconds, 0..=60),
        ("storeKeepDays", settings.store_keep_days, 0..=365),
        ("trashDays", settings.trash_days, 0..=365),
        ("cleanupUnusedDays", settings.cleanup.unused_days, 0..=3650),
        ("loadTimeoutSeconds", settings.load_timeout_seconds, 30..=7200),
        ("diskWarn", settings.resources.disk_warn, 50..=100),
        ("diskCritical", settings.resources.disk_critical, 50..=100),
        ("ramWarn", settings.resources.ram_warn, 50..=100),
        ("ramCritical", settings.resources.ram_critical, 50..=100),
        ("cpuWarn", settings.resources.cpu_warn, 50..=100),
        ("cpuCritical", settings.resources.cpu_critical, 50..=100),
        ("gpuWarn", settings.resources.gpu_warn, 50..=100),
        ("gpuCritical", settings.resources.gpu_critical, 50..=100),
    ];
    for (field, value, range) in ranges {
        if !range.contains(&value) {
            return Err(WireError::field(field, "outOfRange")
                .with("min", range.start())
                .with("max", range.end()));
        }
    }
    check_windows(&settings.bandwidth_windows)
}

fn check_windows(windows: &[BandwidthWindow]) -> Result<()> {
    let out_of_range = |most: u32| {
        Err(WireError::field("bandwidthWindows", "outOfRange").with("min", 0).with("max", most))
    };
    if windows.len() > MOST_WINDOWS {
        return out_of_range(MOST_WINDOWS as u32);
    }
    if windows.iter().any(|window| window.from.max(window.to) >= 24 * 60) {
        return out_of_range(24 * 60 - 1);
    }
    if windows.iter().any(|window| window.kb > FASTEST_KB) {
        return out_of_range(FASTEST_KB);
    }
    Ok(())
}
