//! What only the desktop shell can do. The core has no handler for these.

use serde::{Deserialize, Serialize};

use crate::{command::Nothing, commands, settings::CloseButton, status::words};

commands! { "desktop";
    /// Attaches the caller's channel to the event stream; a new call replaces the old channel.
    read Subscribe = subscribe(ChannelRef) -> Nothing,
    /// The page has painted what it begins with: background work no longer delays it.
    read Painted = painted(Nothing) -> Nothing,
    /// A part of the page came to an end that should never come to one: for the log.
    read Fault = fault(PageFault) -> Nothing,
    /// What this desktop offers and how it is set.
    read Facts = facts(Nothing) -> DesktopFacts,
    /// Start Corral at login; answers the true state of the system.
    write SetAutostart = set_autostart(Autostart) -> DesktopFacts,
    /// Show no window when the system starts Corral at login; answers what is set.
    write SetStartHidden = set_start_hidden(StartHidden) -> DesktopFacts,
    /// Answers the question that closing the window asked.
    write CloseChoice = close_choice(CloseAnswer) -> Nothing,
    /// Shows a folder in the file manager.
    read Reveal = reveal(FolderRef) -> Nothing,
    /// Lets the user choose a file of this machine.
    read ChooseFile = choose_file(Nothing) -> ChosenFile,
    /// Lets the user choose a file with models, or with a list of them.
    read ChooseOpen = choose_open(ChooseKind) -> ChosenFile,
    /// Lets the user choose where to write one; the system asks before a file is replaced.
    read ChooseSave = choose_save(NewFile) -> ChosenFile,
    /// Lets the user choose a folder of this machine.
    read ChooseFolder = choose_folder(Nothing) -> ChosenFile,
    /// Lets the user choose where a text is to be kept, and writes it there.
    write SaveText = save_text(TextFile) -> ChosenFile,
    /// Saves the window's own preferences.
    read SavePreferences = save_preferences(Preferences) -> Nothing,
    read LoadPreferences = load_preferences(Nothing) -> Preferences,
}

/// The channel as Tauri's script serialises it (`__CHANNEL__:<id>`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRef {
    pub channel: String,
}

/// What went wrong in the page itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageFault {
    /// As it was thrown; only its first [`PageFault::MOST`] characters are kept.
    pub text: String,
}

impl PageFault {
    /// Characters that are kept.
    pub const MOST: usize = 4000;
}

/// The file that was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChosenFile {
    /// Its full path; `None` = none was chosen.
    pub path: Option<String>,
}

words! {
    /// What a file is to hold.
    FileKind {
        /// Models.
        Bundle = "bundle",
        /// Names of models.
        List = "list",
        /// A table of models for a spreadsheet.
        Csv = "csv",
        /// A table of models for a program.
        Json = "json",
        /// Lines of a log.
        Log = "log",
    }
}

/// Asks for a file of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChooseKind {
    pub kind: FileKind,
}

/// Asks where a file is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewFile {
    pub kind: FileKind,
    /// A name to begin with.
    pub name: String,
}

/// What was dropped onto the window: the payload of the event [`DROPPED`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Full paths.
    pub paths: Vec<String>,
}

/// The event that tells the page that files were dropped onto the window.
pub const DROPPED: &str = "corral://dropped";

/// A text that is to become a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextFile {
    /// The name that is proposed.
    pub name: String,
    pub text: String,
}

/// What this desktop offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DesktopFacts {
    /// A tray host shows our icon; without one the window is never hidden.
    pub tray: bool,
    pub autostart: bool,
    /// Started by the system, Corral shows no window.
    pub start_hidden: bool,
    /// Why autostart cannot be set, if so.
    pub autostart_problem: Option<String>,
    /// `linux`, `windows` or `macos`.
    pub system: String,
    pub log_folder: String,
    pub data_folder: String,
    /// `zh-CN` or `en`, from the system.
    pub system_language: String,
}

/// Whether Corral starts at login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Autostart {
    pub on: bool,
}

/// Whether a start at login shows no window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartHidden {
    pub on: bool,
}

/// What to do with the window, and whether to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseAnswer {
    pub choice: CloseButton,
    pub remember: bool,
}

words! {
    /// A folder of Corral's.
    Folder {
        Logs = "logs",
        Data = "data",
        Backups = "backups",
    }
}

/// Names a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderRef {
    pub folder: Folder,
}

/// Preferences of the window alone; unknown keys are kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preferences {
    pub values: serde_json::Map<String, serde_json::Value>,
}
