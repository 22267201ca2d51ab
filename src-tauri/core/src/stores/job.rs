//! A move from one stage to the next. Each stage is written down before it is done, each can be done
//! again, and each leads back.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    models::OpRef,
    stores::{MoveStage, MoveWay},
    tasks::TaskKind,
};
use tokio_util::sync::CancellationToken;

use super::{
    Turn, VARIABLE, blocking,
    fill::{self, Fill},
    probe,
    store::{self, Row},
    tree::{Item, Sort, Tree},
};
use crate::{
    Core, Result,
    bundles::{followed, pour::Way},
    disk, downloads, instances,
    signal::Signal,
    steering::{self, Changes, Verb},
    tasks::{self, NewTask, Task},
};

/// How long a server may take to be gone after the system said that it stopped it.
const GOES_WITHIN: Duration = Duration::from_secs(20);

/// What is to be done with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// To the new place.
    Forward,
    /// To the old one.
    Back,
    /// What was left at the old place goes.
    Clear,
}

impl Aim {
    fn kind(self) -> TaskKind {
        match self {
            Aim::Forward => TaskKind::StoreMove,
            Aim::Back => TaskKind::StoreReturn,
            Aim::Clear => TaskKind::StoreClear,
        }
    }
}

/// Begins, or goes on, in the background.
///
/// # Errors
/// `BUSY` while something else is done with the same folder; database errors.
pub(super) async fn launch(core: &Core, row: Row, aim: Aim) -> Result<OpRef> {
    let turns = Turns::take(core, row.instance, aim)?;
    launch_in(core, turns, row, aim).await
}

/// The folder, and the server where it has to be silent for a while.
pub(super) struct Turns {
    #[expect(dead_code, reason = "held for its drop")]
    folder: Turn,
    server: Option<steering::Turn>,
}

impl Turns {
    /// # Errors
    /// `BUSY`.
    pub(super) fn take(core: &Core, instance: InstanceId, aim: Aim) -> Result<Turns> {
        let folder = Turn::take(core, instance)?;
        let silent = aim != Aim::Clear;
        let server = silent.then(|| steering::Turn::take(core, instance, aim.kind()));
        Ok(Turns { folder, server: server.transpose()? })
    }
}

/// As [`launch`], for whoever has the turns already.
///
/// # Errors
/// Database errors.
pub(super) async fn launch_in(core: &Core, turns: Turns, mut row: Row, aim: Aim) -> Result<OpRef> {
    let new = NewTask {
        kind: aim.kind(),
        instance: Some(row.instance),
        model: None,
        target: row.target.clone(),
        // Back there is only one way; a clean-up that ends half way is gone on with.
        can_cancel: aim == Aim::Forward,
    };
    let task = tasks::begin(core, new).await?;
    let id = task.id();
    if let Some(server) = &turns.server {
        server.of(id);
    }
    row.task = Some(id);
    store::save(core, &row, row.stage).await?;
    let worker = core.clone();
    core.supervisor.run("move of a models folder", async move {
        let ended = match aim {
            Aim::Forward => forward_or_back(&worker, &mut row, &task).await,
            Aim::Back => back(&worker, &mut row, &task, None).await,
            Aim::Clear => clear(&worker, &mut row, &task).await,
        };
        drop(turns);
        disk::changed(&worker, row.instance);
        worker.signals.send(Signal::Operated(row.instance));
        task.finish(&ended).await;
    });
    Ok(OpRef { task: id })
}

/// Writes down where it is now.
async fn advance(core: &Core, row: &mut Row, to: MoveStage) -> Result<()> {
    let from = std::mem::replace(&mut row.stage, to);
    store::save(core, row, from).await
}

async fn forward_or_back(core: &Core, row: &mut Row, task: &Task) -> Result<()> {
    let Err(error) = forward(core, row, task).await else { return Ok(()) };
    // What Corral's own end stopped goes on at the next start.
    if core.supervisor.token().is_cancelled() {
        return Err(error);
    }
    task.warn(format!("not moved: {error}"));
    if let Err(second) = back(core, row, task, Some(error.clone())).await {
        task.warn(format!("not taken back: {second}"));
    }
    Err(error)
}

async fn forward(core: &Core, row: &mut Row, task: &Task) -> Result<()> {
    let fill = Fill { from: row.from(), to: row.to(), way: row.way };
    loop {
        task.phase(row.stage.as_str());
        if task.token().is_cancelled() {
            return Err(WireError::new(ErrorCode::Cancelled));
        }
        match row.stage {
            MoveStage::Planned => {
                let fill = fill.clone();
                blocking(move || fill.make()).await?;
                advance(core, row, MoveStage::Copying).await?;
            }
            MoveStage::Copying => {
                // Layers never change: the server can go on while they are copied.
                if row.way == MoveWay::Copy {
                    let blob = |item: &&Item| matches!(item.sort(), Sort::Blob(_));
                    let layers = row.files.iter().filter(blob).cloned().collect();
                    put(&fill, layers, task, &task.token()).await?;
                }
                advance(core, row, MoveStage::Stopping).await?;
            }
            MoveStage::Stopping => {
                // A second time there is nothing left to be paused.
                row.paused.extend(downloads::hold(core, row.instance).await?);
                if let Ok(listed) = probe::listed(core, row.instance).await {
                    row.listed = Some(listed);
                }
                store::save(core, row, MoveStage::Stopping).await?;
                stop(core, row).await?;
                advance(core, row, MoveStage::Filling).await?;
            }
            MoveStage::Filling => {
                let from = fill.from.clone();
                let there = blocking(move || Tree::read(&from)).await?.items;
                // Of those that changed their names already nothing is seen here any more.
                let mut all: BTreeMap<String, Item> = BTreeMap::new();
                if row.way == MoveWay::Rename {
                    all.extend(row.files.drain(..).map(|item| (item.path.clone(), item)));
                }
                all.extend(there.into_iter().map(|item| (item.path.clone(), item)));
                row.files = in_order(all);
                row.bytes = row.files.iter().map(|item| item.size).sum();
                store::save(core, row, MoveStage::Filling).await?;
                put(&fill, row.files.clone(), task, &task.token()).await?;
                if row.listed.is_none() {
                    let to = row.to();
                    row.listed = Some(blocking(move || probe::by_files(&to)).await?);
                }
                advance(core, row, MoveStage::Switching).await?;
            }
            MoveStage::Switching => {
                let control = steering::control(core, row.instance)?;
                if row.variable.is_none() {
                    let before = control.environment().await?.get(VARIABLE).cloned();
                    row.variable = Some(before);
                    store::save(core, row, MoveStage::Switching).await?;
                }
                control.set_environment(&changes(Some(&row.target))).await?;
                advance(core, row, MoveStage::Starting).await?;
            }
            MoveStage::Starting => {
                steering::control(core, row.instance)?.act(Verb::Start).await?;
                advance(core, row, MoveStage::Probing).await?;
            }
            MoveStage::Probing => {
                probe::answers(core, row.instance, &task.token()).await?;
                let wanted = row.listed.clone().unwrap_or_default();
                probe::same(core, row.instance, &wanted, &row.to()).await?;
                if !row.ran {
                    // As it was found.
                    steering::control(core, row.instance)?.act(Verb::Stop).await?;
                }
                disk::moved(core, row.instance, &row.target).await?;
                row.kept_at = Some(core.now());
                row.problem = None;
                advance(core, row, MoveStage::Kept).await?;
                downloads::release(core, std::mem::take(&mut row.paused)).await;
                instances::publish(core, row.instance).await;
                return Ok(());
            }
            _ => return Ok(()),
        }
    }
}

/// Layers first, manifests last.
fn in_order(all: BTreeMap<String, Item>) -> Vec<Item> {
    let (manifests, others): (Vec<_>, Vec<_>) =
        all.into_values().partition(|item| item.sort() == Sort::Manifest);
    others.into_iter().chain(manifests).collect()
}

fn changes(to: Option<&str>) -> Changes {
    [(VARIABLE.to_owned(), to.map(str::to_owned))].into()
}

async fn put(fill: &Fill, items: Vec<Item>, task: &Task, token: &CancellationToken) -> Result<()> {
    let total = items.iter().map(|item| item.size).sum();
    let done = Arc::new(AtomicU64::new(0));
    let (fill, token, counted) = (fill.clone(), token.clone(), done.clone());
    let work = blocking(move || fill.run(&items, &Way { token: &token, done: &counted }));
    followed(task, &done, total, work).await
}

/// Stops a server that runs, and waits until it does not answer any more.
async fn stop(core: &Core, row: &Row) -> Result<()> {
    if !probe::up(core, row.instance).await {
        return Ok(());
    }
    steering::control(core, row.instance)?.act(Verb::Stop).await?;
    let gone = async {
        while probe::up(core, row.instance).await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(GOES_WITHIN, gone).await.map_err(|_| {
        let error = WireError::new(ErrorCode::TimedOut).with("seconds", GOES_WITHIN.as_secs());
        error.detail("the server goes on answering")
    })
}

/// Everything to where it was, with what came since; `why` = what made it necessary.
///
/// # Errors
/// What kept it from getting there; the row says so too, and it can be tried again.
pub(super) async fn back(
    core: &Core,
    row: &mut Row,
    task: &Task,
    why: Option<WireError>,
) -> Result<()> {
    if why.is_some() {
        row.problem = why;
    }
    // Whether the server was touched: later nobody could tell.
    let running = probe::up(core, row.instance).await;
    advance(core, row, MoveStage::Returning).await?;
    task.phase(MoveStage::Returning.as_str());
    let done = undo(core, row, task, running).await;
    match &done {
        Ok(()) => {
            downloads::release(core, std::mem::take(&mut row.paused)).await;
            advance(core, row, MoveStage::Returned).await?;
        }
        Err(error) => {
            row.problem = Some(error.clone());
            store::save(core, row, MoveStage::Returning).await?;
        }
    }
    instances::publish(core, row.instance).await;
    done
}

async fn undo(core: &Core, row: &mut Row, task: &Task, running: bool) -> Result<()> {
    let (from, to) = (row.from(), row.to());
    let control = steering::control(core, row.instance)?;
    if !from.is_dir() {
        return Err(fill::missing(&from));
    }
    let switched = row.variable.clone();
    let files_moved = switched.is_some() || row.way == MoveWay::Rename;
    if files_moved && running {
        stop(core, row).await?;
    }
    if let Some(before) = &switched {
        control.set_environment(&changes(before.as_deref())).await?;
    }
    let (kept, here) = (to.clone(), from.clone());
    let rest = blocking(move || missing_at(&kept, &here)).await?;
    if !rest.is_empty() {
        let token = core.supervisor.token();
        let fill = Fill { from: to.clone(), to: from.clone(), way: row.way };
        put(&fill, rest, task, &token).await?;
    }
    let token = core.supervisor.token();
    if row.ran && !probe::up(core, row.instance).await {
        control.act(Verb::Start).await?;
        probe::answers(core, row.instance, &token).await?;
    }
    if switched.is_some() {
        instances::forget_place(core, row.instance).await;
        disk::moved(core, row.instance, &row.source).await?;
    }
    if to.is_dir() {
        let (made, mut items) = (row.made, row.files.clone());
        let stay = blocking(move || {
            items.extend(Tree::read(&to)?.items);
            fill::clear(&to, &from, &items, made)
        });
        let stay = stay.await?;
        if stay > 0 {
            task.warn(format!("{stay} files stay in {}", row.target));
        }
    }
    Ok(())
}

/// What `folder` has and `here` has not, layers first. Blocks.
fn missing_at(folder: &Path, here: &Path) -> Result<Vec<Item>> {
    if !folder.join("blobs").is_dir() {
        return Ok(Vec::new());
    }
    let same = |item: &Item| {
        let (one, other) = (item.at(folder), item.at(here));
        match item.sort() {
            Sort::Manifest => std::fs::read(one).ok() == std::fs::read(other).ok(),
            Sort::Blob(_) => std::fs::metadata(other).is_ok_and(|facts| facts.len() == item.size),
            Sort::Other => other.exists(),
        }
    };
    let mut items = Tree::read(folder)?.items;
    items.retain(|item| !same(item));
    Ok(items)
}

/// Removes what was left at the old place.
async fn clear(core: &Core, row: &mut Row, task: &Task) -> Result<()> {
    let (from, to) = (row.from(), row.to());
    advance(core, row, MoveStage::Clearing).await?;
    task.phase(MoveStage::Clearing.as_str());
    let items = row.files.clone();
    // Whoever made that folder may want it to stay: only what moved goes.
    let done = blocking(move || fill::clear(&from, &to, &items, false)).await;
    match done {
        Ok(stay) => {
            if stay > 0 {
                task.warn(format!("{stay} files stay in {}", row.source));
            }
            row.problem = None;
            advance(core, row, MoveStage::Done).await
        }
        Err(error) => {
            row.problem = Some(error.clone());
            store::save(core, row, MoveStage::Clearing).await?;
            Err(error)
        }
    }
}
