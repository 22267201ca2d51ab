//! The trash beside a real server: it deletes, it starts again and cleans up, and the model comes
//! back all the same.

use corral_contract::{
    checks,
    disk::{DiskSource, LookAtDisk, TrashRefs, call},
    downloads::JobState,
    instances::InstanceRef,
    models::{self, DeleteModels, ModelRef},
    settings::{self, Settings},
    tasks::{TaskState, call::List},
};

use crate::place::{Place, binary, wait};

// criterion: 3.6
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_model_outlives_the_clean_up_of_a_server_and_comes_back_whole() {
    let Some(binary) = binary() else { return };
    let mut place = Place::start(&binary).await;
    let at_once = Settings { undo_seconds: 0, ..Settings::default() };
    place.ask::<settings::call::Update>(at_once).await.expect("no undo window");
    let (name, published) = place.publish("lab/kept:latest");
    let job = place.create(&name).await;
    place.job(job.job, JobState::Done).await;
    let row = place.row_when(&name, |row| row.digest.is_some()).await;
    let look = LookAtDisk { instance: place.instance, unused_days: 0 };
    let view = place.ask::<call::Look>(look).await.expect("a look");
    assert_eq!(view.source, DiskSource::Files);
    assert_eq!(view.models.len(), 1);

    let delete = DeleteModels { ids: vec![row.id], ..Default::default() };
    place.ask::<models::call::Delete>(delete).await.expect("accepted");
    let instance = InstanceRef { id: place.instance };
    wait("the trash to have it", || async {
        let list = place.ask::<call::Trash>(instance).await.expect("the trash");
        list.items.into_iter().next()
    })
    .await;
    let tags = place.server_says("GET", "/api/tags", serde_json::Value::Null).await;
    assert!(!tags.contains(&name), "the server has no such model: {tags}");
    // At its start a server removes every blob that no manifest names.
    place.server.kill();
    place.server.revive();
    place.online().await;

    let all = TrashRefs { instance: place.instance, ids: Vec::new() };
    let restored = place.ask::<call::Restore>(all).await.expect("restored");
    assert!(restored.listed, "the server lists it with the same digest: {restored:?}");
    let row = place.row_when(&name, |row| row.digest.is_some()).await;
    assert_eq!(row.digest.as_deref(), Some(published.digest.as_str()));
    let asked = ModelRef { id: row.id };
    let task = place.ask::<checks::call::Model>(asked).await.expect("it begins").task;
    let view = wait("the end of the check", || async {
        let list = place.ask::<List>(Default::default()).await.expect("tasks");
        let view = list.items.into_iter().find(|view| view.id == task);
        view.filter(|view| !matches!(view.state, TaskState::Running | TaskState::Waiting))
    });
    assert_eq!(view.await.state, TaskState::Done, "every layer is what it was");
}
