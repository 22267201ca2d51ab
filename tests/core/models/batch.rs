use corral_contract::{
    ErrorCode, ModelId,
    event::AppEvent,
    models::{BatchOp, BatchOperate, BatchRef, BatchView, ItemState, call},
    status::Status,
};
use corral_testbed::ollama::{Loading, Model};

use crate::stage::Stage;

fn fleet(count: usize) -> Vec<Model> {
    (0..count).map(|index| Model::new(&format!("m{index}:1")).weights_size(1000)).collect()
}

async fn ids(stage: &Stage, count: usize) -> Vec<ModelId> {
    let mut ids = Vec::new();
    for index in 0..count {
        ids.push(stage.id(&format!("m{index}:1")).await);
    }
    ids
}

/// Follows the events of a batch to its end, as a window does.
async fn followed(listener: &mut corral_core::bus::Listener, batch: BatchRef) -> BatchView {
    loop {
        let envelope = listener.next().await.expect("the core lives");
        if let AppEvent::Batch(view) = &envelope.event
            && view.id == batch.batch
            && view.finished_at.is_some()
        {
            return view.clone();
        }
    }
}

fn states(view: &BatchView) -> Vec<ItemState> {
    view.items.iter().map(|item| item.state).collect()
}

// criterion: 0.4
#[tokio::test]
async fn one_that_fails_and_one_in_a_wrong_state_never_stop_the_rest() {
    let mut models = fleet(5);
    models[1] = models[1].clone().loading(Loading::Fails("error loading model: bad".to_owned()));
    let stage = Stage::quiet(models).await;
    stage.server.machine(|machine| machine.max_loaded = 10);
    stage.start("m3:1").await;
    let mut ids = ids(&stage, 5).await;
    ids.push(ModelId(4711));
    let mut listener = stage.bench.core.bus.listen();
    let request = BatchOperate { op: BatchOp::Start, ids };
    let batch = stage.bench.ask::<call::Batch>(request).await.expect("it is accepted");
    let view = followed(&mut listener, batch).await;
    use ItemState::{Done, Failed, Skipped};
    assert_eq!(states(&view), [Done, Failed, Done, Skipped, Done, Skipped], "{view:#?}");
    let code = |place: usize| view.items[place].problem.as_ref().map(|problem| problem.code);
    assert_eq!(code(1), Some(ErrorCode::ModelBroken));
    assert_eq!(code(3), Some(ErrorCode::WrongState));
    assert_eq!(code(5), Some(ErrorCode::NotFound));
    assert!(view.items[0].task.is_some(), "each can be followed as a task");
    assert_eq!(stage.row("m4:1").await.status, Status::Running);

    let stop = BatchOperate { op: BatchOp::Stop, ids: vec![stage.id("m0:1").await] };
    let batch = stage.bench.ask::<call::Batch>(stop).await.expect("it is accepted");
    assert_eq!(states(&followed(&mut listener, batch).await), [Done]);
    assert_eq!(stage.row("m0:1").await.status, Status::Stopped);
}

// criterion: 0.4
#[tokio::test]
async fn few_run_at_once_and_the_rest_can_be_cancelled() {
    let stage = Stage::quiet(fleet(10)).await;
    stage.server.hold_loads(true);
    let mut listener = stage.bench.core.bus.listen();
    let request = BatchOperate { op: BatchOp::Start, ids: ids(&stage, 10).await };
    let batch = stage.bench.ask::<call::Batch>(request).await.expect("it is accepted");
    let generate = |server: &corral_testbed::ollama::Control| {
        server.requests_to("POST", "/api/generate").len()
    };
    stage.server.until("four begin", |server| generate(server) == 4).await.expect("they do");
    let cancelled = stage.bench.ask::<call::CancelBatch>(batch).await.expect("it answers");
    assert!(cancelled.cancelled);
    let view = followed(&mut listener, batch).await;
    assert!(states(&view).iter().all(|state| *state == ItemState::Cancelled), "{view:#?}");
    assert_eq!(generate(&stage.server.control()), 4, "never more than four");
    assert_eq!(stage.row("m0:1").await.status, Status::Stopped);
}

#[tokio::test]
async fn a_batch_without_models_is_refused() {
    let stage = Stage::quiet([]).await;
    let request = BatchOperate { op: BatchOp::Stop, ids: Vec::new() };
    let refused = stage.bench.ask::<call::Batch>(request).await.expect_err("it is refused");
    assert_eq!(refused.code, ErrorCode::InvalidInput);
}
