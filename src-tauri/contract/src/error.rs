//! Errors as they cross the wire: a code of a closed list, values for its text, and the advice
//! the window can offer. Nobody matches on text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What went wrong, for people and for programs.
///
/// The texts live under `error.<code>.title`, `.cause` and `.advice` in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireError {
    /// One of the closed list.
    pub code: ErrorCode,
    /// Values that the text names, such as `name`, `field`, `needed`. Never secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// The next step the window offers as a button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Advice>,
    /// The raw text of the outside system, for "details" and for copying. Redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl WireError {
    /// An error with the advice that usually fits its code.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        WireError { code, params: BTreeMap::new(), hint: code.usual_advice(), detail: None }
    }

    /// Adds a value that the text names.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.params.insert(key.to_owned(), value.to_string());
        self
    }

    /// Keeps the raw text for "details".
    #[must_use]
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        self.detail = Some(text.into());
        self
    }

    /// Bad input: names the field and why it is refused (`reason` is a key under `reason.`).
    #[must_use]
    pub fn field(field: &str, reason: &str) -> Self {
        WireError::new(ErrorCode::InvalidInput).with("field", field).with("reason", reason)
    }
}

impl std::fmt::Display for WireError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.code.as_str())?;
        for (key, value) in &self.params {
            write!(formatter, " {key}={value}")?;
        }
        if let Some(detail) = &self.detail {
            write!(formatter, ": {detail}")?;
        }
        Ok(())
    }
}

impl std::error::Error for WireError {}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal $(=> $advice:ident)?),+ $(,)?) => {
        /// The closed list of error codes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ErrorCode { $($(#[$doc])* #[serde(rename = $text)] $variant),+ }

        impl ErrorCode {
            /// Every code, for tables and tests.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant),+];

            /// The code as it is shown, logged and searched for.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $text),+ }
            }

            /// The advice that usually fits.
            #[must_use]
            pub fn usual_advice(self) -> Option<Advice> {
                match self { $(ErrorCode::$variant => codes!(@advice $($advice)?)),+ }
            }
        }
    };
    (@advice) => { None };
    (@advice $advice:ident) => { Some(Advice::$advice) };
}

codes! {
    // What the caller sent.
    InvalidInput = "INVALID_INPUT",
    NotFound = "NOT_FOUND" => Refresh,
    /// The state does not allow this action (any more).
    WrongState = "WRONG_STATE" => Refresh,
    AlreadyExists = "ALREADY_EXISTS" => ChangeName,
    Denied = "DENIED",
    /// Another operation on the same model has to end first.
    Busy = "BUSY" => OpenTask,
    Cancelled = "CANCELLED" => Retry,
    // Reaching an instance.
    InstanceOffline = "INSTANCE_OFFLINE" => TryNow,
    ConnectionRefused = "CONNECTION_REFUSED" => TryNow,
    TimedOut = "TIMED_OUT" => Retry,
    DnsFailed = "DNS_FAILED" => EditInstance,
    TlsFailed = "TLS_FAILED" => EditInstance,
    /// 401 or 403 of a proxy in front of the server.
    AccessRefused = "ACCESS_REFUSED" => EditInstance,
    /// Something answers, but it is not Ollama.
    NotOllama = "NOT_OLLAMA" => EditInstance,
    TooOld = "TOO_OLD" => UpdateOllama,
    ServerFault = "SERVER_FAULT" => Retry,
    BadAnswer = "BAD_ANSWER" => Retry,
    AnswerTooLarge = "ANSWER_TOO_LARGE",
    RedirectLoop = "REDIRECT_LOOP" => EditInstance,
    ConnectionLost = "CONNECTION_LOST" => Retry,
    ServerBusy = "SERVER_BUSY" => Retry,
    // Fetching a model.
    ModelUnknown = "MODEL_UNKNOWN" => ChangeName,
    NeedsNewerOllama = "NEEDS_NEWER_OLLAMA" => UpdateOllama,
    RealmMismatch = "REALM_MISMATCH" => ChangeName,
    SignInNeeded = "SIGN_IN_NEEDED" => SignIn,
    RedirectBlocked = "REDIRECT_BLOCKED" => UpdateOllama,
    RegistryUnreachable = "REGISTRY_UNREACHABLE" => Retry,
    /// The proxy that the user named does not let a connection through.
    ProxyFailed = "PROXY_FAILED" => Retry,
    DownloadInterrupted = "DOWNLOAD_INTERRUPTED" => Retry,
    CancelWindingDown = "CANCEL_WINDING_DOWN" => Retry,
    DigestMismatch = "DIGEST_MISMATCH" => Retry,
    DiskFull = "DISK_FULL" => CleanUp,
    /// So much of the disk is used that nothing more is begun.
    DiskCritical = "DISK_CRITICAL" => CleanUp,
    /// So much of the machine is used that nothing more is begun.
    MachineBusy = "MACHINE_BUSY" => Retry,
    /// The disk would fall below the reserve.
    DiskShort = "DISK_SHORT" => CleanUp,
    /// How much room there is cannot be seen.
    DiskUnknown = "DISK_UNKNOWN",
    /// It would need more memory than there is.
    MemoryShort = "MEMORY_SHORT" => ChangeName,
    RegistryIncompatible = "REGISTRY_INCOMPATIBLE" => ChangeName,
    PlatformUnsupported = "PLATFORM_UNSUPPORTED" => ChangeName,
    StorePermission = "STORE_PERMISSION" => OpenLog,
    // Checking what is there.
    /// The models folder cannot be seen from this machine.
    StoreElsewhere = "STORE_ELSEWHERE",
    /// A folder that the user named is not there, perhaps with its drive.
    FolderMissing = "FOLDER_MISSING" => Retry,
    /// What was to be deleted is not what it was when it was chosen.
    ChangedMeanwhile = "CHANGED_MEANWHILE" => Refresh,
    /// The user pinned it; it goes only when he says so once more.
    Pinned = "PINNED",
    /// The file system of the store has no hard links, so that nothing can be kept without a copy.
    TrashImpossible = "TRASH_IMPOSSIBLE",
    /// Layers are not what their names promise.
    LayersDamaged = "LAYERS_DAMAGED",
    /// A server takes this model only as a new one, made of its layers.
    OnlyRebuild = "ONLY_REBUILD",
    /// The damaged layers are not to be had from a registry.
    NotFetchable = "NOT_FETCHABLE",
    // Steering a server.
    /// The system does not do what it was asked: no right, a masked unit, or its own words.
    ServiceRefused = "SERVICE_REFUSED" => OpenLog,
    /// What would start the server is not there.
    ServiceMissing = "SERVICE_MISSING" => Refresh,
    /// The server did not work with its new variables; the old ones are back.
    ChangeTakenBack = "CHANGE_TAKEN_BACK" => OpenLog,
    /// Neither the new nor the old variables brought it up again.
    ChangeStuck = "CHANGE_STUCK" => OpenLog,
    /// Something else listens where a server is to listen.
    PortTaken = "PORT_TAKEN" => Retry,
    /// A server was started and did not come to answer; `why` says what became of it.
    ServerNotStarted = "SERVER_NOT_STARTED" => OpenLog,
    /// An archive is not what it should be, or wants to write where it may not.
    ArchiveRefused = "ARCHIVE_REFUSED",
    // Running a model.
    OutOfMemory = "MODEL_OUT_OF_MEMORY" => LowerContext,
    UnsupportedArchitecture = "UNSUPPORTED_ARCHITECTURE" => UpdateOllama,
    RunnerCrashed = "RUNNER_CRASHED" => OpenLog,
    LoadTimedOut = "LOAD_TIMED_OUT" => Retry,
    UnloadStuck = "UNLOAD_STUCK" => Retry,
    ModelBroken = "MODEL_BROKEN" => Recreate,
    NotSupportedByModel = "NOT_SUPPORTED_BY_MODEL",
    CloudDisabled = "CLOUD_DISABLED" => EditInstance,
    // Synchronising.
    /// The server's list is suddenly empty; nothing is marked before the user agrees.
    EmptyListSuspicious = "EMPTY_LIST_SUSPICIOUS" => ConfirmEmpty,
    // Corral itself.
    /// The document's `ErrStructTransform`.
    StructTransform = "STRUCT_TRANSFORM" => OpenLog,
    DatabaseBusy = "DATABASE_BUSY" => Retry,
    DatabaseReadOnly = "DATABASE_READ_ONLY" => CleanUp,
    DatabaseDamaged = "DATABASE_DAMAGED" => RestoreBackup,
    FileSystem = "FILE_SYSTEM" => OpenLog,
    /// The key of the kept passwords and tokens cannot be had.
    SecretsLocked = "SECRETS_LOCKED" => Retry,
    ShuttingDown = "SHUTTING_DOWN",
    Internal = "INTERNAL" => OpenLog,
}

/// The next step that a window offers as a button; its text is `advice.<name>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Advice {
    Retry,
    Refresh,
    TryNow,
    ChangeName,
    EditInstance,
    UpdateOllama,
    SignIn,
    CleanUp,
    OpenLog,
    OpenTask,
    LowerContext,
    Recreate,
    ConfirmEmpty,
    RestoreBackup,
}

impl Advice {
    /// Every advice, for tables and tests.
    pub const ALL: &'static [Advice] = &[
        Advice::Retry,
        Advice::Refresh,
        Advice::TryNow,
        Advice::ChangeName,
        Advice::EditInstance,
        Advice::UpdateOllama,
        Advice::SignIn,
        Advice::CleanUp,
        Advice::OpenLog,
        Advice::OpenTask,
        Advice::LowerContext,
        Advice::Recreate,
        Advice::ConfirmEmpty,
        Advice::RestoreBackup,
    ];

    /// The name under `advice.` in the texts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Advice::Retry => "retry",
            Advice::Refresh => "refresh",
            Advice::TryNow => "tryNow",
            Advice::ChangeName => "changeName",
            Advice::EditInstance => "editInstance",
            Advice::UpdateOllama => "updateOllama",
            Advice::SignIn => "signIn",
            Advice::CleanUp => "cleanUp",
            Advice::OpenLog => "openLog",
            Advice::OpenTask => "openTask",
            Advice::LowerContext => "lowerContext",
            Advice::Recreate => "recreate",
            Advice::ConfirmEmpty => "confirmEmpty",
            Advice::RestoreBackup => "restoreBackup",
        }
    }
}
