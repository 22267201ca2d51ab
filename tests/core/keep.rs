//! A server whose store is a real folder, and what tests do to it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use corral_contract::{
    BatchId, ModelId, TaskId,
    app::call::Snapshot,
    disk::{
        DiskView, LookAtDisk, ReclaimChoice, ReclaimItem, ReclaimItems, ReclaimRef, ReclaimReport,
        TrashEntry, call,
    },
    instances::InstanceRef,
    models::{BatchView, DeleteModels, call::Delete},
    settings::{self, Settings},
    tasks::{TaskRef, TaskView},
};
use corral_core::CoreConfig;
use corral_testbed::{
    content::Content,
    ollama::{FakeOllama, Model},
};
use tempfile::TempDir;

use crate::{
    stage::{Stage, clock},
    support::START,
};

/// A stage with a store that can be looked at.
pub(crate) struct Kept {
    pub(crate) stage: Stage,
    pub(crate) folder: TempDir,
}

/// Every file below a folder with the hash of its bytes; what Corral keeps for itself left out.
pub(crate) fn tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).expect("a file");
                files.insert(path, Content::of(bytes).digest);
            }
        }
    }
    files
}

/// Two that share their weights, and one of its own.
pub(crate) fn herd() -> Vec<Model> {
    let base = Model::new("base:1").weights_size(100_000).license("for both");
    let twin = Model::new("twin:1").weights_of(&base).license("for both").param("stop", "x");
    vec![base, twin, Model::new("lone:1").weights_size(300_000)]
}

/// Makes a file that was last changed so many hours ago by the core's clock.
pub(crate) fn write_old(file: &Path, bytes: usize, hours: u64) {
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, vec![7; bytes]).expect("written");
    age(file, hours);
}

pub(crate) fn age(file: &Path, hours: u64) {
    let now = UNIX_EPOCH + Duration::from_millis(START.0.unsigned_abs());
    let open = File::options().write(true).open(file).expect("opens");
    open.set_modified(now - Duration::from_secs(hours * 3600)).expect("aged");
}

impl Kept {
    pub(crate) async fn with(models: Vec<Model>, change: impl FnOnce(&mut CoreConfig)) -> Kept {
        let folder = tempfile::tempdir().expect("a folder");
        let builder = FakeOllama::builder().clock(clock()).folder(folder.path()).models(models);
        let server = builder.start().await.expect("the fake server starts");
        let kept = Kept { stage: Stage::on(server, change).await, folder };
        // The place of the store is looked at with the disk.
        kept.look(0).await;
        kept
    }

    pub(crate) async fn alive() -> Kept {
        let kept = Kept::with(herd(), |_| {}).await;
        kept.settings(|settings| settings.undo_seconds = 0).await;
        kept
    }

    pub(crate) async fn settings(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.stage.bench.core.settings();
        change(&mut settings);
        let asked = self.stage.bench.ask::<settings::call::Update>(settings);
        asked.await.expect("the settings are taken");
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.folder.path().join("blobs")
    }

    pub(crate) fn trash_folder(&self) -> PathBuf {
        self.blobs().join(".corral").join("trash")
    }

    pub(crate) fn tree(&self) -> BTreeMap<PathBuf, String> {
        tree(self.folder.path())
    }

    pub(crate) async fn look(&self, unused_days: u32) -> DiskView {
        let request = LookAtDisk { instance: self.stage.instance, unused_days };
        self.stage.bench.ask::<call::Look>(request).await.expect("a look")
    }

    pub(crate) async fn trash(&self) -> Vec<TrashEntry> {
        let request = InstanceRef { id: self.stage.instance };
        self.stage.bench.ask::<call::Trash>(request).await.expect("the trash").items
    }

    pub(crate) async fn delete(&self, request: DeleteModels) -> BatchView {
        let accepted = self.stage.bench.ask::<Delete>(request).await.expect("it is accepted");
        self.ended(accepted.batch).await
    }

    pub(crate) async fn delete_one(&self, name: &str) -> BatchView {
        let ids = vec![self.stage.id(name).await];
        self.delete(DeleteModels { ids, ..Default::default() }).await
    }

    pub(crate) async fn ended(&self, batch: BatchId) -> BatchView {
        let core = &self.stage.bench.core;
        crate::support::until(core, "the end of a batch", async || {
            let snapshot = self.stage.bench.ask::<Snapshot>(Default::default()).await.ok()?;
            let view = snapshot.batches.into_iter().find(|view| view.id == batch)?;
            view.finished_at.is_some().then_some(view)
        })
        .await
    }

    pub(crate) async fn reclaim(&self, items: &[&ReclaimItem]) -> (TaskView, ReclaimReport) {
        let ReclaimRef { task, .. } = self.reclaimed(items).await;
        self.report(task).await
    }

    pub(crate) async fn reclaimed(&self, items: &[&ReclaimItem]) -> ReclaimRef {
        let choice =
            |item: &&ReclaimItem| ReclaimChoice { id: item.id.clone(), mark: item.mark.clone() };
        let items = items.iter().map(choice).collect();
        let request = ReclaimItems { instance: self.stage.instance, items };
        self.stage.bench.ask::<call::Reclaim>(request).await.expect("it begins")
    }

    pub(crate) async fn report(&self, task: TaskId) -> (TaskView, ReclaimReport) {
        let view = self.stage.ended(task).await;
        let report = self.stage.bench.ask::<call::Report>(TaskRef { id: task }).await;
        (view, report.expect("a report"))
    }

    /// Where the manifest of a library model lies.
    pub(crate) fn manifest(&self, name: &str) -> PathBuf {
        let (model, tag) = name.split_once(':').expect("a tag");
        let library = self.folder.path().join("manifests/registry.ollama.ai/library");
        library.join(model).join(tag)
    }

    pub(crate) async fn ids(&self, names: &[&str]) -> Vec<ModelId> {
        let mut ids = Vec::new();
        for name in names {
            ids.push(self.stage.id(name).await);
        }
        ids
    }
}
