//! Operations and batches.

use corral_contract::{
    BatchId, TaskId,
    app::SnapshotView,
    event::AppEvent,
    models::BatchView,
    tasks::{TaskState, TaskView},
};

/// Finished tasks beyond this many are only on the Activity page.
const KEPT: usize = 100;

/// Tasks newest first, and batches newest first.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tasks: Vec<TaskView>,
    batches: Vec<BatchView>,
}

impl Tasks {
    /// Replaces all.
    pub fn load(&mut self, snapshot: &SnapshotView) {
        self.tasks.clone_from(&snapshot.tasks);
        self.tasks.sort_by_key(|task| std::cmp::Reverse(task.id));
        self.batches.clone_from(&snapshot.batches);
        self.batches.sort_by_key(|batch| std::cmp::Reverse(batch.id));
    }

    /// Applies an event; whether anything changed.
    pub fn apply(&mut self, event: &AppEvent) -> bool {
        match event {
            AppEvent::Task(view) => {
                match self.tasks.iter_mut().find(|task| task.id == view.id) {
                    Some(task) => *task = (**view).clone(),
                    None => {
                        let place = self.tasks.partition_point(|task| task.id > view.id);
                        self.tasks.insert(place, (**view).clone());
                        self.forget_old();
                    }
                }
                true
            }
            AppEvent::Batch(view) => {
                match self.batches.iter_mut().find(|batch| batch.id == view.id) {
                    Some(batch) => *batch = view.clone(),
                    None => self.batches.insert(0, view.clone()),
                }
                true
            }
            _ => false,
        }
    }

    fn forget_old(&mut self) {
        let mut finished = 0;
        self.tasks.retain(|task| {
            finished += usize::from(is_over(task.state));
            !is_over(task.state) || finished <= KEPT
        });
    }

    /// The core has forgotten every task that is over.
    pub fn forget_finished(&mut self) {
        self.tasks.retain(|task| !is_over(task.state));
    }

    /// All tasks known here.
    #[must_use]
    pub fn all(&self) -> &[TaskView] {
        &self.tasks
    }

    /// One task.
    #[must_use]
    pub fn get(&self, id: TaskId) -> Option<&TaskView> {
        self.tasks.iter().find(|task| task.id == id)
    }

    /// Those that are not over.
    pub fn running(&self) -> impl Iterator<Item = &TaskView> {
        self.tasks.iter().filter(|task| !is_over(task.state))
    }

    /// All batches known here.
    #[must_use]
    pub fn batches(&self) -> &[BatchView] {
        &self.batches
    }

    /// One batch.
    #[must_use]
    pub fn batch(&self, id: BatchId) -> Option<&BatchView> {
        self.batches.iter().find(|batch| batch.id == id)
    }

    /// Whether a task is one item of a batch, whose end is told once for all.
    #[must_use]
    pub fn in_batch(&self, id: TaskId) -> bool {
        self.batches.iter().any(|batch| batch.items.iter().any(|item| item.task == Some(id)))
    }
}

/// Whether a task in this state will not change any more.
#[must_use]
pub fn is_over(state: TaskState) -> bool {
    !matches!(state, TaskState::Waiting | TaskState::Running)
}
