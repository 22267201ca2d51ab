//! The speeds of the last minute, one value per second, so that a page that opens has its lines
//! at once.

use std::collections::{HashMap, VecDeque};

use corral_contract::{
    JobId, Timestamp,
    downloads::{JobState, JobView},
};

/// Seconds that are kept.
const KEPT: i64 = 60;

/// One line: the second since 1970 and the bytes per second then.
type Line = VecDeque<(i64, u64)>;

/// Speeds of the queue and of each running job.
#[derive(Debug, Clone, Default)]
pub struct Speeds {
    all: Line,
    jobs: HashMap<JobId, Line>,
    /// The last second that was measured.
    last: i64,
}

impl Speeds {
    /// Takes the speeds of this second; a second call within it changes nothing.
    pub fn take(&mut self, now: Timestamp, all: u64, jobs: &[JobView]) {
        let second = now.0.div_euclid(1000);
        if second < self.last {
            // The clock went back: what is kept lies in its future.
            *self = Speeds::default();
        } else if second == self.last {
            return;
        }
        self.last = second;
        push(&mut self.all, second, all);
        for job in jobs.iter().filter(|job| job.state == JobState::Running) {
            let speed = job.progress.speed.unwrap_or(0);
            push(self.jobs.entry(job.id).or_default(), second, speed);
        }
        self.jobs.retain(|_, line| line.back().is_some_and(|(at, _)| second - at < KEPT));
    }

    /// The whole queue, oldest first; `None` for seconds that nobody measured.
    #[must_use]
    pub fn all(&self) -> Vec<Option<f64>> {
        self.spread(&self.all)
    }

    /// One job.
    #[must_use]
    pub fn of(&self, id: JobId) -> Vec<Option<f64>> {
        self.jobs.get(&id).map(|line| self.spread(line)).unwrap_or_default()
    }

    fn spread(&self, line: &Line) -> Vec<Option<f64>> {
        let first = self.last - KEPT + 1;
        let mut values = vec![None; KEPT as usize];
        for (second, speed) in line {
            if let Some(value) =
                usize::try_from(second - first).ok().and_then(|place| values.get_mut(place))
            {
                *value = Some(*speed as f64);
            }
        }
        values
    }
}

fn push(line: &mut Line, second: i64, speed: u64) {
    line.push_back((second, speed));
    while line.front().is_some_and(|(at, _)| second - at >= KEPT) {
        line.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::downloads::sample::job;

    fn running(id: i64, speed: u64) -> JobView {
        let mut job = job(id);
        job.state = JobState::Running;
        job.progress.speed = Some(speed);
        job
    }

    // criterion: 2.3
    #[test]
    fn keeps_one_value_per_second_of_the_last_minute() {
        let mut speeds = Speeds::default();
        for second in 0..100 {
            speeds.take(Timestamp(second * 1000), second as u64, &[running(1, 7)]);
            speeds.take(Timestamp(second * 1000 + 400), 999, &[]);
        }
        let all = speeds.all();
        assert_eq!(all.len(), 60);
        assert_eq!((all[0], all[59]), (Some(40.0), Some(99.0)));
        assert_eq!(speeds.of(JobId(1)), vec![Some(7.0); 60]);
        assert!(speeds.of(JobId(2)).is_empty());
    }

    #[test]
    fn seconds_without_a_measure_are_gaps_and_old_jobs_go() {
        let mut speeds = Speeds::default();
        speeds.take(Timestamp(1_000_000), 5, &[running(1, 7)]);
        speeds.take(Timestamp(1_003_000), 6, &[]);
        let all = speeds.all();
        assert_eq!(all[56..], [Some(5.0), None, None, Some(6.0)]);
        assert_eq!(speeds.of(JobId(1)).iter().flatten().count(), 1);
        speeds.take(Timestamp(1_061_000), 6, &[]);
        assert!(speeds.of(JobId(1)).is_empty());
    }

    #[test]
    fn a_clock_that_goes_back_starts_anew() {
        let mut speeds = Speeds::default();
        speeds.take(Timestamp(9_000_000), 5, &[]);
        speeds.take(Timestamp(1_000_000), 6, &[]);
        assert_eq!(speeds.all().into_iter().flatten().collect::<Vec<_>>(), [6.0]);
    }
}
