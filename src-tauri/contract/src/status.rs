//! The states of a model: two axes, the single status derived from them, and what each allows.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every value, in the order listed.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word on the wire and in the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            /// The value of a word; `None` for any other text.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Whether the files of a model are there.
    Install {
        Queued = "queued",
        Downloading = "downloading",
        Paused = "paused",
        Verifying = "verifying",
        Ready = "ready",
        Failed = "failed",
        /// Known to us, gone from the server.
        Unavailable = "unavailable",
    }
}

words! {
    /// Whether a model is in memory.
    Run {
        Stopped = "stopped",
        Starting = "starting",
        Running = "running",
        Stopping = "stopping",
        Crashed = "crashed",
        /// The instance does not answer, so nobody knows.
        Unknown = "unknown",
    }
}

words! {
    /// The single status of a row, derived from [`Install`] and [`Run`] by [`Status::derive`].
    Status {
        Running = "running",
        Starting = "starting",
        Stopping = "stopping",
        Downloading = "downloading",
        Verifying = "verifying",
        Paused = "paused",
        Queued = "queued",
        Stopped = "stopped",
        Failed = "failed",
        Crashed = "crashed",
        Unavailable = "unavailable",
    }
}

impl Status {
    /// Priority: crashed > failed > verifying/downloading/paused/queued > stopping/starting >
    /// running > stopped > unavailable.
    ///
    /// An unknown run state shows as `stopped`: the row then says that its instance is offline.
    #[must_use]
    pub fn derive(install: Install, run: Run) -> Status {
        match (install, run) {
            (_, Run::Crashed) => Status::Crashed,
            (Install::Failed, _) => Status::Failed,
            (Install::Verifying, _) => Status::Verifying,
            (Install::Downloading, _) => Status::Downloading,
            (Install::Paused, _) => Status::Paused,
            (Install::Queued, _) => Status::Queued,
            (_, Run::Stopping) => Status::Stopping,
            (_, Run::Starting) => Status::Starting,
            (_, Run::Running) => Status::Running,
            (Install::Ready, Run::Stopped | Run::Unknown) => Status::Stopped,
            (Install::Unavailable, Run::Stopped | Run::Unknown) => Status::Unavailable,
        }
    }
}

words! {
    /// Where a model comes from; the document's `From`.
    Origin {
        /// A library model of registry.ollama.ai.
        Official = "official",
        /// Another registry or a user's namespace, and cloud models.
        Remote = "remote",
        /// Made by create, copy or import.
        Custom = "custom",
        /// Already there when first seen, origin unknown.
        Local = "local",
    }
}

words! {
    /// What a row's buttons can do.
    Action {
        Start = "start",
        Close = "close",
        Pause = "pause",
        /// Resume, retry or fetch again, whichever the status means.
        Resume = "resume",
        Cancel = "cancel",
        Recreate = "recreate",
        Delete = "delete",
    }
}

/// The facts that decide what a row allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// The derived status.
    pub status: Status,
    /// Whether the instance answers.
    pub online: bool,
    /// Whether the server has the model's files (a failed start of a present model may be
    /// repeated, a failed download may not be started).
    pub files: bool,
    /// Whether a job of ours still stands in the queue for it.
    pub queued_job: bool,
}

impl Situation {
    /// The table of acceptance §2. Delete of an unavailable row, and of any row while its
    /// instance is offline, removes the row only.
    #[must_use]
    pub fn actions(self) -> Vec<Action> {
        use Action::{Cancel, Close, Delete, Pause, Recreate, Resume, Start};
        if !self.online {
            let mut actions = match self.status {
                Status::Queued | Status::Downloading => vec![Pause, Cancel],
                Status::Verifying => vec![Cancel],
                Status::Paused => vec![Resume, Cancel],
                Status::Failed if self.queued_job => vec![Cancel],
                _ => Vec::new(),
            };
            if !matches!(self.status, Status::Queued | Status::Downloading | Status::Verifying) {
                actions.push(Delete);
            }
            return actions;
        }
        match self.status {
            Status::Queued | Status::Downloading => vec![Pause, Cancel],
            Status::Verifying => vec![Cancel],
            Status::Paused => vec![Resume, Cancel, Delete],
            Status::Stopped => vec![Start, Recreate, Delete],
            Status::Starting => vec![Close, Cancel],
            Status::Stopping => Vec::new(),
            Status::Running => vec![Close, Recreate, Delete],
            Status::Failed | Status::Crashed if self.files => {
                vec![Start, Resume, Recreate, Delete]
            }
            Status::Failed | Status::Crashed => vec![Resume, Recreate, Delete],
            Status::Unavailable => vec![Resume, Recreate, Delete],
        }
    }
}

words! {
    /// Why a model's state changed.
    Cause {
        User = "user",
        /// Its keep-alive ran out.
        Idle = "idle",
        /// Another load needed the memory.
        Evicted = "evicted",
        Crash = "crash",
        /// Another client of the same server did it.
        External = "external",
        Sync = "sync",
        Scheduler = "scheduler",
        /// The instance went away or came back.
        Instance = "instance",
    }
}
