//! Fetching the newer version of a model and the way back, and their entry in a row's menu.

use corral_contract::{
    ModelId,
    models::{ModelRef, ModelRefs, ModelRow},
    updates::{
        UpdateState,
        call::{Apply, RollBack},
    },
};
use leptos::{prelude::untrack, task::spawn_local};

use super::actions::Actions;
use crate::{components::MenuItem, frame::toasts::Toasts, ipc, words::Words};

/// Fetches the newer version. What came of it is said wherever the user is by then: the button that
/// was pressed goes with the state that it changes. `done` is told when the core answered.
pub(super) fn apply(
    toasts: Toasts,
    words: Words,
    (id, name): (ModelId, String),
    done: impl FnOnce() + 'static,
) {
    spawn_local(async move {
        let answer = ipc::call::<Apply>(ModelRefs { ids: vec![id] }).await;
        let refused = match answer {
            Ok(applied) => applied.refused.into_iter().next().map(|refused| refused.problem),
            Err(error) => Some(error),
        };
        let say = |key: &str| untrack(|| words.fill(key, &[("name", &name)]));
        match refused {
            Some(problem) => toasts.error(say("updates.failed"), problem),
            None => toasts.good(say("create.queued")),
        }
        done();
    });
}

/// Takes the version before back, and says so as [`apply`] does.
pub(super) fn roll_back(
    toasts: Toasts,
    words: Words,
    (id, name): (ModelId, String),
    done: impl FnOnce() + 'static,
) {
    spawn_local(async move {
        let answer = ipc::call::<RollBack>(ModelRef { id }).await;
        let say = |key: &str| untrack(|| words.fill(key, &[("name", &name)]));
        match answer {
            Ok(_) => toasts.good(say("updates.isBack")),
            Err(error) => toasts.error(say("updates.failed"), error),
        }
        done();
    });
}

/// Updating, or the way back; `None` where there is neither.
pub(super) fn update_item(actions: Actions, row: &ModelRow) -> Option<MenuItem> {
    let state = row.update.as_ref()?.state;
    let Actions { toasts, words, .. } = actions;
    let one = (row.id, row.name.clone());
    let mut item = match state {
        UpdateState::Available => {
            MenuItem::new(words.get("updates.one"), "row-action-update", move || {
                apply(toasts, words, one.clone(), || {});
            })
        }
        UpdateState::Unproven => {
            MenuItem::new(words.get("updates.rollBack"), "row-action-rollback", move || {
                roll_back(toasts, words, one.clone(), || {});
            })
        }
        UpdateState::Fetching | UpdateState::RollingBack => return None,
    };
    item.icon = Some(match state {
        UpdateState::Available => icondata::LuCircleArrowUp,
        _ => icondata::LuUndo2,
    });
    if !row.online {
        item.reason = Some(words.get("why.offline"));
    }
    Some(item)
}
