use corral_contract::models::{ModelRef, call};
use corral_testbed::ollama::library;

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
