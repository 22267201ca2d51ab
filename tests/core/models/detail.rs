use corral_contract::{
    ErrorCode,
    models::{ModelRef, call},
};
use corral_testbed::ollama::{Fault, library};

use crate::{stage::Stage, support::START};

#[tokio::test]
async fn details_come_from_the_server_and_from_a_copy_with_its_age_when_it_is_offline() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    stage.start("llama3.2:3b").await;
    let id = stage.id("llama3.2:3b").await;
    let detail = stage.bench.ask::<call::LoadDetail>(ModelRef { id }).await.expect("details");
    let show = detail.show.expect("the server tells");
    assert_eq!(show.family.as_deref(), Some("llama"));
    assert!(show.template.is_some() && show.license.is_some());
    assert_eq!(detail.cached_at, None);
    assert_eq!(detail.last_task.map(|task| task.id), detail.row.last_task);
    assert!(detail.row.memory.is_some() && !detail.history.is_empty());

    stage.server.offline(true);
    stage.probe().await;
    stage.bench.clock.advance(60_000);
    let copy = stage.bench.ask::<call::LoadDetail>(ModelRef { id }).await.expect("details");
    assert_eq!(copy.show.map(|show| show.license), Some(show.license));
    assert_eq!(copy.cached_at, Some(START));
    assert!(!copy.row.online);
}

#[tokio::test]
async fn details_that_were_never_told_are_unknown_when_offline() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    let id = stage.id("llama3.2:3b").await;
    stage.server.offline(true);
    stage.probe().await;
    let detail = stage.bench.ask::<call::LoadDetail>(ModelRef { id }).await.expect("details");
    assert_eq!((detail.show, detail.cached_at, detail.layers.len()), (None, None, 0));
}

// criterion: 1.5
#[tokio::test]
async fn an_answer_that_cannot_be_read_is_told_with_its_text_beside_the_copy() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    let id = stage.id("llama3.2:3b").await;
    let before = stage.bench.ask::<call::LoadDetail>(ModelRef { id }).await.expect("details");
    assert_eq!(before.problem, None);
    stage.bench.clock.advance(60_000);
    let odd = |body: &str| Fault::Foreign {
        status: 200,
        content_type: "application/json".to_owned(),
        body: body.to_owned(),
    };
    for body in [r#"["llama"]"#, r#"{"details": {"family": "#] {
        stage.server.fault("/api/show", odd(body));
        let detail = stage.bench.ask::<call::LoadDetail>(ModelRef { id }).await.expect("details");
        let problem = detail.problem.expect("the document's ErrStructTransform");
        assert_eq!(problem.code, ErrorCode::StructTransform);
        let text = problem.detail.expect("the raw text");
        assert!(text.contains(body.trim()), "{text}");
        assert_eq!((detail.cached_at, &detail.show), (Some(START), &before.show));
    }
    // Parts that are missing or of another kind stay unknown, the others are told.
    stage.server.fault("/api/show", odd(r#"{"details": 7, "template": "T", "model_info": null}"#));
    let detail = stage.bench.ask::<call::LoadDetail>(ModelRef { id }).await.expect("details");
    assert_eq!(detail.problem, None);
    let show = detail.show.expect("what was told");
    assert_eq!((show.template.as_deref(), show.family), (Some("T"), None));
}
