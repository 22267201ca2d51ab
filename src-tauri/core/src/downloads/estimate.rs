//! When each job will start and end, if things go on as they do.

use std::collections::HashMap;

use corral_contract::{InstanceId, JobId};

/// What is known of a job that runs or waits, in queue order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ahead {
    pub(super) id: JobId,
    pub(super) instance: InstanceId,
    pub(super) running: bool,
    /// Bytes still to be moved; `None` = size unknown.
    pub(super) left: Option<u64>,
    /// Measured, of a running job.
    pub(super) speed: Option<u64>,
    /// Cannot start earlier, in ms from now.
    pub(super) not_before: u64,
    /// Its instance does not answer: nobody knows.
    pub(super) offline: bool,
}

/// What the rest is guessed from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usual {
    /// Bytes per second of one job.
    pub(super) speed: Option<u64>,
    /// Bytes of a job whose size is not known yet.
    pub(super) size: Option<u64>,
}

/// Milliseconds from now; `None` = nothing to tell it from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) starts: Option<u64>,
    pub(super) ends: Option<u64>,
}

/// Plays the queue forward: each instance has `parallel` places, each job takes the place that is
/// free first. Behind a job whose end nobody knows, nothing is known either.
pub(super) fn expect(jobs: &[Ahead], parallel: u32, usual: Usual) -> HashMap<JobId, Expected> {
    let parallel = parallel.max(1) as usize;
    let mut places: HashMap<InstanceId, Vec<Option<u64>>> = HashMap::new();
    let mut expected = HashMap::new();
    for job in jobs.iter().filter(|job| job.running) {
        let ends = duration(job.left.or(usual.size), job.speed.filter(|speed| *speed > 0));
        places.entry(job.instance).or_default().push(ends);
        expected.insert(job.id, Expected { starts: None, ends });
    }
    for free in places.values_mut() {
        free.resize(free.len().max(parallel), Some(0));
    }
    for job in jobs.iter().filter(|job| !job.running && !job.offline) {
        let free = places.entry(job.instance).or_insert_with(|| vec![Some(0); parallel]);
        // A place whose end is unknown comes free last.
        let Some(place) = free.iter_mut().min_by_key(|free| free.unwrap_or(u64::MAX)) else {
            continue;
        };
        let starts = place.map(|free| free.max(job.not_before));
        let takes = duration(job.left.or(usual.size), usual.speed);
        let ends = starts.zip(takes).map(|(starts, takes)| starts.saturating_add(takes));
        *place = ends;
        // Without any measured speed even the start of the first one is a guess.
        let starts = starts.filter(|_| usual.speed.is_some());
        expected.insert(job.id, Expected { starts, ends });
    }
    expected
}

fn duration(bytes: Option<u64>, speed: Option<u64>) -> Option<u64> {
    let (bytes, speed) = bytes.zip(speed.filter(|speed| *speed > 0))?;
    Some((u128::from(bytes) * 1000 / u128::from(speed)).try_into().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: i64, running: bool, left: Option<u64>) -> Ahead {
        Ahead {
            id: JobId(id),
            instance: InstanceId(1),
            running,
            left,
            speed: running.then_some(100),
            not_before: 0,
            offline: false,
        }
    }

    // criterion: 2.4
    #[test]
    fn plays_the_queue_forward() {
        let jobs = [
            job(1, true, Some(1000)),
            job(2, true, Some(300)),
            job(3, false, Some(500)),
            job(4, false, None),
            job(5, false, Some(100)),
        ];
        let usual = Usual { speed: Some(100), size: Some(400) };
        let expected = expect(&jobs, 2, usual);
        let times = |id| expected.get(&JobId(id)).map(|each| (each.starts, each.ends));
        assert_eq!(times(1), Some((None, Some(10_000))));
        assert_eq!(times(2), Some((None, Some(3_000))));
        assert_eq!(times(3), Some((Some(3_000), Some(8_000))));
        assert_eq!(times(4), Some((Some(8_000), Some(12_000))));
        assert_eq!(times(5), Some((Some(10_000), Some(11_000))));
    }

    #[test]
    fn says_nothing_when_nothing_was_measured() {
        let mut stalled = job(1, true, Some(1000));
        stalled.speed = Some(0);
        let jobs = [stalled, job(2, false, Some(10))];
        let expected = expect(&jobs, 1, Usual { speed: None, size: None });
        assert_eq!(expected.get(&JobId(1)), Some(&Expected::default()));
        assert_eq!(expected.get(&JobId(2)), Some(&Expected::default()));
    }
}
