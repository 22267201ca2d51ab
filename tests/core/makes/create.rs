use corral_contract::{
    ErrorCode,
    makes::{Quantize, Way},
    models::ModelRow,
    status::{Cause, Origin},
    tasks::{TaskRef, TaskState},
};
use corral_testbed::ollama::{Fault, library};
use serde_json::json;

use super::{BASE, reason, weights};
use crate::stage::Stage;

fn known(row: Option<&ModelRow>) -> bool {
    row.is_some_and(|row| row.digest.is_some())
}

// criterion: 2.1
#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_made_from_another_by_a_modelfile() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    let text = "FROM smollm2:135m\nSYSTEM You are terse.\nPARAMETER num_ctx 4096\n\
        PARAMETER temperature 0.2\nPARAMETER stop <a>\nPARAMETER stop <b>\n\
        PARAMETER mirostat 1\nMESSAGE user Hi\nLICENSE MIT\n";
    let done = stage.make(stage.making("Terse", text)).await.expect("it begins");
    assert_eq!(done.state, TaskState::Done, "{:?}", done.problem);
    let asked = stage.asked();
    assert_eq!(asked["model"], "Terse:latest");
    assert_eq!(asked["from"], BASE);
    assert_eq!(asked["system"], "You are terse.");
    let wanted = json!({"num_ctx": 4096, "temperature": 0.2, "stop": ["<a>", "<b>"]});
    assert_eq!(asked["parameters"], wanted, "each of its kind, and nothing that is ignored");
    assert_eq!(asked["messages"], json!([{"role": "user", "content": "Hi"}]));
    assert_eq!(asked["license"], json!(["MIT"]));
    let row = stage.row("Terse:latest").await;
    assert_eq!(row.from, Origin::Custom);
    let history = stage.history(row.id).await;
    assert_eq!(history[0].cause, Cause::User);
    assert_eq!(history[0].note, format!("made from {BASE}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_is_refused_unless_it_may_be_replaced() {
    let stage = Stage::quiet([library::pick(BASE), library::pick("gemma3:4b")]).await;
    let mut request = stage.making("GEMMA3:4b", "FROM smollm2:135m\nSYSTEM x\n");
    let check = stage.look_before(request.clone()).await;
    assert_eq!(check.replaces.expect("what goes").name, "gemma3:4b");
    assert_eq!(check.refusal.expect("refused").code, ErrorCode::AlreadyExists);
    let refused = stage.make(request.clone()).await.expect_err("refused");
    assert_eq!(refused.code, ErrorCode::AlreadyExists);
    assert!(stage.server.requests_to("POST", "/api/create").is_empty());

    let before = stage.row("gemma3:4b").await;
    request.overwrite = true;
    assert_eq!(stage.look_before(request.clone()).await.refusal, None);
    let done = stage.make(request).await.expect("it begins");
    assert_eq!(done.state, TaskState::Done, "{:?}", done.problem);
    let row = stage.row("gemma3:4b").await;
    assert_eq!((row.id, row.from), (before.id, Origin::Custom));
    assert_ne!(row.digest, before.digest);
    assert_eq!(stage.history(row.id).await[0].note, format!("made from {BASE}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_taken_meanwhile_is_seen_before_the_server_is_asked() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    // The second list is the one right before the create.
    let file = weights(stage.bench.folder.path(), "tiny.gguf");
    let text = format!("FROM {}\n", file.display());
    stage.server.latency("/api/blobs", std::time::Duration::from_millis(300));
    let request = stage.making("late", &text);
    let task = stage.bench.ask::<corral_contract::makes::call::Create>(request).await;
    stage.server.install(corral_testbed::ollama::Model::new("late"));
    let ended = stage.ended(task.expect("it begins").task).await;
    assert_eq!(ended.problem.expect("refused").code, ErrorCode::AlreadyExists);
    assert!(stage.server.requests_to("POST", "/api/create").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_not_made_from_itself_or_from_one_that_is_not_there() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    for (name, text, wanted) in [
        (BASE, "# x\nFROM SmolLM2:135m\n", "fromItself"),
        ("new", "# x\nFROM new:latest\n", "fromItself"),
        ("new", "# x\nFROM llama3.2\n", "fromMissing"),
        ("new", "# x\nSYSTEM x\n", "noFrom"),
    ] {
        let refused = stage.make(stage.making(name, text)).await.expect_err("refused");
        assert_eq!(reason(&refused), ("modelfile", wanted), "{text}");
        if wanted != "noFrom" {
            assert_eq!(refused.params["line"], "2");
        }
    }
    assert!(stage.server.requests_to("POST", "/api/create").is_empty());
    assert!(stage.server.requests_to("POST", "/api/pull").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_weights_that_lost_nothing_are_quantised() {
    let stage = Stage::quiet([library::pick(BASE), library::pick("gemma3:4b")]).await;
    let mut request = stage.making("small", "FROM smollm2:135m\n");
    request.quantize = Some(Quantize::Q4Km);
    let check = stage.look_before(request.clone()).await;
    assert!(check.quantize.contains(&Quantize::Q4Km) && !check.quantize.contains(&Quantize::F16));
    let done = stage.make(request).await.expect("it begins");
    assert_eq!(done.state, TaskState::Done, "{:?}", done.problem);
    assert_eq!(stage.asked()["quantize"], "Q4_K_M");

    let mut request = stage.making("smaller", "FROM gemma3:4b\n");
    assert_eq!(stage.look_before(request.clone()).await.quantize, []);
    request.quantize = Some(Quantize::Q4Km);
    let refused = stage.make(request).await.expect_err("refused");
    assert_eq!(reason(&refused), ("quantize", "sourceQuantised"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_is_the_result_of_the_task() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    let text = "FROM smollm2:135m\nTEMPLATE {{ .Prompt\n";
    let ended = stage.make(stage.making("bad", text)).await.expect("it begins");
    assert_eq!(ended.state, TaskState::Failed);
    let problem = ended.problem.expect("why");
    assert!(problem.detail.expect("in its words").contains("template error"));
    assert_eq!(stage.find("bad:latest").await, None);
    // A name that came to nothing is nobody's: what comes under it later is not ours.
    stage.server.install(corral_testbed::ollama::Model::new("bad"));
    let instance = corral_contract::instances::InstanceRef { id: stage.instance };
    stage.bench.ask::<corral_contract::sync::call::Run>(instance).await.expect("a sync");
    assert_ne!(stage.row("bad:latest").await.from, Origin::Custom);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_can_be_cancelled() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    stage.server.fault("/api/create", Fault::Hang);
    let request = stage.making("never", "FROM smollm2:135m\n");
    let task = stage.bench.ask::<corral_contract::makes::call::Create>(request.clone()).await;
    let id = task.expect("it begins").task;
    let again = stage.bench.ask::<corral_contract::makes::call::Create>(request).await;
    assert_eq!(again.expect_err("it is being made").code, ErrorCode::Busy);
    let until = stage
        .server
        .until("it was asked", |server| !server.requests_to("POST", "/api/create").is_empty());
    until.await.expect("asked");
    stage
        .bench
        .ask::<corral_contract::tasks::call::Cancel>(TaskRef { id })
        .await
        .expect("it stops");
    assert_eq!(stage.ended(id).await.state, TaskState::Cancelled);
    assert!(!known(stage.find("never:latest").await.as_ref()));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_files_nothing_is_moved() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    let check = stage.look_before(stage.making("x", "FROM smollm2:135m\n")).await;
    assert_eq!((check.way, check.bytes, check.refusal), (Way::Nothing, 0, None));
    assert_eq!(check.name, "x:latest");
}
