//! What can be done to a model, and doing it.

use std::time::Duration;

use corral_contract::{
    WireError,
    downloads::{JobIds, Priority, call as downloads},
    models::{CreateModel, ModelRef, ModelRow, StartModel, StartOptions, call as models},
    status::{Action, Status},
    tasks::{TaskRef, call as tasks},
};
use leptos::{prelude::*, task::spawn_local};

use super::{
    list::{List, Open},
    make,
};
use crate::{components::MenuItem, frame::toasts::Toasts, ipc, words::Words};

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
        spawn_local(async move {
            if let Err(error) = ask(action, &row, options).await {
                pending.maybe_update(|pending| pending.end(row.id));
                let key = match action {
                    Action::Start => "failed.start",
                    Action::Close => "failed.close",
                    Action::Recreate => "failed.recreate",
                    _ => "failed.action",
                };
                self.toasts.error(self.words.fill(key, &[("name", &row.name)]), error);
            }
        });
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
        let mut items: Vec<_> = shown.collect();
        let place = items.len() - 1;
        for item in make::menu(list, self.words, row).into_iter().rev() {
            items.insert(place, item);
        }
        items.insert(place, copy);
        items.insert(place, details);
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
async fn ask(action: Action, row: &ModelRow, options: StartOptions) -> Result<(), WireError> {
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
    ipc::call::<models::Start>(StartModel { id: row.id, options }).await.map(|_| ())
}
