//! Removing what could go, and nothing else.

use std::fs;

use corral_contract::{
    ErrorCode,
    app::{NoticeKind, call::Snapshot},
    audit::{Actor, AuditRequest, call::Search},
    disk::{OrphansHeld, PinModels, ReclaimItem, ReclaimKind, ReclaimOutcome, Safety, call},
    models::ItemState,
    settings::{CleanupMode, CleanupSettings},
    tasks::TaskState,
};
use corral_core::config::Workers;

use crate::{
    keep::{Kept, age, herd, write_old},
    support::until,
};

async fn quiet() -> Kept {
    Kept::with(herd(), |config| config.workers = Workers::None).await
}

fn of(items: &[ReclaimItem], kind: ReclaimKind) -> Vec<&ReclaimItem> {
    items.iter().filter(|item| item.kind == kind).collect()
}

fn orphan(kept: &Kept, letter: &str) -> std::path::PathBuf {
    kept.blobs().join(format!("sha256-{}", letter.repeat(64)))
}

// criterion: 8.4
#[tokio::test(flavor = "multi_thread")]
async fn what_is_chosen_goes_and_what_changed_since_stays() {
    let kept = quiet().await;
    let models = kept.tree();
    write_old(&orphan(&kept, "a"), 5000, 3);
    write_old(&orphan(&kept, "b"), 6000, 3);
    write_old(&orphan(&kept, "c"), 7000, 0);
    let partial = kept.blobs().join(format!("sha256-{}-partial", "d".repeat(64)));
    write_old(&partial, 8000, 3);
    write_old(&kept.blobs().join("sha256-123456"), 9000, 3);
    let view = kept.look(0).await;
    let orphans = of(&view.items, ReclaimKind::Orphan);
    assert_eq!(orphans.len(), 2, "a fresh one may wait for its manifest: {:#?}", view.items);
    assert!(view.items.windows(2).all(|two| two[0].safety <= two[1].safety), "the safest first");
    assert_eq!(orphans[0].safety, Safety::Safe);
    // One is taken up by somebody between the look and the clean-up.
    fs::write(orphan(&kept, "b"), "another content").expect("written");
    age(&orphan(&kept, "b"), 2);
    let chosen: Vec<&ReclaimItem> = view.items.iter().collect();
    let (task, report) = kept.reclaim(&chosen).await;
    assert_eq!(task.state, TaskState::Done, "{report:#?}");
    let outcome = |name: &str| {
        let found = report.items.iter().find(|item| item.label.ends_with(name));
        found.map(|item| item.outcome)
    };
    assert_eq!(outcome(&"a".repeat(64)), Some(ReclaimOutcome::Removed));
    assert_eq!(outcome(&"b".repeat(64)), Some(ReclaimOutcome::Changed));
    assert!(!orphan(&kept, "a").exists() && !partial.exists());
    assert!(orphan(&kept, "b").exists() && orphan(&kept, "c").exists());
    let mut left = kept.tree();
    left.remove(&orphan(&kept, "b"));
    left.remove(&orphan(&kept, "c"));
    assert_eq!(left, models, "no model lost a byte");
}

// criterion: 8.4
#[tokio::test(flavor = "multi_thread")]
async fn while_a_manifest_cannot_be_read_no_blob_is_nobodys() {
    let kept = quiet().await;
    write_old(&orphan(&kept, "a"), 5000, 3);
    let view = kept.look(0).await;
    let chosen = of(&view.items, ReclaimKind::Orphan);
    assert_eq!(chosen.len(), 1);
    // A model's manifest is damaged: its blobs look like nobody's now.
    let whole = fs::read(kept.manifest("lone:1")).expect("the manifest");
    fs::write(kept.manifest("lone:1"), &whole[..whole.len() / 2]).expect("cut off");
    let before = kept.tree();
    let broken = kept.look(0).await;
    assert_eq!(broken.orphans_held, Some(OrphansHeld::Unreadable));
    assert_eq!(broken.unreadable, ["registry.ollama.ai/library/lone/1"]);
    assert!(of(&broken.items, ReclaimKind::Orphan).is_empty());
    let (_, report) = kept.reclaim(&chosen).await;
    assert_eq!(report.items[0].outcome, ReclaimOutcome::Changed, "also when it was chosen before");
    assert_eq!(kept.tree(), before);
    // What other systems leave beside a manifest has the same effect as on the server.
    fs::write(kept.manifest("lone:1"), &whole).expect("written back");
    fs::write(kept.manifest("lone:1").with_file_name(".DS_Store"), "x").expect("written");
    let view = kept.look(0).await;
    assert_eq!(view.unreadable, ["registry.ollama.ai/library/lone/.DS_Store"]);
    assert_eq!(view.orphans_held, Some(OrphansHeld::Unreadable));
}

// criterion: 8.4
#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_fetches_no_blob_is_nobodys() {
    let kept = quiet().await;
    write_old(&orphan(&kept, "a"), 5000, 3);
    write_old(&kept.blobs().join(format!("sha256-{}-partial", "d".repeat(64))), 8000, 0);
    let view = kept.look(0).await;
    assert_eq!(view.orphans_held, Some(OrphansHeld::Busy));
    assert!(view.items.is_empty(), "{:#?}", view.items);
}

// criterion: 8.4
#[tokio::test(flavor = "multi_thread")]
async fn unused_models_become_a_delete_and_pinned_ones_are_never_suggested() {
    let kept = Kept::with(herd(), |_| {}).await;
    for name in ["base:1", "lone:1"] {
        kept.stage.server.external_load(name, corral_testbed::ollama::KeepAlive::Forever);
        kept.stage.until(name, |row| row.is_some_and(|row| row.last_used.is_some())).await;
    }
    kept.stage.server.expire_now();
    for name in ["base:1", "lone:1"] {
        let stopped = corral_contract::status::Status::Stopped;
        kept.stage.until(name, |row| row.is_some_and(|row| row.status == stopped)).await;
    }
    kept.stage.bench.clock.advance(40 * 24 * 3_600_000);
    assert_eq!(of(&kept.look(30).await.items, ReclaimKind::Model).len(), 2);
    let pin = PinModels { ids: kept.ids(&["base:1"]).await, pinned: true };
    kept.stage.bench.ask::<call::Pin>(pin).await.expect("pinned");
    let view = kept.look(30).await;
    let [item] = of(&view.items, ReclaimKind::Model).try_into().expect("one");
    assert_eq!(item.label, "lone:1");
    let reclaimed = kept.reclaimed(&[item]).await;
    let (_, report) = kept.report(reclaimed.task).await;
    assert_eq!(report.items[0].outcome, ReclaimOutcome::Handed);
    assert!(kept.stage.find("lone:1").await.is_none(), "hidden, with time to undo");
    assert!(kept.manifest("lone:1").exists());
    kept.stage.bench.clock.advance(10_001);
    let batch = kept.ended(reclaimed.batch.expect("a delete").batch).await;
    assert_eq!(batch.items[0].state, ItemState::Done);
    assert_eq!(kept.trash().await.len(), 1, "and the trash has it");
}

// criterion: 8.4
#[tokio::test(flavor = "multi_thread")]
async fn the_rules_do_nothing_until_they_are_set_then_propose_or_clean() {
    let kept = Kept::with(herd(), |_| {}).await;
    write_old(&orphan(&kept, "a"), 5000, 3);
    write_old(&kept.blobs().join("sha256-123456"), 9000, 3);
    let core = kept.stage.bench.core.clone();
    let notice = async |kind: NoticeKind| {
        until(&core, "a notice", async || {
            // A delete wakes the worker, and so does the clock.
            let view = kept.stage.bench.ask::<Snapshot>(Default::default()).await.ok()?;
            view.notices.into_iter().find(|notice| notice.kind == kind)
        })
        .await
    };
    let rules = |mode| CleanupSettings { mode, ..CleanupSettings::default() };
    assert_eq!(core.settings().cleanup.mode, CleanupMode::Off, "off unless somebody wants it");
    kept.settings(|settings| settings.cleanup = rules(CleanupMode::Propose)).await;
    notice(NoticeKind::CleanupProposed).await;
    assert!(kept.blobs().join("sha256-123456").exists(), "only proposed");
    kept.stage.bench.clock.advance(25 * 3_600_000);
    kept.settings(|settings| settings.cleanup = rules(CleanupMode::Do)).await;
    notice(NoticeKind::CleanedUp).await;
    until(&core, "it is removed", async || {
        (!kept.blobs().join("sha256-123456").exists()).then_some(())
    })
    .await;
    assert!(orphan(&kept, "a").exists(), "blobs without a model were not named");
    let asked = AuditRequest {
        command: Some("disk.reclaim".to_owned()),
        actor: Some(Actor::Scheduler),
        ..AuditRequest::default()
    };
    let page = kept.stage.bench.ask::<Search>(asked).await.expect("the audit");
    assert_eq!(page.items.len(), 1, "and who did it is written down");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reclaim_of_nothing_is_refused() {
    let kept = quiet().await;
    let request =
        corral_contract::disk::ReclaimItems { instance: kept.stage.instance, items: Vec::new() };
    let refused = kept.stage.bench.ask::<call::Reclaim>(request).await.expect_err("refused");
    assert_eq!(refused.code, ErrorCode::InvalidInput);
}
