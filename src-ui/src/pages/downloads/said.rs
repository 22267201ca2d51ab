//! What a job's figures say, in words.

use corral_contract::{
    ErrorCode, Timestamp, WireError,
    downloads::{JobState, JobView, QueueMetrics},
    progress::{LayerState, Phase, WaitReason},
    size,
};

use crate::{components::Part, format, problem, words::Words};

/// How a state looks: icon, tone, and the key of its word.
pub(super) type Look = (icondata::Icon, &'static str, String);

/// The phase column of a job.
pub(super) fn look(job: &JobView) -> Look {
    let state = |state: JobState| format!("jobState.{}", state.as_str());
    let phase = |phase: Phase| format!("phase.{}", phase.as_str());
    match (job.state, job.progress.phase, &job.wait) {
        (JobState::Paused, ..) => (icondata::LuPause, "warn", state(JobState::Paused)),
        (JobState::Failed, ..) => (icondata::LuCircleAlert, "bad", state(JobState::Failed)),
        (JobState::Done, ..) => (icondata::LuCircleCheck, "ok", state(JobState::Done)),
        (JobState::Cancelled, ..) => (icondata::LuCircleX, "off", state(JobState::Cancelled)),
        (_, _, Some(WaitReason::Retry { .. })) | (JobState::Running, Phase::BackingOff, _) => {
            (icondata::LuTimer, "warn", phase(Phase::BackingOff))
        }
        (
            _,
            _,
            Some(
                WaitReason::Offline
                | WaitReason::Disk { .. }
                | WaitReason::Metered
                | WaitReason::InUse { .. },
            ),
        ) => (icondata::LuClock, "warn", phase(Phase::Waiting)),
        (JobState::Queued, ..) => (icondata::LuClock, "off", state(JobState::Queued)),
        (JobState::Running, Phase::Verifying, _) => {
            (icondata::LuShieldCheck, "busy", phase(Phase::Verifying))
        }
        (JobState::Running, other, _) => (icondata::LuDownload, "busy", phase(other)),
    }
}

/// How a layer looks.
pub(super) fn layer_look(state: LayerState) -> (icondata::Icon, &'static str) {
    match state {
        LayerState::Waiting => (icondata::LuClock, "off"),
        LayerState::Fetching => (icondata::LuDownload, "busy"),
        LayerState::Present => (icondata::LuCircleDashed, "off"),
        LayerState::Fetched => (icondata::LuCheck, "ok"),
        LayerState::Verified => (icondata::LuCircleCheck, "ok"),
    }
}

/// Why a job stands still, or what failed; empty while it moves.
pub(in crate::pages) fn reason(words: Words, job: &JobView, now: Timestamp) -> String {
    if let (JobState::Failed, Some(problem)) = (job.state, &job.problem) {
        return problem::line(words, problem);
    }
    match &job.wait {
        None => String::new(),
        // The first of the queue is about to start and waits for nothing.
        Some(WaitReason::Queue { position: 0 | 1 }) => String::new(),
        Some(WaitReason::Queue { position }) => {
            words.fill("wait.queue", &[("n", &(position - 1).to_string())])
        }
        Some(WaitReason::User) => words.get("wait.user"),
        Some(WaitReason::Offline) => words.get("wait.offline"),
        Some(WaitReason::Quit) => words.get("wait.quit"),
        Some(WaitReason::Disk { missing }) => {
            words.fill("wait.disk", &[("missing", &size::format(*missing))])
        }
        Some(hold @ (WaitReason::Metered | WaitReason::InUse { .. })) => held(words, hold),
        Some(WaitReason::Retry { at, attempt, code }) => words.fill(
            "wait.retry",
            &[
                ("attempt", &attempt.to_string()),
                ("time", &format::clock(seconds_to(Timestamp(*at), now))),
                ("problem", &plain_title(words, *code)),
            ],
        ),
    }
}

/// Why nothing moves: the connection, or somebody at the machine.
pub(super) fn held(words: Words, reason: &WaitReason) -> String {
    match reason {
        WaitReason::InUse { minutes } => {
            words.fill("wait.inUse", &[("minutes", &minutes.to_string())])
        }
        _ => words.get("wait.metered"),
    }
}

/// Whole seconds from `now` to `at`, rounded up, never below 0.
fn seconds_to(at: Timestamp, now: Timestamp) -> i64 {
    (at.since(now).max(0) + 999) / 1000
}

fn plain_title(words: Words, code: ErrorCode) -> String {
    problem::line(words, &WireError::new(code))
}

/// The bar over all layers.
pub(super) fn bar(job: &JobView) -> Vec<Part> {
    let tone = match job.state {
        JobState::Failed => "bad",
        JobState::Paused => "warn",
        JobState::Queued if job.wait.as_ref().is_some_and(stuck) => "warn",
        JobState::Done => "gpu",
        JobState::Queued | JobState::Cancelled => "off",
        JobState::Running => "busy",
    };
    vec![Part::of(job.progress.done, job.progress.total.unwrap_or(0), tone)]
}

/// Whether something other than its turn keeps the job.
fn stuck(wait: &WaitReason) -> bool {
    !matches!(wait, WaitReason::Queue { .. })
}

/// `9.1 / 19.9 GB`, or what is known of it; a dash before anything is.
pub(super) fn amount(words: Words, job: &JobView) -> String {
    match (job.progress.done, job.progress.total) {
        (done, Some(total)) => format::part(done, total),
        (0, None) => words.get("common.none"),
        (done, None) => size::format(done),
    }
}

/// What stands right under the bar: the speed, or what happens instead.
pub(super) fn pace(words: Words, job: &JobView) -> String {
    match (job.state, job.progress.phase) {
        (JobState::Running, Phase::Verifying) => "SHA-256".to_owned(),
        (JobState::Running, Phase::Fetching) => {
            job.progress.speed.map_or_else(|| words.get("downloads.noSpeed"), format::speed)
        }
        (JobState::Failed | JobState::Paused, _) if job.progress.done > 0 => {
            words.get("downloads.kept")
        }
        (JobState::Queued, _) if job.attempts > 1 => {
            words.fill("downloads.attempt", &[("n", &job.attempts.to_string())])
        }
        _ => String::new(),
    }
}

/// `3:26 · 15:08`, `28 h · 11-26`, `starts 15:07`, or a dash.
pub(super) fn left(words: Words, job: &JobView) -> String {
    let ends = job.ends_at.map(|at| format::time_or_day(words, at, format::now()));
    match (job.state, job.progress.left_seconds, ends, job.starts_at) {
        (JobState::Running, Some(left), ends, _) => {
            let left = format::brief(words, left);
            ends.map_or_else(|| left.clone(), |ends| format!("{left} · {ends}"))
        }
        (JobState::Queued, _, _, Some(starts)) => {
            words.fill("downloads.starts", &[("time", &format::time_of_day(starts))])
        }
        _ => words.get("common.none"),
    }
}

/// `3 active · 2 waiting · 1 failed`, without what there is none of.
pub(super) fn summary(words: Words, metrics: &QueueMetrics) -> String {
    let parts: Vec<String> = [
        ("downloads.active", metrics.running),
        ("downloads.waiting", metrics.waiting),
        ("downloads.paused", metrics.paused),
        ("downloads.failed", metrics.failed),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(key, count)| words.fill(key, &[("n", &count.to_string())]))
    .collect();
    parts.join(" · ")
}

/// Percent of the whole queue in steps of ten, for the live region; `None` while nothing runs.
pub(super) fn announced(metrics: &QueueMetrics) -> Option<u64> {
    (metrics.running > 0 && metrics.total > 0)
        .then(|| metrics.done.min(metrics.total) * 10 / metrics.total * 10)
}

#[cfg(test)]
mod tests {
    use corral_contract::downloads::QueueMetrics;

    use super::*;
    use crate::pages::downloads::sample::job;

    #[test]
    fn a_state_has_its_word_and_tone() {
        let mut each = job(1);
        assert_eq!((look(&each).1, look(&each).2.as_str()), ("off", "jobState.queued"));
        each.wait = Some(WaitReason::Offline);
        assert_eq!((look(&each).1, look(&each).2.as_str()), ("warn", "phase.waiting"));
        each.wait = Some(WaitReason::Retry { at: 5, attempt: 2, code: ErrorCode::TimedOut });
        assert_eq!(look(&each).2, "phase.backingOff");
        each.wait = None;
        each.state = JobState::Running;
        each.progress.phase = Phase::Verifying;
        assert_eq!((look(&each).1, look(&each).2.as_str()), ("busy", "phase.verifying"));
        each.state = JobState::Failed;
        assert_eq!((look(&each).1, look(&each).2.as_str()), ("bad", "jobState.failed"));
    }

    #[test]
    fn the_bar_takes_the_tone_of_the_state() {
        let mut each = job(1);
        each.progress.done = 25;
        each.progress.total = Some(100);
        each.state = JobState::Running;
        assert_eq!(bar(&each), [Part { share: 0.25, tone: "busy" }]);
        each.state = JobState::Queued;
        each.wait = Some(WaitReason::Disk { missing: 5 });
        assert_eq!(bar(&each)[0].tone, "warn");
        each.wait = Some(WaitReason::Queue { position: 1 });
        assert_eq!(bar(&each)[0].tone, "off");
    }

    // criterion: 2.3
    #[test]
    fn progress_is_announced_in_steps_of_ten() {
        let metrics =
            |done, running| QueueMetrics { running, done, total: 1000, ..QueueMetrics::default() };
        assert_eq!(announced(&metrics(0, 1)), Some(0));
        assert_eq!(announced(&metrics(199, 1)), Some(10));
        assert_eq!(announced(&metrics(1000, 1)), Some(100));
        assert_eq!(announced(&metrics(500, 0)), None);
    }

    #[test]
    fn a_wait_is_rounded_up_to_seconds() {
        assert_eq!(seconds_to(Timestamp(1001), Timestamp(0)), 2);
        assert_eq!(seconds_to(Timestamp(0), Timestamp(5000)), 0);
    }
}
