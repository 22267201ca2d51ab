use corral_contract::{
    ErrorCode, TaskId, WireError,
    checks::{RepairModel, call},
    downloads::JobState,
    models::{self, ModelRef},
    status::Status,
    tasks::TaskState,
};
use corral_testbed::{content::Content, gguf::Gguf, ollama::LayerKind};

use super::{MB, layers, weights};
use crate::{
    downloads::{direct::Place, stage::row},
    support::until,
};

impl Place {
    async fn repair(&self, id: models::ModelRef, stop: bool) -> Result<TaskId, WireError> {
        let request = RepairModel { id: id.id, stop };
        Ok(self.bench.ask::<call::Repair>(request).await?.task)
    }
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn only_the_damaged_layer_is_fetched_again() {
    let place = Place::new().await;
    let mut parts = layers(111, 5 * MB);
    parts.push((LayerKind::Projector, weights(112, 20 * MB)));
    let id = place.with_model("large", &parts).await;
    place.flip(&parts[2].1);
    place.check(id).await;
    let sent = |content: &Content| place.registry.sent(&content.digest);
    let before: Vec<u64> = parts.iter().map(|(_, content)| sent(content)).collect();
    let task = place.repair(ModelRef { id }, false).await.expect("it begins");
    let view = place.ended(task).await;
    assert_eq!(view.state, TaskState::Done, "{:?}", view.problem);
    place.whole(&parts);
    let again: Vec<u64> =
        parts.iter().zip(before).map(|((_, content), before)| sent(content) - before).collect();
    assert_eq!(again[..2], [0, 0], "the others are left alone");
    // What is on its way when a share changes hands is sent for nothing.
    let size = parts[2].1.size;
    assert!((size..2 * size).contains(&again[2]), "{again:?}");
    let queue = place.bench.ask::<corral_contract::downloads::call::List>(Default::default());
    let jobs = queue.await.expect("the queue").jobs;
    assert!(jobs.iter().all(|job| job.progress.again == 0), "nothing came twice");
    let detail = place.detail(id).await;
    assert_eq!(detail.check.expect("a result").damaged, []);
    assert_eq!(detail.row.checked.map(|it| it.damaged), Some(0));
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_layer_that_two_models_share_is_repaired_once_for_both() {
    let place = Place::new().await;
    let shared = (LayerKind::Model, weights(113, 20 * MB));
    let mut ids = Vec::new();
    for name in ["one", "two"] {
        let own = (LayerKind::System, Content::of(format!("I am {name}.")));
        ids.push(place.with_model(name, &[shared.clone(), own]).await);
    }
    std::fs::remove_file(place.blob(&shared.1)).expect("gone");
    for id in &ids {
        assert_eq!(place.check(*id).await.1.damaged.len(), 1);
    }
    let before = place.registry.sent(&shared.1.digest);
    let task = place.repair(ModelRef { id: ids[0] }, false).await.expect("it begins");
    assert_eq!(place.ended(task).await.state, TaskState::Done);
    // What is on its way when a share changes hands is sent for nothing.
    let again = place.registry.sent(&shared.1.digest) - before;
    assert!(again < 2 * shared.1.size, "{again}: once for both");
    for id in ids {
        assert_eq!(place.detail(id).await.check.expect("a result").damaged, [], "both are sound");
    }
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_repair_that_is_given_up_puts_the_file_back() {
    let place = Place::new().await;
    let parts = layers(115, 20 * MB);
    let id = place.with_model("large", &parts).await;
    place.flip(&parts[0].1);
    let damaged = std::fs::read(place.blob(&parts[0].1)).expect("there");
    place.check(id).await;
    place.registry.rate(Some(MB));
    let task = place.repair(ModelRef { id }, false).await.expect("it begins");
    let file = place.blob(&parts[0].1);
    let away = async || (!file.exists()).then_some(());
    until(&place.bench.core, "it is set aside", away).await;
    let fetching = async || {
        let row = row(&place.bench.core, "large:latest").await?;
        row.progress.is_some_and(|it| it.done > MB).then_some(())
    };
    until(&place.bench.core, "bytes", fetching).await;
    let cancel = corral_contract::tasks::TaskRef { id: task };
    place.bench.ask::<corral_contract::tasks::call::Cancel>(cancel).await.expect("cancelled");
    assert_eq!(place.ended(task).await.state, TaskState::Cancelled);
    assert!(std::fs::read(&file).expect("back") == damaged, "as it was");
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_running_model_is_stopped_only_with_the_users_word() {
    let place = Place::new().await;
    let parts = layers(117, MB);
    let id = place.with_model("large", &parts).await;
    place.flip(&parts[0].1);
    place.check(id).await;
    let start = models::StartModel::with(id, Default::default());
    let task = place.bench.ask::<models::call::Start>(start).await.expect("it starts").task;
    assert_eq!(place.ended(task).await.state, TaskState::Done);
    let task = place.repair(ModelRef { id }, false).await.expect("it begins");
    let refused = place.ended(task).await.problem.expect("not while it runs");
    assert_eq!(refused.code, ErrorCode::WrongState);
    assert!(place.blob(&parts[0].1).exists(), "nothing was moved");
    let task = place.repair(ModelRef { id }, true).await.expect("it begins");
    let view = place.ended(task).await;
    assert_eq!(view.state, TaskState::Done, "{:?}", view.problem);
    place.whole(&parts);
    let row = row(&place.bench.core, "large:latest").await.expect("a row");
    assert_eq!(row.status, Status::Running, "it runs again");
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn what_no_registry_offers_is_not_taken_away() {
    let place = Place::new().await;
    let parts = layers(119, MB);
    let id = place.with_model("large", &parts).await;
    place.flip(&parts[0].1);
    place.check(id).await;
    // The name means something else by now.
    place.publish("large", &layers(120, MB));
    let task = place.repair(ModelRef { id }, false).await.expect("it begins");
    let problem = place.ended(task).await.problem.expect("why");
    assert_eq!(problem.code, ErrorCode::NotFetchable);
    assert!(place.blob(&parts[0].1).exists());
    let sound = place.with_model("sound", &layers(121, MB)).await;
    let task = place.repair(ModelRef { id: sound }, false).await.expect("it begins");
    assert_eq!(place.ended(task).await.problem.expect("why").code, ErrorCode::WrongState);
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_was_published_broken_fails_and_names_the_layer() {
    let place = Place::new().await;
    let parts = [(LayerKind::Model, Content::of(Gguf::tiny().truncated(100)))];
    place.publish("broken", &parts);
    let job = place.create("broken").await.job;
    let failed = place.until("its end", job, |job| job.state == JobState::Failed).await;
    let problem = failed.problem.expect("why");
    assert_eq!(problem.code, ErrorCode::ModelBroken);
    assert_eq!(problem.params["layer"], format!("sha256:{}", parts[0].1.digest));
}
