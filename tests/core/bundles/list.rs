//! Lists of names.

use corral_contract::{
    ErrorCode,
    bundles::{ChosenNames, InspectBundle, ListState, ListTarget, call},
    downloads::{JobState, call as downloads},
};
use corral_testbed::{content::Content, ollama::LayerKind};
use serde_json::{Value, json};

use super::{MB, Yard, herd, tree};

// criterion: 1.4
#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_written_and_what_is_missing_of_it_is_fetched() {
    let yard = Yard::new().await;
    yard.place.publish("known", &[(LayerKind::Model, Content::seeded(51, MB))]);
    let job = yard.place.create("known").await;
    yard.place.done(job.job).await;
    yard.place.server.install(herd("own", 52, MB));
    yard.sync(yard.here()).await;
    let file = yard.file("list.json");
    let path = file.to_string_lossy().into_owned();
    let target = ListTarget { path: path.clone(), instance: yard.here(), overwrite: false };
    let saved = yard.ask::<call::SaveList>(target.clone()).await.expect("written");
    assert_eq!(saved.models, 3);
    let again = yard.ask::<call::SaveList>(target).await.expect_err("it is there");
    assert_eq!(again.params["reason"], "fileExists");
    let text: Value = serde_json::from_slice(&std::fs::read(&file).expect("there")).expect("JSON");
    assert_eq!((&text["format"], &text["version"]), (&json!("corral-models"), &json!(1)));

    let other = yard.other().await;
    yard.sync(other.id).await;
    let look = InspectBundle { path: path.clone(), instance: other.id };
    let preview = yard.ask::<call::PreviewList>(look).await.expect("a preview").items;
    let states: Vec<_> = preview.iter().map(|it| (it.name.as_str(), it.state)).collect();
    assert_eq!(
        states,
        [
            ("all-minilm:22m", ListState::Present),
            ("known:latest", ListState::Missing),
            ("own:latest", ListState::Missing),
        ]
    );
    assert!(preview[1].bytes.is_some_and(|bytes| bytes > MB));
    let names = vec!["all-minilm:22m".to_owned(), "known:latest".to_owned()];
    let chosen = ChosenNames { path, instance: other.id, names };
    let restored = yard.ask::<call::RestoreList>(chosen.clone()).await.expect("queued");
    assert_eq!((restored.queued, restored.present, restored.failed.len()), (1, 1, 0));
    let queue = yard.ask::<downloads::List>(Default::default()).await.expect("the queue");
    let job = queue.jobs.iter().find(|job| job.instance == other.id).expect("a job");
    let done = yard
        .place
        .until("its end", job.id, |job| matches!(job.state, JobState::Done | JobState::Failed));
    assert_eq!(done.await.state, JobState::Done);
    let again = yard.ask::<call::RestoreList>(chosen).await.expect("nothing to do");
    assert_eq!((again.queued, again.present), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_list_is_refused_and_names_that_are_none_are_shown() {
    let yard = Yard::with([herd("one", 53, MB)]).await;
    let before = tree(&yard.models());
    let file = yard.file("list.json");
    let look =
        || InspectBundle { path: file.to_string_lossy().into_owned(), instance: yard.here() };
    for (text, reason) in [
        ("hello".to_owned(), "notList"),
        (json!({"models": []}).to_string(), "notList"),
        (json!({"format": "other", "version": 1, "models": []}).to_string(), "notList"),
        (json!({"format": "corral-models", "version": 2, "models": []}).to_string(), "listNewer"),
        (json!({"format": "corral-models", "version": 1, "models": 5}).to_string(), "notList"),
    ] {
        std::fs::write(&file, &text).expect("written");
        let refused = yard.ask::<call::PreviewList>(look()).await.expect_err("no list");
        assert_eq!((refused.code, &*refused.params["reason"]), (ErrorCode::InvalidInput, reason));
    }
    let list = json!({
        "format": "corral-models", "version": 1, "of": "a later Corral",
        "models": [
            {"name": "one", "note": "mine"},
            {"name": "ONE:latest"},
            {"name": "../../etc/passwd"},
            {"name": "one:latest", "digest": "00"},
            {"name": "new", "bytes": 7},
        ],
    });
    std::fs::write(&file, list.to_string()).expect("written");
    let items = yard.ask::<call::PreviewList>(look()).await.expect("a preview").items;
    let states: Vec<_> = items.iter().map(|it| (it.name.as_str(), it.state, it.bytes)).collect();
    assert_eq!(
        states,
        [
            ("one:latest", ListState::Present, None),
            ("../../etc/passwd", ListState::Invalid, None),
            ("new:latest", ListState::Missing, Some(7)),
        ]
    );
    assert_eq!(items[1].reason.as_deref(), Some("nameBadCharacter"));
    assert_eq!(tree(&yard.models()), before);
}
