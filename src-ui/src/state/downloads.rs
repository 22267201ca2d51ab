//! The download queue.

use corral_contract::{
    JobId,
    app::SnapshotView,
    downloads::{JobView, QueueMetrics},
    event::AppEvent,
};

/// Jobs in the core's order, with the figures of the whole queue.
#[derive(Debug, Clone, Default)]
pub struct Downloads {
    jobs: Vec<JobView>,
    pub metrics: QueueMetrics,
}

impl Downloads {
    /// Replaces all.
    pub fn load(&mut self, snapshot: &SnapshotView) {
        self.jobs.clone_from(&snapshot.queue.jobs);
        self.metrics = snapshot.queue.metrics.clone();
        self.sort();
    }

    /// Applies an event; whether anything changed.
    pub fn apply(&mut self, event: &AppEvent) -> bool {
        match event {
            AppEvent::Job(view) => {
                match self.jobs.iter_mut().find(|job| job.id == view.id) {
                    Some(job) => *job = (**view).clone(),
                    None => self.jobs.push((**view).clone()),
                }
                self.sort();
            }
            AppEvent::JobRemoved(id) => self.jobs.retain(|job| job.id != *id),
            AppEvent::Progress(figures) => {
                for progress in figures {
                    if let Some(job) = self.jobs.iter_mut().find(|job| job.id == progress.job) {
                        job.progress = progress.clone();
                    }
                }
            }
            AppEvent::Queue(metrics) => self.metrics = metrics.clone(),
            _ => return false,
        }
        true
    }

    /// Waiting and running ones by their place, then the rest, newest end first.
    fn sort(&mut self) {
        self.jobs.sort_by_key(|job| {
            (job.position.unwrap_or(u32::MAX), std::cmp::Reverse(job.finished_at), job.id)
        });
    }

    /// All jobs.
    #[must_use]
    pub fn jobs(&self) -> &[JobView] {
        &self.jobs
    }

    /// One job.
    #[must_use]
    pub fn get(&self, id: JobId) -> Option<&JobView> {
        self.jobs.iter().find(|job| job.id == id)
    }
}
