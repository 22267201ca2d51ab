//! Jobs for tests.

use corral_contract::{
    InstanceId, JobId, ModelId, Timestamp,
    downloads::{JobState, JobView, Priority},
    progress::{Phase, Progress},
};

/// A queued job whose numbers are all `id`.
pub(crate) fn job(id: i64) -> JobView {
    JobView {
        id: JobId(id),
        model: ModelId(id),
        instance: InstanceId(1),
        name: format!("model{id}:latest"),
        priority: Priority::Normal,
        state: JobState::Queued,
        position: u32::try_from(id).ok(),
        wait: None,
        progress: Progress {
            job: JobId(id),
            model: ModelId(id),
            phase: Phase::Waiting,
            done: 0,
            total: None,
            speed: None,
            left_seconds: None,
            again: 0,
            shown: None,
            layers: Vec::new(),
        },
        limit_kb: 0,
        insecure: false,
        start_when_done: false,
        by_server: false,
        attempts: 0,
        problem: None,
        task: None,
        created_at: Timestamp(id),
        started_at: None,
        finished_at: None,
        starts_at: None,
        ends_at: None,
    }
}
