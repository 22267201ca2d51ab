use std::{
    fs::{self, File},
    path::Path,
};

use corral_contract::{
    disk::{
        DiskView, LookAtDisk, ReclaimChoice, ReclaimItems, ReclaimKind, ReclaimOutcome,
        ReclaimReport, call,
    },
    downloads::{JobIds, JobState, call::Pause},
    tasks::TaskRef,
};
use corral_testbed::content::Content;

use super::{MB, layers};
use crate::{downloads::direct::Place, keep};

fn write(file: &Path, hours_ago: u64) {
    keep::write_old(file, 5000, hours_ago);
}

impl Place {
    async fn look(&self) -> DiskView {
        let request = LookAtDisk { instance: self.instance, unused_days: 0 };
        self.bench.ask::<call::Look>(request).await.expect("a look")
    }

    async fn reclaim(&self, items: Vec<ReclaimChoice>) -> ReclaimReport {
        let request = ReclaimItems { instance: self.instance, items };
        let task = self.bench.ask::<call::Reclaim>(request).await.expect("it begins").task;
        self.ended(task).await;
        self.bench.ask::<call::Report>(TaskRef { id: task }).await.expect("a report")
    }
}

fn choice(id: &str, mark: &str) -> ReclaimChoice {
    ReclaimChoice { id: id.to_owned(), mark: mark.to_owned() }
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_nobody_is_listed_and_removed_when_chosen() {
    let place = Place::new().await;
    place.with_model("large", &layers(151, MB)).await;
    let blobs = place.blobs();
    let hex = |name: &str| Content::of(name).digest;
    let staging = blobs.join(".corral");
    let partial = blobs.join(format!("sha256-{}-partial", hex("partial")));
    write(&partial, 2);
    write(&blobs.join(format!("sha256-{}-partial-0", hex("partial"))), 2);
    write(&blobs.join("sha256-123456"), 3);
    write(&blobs.join("sha256-654321"), 0);
    write(&staging.join(format!("{}.data", hex("staged"))), 5);
    write(&staging.join(format!("{}.journal", hex("staged"))), 5);
    write(&staging.join(format!("{}-x1y2z3.small", hex("staged"))), 5);
    write(&staging.join(format!("sha256-{}.aside", hex("aside"))), 5);
    let locked = place.bench.folder.path().join("staging");
    write(&locked.join(format!("{}.data", hex("locked"))), 5);
    write(&locked.join(format!("{}.journal", hex("locked"))), 5);
    let held = File::open(locked.join(format!("{}.journal", hex("locked")))).expect("opens");
    held.lock().expect("another copy of Corral works on it");

    let view = place.look().await;
    let mut kinds: Vec<ReclaimKind> = view.items.iter().map(|item| item.kind).collect();
    kinds.sort_by_key(|kind| kind.as_str());
    assert_eq!(
        kinds,
        [
            ReclaimKind::OllamaPartial,
            ReclaimKind::SetAside,
            ReclaimKind::Staged,
            ReclaimKind::Temporary
        ]
    );
    assert!(view.items.iter().map(|item| item.bytes).sum::<u64>() >= 6 * 5000, "{view:#?}");
    let before = fs::read_dir(&blobs).expect("the folder").count();
    let is_partial = |kind| kind == ReclaimKind::OllamaPartial;
    let one = view.items.iter().find(|item| is_partial(item.kind)).expect("the partial");
    let chosen = vec![
        choice(&one.id, &one.mark),
        choice(&format!("staged:own:{}", hex("locked")), "x"),
        choice("temporary:../../manifests", "x"),
    ];
    let report = place.reclaim(chosen).await;
    let removed = report.items.iter().filter(|item| item.outcome == ReclaimOutcome::Removed);
    assert_eq!((removed.count(), report.items.len()), (1, 3), "{report:#?}");
    assert_eq!(fs::read_dir(&blobs).expect("the folder").count(), before - 2, "both its files");
    assert!(locked.join(format!("{}.data", hex("locked"))).exists());
    let rest = view.items.iter().map(|item| choice(&item.id, &item.mark)).collect();
    place.reclaim(rest).await;
    assert_eq!(place.look().await.items, []);
    assert!(blobs.join("sha256-654321").exists(), "the server may still be writing it");
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn what_lies_in_our_own_folder_goes_although_no_store_can_be_seen() {
    let place = Place::new().await;
    let staging = place.bench.folder.path().join("staging");
    let digest = Content::of("staged").digest;
    write(&staging.join(format!("{digest}.data")), 5);
    write(&staging.join(format!("{digest}.journal")), 5);
    fs::rename(place.blobs(), place.blobs().with_file_name("elsewhere")).expect("moved away");
    let view = place.look().await;
    let [item] = &view.items[..] else { panic!("one item: {view:#?}") };
    assert_eq!(item.kind, ReclaimKind::Staged);
    let report = place.reclaim(vec![choice(&item.id, &item.mark)]).await;
    assert_eq!(report.items[0].outcome, ReclaimOutcome::Removed, "{report:#?}");
    assert!(!staging.join(format!("{digest}.data")).exists());
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn what_a_paused_download_has_is_nobodys_leftover() {
    let place = Place::new().await;
    let parts = layers(153, 20 * MB);
    place.publish("large", &parts);
    place.registry.rate(Some(4 * MB));
    let job = place.create("large").await.job;
    place.until("bytes", job, |job| job.progress.done > 2 * MB).await;
    let ids = JobIds { ids: vec![job] };
    place.bench.ask::<Pause>(ids).await.expect("it pauses");
    place.until("a pause", job, |job| job.state == JobState::Paused).await;
    assert_eq!(place.look().await.items, []);
}
