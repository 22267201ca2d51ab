//! The order of the queue: what shows where, and what a move by hand asks of the core.

use corral_contract::{
    JobId,
    downloads::{JobState, JobView, MoveJob},
};

/// Jobs that are not over, in the order they show: the queue, then what is paused, then failed.
#[must_use]
pub fn current(jobs: &[JobView]) -> Vec<JobId> {
    let mut current: Vec<(u8, JobId)> = jobs
        .iter()
        .filter_map(|job| {
            let rank = match job.state {
                JobState::Queued | JobState::Running => 0,
                JobState::Paused => 1,
                JobState::Failed => 2,
                JobState::Done | JobState::Cancelled => return None,
            };
            Some((rank, job.id))
        })
        .collect();
    current.sort_by_key(|(rank, _)| *rank);
    current.into_iter().map(|(_, id)| id).collect()
}

/// Jobs that are over, newest end first.
#[must_use]
pub fn finished(jobs: &[JobView]) -> Vec<JobId> {
    let mut over: Vec<&JobView> = jobs
        .iter()
        .filter(|job| matches!(job.state, JobState::Done | JobState::Cancelled))
        .collect();
    over.sort_by_key(|job| std::cmp::Reverse((job.finished_at, job.id)));
    over.into_iter().map(|job| job.id).collect()
}

/// Whether a job has a place that can be changed.
#[must_use]
pub fn movable(job: &JobView) -> bool {
    matches!(job.state, JobState::Queued | JobState::Running)
}

/// The request that moves a job one place up or down among those of its priority; `None` where
/// it has no room to go.
#[must_use]
pub fn step(jobs: &[JobView], id: JobId, up: bool) -> Option<MoveJob> {
    let peers = peers(jobs, id)?;
    let place = peers.iter().position(|peer| *peer == id)?;
    if up {
        let before = *peers.get(place.checked_sub(1)?)?;
        Some(MoveJob { id, before: Some(before) })
    } else {
        peers.get(place + 1)?;
        Some(MoveJob { id, before: peers.get(place + 2).copied() })
    }
}

/// The request for a job that was dropped on the upper or lower half of another; `None` where
/// the drop would change nothing or leave its priority.
#[must_use]
pub fn dropped(jobs: &[JobView], id: JobId, on: JobId, below: bool) -> Option<MoveJob> {
    let peers = peers(jobs, id)?;
    let from = peers.iter().position(|peer| *peer == id)?;
    let to = peers.iter().position(|peer| *peer == on)? + usize::from(below);
    if to == from || to == from + 1 {
        return None;
    }
    Some(MoveJob { id, before: peers.get(to).copied() })
}

/// The request that puts a job back to where it is now, should it be moved; `None` when it has no
/// place.
#[must_use]
pub fn back(jobs: &[JobView], id: JobId) -> Option<MoveJob> {
    let peers = peers(jobs, id)?;
    let place = peers.iter().position(|peer| *peer == id)?;
    Some(MoveJob { id, before: peers.get(place + 1).copied() })
}

/// The movable jobs with the priority of `id`, in their order; `None` when it is not one.
fn peers(jobs: &[JobView], id: JobId) -> Option<Vec<JobId>> {
    let job = jobs.iter().find(|job| job.id == id && movable(job))?;
    Some(
        jobs.iter()
            .filter(|each| movable(each) && each.priority == job.priority)
            .map(|each| each.id)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use corral_contract::downloads::Priority;

    use super::*;
    use crate::pages::downloads::sample::job;

    fn queue() -> Vec<JobView> {
        let mut jobs: Vec<JobView> = (1..=6).map(job).collect();
        jobs[0].priority = Priority::High;
        jobs[0].state = JobState::Running;
        jobs[4].state = JobState::Failed;
        jobs[5].state = JobState::Paused;
        jobs
    }

    fn moved(request: Option<MoveJob>) -> Option<(i64, Option<i64>)> {
        request.map(|request| (request.id.0, request.before.map(|before| before.0)))
    }

    #[test]
    fn shows_the_queue_before_paused_and_failed_jobs() {
        let mut jobs = queue();
        jobs[2].state = JobState::Done;
        jobs[3].state = JobState::Cancelled;
        assert_eq!(current(&jobs), [1, 2, 6, 5].map(JobId));
        assert_eq!(finished(&jobs), [4, 3].map(JobId));
    }

    // criterion: 2.4
    #[test]
    fn steps_stay_inside_the_priority() {
        let jobs = queue();
        assert_eq!(moved(step(&jobs, JobId(3), true)), Some((3, Some(2))));
        assert_eq!(moved(step(&jobs, JobId(2), false)), Some((2, Some(4))));
        assert_eq!(moved(step(&jobs, JobId(3), false)), Some((3, None)));
        assert_eq!(step(&jobs, JobId(2), true), None);
        assert_eq!(step(&jobs, JobId(4), false), None);
        assert_eq!(step(&jobs, JobId(1), false), None);
        assert_eq!(step(&jobs, JobId(5), true), None);
    }

    #[test]
    fn the_way_back_is_the_place_before_the_move() {
        let jobs = queue();
        assert_eq!(moved(back(&jobs, JobId(2))), Some((2, Some(3))));
        assert_eq!(moved(back(&jobs, JobId(4))), Some((4, None)));
        assert_eq!(back(&jobs, JobId(6)), None, "what is paused has no place");
    }

    // criterion: 2.4
    #[test]
    fn drops_ask_for_the_place_that_was_shown() {
        let jobs = queue();
        assert_eq!(moved(dropped(&jobs, JobId(4), JobId(2), false)), Some((4, Some(2))));
        assert_eq!(moved(dropped(&jobs, JobId(4), JobId(2), true)), Some((4, Some(3))));
        assert_eq!(moved(dropped(&jobs, JobId(2), JobId(4), true)), Some((2, None)));
        assert_eq!(dropped(&jobs, JobId(2), JobId(3), false), None);
        assert_eq!(dropped(&jobs, JobId(2), JobId(2), true), None);
        assert_eq!(dropped(&jobs, JobId(2), JobId(1), true), None);
        assert_eq!(dropped(&jobs, JobId(2), JobId(5), true), None);
    }
}
