//! What the user can set in the core. Preferences of the window alone (language, theme, columns)
//! live in the window's own store; language is here too because tray and notifications speak it.

use serde::{Deserialize, Serialize};

use crate::{command::Nothing, commands, status::words};

commands! { "settings";
    read Get = get(Nothing) -> Settings,
    /// Replaces all; a bad field refuses the whole.
    write Update = update(Settings) -> Settings,
}

/// Everything that can be set. Missing fields take their default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    pub language: Language,
    /// Downloads at once per instance, 1 to 16.
    pub parallel_downloads: u32,
    /// Downloads at once on all instances together, 1 to 64.
    pub parallel_in_all: u32,
    /// Most connections of one layer, 1 to 16. Fewer are used where more bring nothing.
    pub connections: u32,
    /// Tries of one download before it counts as failed, 1 to 20.
    pub max_attempts: u32,
    /// Megabytes that downloads leave free on the disk of the models, 0 to 1,000,000.
    pub disk_reserve_mb: u32,
    /// Kilobytes per second of all downloads together; 0 = no limit; at most 10,000,000. Holds
    /// only for what Corral moves itself.
    pub bandwidth_kb: u32,
    /// Times of the day at which another limit holds; the first that fits counts. At most 8.
    pub bandwidth_windows: Vec<BandwidthWindow>,
    /// Downloads wait while the connection is paid by volume, where the system tells.
    pub pause_on_metered: bool,
    /// Downloads wait while somebody works at this machine, where the system tells.
    pub only_while_idle: bool,
    /// Minutes without a key or the mouse after which the machine counts as unused, 1 to 120.
    pub idle_minutes: u32,
    pub fetch_way: FetchWay,
    /// How often registries are asked for newer versions of installed models.
    pub update_check: UpdateCheck,
    /// Ask a model for one token, or one embedding, when its download is done.
    pub smoke_test: bool,
    /// Start unfinished downloads again when Corral starts.
    pub resume_on_start: bool,
    /// Load the models again that were in memory when Corral ended, the largest first.
    pub restore_running: bool,
    /// Minutes between two syncs of an instance without a schedule of its own; 0 = only on start
    /// and on demand; at most 1440.
    pub sync_minutes: u32,
    /// Syncs of an instance that fail in a row before anybody is notified, 1 to 20.
    pub sync_failures: u32,
    /// Days for which reports of syncs are kept, 1 to 3650.
    pub sync_keep_days: u32,
    /// Reports of syncs kept per instance, 10 to 100,000.
    pub sync_keep_reports: u32,
    /// Seconds between two looks at the loaded models while the window shows, 1 to 60.
    pub poll_visible_seconds: u32,
    /// The same while it is hidden, 5 to 600.
    pub poll_hidden_seconds: u32,
    /// Seconds in which a delete can be taken back, 0 to 60.
    pub undo_seconds: u32,
    /// Days for which a deleted model can be brought back, 0 to 365; 0 = none is kept.
    pub trash_days: u32,
    /// Days after which what a moved models folder left behind goes by itself, 0 to 365; 0 = only by
    /// a word.
    pub store_keep_days: u32,
    pub cleanup: CleanupSettings,
    /// Seconds to wait for a load, 30 to 7200.
    pub load_timeout_seconds: u32,
    pub notify: NotifySettings,
    pub close_button: CloseButton,
    /// End the servers that Corral runs itself when it quits. Others are never touched.
    pub stop_ollama_on_quit: bool,
    /// Ask once a day whether there is a newer Ollama than the one that Corral installed. It is
    /// told, never installed by itself.
    pub ollama_check: bool,
    pub resources: ResourceSettings,
    /// Words of [`LogLevel`], changeable while running.
    pub log_level: LogLevel,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            language: Language::System,
            parallel_downloads: 3,
            parallel_in_all: 6,
            connections: 16,
            max_attempts: 6,
            disk_reserve_mb: 2_000,
            bandwidth_kb: 0,
            bandwidth_windows: Vec::new(),
            pause_on_metered: false,
            only_while_idle: false,
            idle_minutes: 5,
            fetch_way: FetchWay::Automatic,
            update_check: UpdateCheck::Daily,
            smoke_test: false,
            resume_on_start: true,
            restore_running: false,
            sync_minutes: 10,
            sync_failures: 3,
            sync_keep_days: 90,
            sync_keep_reports: 1_000,
            poll_visible_seconds: 2,
            poll_hidden_seconds: 15,
            undo_seconds: 10,
            trash_days: 7,
            store_keep_days: 14,
            cleanup: CleanupSettings::default(),
            load_timeout_seconds: 600,
            notify: NotifySettings::default(),
            close_button: CloseButton::Ask,
            stop_ollama_on_quit: true,
            ollama_check: true,
            resources: ResourceSettings::default(),
            log_level: LogLevel::Info,
        }
    }
}

/// A time of the day with a limit of its own, by the clock of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BandwidthWindow {
    pub days: Days,
    /// Minute of the day at which it begins, 0 to 1439.
    pub from: u16,
    /// Minute of the day at which it ends; at or before `from` means on the next day.
    pub to: u16,
    /// Kilobytes per second; 0 = no limit; at most 10,000,000.
    pub kb: u32,
}

words! {
    /// Days on which a window begins.
    Days {
        Every = "every",
        /// Monday to Friday.
        Weekdays = "weekdays",
        /// Saturday and Sunday.
        Weekend = "weekend",
    }
}

/// What goes by itself, looked at once a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CleanupSettings {
    pub mode: CleanupMode,
    /// Blobs without a model, too.
    pub orphans: bool,
    /// Models that were not used for so many days, too, 0 to 3650; 0 = never. Pinned ones and
    /// those never seen in use stay.
    pub unused_days: u32,
}

impl Default for CleanupSettings {
    fn default() -> Self {
        CleanupSettings { mode: CleanupMode::Off, orphans: false, unused_days: 0 }
    }
}

/// From which share on something of this machine counts as short, in percent, 50 to 100; 100 is
/// never reached and turns it off. It is well again five percent below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceSettings {
    /// Of the disk that models lie on. From the second one on no download begins there.
    pub disk_warn: u32,
    pub disk_critical: u32,
    /// Of the memory. From the second one on no model is loaded here.
    pub ram_warn: u32,
    pub ram_critical: u32,
    /// Of all processors together.
    pub cpu_warn: u32,
    pub cpu_critical: u32,
    /// Of the memory of the graphics cards together.
    pub gpu_warn: u32,
    pub gpu_critical: u32,
}

impl Default for ResourceSettings {
    fn default() -> Self {
        ResourceSettings {
            disk_warn: 90,
            disk_critical: 98,
            ram_warn: 90,
            ram_critical: 97,
            cpu_warn: 95,
            cpu_critical: 100,
            gpu_warn: 98,
            gpu_critical: 100,
        }
    }
}

/// Which system notifications are shown while the window is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NotifySettings {
    pub download_done: bool,
    pub failed: bool,
    pub instance_down: bool,
    pub model_crashed: bool,
}

impl Default for NotifySettings {
    fn default() -> Self {
        NotifySettings {
            download_done: true,
            failed: true,
            instance_down: true,
            model_crashed: true,
        }
    }
}

words! {
    /// How often registries are asked for newer versions.
    UpdateCheck {
        Off = "off",
        Daily = "daily",
        Weekly = "weekly",
    }
}

words! {
    /// What becomes of files that could go.
    CleanupMode {
        Off = "off",
        /// A notice says what could go.
        Propose = "propose",
        /// They are removed, and a notice says what went.
        Do = "do",
    }
}

words! {
    /// Who moves the bytes of a download.
    FetchWay {
        /// Corral where it can see the store, the server otherwise.
        Automatic = "automatic",
        /// Corral always; it uploads to servers elsewhere.
        Direct = "direct",
        /// The server's own puller.
        Server = "server",
    }
}

words! {
    /// Language of window, tray and notifications.
    Language {
        System = "system",
        ZhCn = "zh-CN",
        En = "en",
    }
}

words! {
    /// What the window's close button does.
    CloseButton {
        Ask = "ask",
        Tray = "tray",
        Quit = "quit",
    }
}

words! {
    /// How much is logged.
    LogLevel {
        Error = "error",
        Warn = "warn",
        Info = "info",
        Debug = "debug",
        Trace = "trace",
    }
}
