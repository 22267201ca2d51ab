//! When an instance is compared without anybody asking.

use serde::{Deserialize, Serialize};

use crate::{InstanceId, Timestamp, status::words};

/// Most minutes between two runs: a week.
pub const MOST_MINUTES: u32 = 7 * 24 * 60;
/// Most seconds by which a run is put off.
pub const MOST_JITTER: u32 = 3600;

/// When an instance is compared by itself. The clock and its zone are this machine's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Schedule {
    pub rhythm: Rhythm,
    /// When Corral starts.
    pub on_start: bool,
    /// When this machine wakes up, seen by its clocks.
    pub on_wake: bool,
    /// Seconds by which a run of the rhythm is put off at most, another one for each instance and
    /// hour, so that several are not asked in the same moment; 0 to [`MOST_JITTER`].
    pub jitter_seconds: u32,
    /// Runs wait while the connection is paid by volume, where the system tells.
    pub skip_metered: bool,
}

impl Default for Schedule {
    fn default() -> Self {
        Schedule {
            rhythm: Rhythm::Off,
            on_start: true,
            on_wake: true,
            jitter_seconds: 0,
            skip_metered: false,
        }
    }
}

/// What repeats.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Rhythm {
    #[default]
    Off,
    /// So many minutes after the last one; 1 to [`MOST_MINUTES`].
    Every { minutes: u32 },
    /// Minute, hour, day of the month, month and day of the week, as cron reads them.
    ///
    /// A time that the clocks skip in spring is due when they have skipped it. One that comes
    /// twice in autumn is due the first time, or both times if the expression names every hour.
    Cron { expression: String },
}

/// Changes the schedule of one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetSchedule {
    pub id: InstanceId,
    /// `None` = as the settings say for all.
    pub schedule: Option<Schedule>,
}

/// The schedule of an instance and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleView {
    pub id: InstanceId,
    /// `None` = it follows the settings.
    pub own: Option<Schedule>,
    /// What the settings say for instances without one of their own.
    pub usual: Schedule,
    /// When it was last compared, by whatever trigger.
    pub last: Option<Timestamp>,
    /// When it will be compared next; `None` = not by itself.
    pub next: Option<Timestamp>,
    /// Why a run that is due does not begin.
    pub held: Option<Held>,
}

words! {
    /// Why a run waits.
    Held {
        /// The connection is paid by volume.
        Metered = "metered",
        /// The instance does not answer; it is compared when it does.
        Offline = "offline",
    }
}

/// What a schedule comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchedulePreview {
    /// The next three runs of its rhythm, without jitter; empty without one.
    pub runs: Vec<Timestamp>,
}
