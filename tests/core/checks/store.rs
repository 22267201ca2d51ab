use corral_contract::{
    ErrorCode,
    checks::{Damage, call},
    models::ModelRef,
    tasks::{TaskRef, TaskState, call::Cancel},
};
use corral_testbed::ollama::Model;

use super::{MB, layers};
use crate::{
    downloads::{direct::Place, stage::row},
    stage::Stage,
};

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_sound_model_is_sound_and_a_flipped_bit_is_found() {
    let place = Place::new().await;
    let parts = layers(101, 5 * MB);
    let id = place.with_model("large", &parts).await;
    let (view, result) = place.check(id).await;
    assert_eq!((view.state, result.damaged.len()), (TaskState::Done, 0), "{:?}", view.problem);
    assert!(result.bytes > 5 * MB);

    place.flip(&parts[0].1);
    let (view, result) = place.check(id).await;
    assert_eq!(view.problem.expect("why").code, ErrorCode::LayersDamaged);
    let [damaged] = result.damaged.as_slice() else { panic!("one layer: {result:?}") };
    assert_eq!((damaged.why, damaged.kind.as_str()), (Damage::WrongDigest, "model"));
    assert_eq!(damaged.digest, format!("sha256:{}", parts[0].1.digest));
    let checked = row(&place.bench.core, "large:latest").await.expect("a row").checked;
    assert_eq!(checked.map(|it| it.damaged), Some(1), "the list says so, too");
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_and_a_short_layer_are_told_apart() {
    let place = Place::new().await;
    let parts = layers(103, MB);
    let id = place.with_model("large", &parts).await;
    let file = std::fs::File::options().write(true).open(place.blob(&parts[0].1)).expect("opens");
    file.set_len(1000).expect("shorter");
    std::fs::remove_file(place.blob(&parts[1].1)).expect("gone");
    let (_, result) = place.check(id).await;
    let why: Vec<_> = result.damaged.iter().map(|it| (it.kind.as_str(), it.why)).collect();
    assert_eq!(why, [("model", Damage::WrongSize), ("template", Damage::Missing)]);
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_whole_store_is_checked_at_once_and_says_which_models_are_damaged() {
    let place = Place::new().await;
    let (good, bad) = (layers(105, MB), layers(106, MB));
    place.with_model("good", &good).await;
    place.with_model("bad", &bad).await;
    place.flip(&bad[1].1);
    let task = place.bench.ask::<call::Store>(place.instance()).await.expect("it begins").task;
    let view = place.ended(task).await;
    assert_eq!(view.problem.expect("why").code, ErrorCode::LayersDamaged);
    assert!(view.figures.is_none_or(|it| it.done <= it.total));
    let list = place.bench.ask::<call::Damaged>(place.instance()).await.expect("a list");
    let names: Vec<&str> = list.items.iter().map(|item| item.name.as_str()).collect();
    // The one that the test bed makes up has bytes that belong to no digest.
    assert_eq!(names, ["all-minilm:22m", "bad:latest"]);
    assert_eq!((list.sound, list.unchecked), (1, 0));
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_check_can_be_cancelled_in_the_middle_and_runs_once_at_a_time() {
    let place = Place::new().await;
    // Reading this takes minutes: it is one large hole.
    place.server.install(Model::new("endless").weights_size(400_000 * MB));
    // The first may only join one that had asked before.
    place.sync().await;
    place.sync().await;
    let id = place.seen("endless").await;
    let task = place.bench.ask::<call::Model>(ModelRef { id }).await.expect("it begins").task;
    let busy = place.bench.ask::<call::Store>(place.instance()).await.expect_err("one at a time");
    assert_eq!((busy.code, &busy.params["task"]), (ErrorCode::Busy, &task.to_string()));
    let cancelled = place.bench.ask::<Cancel>(TaskRef { id: task }).await.expect("cancelled");
    assert!(cancelled.cancelled);
    assert_eq!(place.ended(task).await.state, TaskState::Cancelled);
    assert_eq!(place.detail(id).await.check, None, "half a check says nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_went_away_is_no_store_of_damaged_models() {
    let place = Place::new().await;
    let id = place.with_model("large", &layers(107, MB)).await;
    std::fs::remove_dir_all(place.blobs()).expect("removed");
    let gone = place.bench.ask::<call::Model>(ModelRef { id }).await.expect_err("gone");
    assert_eq!(gone.code, ErrorCode::StoreElsewhere);
    assert_eq!(place.detail(id).await.check, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_elsewhere_says_so() {
    let stage = Stage::quiet([Model::new("far")]).await;
    let id = stage.id("far:latest").await;
    let refused = stage.bench.ask::<call::Model>(ModelRef { id }).await.expect_err("elsewhere");
    assert_eq!(refused.code, ErrorCode::StoreElsewhere);
}
