//! Newer versions in a registry, with a real server that holds the older one.

use corral_contract::{
    downloads::JobState,
    models::{ModelRef, ModelRefs, StartModel, call::Start},
    updates::{UpdateState, UpdatesOf, call},
};
use corral_testbed::gguf::{Gguf, Value};

use crate::place::{Place, binary, can_load};

const NAME: &str = "lab/herd:latest";

fn version(number: u32) -> Gguf {
    Gguf::tiny().value("general.name", Value::Text(format!("version {number}")))
}

impl Place {
    async fn update(&self, id: corral_contract::ModelId) {
        let task = self.ask::<call::Check>(UpdatesOf::default()).await.expect("it begins").task;
        self.well(task).await;
        let list = self.ask::<call::List>(UpdatesOf::default()).await.expect("a list");
        let [update] = &list.items[..] else { panic!("one update: {list:#?}") };
        assert_eq!((update.model, update.state), (id, UpdateState::Available));
        assert_eq!(update.changed, ["model"]);
        let wish = ModelRefs { ids: vec![id] };
        let applied = self.ask::<call::Apply>(wish).await.expect("an answer");
        assert_eq!(applied.refused, []);
        self.job(applied.jobs[0], JobState::Done).await;
    }

    /// Whether the server keeps the version before under its second name.
    async fn keeps_one(&self) -> bool {
        let tags = self.server_says("GET", "/api/tags", serde_json::Value::Null).await;
        tags.contains("corral-backup/")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_keeps_the_version_before_until_the_new_one_has_loaded() {
    let Some(binary) = binary() else { return };
    let place = Place::start(&binary).await;
    let (row, old) = place.fetched(NAME, &version(1)).await;
    let task = place.ask::<call::Check>(UpdatesOf::default()).await.expect("it begins").task;
    place.well(task).await;
    let list = place.ask::<call::List>(UpdatesOf::default()).await.expect("a list");
    assert_eq!((list.items, list.unchecked), (vec![], vec![]), "nothing is newer");

    let weights = corral_testbed::content::Content::of(version(2).bytes());
    let (_, new) = place.publish_weights(NAME, weights);
    place.update(row.id).await;
    place.row_when(&row.name, |row| row.digest.as_ref() == Some(&new.digest)).await;
    assert!(place.keeps_one().await);
    place.sync().await;
    assert!(place.row("corral-backup").await.is_none(), "no list shows it");

    let back = place.ask::<call::RollBack>(ModelRef { id: row.id }).await.expect("back");
    assert_eq!(back.digest, old.digest);
    place.row_when(&row.name, |row| row.digest.as_ref() == Some(&old.digest)).await;
    assert!(!place.keeps_one().await);

    let weights = corral_testbed::content::Content::of(version(3).bytes());
    let (_, third) = place.publish_weights(NAME, weights);
    place.update(row.id).await;
    place.row_when(&row.name, |row| row.digest.as_ref() == Some(&third.digest)).await;
    assert!(place.keeps_one().await);
    if can_load(&binary) {
        let start = StartModel::with(row.id, Default::default());
        let task = place.ask::<Start>(start).await.expect("it begins").task;
        place.well(task).await;
        place.row_when(&row.name, |row| row.update.is_none()).await;
        assert!(!place.keeps_one().await, "it has loaded: the older one may go");
    }
}
