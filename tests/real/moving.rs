//! A model into a file, away, and out of the file again, with a real server in the end.

use corral_contract::{
    bundles::{ExportModels, ImportItem, ImportModels, MoveState, call},
    downloads::JobState,
    models,
    tasks::{TaskListRequest, TaskRef, TaskState, TaskView, call::List},
};

use crate::place::{Place, binary, can_load, wait};

impl Place {
    async fn moved(&self, task: corral_contract::TaskId) -> TaskView {
        wait("the end of a move", || async {
            let list = self.ask::<List>(TaskListRequest::default()).await.expect("tasks");
            let view = list.items.into_iter().find(|view| view.id == task);
            view.filter(|view| !matches!(view.state, TaskState::Running | TaskState::Waiting))
        })
        .await
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
    let view = place.moved(task).await;
    assert_eq!(view.state, TaskState::Done, "{:?}", view.problem);

    place.server_says("DELETE", "/api/delete", serde_json::json!({ "model": name })).await;
    place.sync().await;
    let tags = place.server_says("GET", "/api/tags", serde_json::Value::Null).await;
    assert!(!tags.contains(&name));

    let item = ImportItem { name: name.clone(), rename: None, overwrite: false };
    let wish = ImportModels { path, instance: place.instance, items: vec![item], rebuild: false };
    let task = place.ask::<call::Import>(wish).await.expect("it begins").task;
    let view = place.moved(task).await;
    assert_eq!(view.state, TaskState::Done, "{:?}", view.problem);
    let outcome = place.ask::<call::Outcome>(TaskRef { id: task }).await.expect("an outcome");
    assert_eq!(outcome.items[0].state, MoveState::Done);
    place.sync().await;
    let row = place.row_when(&name, |row| row.status == corral_contract::status::Status::Stopped);
    let row = row.await;
    assert_eq!(row.digest.as_deref(), Some(published.digest.as_str()));
    if can_load(&binary) {
        let request = models::StartModel::with(row.id, Default::default());
        let task = place.ask::<models::call::Start>(request).await.expect("it begins").task;
        let view = place.moved(task).await;
        assert_eq!(view.state, TaskState::Done, "{:?}", view.problem);
    }
}
