//! Finding and repairing damage in a store that a real server uses.

use corral_contract::{
    checks::{Damage, RepairModel, call},
    downloads::JobState,
    models::{self, ModelRef},
};

use crate::place::{Place, binary, can_load};

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_bit_is_found_and_repaired_and_the_model_loads_again() {
    let Some(binary) = binary() else { return };
    let place = Place::start(&binary).await;
    let (name, published) = place.publish("lab/flipped:latest");
    let job = place.create(&name).await;
    place.job(job.job, JobState::Done).await;
    let row = place.row_when(&name, |row| row.digest.is_some()).await;
    let id = row.id;
    let check = async || {
        let task = place.ask::<call::Model>(ModelRef { id }).await.expect("it begins").task;
        place.ended(task).await;
        let detail = place.ask::<models::call::LoadDetail>(ModelRef { id }).await;
        detail.expect("details").check.expect("a result").damaged
    };
    assert_eq!(check().await, []);

    let detail = place.ask::<models::call::LoadDetail>(ModelRef { id }).await.expect("details");
    let layer = detail.layers.iter().find(|layer| layer.kind == "model").expect("weights");
    let file = place.server.models().join("blobs").join(layer.digest.replace(':', "-"));
    let mut bytes = std::fs::read(&file).expect("the blob is there");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&file, &bytes).expect("written back");
    let damaged = check().await;
    assert_eq!(damaged.len(), 1, "{damaged:?}");
    assert_eq!(damaged[0].why, Damage::WrongDigest);

    let request = RepairModel { id, stop: true };
    let task = place.ask::<call::Repair>(request).await.expect("it begins").task;
    place.well(task).await;
    assert_eq!(check().await, []);
    bytes[last] ^= 1;
    assert!(std::fs::read(&file).expect("there") == bytes, "as it was published");
    let row = place.row_when(&name, |row| row.operation.is_none()).await;
    assert_eq!(row.digest.as_deref(), Some(published.digest.as_str()));
    if can_load(&binary) {
        // Not tried out: the words of this small model cannot spell any question.
        let request = models::StartModel::with(id, Default::default());
        let task = place.ask::<models::call::Start>(request).await.expect("it begins").task;
        place.well(task).await;
    }
}
