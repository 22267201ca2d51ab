//! The version before an update: kept until the new one has loaded, and the way back to it.

use corral_contract::{
    ErrorCode,
    downloads::{JobIds, call as downloads},
    instances::{InstanceDraft, InstanceRef, call as instances},
    models::{
        ModelSearchRequest, StartModel,
        call::{Search, Start},
    },
    updates::{UpdateState, call},
};
use corral_testbed::ollama::Fault;

use super::Place;
use crate::support::until;

#[tokio::test]
async fn the_version_before_goes_once_the_new_one_has_loaded() {
    let place = Place::new().await;
    let old = place.row().await.digest.expect("a digest");
    let published = place.publish(2);
    place.check().await;
    place.update().await;
    let row = place
        .until_row("the new one is there", |row| {
            row.update.as_ref().is_some_and(|it| it.state == UpdateState::Unproven)
        })
        .await;
    assert_eq!(place.kept().len(), 1, "{:?}", place.kept());
    assert!(place.kept()[0].ends_with(&old[..12]), "{:?}", place.kept());
    place.until_row("its digest", |row| row.digest.as_deref() == Some(&published.digest)).await;

    let start = StartModel::with(row.id, Default::default());
    place.bench.ask::<Start>(start).await.expect("it starts");
    place.until_row("it is no longer kept", |row| row.update.is_none()).await;
    // The row says so as soon as it is decided; the server is asked after that.
    let gone = async || place.kept().is_empty().then_some(());
    until(&place.bench.core, "the second name is gone", gone).await;
}

#[tokio::test]
async fn until_then_there_is_a_way_back() {
    let place = Place::new().await;
    let old = place.row().await.digest.expect("a digest");
    let published = place.publish(2);
    place.check().await;
    place.update().await;
    place.until_row("it came", |row| row.digest.as_deref() == Some(&published.digest)).await;
    let back = place.bench.ask::<call::RollBack>(place.one().await).await.expect("back");
    assert_eq!(back.digest, old);
    assert_eq!(place.kept(), Vec::<String>::new());
    let row = place.until_row("the old one", |row| row.digest.as_ref() == Some(&old)).await;
    assert!(row.update.expect("still known").snoozed, "what was given back is not offered again");
    place.check().await;
    assert!(place.row().await.update.expect("still newer").snoozed);
    let again = place.bench.ask::<call::RollBack>(place.one().await).await;
    assert_eq!(again.expect_err("nothing is kept").code, ErrorCode::NotFound);
}

#[tokio::test]
async fn an_update_that_is_given_up_leaves_nothing_behind() {
    let place = Place::new().await;
    place.publish(2);
    place.check().await;
    place.registry.hold(true);
    let applied = place.apply().await;
    assert_eq!(place.kept().len(), 1);
    let ids = applied.jobs.clone();
    place.bench.ask::<downloads::Cancel>(JobIds { ids }).await.expect("cancelled");
    place.registry.hold(false);
    // What a start does as well, and a timer.
    place.bench.ask::<call::Accept>(place.one().await).await.expect("looked at");
    assert_eq!(place.kept(), Vec::<String>::new());
    let update = place.row().await.update.expect("still offered");
    assert_eq!(update.state, UpdateState::Available);
}

#[tokio::test]
async fn without_a_second_name_nothing_is_fetched() {
    let place = Place::new().await;
    place.publish(2);
    place.check().await;
    place.server.fault("/api/copy", Fault::Status(500, "disk".to_owned()));
    let applied = place.apply().await;
    assert_eq!((applied.jobs.len(), applied.refused.len()), (0, 1));
    place.server.heal();
    place.bench.ask::<call::Accept>(place.one().await).await.expect("looked at");
    assert_eq!(place.kept(), Vec::<String>::new());
    place.update().await;
}

#[tokio::test]
async fn a_version_that_never_loaded_does_not_replace_the_one_that_is_kept() {
    let place = Place::new().await;
    let old = place.row().await.digest.expect("a digest");
    place.publish(2);
    place.check().await;
    place.update().await;
    let third = place.publish(3);
    place
        .until_row("the second is there", |row| {
            row.update.as_ref().is_some_and(|it| it.state == UpdateState::Unproven)
                && row.digest.as_ref() != Some(&old)
        })
        .await;
    place.check().await;
    place.update().await;
    place.until_row("the third", |row| row.digest.as_deref() == Some(&third.digest)).await;
    let back = place.bench.ask::<call::RollBack>(place.one().await).await.expect("back");
    assert_eq!(back.digest, old, "to the last one that is known to work");
}

#[tokio::test]
async fn a_quit_in_between_loses_neither_version() {
    let mut place = Place::new().await;
    let old = place.row().await.digest.expect("a digest");
    let published = place.publish(2);
    place.check().await;
    place.registry.hold(true);
    place.apply().await;
    place.bench.core.shutdown().await;
    assert_eq!(place.kept().len(), 1, "on the server it is still kept");

    place.reopen().await;
    place.registry.hold(false);
    place
        .until_row("the update went on", |row| {
            row.update.as_ref().is_some_and(|it| it.state == UpdateState::Unproven)
                && row.digest.as_deref() == Some(&published.digest)
        })
        .await;
    let back = place.bench.ask::<call::RollBack>(place.one().await).await.expect("back");
    assert_eq!((back.digest, place.kept()), (old, Vec::new()));
}

#[tokio::test]
async fn a_way_back_that_was_cut_off_is_gone_to_its_end() {
    let place = Place::new().await;
    let old = place.row().await.digest.expect("a digest");
    let published = place.publish(2);
    place.check().await;
    place.update().await;
    place.until_row("it came", |row| row.digest.as_deref() == Some(&published.digest)).await;
    place.server.fault("/api/copy", Fault::Status(500, "disk".to_owned()));
    place.bench.ask::<call::RollBack>(place.one().await).await.expect_err("the server refuses");
    let row = place.row().await;
    assert_eq!(row.digest.as_deref(), Some(&*published.digest), "nothing was lost");
    place.server.heal();
    place.bench.ask::<call::Accept>(place.one().await).await.expect("looked at again");
    place.until_row("the old one", |row| row.digest.as_ref() == Some(&old)).await;
    assert_eq!(place.kept(), Vec::<String>::new());
}

#[tokio::test]
async fn a_server_that_is_removed_says_which_versions_stay_and_lists_them_when_it_is_back() {
    let place = Place::new().await;
    place.publish(2);
    place.check().await;
    place.update().await;
    let row = place
        .until_row("the new one is there", |row| {
            row.update.as_ref().is_some_and(|it| it.state == UpdateState::Unproven)
        })
        .await;
    let kept = place.kept();
    let one = InstanceRef { id: row.instance };
    let removed = place.bench.ask::<instances::Remove>(one).await.expect("it goes");
    assert_eq!(removed.kept, [format!("corral-backup/{}", kept[0])]);
    assert_eq!(place.kept(), kept, "nothing on the server is touched");

    let draft = InstanceDraft { url: place.server.url(), ..InstanceDraft::default() };
    place.bench.ask::<instances::Add>(draft).await.expect("it comes back");
    let listed = async || {
        let request = ModelSearchRequest { name: "corral-backup".to_owned(), ..Default::default() };
        let page = place.bench.ask::<Search>(request).await.expect("a page");
        page.items.into_iter().find(|row| removed.kept.contains(&row.name))
    };
    until(&place.bench.core, "it is a model like any other", listed).await;
}
