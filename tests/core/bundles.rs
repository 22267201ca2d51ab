//! Models into a file and out of it, to another server, and as a list of names.

mod copy;
mod export;
mod import;
mod kill;
mod list;
mod refused;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use corral_contract::{
    InstanceId, ModelId, TaskId, WireError,
    bundles::{ExportModels, ImportItem, ImportModels, MoveOutcome, call},
    instances::{self, InstanceDraft, InstanceRef},
    models::{ModelRow, ModelSearchRequest, call::Search},
    sync,
    tasks::{TaskListRequest, TaskRef, TaskState, TaskView, call::List},
};
use corral_testbed::{
    FakeOllama,
    content::Content,
    gguf::Gguf,
    ollama::{Layer, LayerKind, Model, library, sha256},
};
use tempfile::TempDir;

use crate::{downloads::direct::Place, support::until};

pub(crate) const MB: u64 = 1_000_000;

/// A server with a models folder of its own, and room for files.
pub(crate) struct Yard {
    pub(crate) place: Place,
    pub(crate) files: TempDir,
}

/// A second server.
pub(crate) struct Other {
    pub(crate) server: FakeOllama,
    pub(crate) id: InstanceId,
    pub(crate) models: TempDir,
}

/// A model whose bytes are real. The same seed makes the same weights; all share their licence.
pub(crate) fn herd(name: &str, seed: u64, size: u64) -> Model {
    let mut bytes = Gguf::tiny().bytes();
    bytes.extend(Content::seeded(seed, size).piece(0, usize::try_from(size).expect("it fits")));
    let mut model = Model::new(name).license("MIT").param("temperature", 0.5);
    model.weights = Layer::of(LayerKind::Model, bytes);
    model
}

impl Yard {
    pub(crate) async fn new() -> Yard {
        Yard { place: Place::new().await, files: tempfile::tempdir().expect("a folder") }
    }

    /// With these models, which a sync has seen.
    pub(crate) async fn with(models: impl IntoIterator<Item = Model>) -> Yard {
        let yard = Yard::new().await;
        for model in models {
            yard.place.server.install(model);
        }
        yard.sync(yard.here()).await;
        yard
    }

    pub(crate) fn here(&self) -> InstanceId {
        self.place.instance
    }

    pub(crate) async fn ask<C: corral_contract::Command>(
        &self,
        request: C::Request,
    ) -> Result<C::Reply, WireError>
    where
        corral_core::Core: corral_core::router::Handle<C>,
    {
        self.place.bench.ask::<C>(request).await
    }

    /// Twice: the first may only join one that had asked before.
    pub(crate) async fn sync(&self, id: InstanceId) {
        for _ in 0..2 {
            self.ask::<sync::call::Run>(InstanceRef { id }).await.expect("a sync");
        }
    }

    pub(crate) fn models(&self) -> PathBuf {
        self.place.blobs().parent().expect("a folder").to_owned()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// A second server with a folder on this machine.
    pub(crate) async fn other(&self) -> Other {
        self.other_in(tempfile::tempdir().expect("a folder")).await
    }

    pub(crate) async fn other_in(&self, models: TempDir) -> Other {
        let builder = FakeOllama::builder().folder(models.path());
        // By this model it tells where its folder is.
        let server = builder.models([library::pick("all-minilm:22m")]).start().await;
        let server = server.expect("a server");
        let id = self.add(&server.url()).await;
        Other { server, id, models }
    }

    pub(crate) async fn add(&self, url: &str) -> InstanceId {
        let draft = InstanceDraft { url: url.to_owned(), ..InstanceDraft::default() };
        let id = self.ask::<instances::call::Add>(draft).await.expect("added").id;
        self.ask::<instances::call::Probe>(InstanceRef { id }).await.expect("asked");
        id
    }

    pub(crate) async fn row(&self, instance: InstanceId, name: &str) -> Option<ModelRow> {
        let request = ModelSearchRequest {
            name: name.to_owned(),
            instance_id: Some(instance),
            ..Default::default()
        };
        let page = self.ask::<Search>(request).await.expect("a page");
        page.items.into_iter().find(|row| row.name == name)
    }

    pub(crate) async fn id(&self, name: &str) -> ModelId {
        self.row(self.here(), name).await.unwrap_or_else(|| panic!("no row {name}")).id
    }

    pub(crate) async fn ids(&self, names: &[&str]) -> Vec<ModelId> {
        let mut ids = Vec::new();
        for name in names {
            ids.push(self.id(name).await);
        }
        ids
    }

    /// Waits for a task to end.
    pub(crate) async fn ended(&self, task: TaskId) -> TaskView {
        let look = async || {
            let list = self.ask::<List>(TaskListRequest::default()).await.expect("tasks");
            let view = list.items.into_iter().find(|view| view.id == task);
            view.filter(|view| !matches!(view.state, TaskState::Running | TaskState::Waiting))
        };
        until(&self.place.bench.core, "the end of a task", look).await
    }

    pub(crate) async fn well(&self, task: TaskId) -> MoveOutcome {
        let view = self.ended(task).await;
        assert_eq!(view.state, TaskState::Done, "{:?}", view.problem);
        self.outcome(task).await
    }

    pub(crate) async fn outcome(&self, id: TaskId) -> MoveOutcome {
        self.ask::<call::Outcome>(TaskRef { id }).await.expect("an outcome")
    }

    /// Writes these into a file.
    pub(crate) async fn export(&self, names: &[&str], file: &Path) {
        let wish = wish(self.ids(names).await, file);
        let task = self.ask::<call::Export>(wish).await.expect("it begins").task;
        self.well(task).await;
    }
}

pub(crate) fn wish(ids: Vec<ModelId>, file: &Path) -> ExportModels {
    let path = file.to_string_lossy().into_owned();
    ExportModels { ids, path, overwrite: false, keep_part: false }
}

pub(crate) fn unpack(file: &Path, instance: InstanceId, names: &[&str]) -> ImportModels {
    let item =
        |name: &&str| ImportItem { name: (*name).to_owned(), rename: None, overwrite: false };
    ImportModels {
        path: file.to_string_lossy().into_owned(),
        instance,
        items: names.iter().map(item).collect(),
        rebuild: false,
    }
}

/// Every file of a folder with the digest of its bytes.
pub(crate) fn tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let bytes = std::fs::read(entry.path()).expect("a file");
                files.insert(entry.path(), sha256(&bytes));
            }
        }
    }
    files
}

/// Every layer of a model lies in a models folder with the bytes that its name promises, and its
/// manifest is byte for byte the one of the other folder.
pub(crate) fn arrived(model: &Model, from: &Path, to: &Path) {
    for layer in model.layers().iter().chain([&model.config_layer()]) {
        let file = to.join("blobs").join(format!("sha256-{}", layer.digest));
        let bytes = std::fs::read(&file).expect("the blob is there");
        assert_eq!(sha256(&bytes), layer.digest);
    }
    let path: PathBuf = ["manifests"].into_iter().chain(model.name.path()).collect();
    let read = |folder: &Path| std::fs::read(folder.join(&path)).expect("a manifest");
    assert_eq!(read(from), read(to));
    let left = std::fs::read_dir(to.join("blobs/.corral")).map(Iterator::count);
    assert_eq!(left.unwrap_or(0), 0, "nothing is left in staging");
}
