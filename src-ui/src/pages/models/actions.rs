//! What can be done to a model, and doing it.

use std::time::Duration;

use corral_contract::{
    ErrorCode, ModelId, WireError,
    disk::{PinModels, call::Pin},
    downloads::{JobIds, Priority, call as downloads},
    labels::{EditLabels, call as labels},
    models::{CreateModel, ModelRef, ModelRow, StartModel, StartOptions, call as models},
    running::call::Preview,
    status::{Action, Install, Status},
    tasks::{TaskRef, call as tasks},
};
use leptos::{prelude::*, task::spawn_local};

use super::{
    list::{List, Open},
    make,
    make_room::MakeRoom,
    update_item::update_item,
};
use crate::{
    components::MenuItem, frame::toasts::Toasts, ipc, pages::downloads::back, words::Words,
};

/// How long an assumed state shows when no event confirms it.
const ASSUMED: Duration = Duration::from_secs(15);

/// Does things to models, for the page.
#[derive(Clone, Copy)]
pub struct Actions {
    pub list: List,
    pub toasts: Toasts,
    pub words: Words,
}

impl Actions {
    /// Shows the action as begun, asks the core, and says so when it refuses.
    pub fn act(self, action: Action, row: &ModelRow) {
        match action {
            Action::Delete => self.list.open.set(Open::Delete(vec![row.id])),
            Action::Recreate if row.status == Status::Running => {
                self.list.open.set(Open::Recreate(row.id));
            }
            _ => self.run(action, row, StartOptions::default()),
        }
    }

    /// As [`Actions::act`], without a question, with options for a start.
    pub fn run(self, action: Action, row: &ModelRow, options: StartOptions) {
        let pending = self.list.stores.pending;
        if pending.with_untracked(|pending| pending.of(row.id).is_some()) {
            return;
        }
        let row = row.clone();
        pending.update(|pending| pending.begin(row.id, action));
        set_timeout(
            move || {
                pending.maybe_update(|pending| pending.end(row.id));
            },
            ASSUMED,
        );
        let noted = row.job.filter(|_| action == Action::Cancel);
        let noted = noted.and_then(|job| back::again(self.list.stores, job));
        spawn_local(async move {
            let asked = if action == Action::Start {
                self.start(&row, StartModel::with(row.id, options)).await
            } else {
                ask(action, &row, options).await
            };
            if let Err(error) = asked {
                pending.maybe_update(|pending| pending.end(row.id));
                let key = match action {
                    Action::Start => "failed.start",
                    Action::Close => "failed.close",
                    Action::Recreate => "failed.recreate",
                    _ => "failed.action",
                };
                if error.code == ErrorCode::NotFound {
                    // The row is older than what it shows.
                    self.list.load();
                }
                self.toasts.error(self.words.fill(key, &[("name", &row.name)]), error);
            } else {
                back::say_cancelled(self.toasts, self.words, noted);
            }
        });
    }

    /// Loads a model as `request` says, unless others would have to go: then that is asked first.
    pub async fn start(self, row: &ModelRow, request: StartModel) -> Result<(), WireError> {
        let preview = ipc::call::<Preview>(ModelRef { id: row.id }).await;
        // What cannot be foreseen is no reason not to start.
        if let Ok(preview) = preview
            && !preview.evicts.is_empty()
        {
            self.list.stores.pending.maybe_update(|pending| pending.end(row.id));
            let asked = MakeRoom { name: row.name.clone(), request, preview };
            self.list.open.set(Open::MakeRoom(Box::new(asked)));
            return Ok(());
        }
        ipc::call::<models::Start>(request).await.map(|_| ())
    }

    /// Makes a model a favourite, or no longer.
    fn favour(self, row: &ModelRow) {
        let favourite = Some(!row.label.favourite);
        let edit = EditLabels { ids: vec![row.id], favourite, ..EditLabels::default() };
        spawn_local(async move {
            if let Err(error) = ipc::call::<labels::Edit>(edit).await {
                self.toasts.error(self.words.get("sending.failed"), error);
            }
        });
    }

    fn pin(self, id: ModelId, pinned: bool) {
        spawn_local(async move {
            if let Err(error) = ipc::call::<Pin>(PinModels { ids: vec![id], pinned }).await {
                self.toasts.error(self.words.get("sending.failed"), error);
            }
        });
    }

    /// Taking a model elsewhere. Both need its files.
    fn moves(self, row: &ModelRow) -> [MenuItem; 2] {
        let (list, id) = (self.list, row.id);
        let seen = list.stores.instances.with(|instances| {
            instances.get(row.instance).is_some_and(|it| it.store.writable.is_some())
        });
        let reason = match row.install {
            Install::Ready if seen => None,
            Install::Ready => Some(self.words.get("moving.elsewhere")),
            _ => {
                let status = self.words.get(&format!("status.{}", row.status.as_str()));
                Some(self.words.fill("why.status", &[("status", &status)]))
            }
        };
        let item = |key: &str, name: &str, icon, open: Open| {
            let run = move || list.open.set(open.clone());
            let item = MenuItem::new(self.words.get(key), name, run);
            MenuItem { icon: Some(icon), reason: reason.clone(), ..item }
        };
        [
            item(
                "moving.exportButton",
                "row-action-export",
                icondata::LuFileDown,
                Open::Export(vec![id]),
            ),
            item(
                "moving.copyButton",
                "row-action-copy-to",
                icondata::LuSend,
                Open::CopyTo(vec![id]),
            ),
        ]
    }

    /// Every entry of a row's menu, those that are not available with their reason.
    #[must_use]
    pub fn menu(self, row: &ModelRow) -> Vec<MenuItem> {
        const OFTEN: [Action; 4] = [Action::Start, Action::Close, Action::Recreate, Action::Delete];
        let list = self.list;
        let id = row.id;
        let mut details =
            MenuItem::new(self.words.get("action.details"), "row-action-details", move || {
                list.detail.set(Some(id));
            });
        details.icon = Some(icondata::LuInfo);
        let name = row.name.clone();
        let mut copy =
            MenuItem::new(self.words.get("action.copyName"), "row-action-copy", move || {
                // Without a clipboard nothing is copied, and nothing else is lost.
                let _ = window().navigator().clipboard().write_text(&name);
            });
        copy.icon = Some(icondata::LuCopy);
        let (key, pinned) = if row.pinned { ("action.unpin", false) } else { ("action.pin", true) };
        let mut pin = MenuItem::new(self.words.get(key), "row-action-pin", move || {
            self.pin(id, pinned);
        });
        pin.icon = Some(if pinned { icondata::LuPin } else { icondata::LuPinOff });
        let shown = Action::ALL
            .iter()
            .filter(|action| OFTEN.contains(action) || row.actions.contains(action))
            .map(|action| {
                let acted = row.clone();
                let label = self.words.get(label(*action, row.status));
                let name = format!("row-action-{}", action.as_str());
                let mut item = MenuItem::new(label, &name, move || self.act(*action, &acted));
                item.icon = Some(icon(*action));
                item.danger = *action == Action::Delete;
                item.reason = why_not(self.words, *action, row);
                item
            });
        let liked = row.clone();
        let key = if row.label.favourite { "action.unfavourite" } else { "action.favourite" };
        let mut star = MenuItem::new(self.words.get(key), "row-action-favourite", move || {
            self.favour(&liked);
        });
        star.icon = Some(icondata::LuStar);
        let mut label =
            MenuItem::new(self.words.get("action.labels"), "row-action-labels", move || {
                list.open.set(Open::Labels(vec![id]));
            });
        label.icon = Some(icondata::LuTag);
        let mut items: Vec<_> = shown.collect();
        let place = items.len() - 1;
        items.insert(place, pin);
        for item in self.moves(row).into_iter().rev() {
            items.insert(place, item);
        }
        for item in make::menu(list, self.words, row).into_iter().rev() {
            items.insert(place, item);
        }
        items.insert(place, copy);
        items.insert(place, label);
        items.insert(place, star);
        items.insert(place, details);
        items.splice(place..place, update_item(self, row));
        items
    }
}

/// Why an action is not available; `None` when it is.
#[must_use]
pub fn why_not(words: Words, action: Action, row: &ModelRow) -> Option<String> {
    if row.actions.contains(&action) {
        return None;
    }
    if !row.online {
        return Some(words.get("why.offline"));
    }
    let status = words.get(&format!("status.{}", row.status.as_str()));
    Some(words.fill("why.status", &[("status", &status)]))
}

/// The one next step of a row: available, or shown with its reason.
#[must_use]
pub fn next_step(row: &ModelRow) -> Option<Action> {
    if row.status == Status::Starting && row.actions.contains(&Action::Cancel) {
        return Some(Action::Cancel);
    }
    let first =
        row.actions.iter().find(|action| !matches!(action, Action::Delete | Action::Recreate));
    first.copied().or(match row.status {
        Status::Stopped | Status::Crashed => Some(Action::Start),
        Status::Running | Status::Starting => Some(Action::Close),
        Status::Failed | Status::Unavailable | Status::Paused => Some(Action::Resume),
        Status::Queued | Status::Downloading => Some(Action::Pause),
        Status::Verifying => Some(Action::Cancel),
        Status::Stopping => None,
    })
}

/// The key of an action's word; resuming has another one for each status.
#[must_use]
pub fn label(action: Action, status: Status) -> &'static str {
    match (action, status) {
        (Action::Start, _) => "action.start",
        (Action::Close, _) => "action.close",
        (Action::Pause, _) => "action.pause",
        (Action::Resume, Status::Failed | Status::Crashed) => "action.retry",
        (Action::Resume, Status::Unavailable) => "action.fetchAgain",
        (Action::Resume, _) => "action.resume",
        (Action::Cancel, _) => "action.cancel",
        (Action::Recreate, _) => "action.recreate",
        (Action::Delete, _) => "action.delete",
    }
}

/// The icon of an action.
#[must_use]
pub fn icon(action: Action) -> icondata::Icon {
    match action {
        Action::Start => icondata::LuPlay,
        Action::Close => icondata::LuSquare,
        Action::Pause => icondata::LuPause,
        Action::Resume => icondata::LuDownload,
        Action::Cancel => icondata::LuX,
        Action::Recreate => icondata::LuRotateCcw,
        Action::Delete => icondata::LuTrash2,
    }
}

/// What "resume" means depends on what there is to go on with.
///
/// # Errors
/// What the core answered.
pub(crate) async fn ask(
    action: Action,
    row: &ModelRow,
    options: StartOptions,
) -> Result<(), WireError> {
    let model = ModelRef { id: row.id };
    match (action, row.job, row.operation) {
        (Action::Start, ..) => start(row, options).await,
        (Action::Close, ..) => ipc::call::<models::Close>(model).await.map(|_| ()),
        (Action::Recreate, ..) => ipc::call::<models::Recreate>(model).await.map(|_| ()),
        (Action::Pause, Some(job), _) => {
            ipc::call::<downloads::Pause>(JobIds { ids: vec![job] }).await.map(|_| ())
        }
        (Action::Resume, Some(job), _) => {
            ipc::call::<downloads::Resume>(JobIds { ids: vec![job] }).await.map(|_| ())
        }
        (Action::Resume, None, _) if row.status == Status::Crashed => start(row, options).await,
        (Action::Resume, None, _) => {
            let create = CreateModel {
                instance: row.instance,
                name: row.name.clone(),
                priority: Priority::Normal,
                start_when_done: false,
                update: true,
                insecure: false,
                force: false,
            };
            ipc::call::<models::Create>(create).await.map(|_| ())
        }
        (Action::Cancel, Some(job), _) => {
            ipc::call::<downloads::Cancel>(JobIds { ids: vec![job] }).await.map(|_| ())
        }
        (Action::Cancel, None, Some(id)) => {
            ipc::call::<tasks::Cancel>(TaskRef { id }).await.map(|_| ())
        }
        // The row is older than what it shows; the next event brings the truth.
        (Action::Pause | Action::Cancel, None, _) | (Action::Delete, ..) => Ok(()),
    }
}

async fn start(row: &ModelRow, options: StartOptions) -> Result<(), WireError> {
    ipc::call::<models::Start>(StartModel::with(row.id, options)).await.map(|_| ())
}
