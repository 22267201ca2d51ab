//! Looking whether files are what they should be, and putting right what is not.

mod adopt;
mod clean;
mod file;
mod repair;
mod smoke;
mod store;

use corral_contract::{
    JobId, ModelId, TaskId,
    checks::{CheckResult, call},
    instances::InstanceRef,
    models::{ModelDetail, ModelRef, call::LoadDetail},
    tasks::{TaskListRequest, TaskState, TaskView, call::List},
};
use corral_testbed::{content::Content, gguf::Gguf, ollama::LayerKind};

use crate::{
    downloads::{direct::Place, stage::row},
    support::until,
};

const MB: u64 = 1_000_000;

/// A model file that is whole in itself, with much behind it.
fn weights(seed: u64, size: u64) -> Content {
    let mut bytes = Gguf::tiny().bytes();
    bytes.extend(Content::seeded(seed, size).piece(0, usize::try_from(size).expect("it fits")));
    Content::of(bytes)
}

fn layers(seed: u64, size: u64) -> Vec<(LayerKind, Content)> {
    vec![
        (LayerKind::Model, weights(seed, size)),
        (LayerKind::Template, Content::of(format!("{{{{ .Prompt }}}} {seed}"))),
    ]
}

impl Place {
    /// A model that was downloaded and that a sync has seen.
    async fn with_model(&self, name: &str, parts: &[(LayerKind, Content)]) -> ModelId {
        self.publish(name, parts);
        let job = self.create(name).await.job;
        self.done(job).await;
        self.seen(name).await
    }

    async fn sync(&self) {
        let asked = self.bench.ask::<corral_contract::sync::call::Run>(self.instance()).await;
        asked.expect("a sync");
    }

    async fn seen(&self, name: &str) -> ModelId {
        let name = format!("{name}:latest");
        let look = async || {
            row(&self.bench.core, &name).await.filter(|row| row.digest.is_some()).map(|row| row.id)
        };
        until(&self.bench.core, "a sync has seen it", look).await
    }

    fn blob(&self, content: &Content) -> std::path::PathBuf {
        self.blobs().join(format!("sha256-{}", content.digest))
    }

    /// Changes one bit in the middle of a layer.
    fn flip(&self, content: &Content) {
        let file = self.blob(content);
        let mut bytes = std::fs::read(&file).expect("the blob is there");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, bytes).expect("written back");
    }

    /// Waits for a task to end.
    async fn ended(&self, task: TaskId) -> TaskView {
        let look = async || {
            let list = self.bench.ask::<List>(TaskListRequest::default()).await.expect("tasks");
            let view = list.items.into_iter().find(|view| view.id == task);
            view.filter(|view| !matches!(view.state, TaskState::Running | TaskState::Waiting))
        };
        until(&self.bench.core, "the end of a task", look).await
    }

    async fn check(&self, id: ModelId) -> (TaskView, CheckResult) {
        let task = self.bench.ask::<call::Model>(ModelRef { id }).await.expect("it begins").task;
        let view = self.ended(task).await;
        (view, self.detail(id).await.check.expect("a result"))
    }

    async fn detail(&self, id: ModelId) -> ModelDetail {
        self.bench.ask::<LoadDetail>(ModelRef { id }).await.expect("details")
    }

    fn instance(&self) -> InstanceRef {
        InstanceRef { id: self.instance }
    }

    async fn is_done(&self, job: JobId) {
        self.done(job).await;
    }
}
