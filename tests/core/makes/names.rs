use corral_contract::{
    ErrorCode,
    status::{Origin, Run},
    tasks::TaskState,
};
use corral_testbed::ollama::{Fault, Model, library};

use super::{BASE, reason};
use crate::stage::Stage;

const OTHER: &str = "gemma3:4b";

// criterion: 2.1
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_a_second_name_for_the_same_model() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    let done = stage.copy(BASE, "mine/best", false).await.expect("it begins");
    assert_eq!(done.state, TaskState::Done, "{:?}", done.problem);
    assert_eq!(stage.has(), ["mine/best:latest", BASE]);
    let row = stage.row("mine/best:latest").await;
    assert_eq!((row.from, row.aliases.as_slice()), (Origin::Custom, [BASE.to_owned()].as_slice()));
    assert_eq!(stage.row(BASE).await.aliases, ["mine/best:latest"]);
    assert_eq!(stage.history(row.id).await[0].note, format!("copy of {BASE}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_checked_and_taken_ones_are_refused_unless_they_may_go() {
    let stage = Stage::quiet([library::pick(BASE), library::pick(OTHER)]).await;
    for (name, wanted) in
        [("", "nameEmpty"), ("two words", "nameBadCharacter"), ("SmolLM2:135M", "sameName")]
    {
        let refused = stage.copy(BASE, name, false).await.expect_err("refused");
        assert_eq!(reason(&refused), ("name", wanted), "{name}");
    }
    assert_eq!(
        reason(&stage.rename(BASE, BASE, false).await.expect_err("no")),
        ("name", "sameName")
    );
    for name in [OTHER, "GEMMA3:4B"] {
        let refused = stage.copy(BASE, name, false).await.expect_err("refused");
        assert_eq!(refused.code, ErrorCode::AlreadyExists);
        let refused = stage.rename(BASE, name, false).await.expect_err("refused");
        assert_eq!(refused.code, ErrorCode::AlreadyExists);
    }
    assert!(stage.server.requests_to("POST", "/api/copy").is_empty());
    // One that came since the last sync is seen, too.
    stage.server.install(Model::new("fresh"));
    let late = stage.copy(BASE, "fresh", false).await.expect("it begins");
    assert_eq!(late.problem.expect("refused").code, ErrorCode::AlreadyExists);

    let before = stage.row(OTHER).await;
    let done = stage.copy(BASE, OTHER, true).await.expect("it begins");
    assert_eq!(done.state, TaskState::Done, "{:?}", done.problem);
    let row = stage.row(OTHER).await;
    assert_eq!((row.id, row.from), (before.id, Origin::Custom));
    assert_eq!(row.digest, stage.row(BASE).await.digest);
    assert_eq!(stage.history(row.id).await[0].note, format!("copy of {BASE}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_keeps_the_row_and_can_be_taken_back() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    let before = stage.row(BASE).await;
    let done = stage.rename(BASE, "best:v1", false).await.expect("it begins");
    assert_eq!(done.state, TaskState::Done, "{:?}", done.problem);
    assert_eq!(stage.has(), ["best:v1"]);
    let row = stage.row("best:v1").await;
    assert_eq!((row.id, row.digest), (before.id, before.digest.clone()));
    assert_eq!(stage.find(BASE).await, None);
    assert_eq!(stage.history(row.id).await[0].note, format!("renamed from {BASE}"));
    let back = stage.rename("best:v1", BASE, false).await.expect("it begins");
    assert_eq!(back.state, TaskState::Done, "{:?}", back.problem);
    assert_eq!(stage.row(BASE).await.id, before.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_over_another_model_takes_its_place() {
    let stage = Stage::quiet([library::pick(BASE), library::pick(OTHER)]).await;
    let (before, gone) = (stage.row(BASE).await, stage.row(OTHER).await);
    let done = stage.rename(BASE, OTHER, true).await.expect("it begins");
    assert_eq!(done.state, TaskState::Done, "{:?}", done.problem);
    let row = stage.row(OTHER).await;
    assert_eq!((row.id, row.digest), (before.id, before.digest));
    assert_ne!(row.id, gone.id);
    assert_eq!(stage.has(), [OTHER]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_case_alone_is_reached_or_refused_with_the_model_in_the_way() {
    let stage = Stage::quiet([Model::new("foo:7b"), Model::new("bar:9b")]).await;
    let done = stage.rename("foo:7b", "Foo:7B", false).await.expect("it begins");
    assert_eq!(done.state, TaskState::Done, "{:?}", done.problem);
    assert_eq!(stage.has(), ["Foo:7B", "bar:9b"]);
    assert_eq!(stage.row("Foo:7B").await.from, Origin::Custom);

    stage.server.install(Model::new("bar:1b"));
    let refused = stage.rename("bar:9b", "BAR:9b", false).await.expect("it begins");
    let problem = refused.problem.expect("refused");
    assert_eq!(reason(&problem), ("name", "caseTaken"));
    assert_eq!(problem.params["what"], "bar:1b");
    assert_eq!(stage.has(), ["Foo:7B", "bar:1b", "bar:9b"], "nothing was touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_in_memory_is_unloaded_before_it_is_renamed() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    assert_eq!(stage.start(BASE).await.state, TaskState::Done);
    assert_eq!(stage.row(BASE).await.run, Run::Running);
    let done = stage.rename(BASE, "best", false).await.expect("it begins");
    assert_eq!(done.state, TaskState::Done, "{:?}", done.problem);
    assert_eq!(stage.server.loaded(), Vec::<String>::new());
    assert_eq!(stage.row("best:latest").await.run, Run::Stopped);
    assert!(stage.log(&done).await.contains("it is in memory"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_that_fails_half_way_loses_nothing() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    stage.server.fault_once("/api/delete", Fault::Status(500, "no".to_owned()));
    let failed = stage.rename(BASE, "best", false).await.expect("it begins");
    assert_eq!(failed.state, TaskState::Failed);
    assert_eq!(stage.has(), ["best:latest", BASE]);
    assert!(stage.row(BASE).await.digest.is_some());
}
