//! How addresses have been: what failed comes last for a while, and is tried again later.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use corral_contract::{
    ErrorCode, Timestamp, WireError,
    registries::{AddressHealth, AddressState},
};

/// How long an address comes last after a failure; doubles with each further one.
const FIRST_REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_secs(300);
/// From here on others come first.
const SLOW: Duration = Duration::from_secs(2);

/// Every address that was asked since Corral started.
#[derive(Default)]
pub(super) struct Health(HashMap<String, One>);

#[derive(Clone, Default)]
struct One {
    latency: Option<Duration>,
    failures: u32,
    rests_until: Option<Instant>,
    problem: Option<WireError>,
    /// The last failure was about bytes: an answered question does not make up for it.
    of_bytes: bool,
}

/// What an address is put behind others for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Well,
    Slow,
    Resting,
}

impl Health {
    /// A question was answered.
    pub(super) fn answered(&mut self, address: &str, latency: Duration) {
        let one = self.0.entry(address.to_owned()).or_default();
        one.latency = Some(latency);
        if !one.of_bytes {
            *one = One { latency: one.latency, ..One::default() };
        }
    }

    /// Bytes came as they should.
    pub(super) fn brought(&mut self, address: &str) {
        let one = self.0.entry(address.to_owned()).or_default();
        *one = One { latency: one.latency, ..One::default() };
    }

    /// It failed.
    pub(super) fn failed(&mut self, address: &str, problem: &WireError, of_bytes: bool) {
        let one = self.0.entry(address.to_owned()).or_default();
        one.failures = one.failures.saturating_add(1);
        let rest = FIRST_REST.saturating_mul(1 << (one.failures - 1).min(10)).min(LONGEST_REST);
        one.rests_until = Some(Instant::now() + rest);
        one.problem = Some(problem.clone());
        one.of_bytes = of_bytes;
    }

    pub(super) fn rank(&self, address: &str) -> Rank {
        match self.0.get(address) {
            Some(one) if one.rests_until.is_some_and(|until| until > Instant::now()) => {
                Rank::Resting
            }
            Some(one) if one.latency.is_some_and(|latency| latency >= SLOW) => Rank::Slow,
            _ => Rank::Well,
        }
    }

    /// As the window shows it.
    pub(super) fn view(&self, address: &str, now: Timestamp) -> AddressHealth {
        let Some(one) = self.0.get(address) else { return AddressHealth::default() };
        let slow = one.latency.is_some_and(|latency| latency >= SLOW);
        let state = match one {
            One { failures: 1.., .. } => AddressState::Failing,
            _ if slow => AddressState::Slow,
            One { latency: Some(_), .. } => AddressState::Ok,
            _ => AddressState::Unknown,
        };
        let left = one.rests_until.map(|until| until.saturating_duration_since(Instant::now()));
        AddressHealth {
            state,
            latency_ms: one.latency.map(milliseconds),
            failures: one.failures,
            rests_until: left
                .filter(|left| !left.is_zero())
                .map(|left| Timestamp(now.0 + i64::from(milliseconds(left)))),
            problem: one.problem.clone(),
        }
    }
}

/// For people; longer than a month does not happen.
pub(super) fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// Whether a failure speaks against the address. That it does not have a model, or that our own
/// proxy or keychain is in the way, does not; nor does a registry that lets in only whom it knows.
pub(super) fn counts(code: ErrorCode, own: bool) -> bool {
    match code {
        ErrorCode::ModelUnknown
        | ErrorCode::NotFound
        | ErrorCode::NeedsNewerOllama
        | ErrorCode::ProxyFailed
        | ErrorCode::SecretsLocked
        | ErrorCode::InvalidInput
        | ErrorCode::Internal => false,
        ErrorCode::SignInNeeded | ErrorCode::RealmMismatch => !own,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_comes_last_and_what_is_slow_before_it() {
        let mut health = Health::default();
        let problem = WireError::new(ErrorCode::RegistryUnreachable);
        health.failed("a", &problem, false);
        health.answered("b", SLOW);
        health.answered("c", Duration::from_millis(3));
        let mut all = ["a", "b", "c", "d"];
        all.sort_by_key(|each| health.rank(each));
        assert_eq!(all, ["c", "d", "b", "a"]);
        health.answered("a", Duration::from_millis(1));
        assert_eq!(health.rank("a"), Rank::Well, "an answer makes up for it");
    }

    #[test]
    fn only_bytes_make_up_for_bytes() {
        let mut health = Health::default();
        let problem = WireError::new(ErrorCode::DigestMismatch);
        health.failed("a", &problem, true);
        health.answered("a", Duration::from_millis(1));
        assert_eq!(health.rank("a"), Rank::Resting);
        let view = health.view("a", Timestamp(0));
        assert_eq!((view.state, view.failures), (AddressState::Failing, 1));
        assert!(view.rests_until.is_some_and(|until| until.0 > 0 && until.0 <= 5000));
        health.brought("a");
        assert_eq!(health.rank("a"), Rank::Well);
    }

    #[test]
    fn rests_grow_and_have_an_end() {
        let mut health = Health::default();
        let problem = WireError::new(ErrorCode::RegistryUnreachable);
        for _ in 0..50 {
            health.failed("a", &problem, false);
        }
        let until = health.view("a", Timestamp(0)).rests_until.expect("it rests");
        assert!(until.0 > 290_000 && until.0 <= 300_000, "{until:?}");
    }
}
