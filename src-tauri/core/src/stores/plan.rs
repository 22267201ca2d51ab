//! What a move would do, and whether it may begin.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    instances::Kind,
    models::{ModelSearchRequest, call::Search},
    status::Status,
    stores::{MovePreview, MoveStage, MoveStore, MoveWay},
};

use super::{
    VARIABLE, blocking,
    fill::missing,
    owner,
    store::{self, Row},
    tree::{Sort, Tree},
};
use crate::{
    Core, Result,
    bundles::stage,
    downloads, instances,
    router::Handle,
    steering::{self, Changes, ServiceControl, Verb},
};

const MEGABYTE: u64 = 1_000_000;
/// What a new disk has in its first folder anyway.
const OF_SYSTEM: [&str; 5] =
    ["lost+found", "System Volume Information", "$RECYCLE.BIN", ".Trashes", ".fseventsd"];

/// A move that was looked at.
pub(super) struct Plan {
    pub(super) preview: MovePreview,
    /// What would be written down; nothing to write when there is a problem.
    pub(super) row: Option<Row>,
}

/// Looks at both folders and at what runs the server.
///
/// # Errors
/// `NOT_FOUND`, `STORE_ELSEWHERE`, database errors; everything else is a problem of the preview.
pub(super) async fn look(core: &Core, wish: &MoveStore) -> Result<Plan> {
    let id = wish.instance;
    let from = source(core, id).await?;
    let control = steering::control(core, id)?;
    let powers = control.powers();
    let to = PathBuf::from(wish.to.trim());
    let machine = core.config.machine.clone();
    let (named, target) = (PathBuf::from(&from), to.clone());
    let seen = blocking(move || Ok(Seen::of(&named, &target, &*machine))).await?;
    let changes: Changes = [(VARIABLE.to_owned(), Some(to.display().to_string()))].into();
    let (before, after, written) = match control.preview_environment(&changes).await {
        Ok((before, after)) => (before, after, None),
        Err(error) => (String::new(), String::new(), Some(error)),
    };
    let mut problem = seen.problem.clone();
    if !(powers.stop && powers.start && powers.environment) {
        let refused = WireError::new(ErrorCode::ServiceRefused);
        let reason = powers.why_not.unwrap_or("elsewhere");
        problem.get_or_insert(refused.detail(reason));
    }
    if let Some(error) = written {
        problem.get_or_insert(error);
    }
    if let Some(other) = shares(core, id, &from).await? {
        problem.get_or_insert(WireError::field("instance", "storeShared").with("name", other));
    }
    if let Some(other) = store::open(core, Some(id)).await?.into_iter().next() {
        let busy = WireError::new(ErrorCode::Busy).with("operation", "storeMove");
        let busy = match other.task {
            Some(task) => busy.with("task", task),
            None => busy,
        };
        problem.get_or_insert(busy);
    }
    let reserve = u64::from(core.settings().disk_reserve_mb) * MEGABYTE;
    if let (Some(MoveWay::Copy), Some(free)) = (seen.way, seen.free)
        && free < seen.tree.bytes().saturating_add(reserve)
    {
        let needed = seen.tree.bytes();
        problem.get_or_insert(
            WireError::new(ErrorCode::DiskShort)
                .with("needed", needed)
                .with("free", free)
                .with("reserve", reserve)
                .with("missing", needed.saturating_add(reserve) - free),
        );
    }
    let ran = instances::online(core, id);
    let row = match (&problem, seen.way) {
        (None, Some(way)) => Some(Row {
            id: 0,
            instance: id,
            source: from.clone(),
            target: to.display().to_string(),
            way,
            stage: MoveStage::Planned,
            made: !to.exists(),
            bytes: seen.tree.bytes(),
            files: seen.tree.items.clone(),
            listed: None,
            variable: None,
            ran,
            paused: Vec::new(),
            task: None,
            problem: None,
            kept_at: None,
        }),
        _ => None,
    };
    let preview = MovePreview {
        resolved: seen.resolved.filter(|real| *real != Path::new(&from)).map(shown),
        from,
        to: shown(to),
        way: seen.way,
        bytes: seen.tree.bytes(),
        files: seen.tree.items.len() as u64,
        models: seen.tree.models(),
        free: seen.free,
        foreign: seen.tree.foreign.iter().map(|path| path.display().to_string()).collect(),
        foreign_count: seen.tree.foreign_count,
        owner: seen.owner,
        commands: commands(&control),
        before,
        after,
        downloads: u32::try_from(downloads::active(core, id).await.len()).unwrap_or(u32::MAX),
        loaded: loaded(core, id).await?,
        problem,
    };
    Ok(Plan { preview, row })
}

/// The models folder of an instance, as its server names it.
///
/// # Errors
/// `NOT_FOUND`, `STORE_ELSEWHERE`.
pub(super) async fn source(core: &Core, id: InstanceId) -> Result<String> {
    let fact = instances::store_now(core, id).await?;
    let elsewhere = || WireError::new(ErrorCode::StoreElsewhere).with("instance", id);
    // One that can neither be written nor not is not here.
    fact.path.filter(|_| fact.writable.is_some()).ok_or_else(elsewhere)
}

fn shown(path: PathBuf) -> String {
    path.display().to_string()
}

/// What a person would type.
fn commands(control: &Arc<dyn ServiceControl>) -> Vec<String> {
    let mut commands = control.equivalent(Verb::Stop);
    commands.extend(control.equivalent(Verb::Start));
    commands
}

async fn loaded(core: &Core, instance: InstanceId) -> Result<Vec<String>> {
    let request = ModelSearchRequest {
        instance_id: Some(instance),
        status: vec![Status::Running],
        ..Default::default()
    };
    let page = Handle::<Search>::handle(core, request).await?;
    Ok(page.items.into_iter().map(|row| row.name).collect())
}

/// Another server that keeps its models in the same folder.
async fn shares(core: &Core, id: InstanceId, from: &str) -> Result<Option<String>> {
    let real = |path: &str| dunce::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    let mine = real(from);
    let others = instances::views(core).await?.into_iter().filter(|view| {
        let local = view.kind != Kind::Remote || view.store.writable.is_some();
        view.id != id && local && view.store.path.as_deref().is_some_and(|it| real(it) == mine)
    });
    Ok(others.map(|view| view.name).next())
}

/// What the disk says.
struct Seen {
    resolved: Option<PathBuf>,
    tree: Tree,
    way: Option<MoveWay>,
    free: Option<u64>,
    owner: Option<String>,
    problem: Option<WireError>,
}

impl Seen {
    fn of(from: &Path, to: &Path, machine: &dyn instances::Machine) -> Seen {
        let resolved = dunce::canonicalize(from).ok();
        let mut seen = Seen {
            resolved: resolved.clone(),
            tree: Tree::default(),
            way: None,
            free: None,
            owner: None,
            problem: None,
        };
        let Some(real) = resolved else {
            seen.problem = Some(missing(from));
            return seen;
        };
        match Tree::read(&real) {
            Ok(tree) => seen.tree = tree,
            Err(error) => seen.problem = Some(error),
        }
        seen.owner = owner::other(&real);
        let found = target(&real, to, machine).and_then(|stand| {
            seen.free = machine.space(&stand).map(|space| space.free);
            probe(&real, &seen.tree, &stand)
        });
        match found {
            Ok(way) => seen.way = Some(way),
            Err(error) => seen.problem = Some(seen.problem.take().unwrap_or(error)),
        }
        if let Some(owner) = &seen.owner {
            let foreign = WireError::new(ErrorCode::StorePermission).with("owner", owner);
            seen.problem.get_or_insert(foreign);
        }
        seen
    }
}

/// Whether models may go there; answers the folder that is there already: itself or the one above.
fn target(real: &Path, to: &Path, machine: &dyn instances::Machine) -> Result<PathBuf> {
    let wrong = |reason: &str| Err(WireError::field("to", reason));
    if !to.is_absolute() || to.to_str().is_none() {
        return wrong("notAbsolute");
    }
    let stand = if to.exists() { to } else { to.parent().unwrap_or(to) };
    // A folder on a drive that is not there must not come to lie on the one below it.
    let there = dunce::canonicalize(stand).map_err(|_| missing(stand))?;
    let place =
        if stand == to { there.clone() } else { there.join(to.file_name().unwrap_or_default()) };
    if place == real {
        return wrong("sameFolder");
    }
    if place.starts_with(real) {
        return wrong("insideItself");
    }
    if !there.is_dir() {
        return wrong("notFolder");
    }
    if stand == to {
        let entries = fs::read_dir(to).map_err(|error| stage::refused(&error))?;
        let strange = |entry: fs::DirEntry| {
            entry.file_name().to_str().is_none_or(|name| !OF_SYSTEM.contains(&name))
        };
        if entries.flatten().any(strange) {
            return wrong("notEmpty");
        }
    }
    if !machine.writable(&there) {
        return Err(WireError::new(ErrorCode::StorePermission).with("path", there.display()));
    }
    Ok(there)
}

/// Which way the files can go, tried with one of them, or with a new one where there is none.
fn probe(real: &Path, tree: &Tree, stand: &Path) -> Result<MoveWay> {
    let failed = |error: std::io::Error| stage::refused(&error);
    let blob = tree.items.iter().find(|item| matches!(item.sort(), Sort::Blob(_)));
    let aside = tempfile::Builder::new().prefix(".corral-").tempdir_in(stand).map_err(failed)?;
    // A folder that is not ours to write can still be copied from.
    let own = tempfile::NamedTempFile::new_in(real).ok();
    let file = match (blob, &own) {
        (Some(blob), _) => dunce::canonicalize(blob.at(real)).map_err(failed)?,
        (None, Some(own)) => own.path().to_owned(),
        (None, None) => return Ok(MoveWay::Copy),
    };
    if fs::hard_link(&file, aside.path().join("link")).is_ok() {
        return Ok(MoveWay::Link);
    }
    // A rename is only tried with a file of our own.
    let renamed = own.is_some_and(|own| fs::rename(own.path(), aside.path().join("own")).is_ok());
    Ok(if renamed { MoveWay::Rename } else { MoveWay::Copy })
}
