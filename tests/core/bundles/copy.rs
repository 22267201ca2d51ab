//! Models from one server to another.

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    bundles::{CopyModels, CopyTarget, MoveOutcome, MoveState, There, Way, call},
};
use corral_testbed::{
    FakeOllama,
    content::Content,
    ollama::{Fault, LayerKind, Name},
};

use super::{MB, Yard, arrived, herd, tree};

async fn copy(yard: &Yard, names: &[&str], to: InstanceId) -> CopyModels {
    CopyModels { ids: yard.ids(names).await, to, overwrite: false, rebuild: false }
}

async fn done(yard: &Yard, wish: CopyModels) -> MoveOutcome {
    let task = yard.ask::<call::Copy>(wish).await.expect("it begins").task;
    yard.well(task).await
}

async fn failed(yard: &Yard, wish: CopyModels) -> WireError {
    let task = yard.ask::<call::Copy>(wish).await.expect("it begins").task;
    yard.ended(task).await.problem.expect("why")
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_model_comes_into_another_folder_with_the_same_manifest() {
    let models = [herd("one", 41, 2 * MB), herd("two", 41, 2 * MB).system("Be short.")];
    let yard = Yard::with(models.clone()).await;
    let other = yard.other().await;
    let names = ["one:latest", "two:latest"];
    let target = CopyTarget { ids: yard.ids(&names).await, to: other.id };
    let preview = yard.ask::<call::PreviewCopy>(target).await.expect("a preview");
    assert!((2 * MB..3 * MB).contains(&preview.missing), "shared layers once");
    assert!(preview.items.iter().all(|it| it.item.way == Way::Store));
    let outcome = done(&yard, copy(&yard, &names, other.id).await).await;
    assert!(outcome.items.iter().all(|item| item.state == MoveState::Done), "{outcome:?}");
    for model in &models {
        arrived(model, &yard.models(), other.models.path());
    }
    yard.sync(other.id).await;
    assert!(yard.row(other.id, "two:latest").await.is_some());
    // Removing one of the two does not touch the other.
    let blob = format!("blobs/sha256-{}", models[0].weights.digest);
    std::fs::remove_file(yard.models().join(&blob)).expect("removed");
    arrived_weights(&models[0].weights.digest, &other.models.path().join(blob));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_model_comes_into_a_folder_on_another_disk() {
    let Some(disk) = crate::support::other_disk() else {
        println!("skipped: there is no second file system");
        return;
    };
    let model = herd("one", 47, 3 * MB);
    let yard = Yard::with([model.clone()]).await;
    let other = yard.other_in(disk).await;
    let target = CopyTarget { ids: yard.ids(&["one:latest"]).await, to: other.id };
    let preview = yard.ask::<call::PreviewCopy>(target).await.expect("a preview");
    assert!(preview.missing >= 3 * MB, "every byte has to go: {}", preview.missing);
    let before = tree(&yard.models());
    let outcome = done(&yard, copy(&yard, &["one:latest"], other.id).await).await;
    assert!(outcome.items.iter().all(|item| item.state == MoveState::Done), "{outcome:?}");
    arrived(&model, &yard.models(), other.models.path());
    assert_eq!(tree(&yard.models()), before);
    let half = other.models.path().join("blobs/.corral");
    let left = std::fs::read_dir(half).map(Iterator::count).unwrap_or(0);
    assert_eq!(left, 0, "nothing half is left");
}

fn arrived_weights(digest: &str, file: &std::path::Path) {
    let bytes = std::fs::read(file).expect("still there");
    assert_eq!(corral_testbed::ollama::sha256(&bytes), digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_name_and_one_folder_on_both_sides_are_refused() {
    let yard = Yard::with([herd("one", 42, MB)]).await;
    let other = yard.other().await;
    other.server.install(herd("one", 43, MB));
    let before = (tree(&yard.models()), tree(other.models.path()));
    let wish = copy(&yard, &["one:latest"], other.id).await;
    let target = CopyTarget { ids: wish.ids.clone(), to: other.id };
    let preview = yard.ask::<call::PreviewCopy>(target).await.expect("a preview");
    assert_eq!(preview.items[0].item.there, There::Other);
    let refused = yard.ask::<call::Copy>(wish.clone()).await.expect_err("taken");
    assert_eq!(refused.code, ErrorCode::AlreadyExists);

    let twin = FakeOllama::builder().folder(yard.models()).start().await.expect("a server");
    let twin_id = yard.add(&twin.url()).await;
    for to in [twin_id, yard.here()] {
        let refused = yard.ask::<call::Copy>(CopyModels { to, ..wish.clone() }).await;
        let refused = refused.expect_err("the same folder");
        assert_eq!(refused.code, ErrorCode::InvalidInput, "{refused}");
        assert_eq!((&*refused.params["field"], &*refused.params["reason"]), ("to", "sameStore"));
    }
    assert_eq!((tree(&yard.models()), tree(other.models.path())), before);
    done(&yard, CopyModels { overwrite: true, ..wish }).await;
    arrived(&herd("one", 42, MB), &yard.models(), other.models.path());
}

/// A model of the registry here, and a server elsewhere that can ask the registry for it.
async fn far(seed: u64, size: u64) -> (Yard, FakeOllama, InstanceId) {
    let yard = Yard::new().await;
    let bytes = herd("x", seed, size).weights.data.expect("bytes").to_vec();
    yard.place.publish("known", &[(LayerKind::Model, Content::of(bytes))]);
    let job = yard.place.create("known").await;
    yard.place.done(job.job).await;
    yard.sync(yard.here()).await;
    let server = FakeOllama::builder().start().await.expect("a server");
    let name = Name::parse("known").expect("a name");
    let model = yard.place.server.store(|store| store.find(&name)).expect("there").model.clone();
    server.catalogue(|catalogue| catalogue.add(model));
    let id = yard.add(&server.url()).await;
    (yard, server, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_elsewhere_gets_only_what_it_lacks() {
    let (yard, server, id) = far(44, 2 * MB).await;
    let wish = copy(&yard, &["known:latest"], id).await;
    let outcome = done(&yard, wish.clone()).await;
    assert_eq!(outcome.items[0].state, MoveState::Done);
    assert!(server.downloads().is_empty(), "it fetched no layer");
    yard.sync(id).await;
    let digest = yard.row(yard.here(), "known:latest").await.expect("a row").digest;
    assert_eq!(yard.row(id, "known:latest").await.expect("listed").digest, digest);

    server.forget_requests();
    let outcome = done(&yard, wish).await;
    assert_eq!(outcome.items[0].state, MoveState::Present);
    let sent = server.requests().into_iter().filter(|asked| asked.method == "POST");
    assert!(!sent.into_iter().any(|asked| asked.path.starts_with("/api/blobs")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_other_server_says_is_told() {
    let (yard, server, id) = far(45, MB).await;
    let wish = copy(&yard, &["known:latest"], id).await;
    let newer = "pull model manifest: 412: \nThe model you are attempting to pull requires a newer version of Ollama.";
    let full = |text: &str| text.to_owned();
    let proxy =
        Fault::Foreign { status: 507, content_type: full("text/plain"), body: full("full") };
    let in_stream = |text: &str| Fault::ErrorInStream { text: text.to_owned(), at: 0.0 };
    for (route, fault, code) in [
        (
            "POST /api/blobs",
            Fault::Status(500, full("write blobs: no space left on device")),
            ErrorCode::DiskFull,
        ),
        ("POST /api/blobs", proxy, ErrorCode::DiskFull),
        ("/api/pull", in_stream(newer), ErrorCode::NeedsNewerOllama),
        ("/api/pull", in_stream("write x: no space left on device"), ErrorCode::DiskFull),
    ] {
        server.heal();
        server.fault(route, fault);
        assert_eq!(failed(&yard, wish.clone()).await.code, code, "{route}");
    }
    server.heal();
    let outcome = done(&yard, wish).await;
    assert_eq!(outcome.items[0].state, MoveState::Done, "nothing of that stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_in_the_middle_is_gone_on_with() {
    let (yard, mut server, id) = far(46, 40 * MB).await;
    let wish = copy(&yard, &["known:latest"], id).await;
    let control = server.control();
    let task = yard.ask::<call::Copy>(wish.clone()).await.expect("it begins").task;
    let sends = |control: &corral_testbed::ollama::Control| {
        control.requests().iter().any(|it| it.method == "POST" && it.path.contains("/api/blobs"))
    };
    control.until("an upload", sends).await.expect("it sends");
    server.stop().await;
    let view = yard.ended(task).await;
    let code = view.problem.expect("why").code;
    assert!(matches!(code, ErrorCode::ConnectionLost | ErrorCode::ConnectionRefused), "{code:?}");
    let offline = yard.ask::<call::Copy>(wish.clone()).await.expect_err("it is away");
    assert_eq!(offline.code, ErrorCode::ConnectionRefused);
    server.restart_same_port().await.expect("back");
    let outcome = done(&yard, wish).await;
    assert_eq!(outcome.items[0].state, MoveState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_registry_knows_is_made_anew_only_when_asked_for() {
    let yard = Yard::with([herd("own", 47, MB).system("Be short.")]).await;
    let server = FakeOllama::builder().start().await.expect("a server");
    let id = yard.add(&server.url()).await;
    let wish = copy(&yard, &["own:latest"], id).await;
    let refused = yard.ask::<call::Copy>(wish.clone()).await.expect_err("not unasked");
    assert_eq!(refused.code, ErrorCode::OnlyRebuild);
    let outcome = done(&yard, CopyModels { rebuild: true, ..wish }).await;
    assert_eq!(outcome.items[0].state, MoveState::Rebuilt);
    let name = Name::parse("own").expect("a name");
    let made = server.store(|store| store.find(&name)).expect("it is there");
    assert_eq!(made.model.system.as_deref(), Some("Be short."));
    assert_eq!(made.model.params, [("temperature".to_owned(), 0.5.into())]);
    yard.sync(id).await;
    let digest = yard.row(yard.here(), "own:latest").await.expect("a row").digest;
    assert_ne!(yard.row(id, "own:latest").await.expect("listed").digest, digest, "another model");
}
