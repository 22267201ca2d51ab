//! What a round of questions finds.

use corral_contract::{
    ErrorCode, Timestamp,
    models::{CountModels, ModelRefs, call::Counts},
    tasks::TaskState,
    updates::{UpdateState, WhyUnchecked, call},
};

use super::Place;

#[tokio::test]
async fn what_is_newer_is_told_with_its_new_layers_and_what_changed() {
    let place = Place::new().await;
    assert_eq!(place.check().await.state, TaskState::Done);
    assert_eq!(place.row().await.update, None, "the same manifest is no update");
    assert_eq!(place.list().await.items, []);

    let published = place.publish(2);
    place.registry.pushed(Some(1_795_000_000));
    place.check().await;
    let list = place.list().await;
    let [update] = &list.items[..] else { panic!("one update: {list:#?}") };
    assert_eq!(update.digest.as_deref(), Some(published.digest.as_str()));
    assert_eq!((update.state, update.snoozed), (UpdateState::Available, false));
    assert_eq!(update.bytes, Some(1_000_000), "licence and config are there");
    assert_eq!(update.changed, ["model"]);
    assert_eq!(update.pushed_at, Some(Timestamp(1_795_000_000_000)));
    let row = place.row().await.update.expect("the row says so");
    assert_eq!(
        (row.state, row.bytes, row.snoozed),
        (UpdateState::Available, Some(1_000_000), false)
    );
    let counts = place.bench.ask::<Counts>(CountModels::default()).await.expect("counts").updates;
    assert_eq!((counts.models, counts.bytes, counts.unproven), (1, 1_000_000, 0));
}

#[tokio::test]
async fn what_was_put_off_comes_back_with_the_next_version_only() {
    let place = Place::new().await;
    place.publish(2);
    place.check().await;
    let ids = vec![place.id().await];
    let put_off = place.bench.ask::<call::Snooze>(ModelRefs { ids }).await.expect("put off");
    assert_eq!(put_off.changed, 1);
    place.check().await;
    assert!(place.row().await.update.expect("known").snoozed);
    let counts = place.bench.ask::<Counts>(CountModels::default()).await.expect("counts").updates;
    assert_eq!(counts.models, 0);

    place.publish(3);
    place.check().await;
    assert!(!place.row().await.update.expect("newer").snoozed);
    place.publish(1);
    place.check().await;
    assert_eq!(place.row().await.update, None, "the registry went back to what is here");
}

#[tokio::test]
async fn a_tag_that_is_gone_and_a_registry_that_is_silent_are_told_apart() {
    let place = Place::new().await;
    place.publish(2);
    place.check().await;
    place.registry.manifest_status(Some((503, "busy")));
    assert_eq!(place.check().await.state, TaskState::Done);
    let list = place.list().await;
    assert_eq!(list.unchecked[0].why, WhyUnchecked::Silent);
    let problem = list.unchecked[0].problem.as_ref().expect("why");
    assert_eq!(problem.code, ErrorCode::RegistryUnreachable);
    assert_eq!(list.items.len(), 1, "what it said before still holds");

    place.registry.manifest_status(None);
    place.registry.withdraw("library/herd:latest");
    place.check().await;
    let list = place.list().await;
    assert_eq!(list.unchecked[0].why, WhyUnchecked::TagGone);
    assert_eq!((list.items.len(), place.row().await.update), (0, None));
}

#[tokio::test]
async fn a_registry_that_was_asked_too_often_is_left_alone() {
    let place = Place::new().await;
    place.publish(2);
    place.registry.manifest_status(Some((429, "slow down")));
    let task = place.check().await;
    assert_eq!(task.state, TaskState::Failed);
    assert_eq!(task.problem.expect("why").params["status"], "429");
    assert_eq!(place.list().await.unchecked, [], "nothing is known of the model");
}

#[tokio::test]
async fn what_was_made_on_the_server_is_not_compared() {
    let place = Place::new().await;
    let file = place.store.path().join("manifests/registry.ollama.ai/library/herd/latest");
    let text = std::fs::read_to_string(&file).expect("the manifest");
    let from = place.store.path().join("blobs/sha256-1");
    let mut manifest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    manifest["layers"][0]["from"] = from.display().to_string().into();
    std::fs::write(&file, manifest.to_string()).expect("changed");
    place.publish(2);
    place.check().await;
    let list = place.list().await;
    assert_eq!((list.items.len(), list.unchecked[0].why), (0, WhyUnchecked::MadeHere));
}
