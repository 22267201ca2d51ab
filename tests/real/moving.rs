//! A model into a file, away, and out of the file again, with a real server in the end.

use corral_contract::{
    InstanceId,
    bundles::{
        CopyModels, CopyTarget, ExportModels, ImportItem, ImportModels, InspectBundle, ListState,
        ListTarget, MoveState, call,
    },
    downloads::JobState,
    instances::InstanceRef,
    models::{self, ModelRow, ModelSearchRequest},
    status::Status,
    sync,
    tasks::TaskRef,
};
use corral_testbed::gguf::Gguf;

use crate::place::{Place, RealOllama, binary, can_load, wait};

impl Place {
    /// The row of this name on that server, once it is known there.
    async fn row_at(&self, instance: InstanceId, name: &str) -> ModelRow {
        let request = ModelSearchRequest {
            name: name.to_owned(),
            instance_id: Some(instance),
            ..Default::default()
        };
        wait("the row on the other server", || async {
            let page = self.ask::<models::call::Search>(request.clone()).await.expect("a search");
            page.items.into_iter().find(|row| row.name == name && row.digest.is_some())
        })
        .await
    }

    async fn loads(&self, row: &ModelRow) {
        let request = models::StartModel::with(row.id, Default::default());
        let task = self.ask::<models::call::Start>(request).await.expect("it begins").task;
        self.well(task).await;
    }
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_was_deleted_comes_back_out_of_its_file_and_loads() {
    let Some(binary) = binary() else { return };
    let place = Place::start(&binary).await;
    let (name, published) = place.publish("lab/moved:latest");
    // By another model the server still tells where its folder is.
    let (stays, _) = place.publish("lab/stays:latest");
    for name in [&name, &stays] {
        let job = place.create(name).await;
        place.job(job.job, JobState::Done).await;
    }
    let id = place.row_when(&name, |row| row.digest.is_some()).await.id;
    let files = tempfile::tempdir().expect("a folder");
    let file = files.path().join("moved.corral.tar");
    let path = file.to_string_lossy().into_owned();
    let wish =
        ExportModels { ids: vec![id], path: path.clone(), overwrite: false, keep_part: false };
    let task = place.ask::<call::Export>(wish).await.expect("it begins").task;
    place.well(task).await;

    place.server_says("DELETE", "/api/delete", serde_json::json!({ "model": name })).await;
    place.sync().await;
    let tags = place.server_says("GET", "/api/tags", serde_json::Value::Null).await;
    assert!(!tags.contains(&name));

    let item = ImportItem { name: name.clone(), rename: None, overwrite: false };
    let wish = ImportModels { path, instance: place.instance, items: vec![item], rebuild: false };
    let task = place.ask::<call::Import>(wish).await.expect("it begins").task;
    place.well(task).await;
    let outcome = place.ask::<call::Outcome>(TaskRef { id: task }).await.expect("an outcome");
    assert_eq!(outcome.items[0].state, MoveState::Done);
    place.sync().await;
    let row = place.row_when(&name, |row| row.status == Status::Stopped);
    let row = row.await;
    assert_eq!(row.digest.as_deref(), Some(published.digest.as_str()));
    if can_load(&binary) {
        place.loads(&row).await;
    }
}

// criterion: 1.4
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_on_a_second_server_is_the_same_model_and_loads() {
    let Some(binary) = binary() else { return };
    let place = Place::start(&binary).await;
    let (row, published) = place.fetched("lab/goes:latest", &Gguf::tiny()).await;
    let second = RealOllama::start(&binary);
    let to = place.add(&second).await;
    let target = CopyTarget { ids: vec![row.id], to };
    let preview = place.ask::<call::PreviewCopy>(target).await.expect("a preview");
    assert!(preview.missing > 0 && preview.items[0].item.problem.is_none(), "{preview:?}");
    let wish = CopyModels { ids: vec![row.id], to, overwrite: false, rebuild: false };
    let task = place.ask::<call::Copy>(wish).await.expect("it begins").task;
    place.well(task).await;
    let outcome = place.ask::<call::Outcome>(TaskRef { id: task }).await.expect("an outcome");
    assert_eq!(outcome.items[0].state, MoveState::Done);
    place.ask::<sync::call::Run>(InstanceRef { id: to }).await.expect("a sync");
    let there = place.row_at(to, &row.name).await;
    assert_eq!(there.digest.as_deref(), Some(published.digest.as_str()));
    if can_load(&binary) {
        place.loads(&there).await;
    }
}

// criterion: 1.4
#[tokio::test(flavor = "multi_thread")]
async fn a_list_says_what_another_server_lacks() {
    let Some(binary) = binary() else { return };
    let place = Place::start(&binary).await;
    let (one, _) = place.fetched("lab/one:latest", &Gguf::tiny()).await;
    let files = tempfile::tempdir().expect("a folder");
    let path = files.path().join("list.json").to_string_lossy().into_owned();
    let target = ListTarget { path: path.clone(), instance: place.instance, overwrite: false };
    assert_eq!(place.ask::<call::SaveList>(target).await.expect("written").models, 1);
    let second = RealOllama::start(&binary);
    let other = place.add(&second).await;
    place.ask::<sync::call::Run>(InstanceRef { id: other }).await.expect("a sync");
    for (instance, state) in [(place.instance, ListState::Present), (other, ListState::Missing)] {
        let look = InspectBundle { path: path.clone(), instance };
        let items = place.ask::<call::PreviewList>(look).await.expect("a preview").items;
        let [item] = &items[..] else { panic!("one name: {items:?}") };
        assert_eq!((item.name.as_str(), item.state), (one.name.as_str(), state));
    }
}
