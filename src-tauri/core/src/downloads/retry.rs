//! Whether a failure is worth another try, and when.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use corral_contract::{ErrorCode, WireError};

use super::fetch::{Class, FetchFailure, WaitFor};

/// Before the second try; doubles with each further one.
const FIRST: Duration = Duration::from_secs(1);
/// Longest pause, before jitter.
const LONGEST: Duration = Duration::from_secs(60);
/// Longest pause that another side may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(600);

/// The failure of a request that never got its answer: whatever says that the instance cannot be
/// reached waits for it.
#[must_use]
pub fn unreachable(error: WireError) -> FetchFailure {
    use ErrorCode as Code;
    match error.code {
        Code::InstanceOffline
        | Code::ConnectionRefused
        | Code::TimedOut
        | Code::DnsFailed
        | Code::ConnectionLost => FetchFailure::new(Class::Wait(WaitFor::Instance), error),
        _ => classify(error),
    }
}

/// The failure of a pull that had begun.
#[must_use]
pub fn classify(error: WireError) -> FetchFailure {
    let class = class_of(error.code);
    FetchFailure::new(class, error)
}

fn class_of(code: ErrorCode) -> Class {
    use ErrorCode as Code;
    match code {
        // The network, the registry or the server had a bad moment.
        Code::ConnectionLost
        | Code::ConnectionRefused
        | Code::TimedOut
        | Code::DnsFailed
        | Code::ServerFault
        | Code::ServerBusy
        | Code::BadAnswer
        | Code::RegistryUnreachable
        | Code::ProxyFailed
        | Code::DownloadInterrupted
        | Code::CancelWindingDown
        | Code::DigestMismatch
        // Ours: a locked database or a panic in the fetch itself.
        | Code::DatabaseBusy
        | Code::Internal => Class::Retry,
        Code::InstanceOffline => Class::Wait(WaitFor::Instance),
        Code::Cancelled | Code::ShuttingDown => Class::Stopped,
        // A name nobody knows, an Ollama too old, no right, no space: a person has to act.
        _ => Class::Permanent,
    }
}

/// Pause before the try after `attempts` failed ones (from 1): exponential, with jitter so that
/// jobs that failed together do not come back together.
#[must_use]
pub fn pause(attempts: u32, asked: Option<Duration>) -> Duration {
    let times = attempts.max(1) as usize;
    let own = ExponentialBuilder::new()
        .with_min_delay(FIRST)
        .with_max_delay(LONGEST)
        .with_factor(2.0)
        .with_jitter()
        .with_max_times(times)
        .build()
        .last()
        .unwrap_or(LONGEST);
    own.max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_have_an_end() {
        for attempts in 1..40 {
            let least = FIRST.saturating_mul(1 << (attempts - 1).min(10)).min(LONGEST);
            let pause = pause(attempts, None);
            assert!(pause >= least && pause <= least * 2, "{attempts}: {pause:?}");
        }
        assert_eq!(pause(1, Some(Duration::from_secs(90))), Duration::from_secs(90));
        assert_eq!(pause(1, Some(Duration::from_secs(9999))), LONGEST_ASKED);
    }

    // criterion: 2.6
    #[test]
    fn never_tries_again_what_only_a_person_can_change() {
        use ErrorCode as Code;
        for code in [
            Code::ModelUnknown,
            Code::NeedsNewerOllama,
            Code::SignInNeeded,
            Code::RealmMismatch,
            Code::RedirectBlocked,
            Code::DiskFull,
            Code::RegistryIncompatible,
            Code::PlatformUnsupported,
            Code::StorePermission,
            Code::InvalidInput,
            Code::AccessRefused,
        ] {
            assert_eq!(classify(WireError::new(code)).class, Class::Permanent, "{code:?}");
        }
    }
}
