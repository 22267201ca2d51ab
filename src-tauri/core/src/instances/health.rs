//! How an instance is, judged from one answer after the other.

use std::collections::VecDeque;

use corral_contract::{
    ErrorCode, Timestamp, WireError,
    instances::{ApiFact, ApiState},
};

use crate::Result;

/// Answers whose latency is kept.
const KEPT: usize = 60;
/// The first version with `/api/ps`: without it nobody can tell which models are loaded.
const OLDEST: [u64; 3] = [0, 1, 38];

/// What one question brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) version: String,
    pub(super) latency_ms: u32,
}

/// What a new answer changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    None,
    /// Answers; `back` when it had been called down.
    Up {
        back: bool,
    },
    /// Does not answer; `lost` when it did before.
    Down {
        lost: bool,
    },
}

/// The state and how it came to be.
#[derive(Debug, Clone)]
pub(super) struct Health {
    pub(super) fact: ApiFact,
    /// In ms, oldest first, `None` = no answer.
    pub(super) latencies: VecDeque<Option<u32>>,
    /// Down, and somebody was told.
    lost: bool,
}

impl Health {
    /// Not asked yet; `version` is what it was when it last answered.
    pub(super) fn new(version: Option<String>) -> Self {
        Health {
            fact: ApiFact {
                state: ApiState::Checking,
                version,
                latency_ms: None,
                problem: None,
                checked_at: None,
                since: None,
            },
            latencies: VecDeque::new(),
            lost: false,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.fact.state, ApiState::Ok | ApiState::Limited)
    }

    /// Takes in what a look brought.
    pub(super) fn hear(&mut self, outcome: &Result<Seen>, now: Timestamp) -> Change {
        let (was_up, state) = (self.is_up(), self.fact.state);
        let latency = outcome.as_ref().ok().map(|seen| seen.latency_ms);
        if self.latencies.len() == KEPT {
            self.latencies.pop_front();
        }
        self.latencies.push_back(latency);
        self.fact.checked_at = Some(now);
        self.fact.latency_ms = latency;
        match outcome {
            Ok(seen) => {
                self.fact.problem = too_old(&seen.version).then(|| {
                    let least = OLDEST.map(|part| part.to_string()).join(".");
                    WireError::new(ErrorCode::TooOld)
                        .with("version", &seen.version)
                        .with("needed", least)
                });
                self.fact.version = Some(seen.version.clone());
                self.fact.state =
                    if self.fact.problem.is_some() { ApiState::Limited } else { ApiState::Ok };
            }
            Err(problem) => {
                self.fact.problem = Some(problem.clone());
                self.fact.state = ApiState::Down;
            }
        }
        if self.fact.state != state {
            self.fact.since = Some(now);
        }
        match (was_up, self.is_up()) {
            (false, true) => Change::Up { back: std::mem::take(&mut self.lost) },
            (true, false) => {
                self.lost = true;
                Change::Down { lost: true }
            }
            (false, false) if state == ApiState::Checking => Change::Down { lost: false },
            _ => Change::None,
        }
    }
}

/// Whether a version lacks what Corral needs. A development build calls itself 0.0.0.
fn too_old(version: &str) -> bool {
    let mut parts = version.trim_start_matches('v').split(['.', '-', '+']);
    let mut part = || parts.next().and_then(|part| part.parse::<u64>().ok());
    let (Some(major), Some(minor), Some(patch)) = (part(), part(), part()) else { return false };
    let version = [major, minor, patch];
    version != [0, 0, 0] && version < OLDEST
}

#[cfg(test)]
mod tests {
    use corral_contract::{ErrorCode, Timestamp, WireError, instances::ApiState};

    use super::{Change, Health, KEPT, Seen, too_old};
    use crate::Result;

    fn well() -> Result<Seen> {
        Ok(Seen { version: "0.33.0".to_owned(), latency_ms: 4 })
    }

    fn refused() -> Result<Seen> {
        Err(WireError::new(ErrorCode::ConnectionRefused))
    }

    #[test]
    fn tells_a_change_once() {
        let mut health = Health::new(None);
        let mut hear = |outcome, at| health.hear(&outcome, Timestamp(at));
        assert_eq!(hear(well(), 1), Change::Up { back: false });
        assert_eq!(hear(well(), 2), Change::None);
        assert_eq!(hear(refused(), 3), Change::Down { lost: true });
        assert_eq!(hear(refused(), 4), Change::None);
        assert_eq!(hear(well(), 5), Change::Up { back: true });
        assert_eq!(health.fact.since, Some(Timestamp(5)));
        assert_eq!(health.fact.checked_at, Some(Timestamp(5)));
    }

    #[test]
    fn one_that_never_answered_was_not_lost() {
        let mut health = Health::new(Some("0.33.0".to_owned()));
        assert_eq!(health.hear(&refused(), Timestamp(1)), Change::Down { lost: false });
        assert_eq!(health.hear(&refused(), Timestamp(2)), Change::None);
        assert_eq!(health.fact.since, Some(Timestamp(1)));
        assert_eq!(health.fact.version.as_deref(), Some("0.33.0"), "the last known version stays");
        assert_eq!(health.hear(&well(), Timestamp(3)), Change::Up { back: false });
    }

    #[test]
    fn an_old_server_is_limited_not_down() {
        let mut health = Health::new(None);
        let old = Ok(Seen { version: "0.1.32".to_owned(), latency_ms: 1 });
        assert_eq!(health.hear(&old, Timestamp(1)), Change::Up { back: false });
        assert_eq!(health.fact.state, ApiState::Limited);
        let problem = health.fact.problem.expect("a reason");
        assert_eq!(problem.code, ErrorCode::TooOld);
        assert_eq!(problem.params.get("needed").map(String::as_str), Some("0.1.38"));
    }

    #[test]
    fn compares_versions_by_number() {
        for (version, old) in [
            ("0.1.37", true),
            ("0.1.38", false),
            ("0.1.9", true),
            ("0.33.0-rc2", false),
            ("v0.1.2", true),
            ("0.0.0", false),
            ("1.0.0", false),
            ("nightly", false),
        ] {
            assert_eq!(too_old(version), old, "{version}");
        }
    }

    #[test]
    fn keeps_the_last_latencies() {
        let mut health = Health::new(None);
        for _ in 0..=KEPT {
            health.hear(&well(), Timestamp(1));
        }
        health.hear(&refused(), Timestamp(2));
        assert_eq!(health.latencies.len(), KEPT);
        assert_eq!(health.latencies.back(), Some(&None));
        assert_eq!(health.latencies.front(), Some(&Some(4)));
    }
}
