use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use corral_contract::{
    checks::{CleanLeftovers, LeftoverKind, call},
    downloads::{JobIds, JobState, call::Pause},
};
use corral_testbed::content::Content;

use super::{MB, layers};
use crate::{downloads::direct::Place, support::START};

fn write(file: &Path, hours_ago: u64) {
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, [7; 5000]).expect("written");
    let now = UNIX_EPOCH + Duration::from_millis(START.0.unsigned_abs());
    let open = File::options().write(true).open(file).expect("opens");
    open.set_modified(now - Duration::from_secs(hours_ago * 3600)).expect("aged");
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

    let list = place.bench.ask::<call::Leftovers>(place.instance()).await.expect("a list");
    let kinds: Vec<LeftoverKind> = list.items.iter().map(|item| item.kind).collect();
    assert_eq!(
        kinds,
        [
            LeftoverKind::SetAside,
            LeftoverKind::OllamaPartial,
            LeftoverKind::Staged,
            LeftoverKind::Temporary
        ]
    );
    assert!(list.bytes >= 6 * 5000, "{}", list.bytes);
    let before = fs::read_dir(&blobs).expect("the folder").count();
    let chosen = |kind| {
        let chosen = list.items.iter().filter(move |item| item.kind == kind);
        chosen.map(|item| item.id.clone()).collect::<Vec<_>>()
    };
    let mut ids = chosen(LeftoverKind::OllamaPartial);
    ids.push(format!("staged:own:{}", hex("locked")));
    ids.push("temporary:../../manifests".to_owned());
    let request = CleanLeftovers { instance: place.instance, ids };
    let cleaned = place.bench.ask::<call::Clean>(request).await.expect("cleaned");
    assert_eq!((cleaned.removed, cleaned.left), (1, 2));
    assert_eq!(fs::read_dir(&blobs).expect("the folder").count(), before - 2, "both its files");
    assert!(locked.join(format!("{}.data", hex("locked"))).exists());
    let ids = list.items.iter().map(|item| item.id.clone()).collect();
    let request = CleanLeftovers { instance: place.instance, ids };
    place.bench.ask::<call::Clean>(request).await.expect("cleaned");
    let list = place.bench.ask::<call::Leftovers>(place.instance()).await.expect("a list");
    assert_eq!(list.items, []);
    assert!(blobs.join("sha256-654321").exists(), "the server may still be writing it");
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
    let list = place.bench.ask::<call::Leftovers>(place.instance()).await.expect("a list");
    assert_eq!(list.items, []);
}
