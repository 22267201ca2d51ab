//! Models out of a file.

use corral_contract::{
    ErrorCode,
    bundles::{ImportItem, ImportModels, InspectBundle, MoveState, There, Way, call},
    tasks::TaskState,
};
use corral_testbed::{FakeOllama, content::Content, ollama::LayerKind};

use super::{MB, Yard, arrived, herd, tree, unpack};

fn look(file: &std::path::Path, instance: corral_contract::InstanceId) -> InspectBundle {
    InspectBundle { path: file.to_string_lossy().into_owned(), instance }
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn models_of_a_file_are_brought_to_a_server_that_asks_no_registry() {
    let models = [herd("one", 11, 3 * MB), herd("team/two:v1", 12, 2 * MB)];
    let yard = Yard::with(models.clone()).await;
    let file = yard.file("two.corral.tar");
    let names = ["one:latest", "team/two:v1"];
    yard.export(&names, &file).await;
    let other = yard.other().await;
    let seen = yard.ask::<call::Inspect>(look(&file, other.id)).await.expect("a look");
    assert!(seen.direct && seen.free.is_some());
    assert!((5 * MB..6 * MB).contains(&seen.missing), "{}", seen.missing);
    assert!(seen.items.iter().all(|it| it.there == There::Nothing && it.way == Way::Store));

    let task = yard.ask::<call::Import>(unpack(&file, other.id, &names)).await;
    let outcome = yard.well(task.expect("it begins").task).await;
    assert!(outcome.items.iter().all(|item| item.state == MoveState::Done), "{outcome:?}");
    for model in &models {
        arrived(model, &yard.models(), other.models.path());
    }
    yard.sync(other.id).await;
    let here = yard.row(yard.here(), "team/two:v1").await.expect("a row");
    let there = yard.row(other.id, "team/two:v1").await.expect("the server lists it");
    assert_eq!(here.digest, there.digest);
    assert!(other.server.requests_to("POST", "/api/pull").is_empty());

    let before = tree(other.models.path());
    let again = yard.ask::<call::Import>(unpack(&file, other.id, &names)).await;
    let outcome = yard.well(again.expect("it begins").task).await;
    assert!(outcome.items.iter().all(|item| item.state == MoveState::Present));
    assert_eq!(tree(other.models.path()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_name_is_replaced_renamed_or_left_as_chosen() {
    let yard = Yard::with([herd("one", 13, MB)]).await;
    let file = yard.file("one.corral.tar");
    yard.export(&["one:latest"], &file).await;
    let other = yard.other().await;
    // The server compares names without case.
    other.server.install(herd("One", 14, 2 * MB));
    let seen = yard.ask::<call::Inspect>(look(&file, other.id)).await.expect("a look");
    assert_eq!(seen.items[0].there, There::Other);
    let before = tree(other.models.path());
    let plain = unpack(&file, other.id, &["one:latest"]);
    let refused = yard.ask::<call::Import>(plain.clone()).await.expect_err("taken");
    assert_eq!((refused.code, &*refused.params["name"]), (ErrorCode::AlreadyExists, "one:latest"));
    for (rename, reason) in [("../x", "nameBadCharacter"), ("C:/a/b:c", "nameBadCharacter")] {
        let item = ImportItem { rename: Some(rename.to_owned()), ..plain.items[0].clone() };
        let asked = ImportModels { items: vec![item], ..plain.clone() };
        let refused = yard.ask::<call::Import>(asked).await.expect_err("no name");
        assert_eq!(refused.params["reason"], reason);
    }
    assert_eq!(tree(other.models.path()), before, "what is refused changes nothing");

    let item = ImportItem { rename: Some("uno:v2".to_owned()), ..plain.items[0].clone() };
    let task = yard.ask::<call::Import>(ImportModels { items: vec![item], ..plain.clone() }).await;
    yard.well(task.expect("it begins").task).await;
    let item = ImportItem { overwrite: true, ..plain.items[0].clone() };
    let task = yard.ask::<call::Import>(ImportModels { items: vec![item], ..plain }).await;
    yard.well(task.expect("it begins").task).await;
    yard.sync(other.id).await;
    let here = yard.row(yard.here(), "one:latest").await.expect("a row").digest;
    for name in ["uno:v2", "One:latest"] {
        assert_eq!(yard.row(other.id, name).await.expect(name).digest, here, "{name}");
    }
    let library = other.models.path().join("manifests/registry.ollama.ai/library");
    // By the names in the folder: some file systems find either case.
    let names: Vec<_> = std::fs::read_dir(library)
        .expect("the folder of names")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(names.iter().any(|name| name == "One") && !names.iter().any(|name| name == "one"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_meanwhile_stays_who_it_is() {
    let yard = Yard::with([herd("one", 15, 2 * MB), herd("two", 16, MB)]).await;
    let file = yard.file("two.corral.tar");
    yard.export(&["one:latest", "two:latest"], &file).await;
    let other = yard.other().await;
    let asked = unpack(&file, other.id, &["one:latest", "two:latest"]);
    // Between the look and the second model somebody else makes one of that name.
    let slow = std::time::Duration::from_millis(150);
    other.server.latency("/api/tags", slow);
    let task = yard.ask::<call::Import>(asked).await.expect("it begins").task;
    other.server.install(herd("two", 17, MB));
    let view = yard.ended(task).await;
    let problem = view.problem.expect("why");
    assert_eq!((problem.code, &*problem.params["name"]), (ErrorCode::AlreadyExists, "two:latest"));
    let states: Vec<_> = yard.outcome(task).await.items.iter().map(|item| item.state).collect();
    assert_eq!(states, [MoveState::Done, MoveState::Failed], "the other one came");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_layer_in_the_folder_is_replaced_by_the_sound_one() {
    let model = herd("one", 18, 2 * MB);
    let yard = Yard::with([model.clone()]).await;
    let file = yard.file("one.corral.tar");
    yard.export(&["one:latest"], &file).await;
    let other = yard.other().await;
    let blob = other.models.path().join("blobs").join(format!("sha256-{}", model.weights.digest));
    let size = usize::try_from(model.weights.size).expect("it fits");
    std::fs::write(&blob, vec![7; size]).expect("written");
    let task = yard.ask::<call::Import>(unpack(&file, other.id, &["one:latest"])).await;
    yard.well(task.expect("it begins").task).await;
    arrived(&model, &yard.models(), other.models.path());
}

// criterion: 2.8
#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_with_what_an_earlier_one_left() {
    let model = herd("one", 19, 3 * MB);
    let yard = Yard::with([model.clone()]).await;
    let file = yard.file("one.corral.tar");
    yard.export(&["one:latest"], &file).await;
    let blob = yard.place.blobs().join(format!("sha256-{}", model.weights.digest));
    let bytes = std::fs::read(blob).expect("there");
    for (length, change) in [(1, false), (1_000_000, false), (1_000_000, true), (bytes.len(), true)]
    {
        let other = yard.other().await;
        let staging = other.models.path().join("blobs/.corral");
        std::fs::create_dir_all(&staging).expect("a folder");
        let mut begun = bytes[..length].to_vec();
        if change {
            begun[length / 2] ^= 1;
        }
        let left = staging.join(format!("{}.moved", model.weights.digest));
        std::fs::write(left, begun).expect("written");
        let task = yard.ask::<call::Import>(unpack(&file, other.id, &["one:latest"])).await;
        yard.well(task.expect("it begins").task).await;
        arrived(&model, &yard.models(), other.models.path());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_nothing_begins() {
    let yard = Yard::with([herd("one", 20, 2 * MB)]).await;
    let file = yard.file("one.corral.tar");
    yard.export(&["one:latest"], &file).await;
    let other = yard.other().await;
    let before = tree(other.models.path());
    yard.place.room(MB);
    let short = yard.ask::<call::Import>(unpack(&file, other.id, &["one:latest"])).await;
    let short = short.expect_err("no room");
    assert_eq!(short.code, ErrorCode::DiskShort);
    assert!(short.params["missing"].parse::<u64>().expect("a number") > MB);
    assert_eq!(tree(other.models.path()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_elsewhere_gets_the_layers_and_asks_the_registry_for_the_manifest() {
    let yard = Yard::new().await;
    let parts = [(
        LayerKind::Model,
        Content::of(herd("x", 21, 2 * MB).weights.data.expect("bytes").to_vec()),
    )];
    yard.place.publish("known", &parts);
    let job = yard.place.create("known").await;
    yard.place.done(job.job).await;
    yard.place.server.install(herd("own", 22, MB));
    yard.sync(yard.here()).await;
    let file = yard.file("two.corral.tar");
    let names = ["known:latest", "own:latest"];
    yard.export(&names, &file).await;

    let far = FakeOllama::builder().start().await.expect("a server");
    let model = yard
        .place
        .server
        .store(|store| store.find(&corral_testbed::ollama::Name::parse("known").expect("a name")));
    far.catalogue(|catalogue| catalogue.add(model.expect("there").model.clone()));
    let id = yard.add(&far.url()).await;
    let seen = yard.ask::<call::Inspect>(look(&file, id)).await.expect("a look");
    let ways: Vec<_> = seen.items.iter().map(|item| item.way).collect();
    assert!(!seen.direct && seen.free.is_none());
    assert_eq!(ways, [Way::Registry, Way::Rebuild]);

    let asked = unpack(&file, id, &names);
    let refused = yard.ask::<call::Import>(asked.clone()).await.expect_err("not unasked");
    assert_eq!((refused.code, &*refused.params["name"]), (ErrorCode::OnlyRebuild, "own:latest"));
    assert!(far.store(|store| store.blob_count()) == 0, "nothing was sent");
    let task = yard.ask::<call::Import>(ImportModels { rebuild: true, ..asked }).await;
    let outcome = yard.well(task.expect("it begins").task).await;
    let states: Vec<_> = outcome.items.iter().map(|item| item.state).collect();
    assert_eq!(states, [MoveState::Done, MoveState::Rebuilt]);
    assert!(far.downloads().is_empty(), "it fetched no layer");
    yard.sync(id).await;
    let digest = yard.row(yard.here(), "known:latest").await.expect("a row").digest;
    assert_eq!(yard.row(id, "known:latest").await.expect("listed").digest, digest);
    assert!(yard.row(id, "own:latest").await.is_some());
    assert_eq!(yard.ended(outcome.task).await.state, TaskState::Done);
}
