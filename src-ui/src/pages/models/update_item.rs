//! The entry of a row's menu about its update.

use corral_contract::{
    Command, WireError,
    models::{ModelRef, ModelRefs, ModelRow},
    updates::{
        UpdateState,
        call::{Apply, RollBack},
    },
};
use leptos::task::spawn_local;

use super::actions::Actions;
use crate::{components::MenuItem, ipc};

/// Updating, or the way back; `None` where there is neither.
pub(super) fn update_item(actions: Actions, row: &ModelRow) -> Option<MenuItem> {
    let state = row.update.as_ref()?.state;
    let (id, name, words) = (row.id, row.name.clone(), actions.words);
    let failed = move |error: WireError| {
        actions.toasts.error(words.fill("updates.failed", &[("name", &name)]), error);
    };
    let mut item = match state {
        UpdateState::Available => {
            MenuItem::new(words.get("updates.one"), "row-action-update", move || {
                let failed = failed.clone();
                ask::<Apply>(ModelRefs { ids: vec![id] }, move |answer| match answer {
                    Ok(applied) => {
                        applied.refused.into_iter().for_each(|each| failed(each.problem));
                    }
                    Err(error) => failed(error),
                });
            })
        }
        UpdateState::Unproven => {
            MenuItem::new(words.get("updates.rollBack"), "row-action-rollback", move || {
                let failed = failed.clone();
                ask::<RollBack>(ModelRef { id }, move |answer| {
                    if let Err(error) = answer {
                        failed(error);
                    }
                });
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

fn ask<C: Command>(
    request: C::Request,
    answered: impl FnOnce(Result<C::Reply, WireError>) + 'static,
) {
    spawn_local(async move { answered(ipc::call::<C>(request).await) });
}
