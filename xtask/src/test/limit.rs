//! How long everything may take. A machine that is too slow for all of it leaves out what is about
//! other systems; the longest of these steps, which comes last, goes as far as the time reaches.
//! Either says so.

use std::process::Command;
use std::time::{Duration, Instant};

/// What `timeout` ends with when it had to end what it started.
const CUT_SHORT: i32 = 124;

/// When no step about another system begins any more, if ever.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    ends: Option<Instant>,
}

impl Limit {
    /// So many minutes from now; without a number never.
    pub(super) fn minutes(minutes: Option<u64>) -> Self {
        Self { ends: minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes)) }
    }

    /// Whether no time is left.
    pub(super) fn reached(self) -> bool {
        self.ends.is_some_and(|ends| ends <= Instant::now())
    }

    /// The command, ended with all it started when the time is up. For Linux, where a program of
    /// the system does just that.
    pub(super) fn around(self, command: Command) -> Command {
        let Some(ends) = self.ends else { return command };
        let left = ends.saturating_duration_since(Instant::now()).as_secs().max(1);
        let mut around = Command::new("timeout");
        around.arg("--kill-after=20").arg(left.to_string());
        around.arg(command.get_program()).args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            around.current_dir(folder);
        }
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => around.env(name, value),
                None => around.env_remove(name),
            };
        }
        around
    }

    /// Whether a command that this went around was ended by it.
    pub(super) fn cut(self, code: Option<i32>) -> bool {
        self.ends.is_some() && code == Some(CUT_SHORT)
    }
}
