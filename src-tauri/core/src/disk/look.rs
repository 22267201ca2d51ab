//! One look at the disk of an instance.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    time::{Duration, Instant, UNIX_EPOCH},
};

use corral_contract::{
    InstanceId, Timestamp, WireError,
    disk::{
        DiskModel, DiskPart, DiskRest, DiskSource, DiskView, LookAtDisk, OrphansHeld, PartKind,
        call,
    },
    downloads::JobState,
    instances::StoreFact,
};

use super::{
    blocking, items,
    items::Candidate,
    store::{self, uses, uses::Used},
    trash::DAY,
    walk::{Sum, Walk},
};
use crate::{Core, Result, checks, downloads, instances, router::Handle};

/// Models that are told one by one.
const TOLD: usize = 200;
/// Unreadable manifests that are named.
const NAMED: usize = 20;
/// Longest time without use that can be asked for, in days.
const LONGEST: u32 = 3650;

impl Handle<call::Look> for Core {
    async fn handle(&self, LookAtDisk { instance, unused_days }: LookAtDisk) -> Result<DiskView> {
        if unused_days > LONGEST {
            return Err(WireError::field("unusedDays", "outOfRange")
                .with("min", 0)
                .with("max", LONGEST));
        }
        Ok(look(self, instance, unused_days).await?.view)
    }
}

/// What a look found, with what is needed to act on it.
pub(super) struct Looked {
    pub(super) view: DiskView,
    pub(super) items: Vec<Candidate>,
    /// The models folder, when it can be read from here.
    pub(super) store: Option<PathBuf>,
}

/// Looks at a disk; nothing is kept or changed.
///
/// # Errors
/// `NOT_FOUND`, database errors.
pub(super) async fn look(core: &Core, instance: InstanceId, unused_days: u32) -> Result<Looked> {
    let began = Instant::now();
    // While the machine is asked where the models are now, what was true a moment ago is walked.
    let guess = instances::store_path(core, instance);
    let (place, gathered) = tokio::join!(
        instances::store_now(core, instance),
        Gathered::of(core, instance, guess.clone())
    );
    let place = place?;
    let gathered = match place.path == guess {
        true => gathered?,
        false => Gathered::of(core, instance, place.path.clone()).await?,
    };
    let Gathered { known, watched_since, walk: walked, files } = gathered;
    let store = place.path.as_ref().map(PathBuf::from);
    let before = core.now().plus(-i64::from(unused_days) * DAY);
    let suggests = |exclusive: &dyn Fn(&str) -> Option<u64>| {
        if unused_days == 0 { Vec::new() } else { items::unused(&known, before, exclusive) }
    };
    let never_seen = known.iter().filter(|model| model.last_used.is_none()).count() as u64;
    let mut view = DiskView {
        instance,
        at: core.now(),
        source: DiskSource::List,
        path: None,
        writable: false,
        free: None,
        total: None,
        parts: Vec::new(),
        models: Vec::new(),
        more: DiskRest::default(),
        unreadable: Vec::new(),
        items: Vec::new(),
        orphans_held: None,
        watched_since,
        never_seen,
        took_ms: 0,
    };
    let (walk, store) = match walked.zip(store) {
        Some(both) => both,
        None => {
            let mut items = suggests(&|_| None);
            items.extend(files.of_our_own());
            view.models = known.iter().map(|model| listed(model, None)).collect();
            cut(&mut view);
            return Ok(finish(view, items, None, began));
        }
    };
    let shares = Shares::of(&walk);
    let mut found = suggests(&|key| shares.of_model.get(key).map(|(exclusive, _)| *exclusive));
    let (leftovers, held) = files.that_could_go(core, &walk, &place, &store);
    found.extend(leftovers);
    let StoreFact { path, writable, free, total, .. } = place;
    let writable = writable == Some(true);
    view = DiskView { source: DiskSource::Files, path, writable, free, total, ..view };
    view.parts = parts(&walk, &shares);
    view.unreadable = walk.unreadable.iter().take(NAMED).cloned().collect();
    view.orphans_held = held.filter(|_| shares.orphans.count > 0);
    let by_key: HashMap<&str, &Used> =
        known.iter().map(|model| (model.key.as_str(), model)).collect();
    view.models = walk
        .models
        .keys()
        .map(|key| match by_key.get(key.as_str()) {
            Some(model) => listed(model, shares.of_model.get(key.as_str())),
            None => stranger(key, shares.of_model.get(key.as_str())),
        })
        .collect();
    cut(&mut view);
    Ok(finish(view, found, Some(store), began))
}

fn finish(
    mut view: DiskView,
    mut items: Vec<Candidate>,
    store: Option<PathBuf>,
    began: Instant,
) -> Looked {
    items::rank(&mut items);
    view.items = items.iter().map(|item| item.shown.clone()).collect();
    view.took_ms = began.elapsed().as_millis() as u64;
    Looked { view, items, store }
}

/// What a look needs, all of it found out at the same time.
struct Gathered {
    known: Vec<Used>,
    watched_since: Option<Timestamp>,
    /// `None` when there is no store to be read from here.
    walk: Option<Walk>,
    files: Files,
}

/// What is known about files that could go.
struct Files {
    leftovers: checks::Leftovers,
    /// Names of models by the digests of layers that were ordered for them.
    names: HashMap<String, Vec<String>>,
    /// Layers that downloads of ours want.
    wanted: HashSet<String>,
    /// Something is being fetched or made.
    busy: bool,
    trash: Vec<store::Entry>,
}

impl Gathered {
    async fn of(core: &Core, instance: InstanceId, path: Option<String>) -> Result<Gathered> {
        let store = path.map(PathBuf::from);
        let now = UNIX_EPOCH + Duration::from_millis(core.now().0.unsigned_abs());
        let walk = async {
            let Some(store) = store.clone() else { return Ok(None) };
            blocking(move || store.join("blobs").is_dir().then(|| Walk::over(&store))).await
        };
        let written_to = async {
            match &store {
                Some(store) => is_written_to(store, now).await,
                None => Ok(false),
            }
        };
        let wanted = async { Ok(downloads::wanted_layers(core).await) };
        let (known, watched_since, walk, leftovers, names, wanted, fetches, written_to, trash) = tokio::try_join!(
            uses::of_instance(core, instance),
            uses::watched_since(core, instance),
            walk,
            checks::leftovers_in(core, store.clone()),
            checks::names_of_layers(core, instance),
            wanted,
            fetches(core, instance),
            written_to,
            store::entries(core),
        )?;
        let files = Files { leftovers, names, wanted, busy: fetches || written_to, trash };
        Ok(Gathered { known, watched_since, walk, files })
    }
}

/// Leftovers with the models they were ordered for. Of a store that is not ours nothing can go but
/// what lies in our own folder.
fn named(
    leftovers: checks::Leftovers,
    names: &HashMap<String, Vec<String>>,
    only_own: bool,
) -> Vec<Candidate> {
    let kept = leftovers.into_iter().filter(|(id, _)| !only_own || is_own(id));
    kept.map(|(id, found)| {
        let models = found.digest.as_ref().and_then(|digest| names.get(digest)).cloned();
        items::leftover(id, found, models.unwrap_or_default())
    })
    .collect()
}

/// Whether an item lies in Corral's own folder and not in a store.
pub(super) fn is_own(id: &str) -> bool {
    id.starts_with(checks::OWN_STAGING)
}

impl Files {
    /// What can go where no store can be seen.
    fn of_our_own(self) -> Vec<Candidate> {
        named(self.leftovers, &self.names, true)
    }

    /// Leftovers, blobs without a manifest, the trash; and why such blobs stay, when they do.
    fn that_could_go(
        self,
        core: &Core,
        walk: &Walk,
        place: &StoreFact,
        store: &Path,
    ) -> (Vec<Candidate>, Option<OrphansHeld>) {
        let Files { leftovers, names, wanted, busy, trash: mut entries } = self;
        let writable = place.writable == Some(true);
        let mut found = named(leftovers, &names, !writable);
        let now = UNIX_EPOCH + Duration::from_millis(core.now().0.unsigned_abs());
        let held = items::held(walk, writable, busy);
        if held.is_none() {
            found.extend(items::old_orphans(walk, &store.join("blobs"), &wanted, now));
        }
        if writable {
            let path = store.to_string_lossy();
            entries.retain(|entry| entry.store == path && entry.stage == store::Stage::Kept);
            found.extend(items::trashed(walk, store, entries));
        }
        (found, held)
    }
}

/// Whether a download of ours is under way there.
async fn fetches(core: &Core, instance: InstanceId) -> Result<bool> {
    let queue = downloads::queue(core).await?;
    Ok(queue.jobs.iter().any(|job| job.instance == instance && job.state == JobState::Running))
}

/// Whether the server seems to be fetching or making something.
async fn is_written_to(store: &Path, now: std::time::SystemTime) -> Result<bool> {
    let blobs = store.join("blobs");
    blocking(move || {
        let entries = std::fs::read_dir(&blobs).into_iter().flatten().flatten();
        let unfinished = entries.filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let whole = name.strip_prefix("sha256-").is_some_and(super::walk::is_hex);
            !whole && entry.file_type().is_ok_and(|kind| kind.is_file())
        });
        let files: Vec<PathBuf> = unfinished.map(|entry| entry.path()).collect();
        crate::transfers::is_active(&files, now)
    })
    .await
}

/// Who takes how much.
struct Shares<'a> {
    /// Bytes of its own and bytes that it shares, by the key of each model.
    of_model: HashMap<&'a str, (u64, u64)>,
    exclusive: Sum,
    shared: Sum,
    orphans: Sum,
}

impl<'a> Shares<'a> {
    fn of(walk: &'a Walk) -> Shares<'a> {
        let users = walk.users();
        let mut shares = Shares {
            of_model: HashMap::with_capacity(walk.models.len()),
            exclusive: Sum::default(),
            shared: Sum::default(),
            orphans: Sum::default(),
        };
        for (hex, blob) in &walk.blobs {
            match users.get(hex.as_str()) {
                None => shares.orphans.add(blob.bytes),
                Some(1) => shares.exclusive.bytes += blob.bytes,
                Some(_) => shares.shared.add(blob.bytes),
            }
        }
        shares.exclusive.count = walk.models.len() as u64;
        for (key, blobs) in &walk.models {
            let mut own = (0, 0);
            for hex in blobs {
                let bytes = walk.blobs.get(hex).map_or(0, |blob| blob.bytes);
                match users.get(hex.as_str()) {
                    Some(1) => own.0 += bytes,
                    _ => own.1 += bytes,
                }
            }
            shares.of_model.insert(key, own);
        }
        shares
    }
}

fn parts(walk: &Walk, shares: &Shares<'_>) -> Vec<DiskPart> {
    let trash = Sum { bytes: walk.only_in_trash(), count: walk.trash.len() as u64 };
    let sums = [
        (PartKind::Models, shares.exclusive),
        (PartKind::Shared, shares.shared),
        (PartKind::Partials, walk.partials),
        (PartKind::Staging, walk.staging),
        (PartKind::Orphans, shares.orphans),
        (PartKind::Trash, trash),
        (PartKind::Other, walk.other),
    ];
    let part = |(kind, Sum { bytes, count }): (PartKind, Sum)| DiskPart { kind, bytes, count };
    sums.into_iter().filter(|(_, sum)| sum.count > 0).map(part).collect()
}

fn listed(model: &Used, share: Option<&(u64, u64)>) -> DiskModel {
    DiskModel {
        id: Some(model.id),
        name: model.name.clone(),
        exclusive: share.map(|(exclusive, _)| *exclusive),
        shared: share.map(|(_, shared)| *shared),
        bytes: share.map_or(model.bytes.unwrap_or(0), |(own, shared)| own + shared),
        last_used: model.last_used,
        pinned: model.pinned,
    }
}

fn stranger(key: &str, share: Option<&(u64, u64)>) -> DiskModel {
    let name = corral_contract::name::ModelName::parse(key);
    let (own, shared) = share.copied().unwrap_or_default();
    DiskModel {
        id: None,
        name: name.map_or_else(|_| key.to_owned(), |name| name.display()),
        exclusive: Some(own),
        shared: Some(shared),
        bytes: own + shared,
        last_used: None,
        pinned: false,
    }
}

/// Keeps the largest models and sums up the rest.
fn cut(view: &mut DiskView) {
    let own = |model: &DiskModel| model.exclusive.unwrap_or(model.bytes);
    view.models.sort_by_key(|model| std::cmp::Reverse((own(model), model.bytes)));
    let rest = view.models.split_off(view.models.len().min(TOLD));
    view.more = DiskRest { count: rest.len() as u64, bytes: rest.iter().map(own).sum() };
}
