//! What a person adds to models: favourites, tags, notes and saved views of the list.
//!
//! Rows of models come and go with their servers; labels stay, by the complete name, and are found
//! by the content where a name has none of its own.

use std::sync::{Mutex, PoisonError};

use corral_contract::{
    ModelId, WireError,
    event::AppEvent,
    labels::{
        EditLabels, EditedLabels, Label, LabelsView, ModelLabel, PutLabels, SaveView, SavedView,
        ViewRef, call,
    },
};

use crate::{Core, Result, db::failed, models, router::Handle};

mod draft;
mod search;
pub(crate) mod store;

/// Models whose labels one command may change.
const MOST_MODELS: usize = 10_000;
/// Rows of so many models are told one by one; beyond that the windows ask again.
const TOLD: usize = 500;

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    /// What the windows were told last.
    view: Mutex<LabelsView>,
}

/// What the list can be filtered by.
///
/// # Errors
/// Database errors.
pub(crate) async fn view(core: &Core) -> Result<LabelsView> {
    let view = store::view(core).await?;
    view.clone_into(&mut core.labels.view.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(view)
}

impl Handle<call::Edit> for Core {
    async fn handle(&self, request: EditLabels) -> Result<EditedLabels> {
        let edit = draft::edit(&request)?;
        change(self, &request.ids, |_, label| edit.apply(label)).await
    }
}

impl Handle<call::Put> for Core {
    async fn handle(&self, PutLabels { items }: PutLabels) -> Result<EditedLabels> {
        let items: Vec<ModelLabel> = items
            .into_iter()
            .map(|item| draft::label(item.label).map(|label| ModelLabel { label, ..item }))
            .collect::<Result<_>>()?;
        let ids: Vec<ModelId> = items.iter().map(|item| item.model).collect();
        change(self, &ids, |place, label| {
            *label = items[place].label.clone();
            Ok(())
        })
        .await
    }
}

/// Changes the labels of models, all or none.
async fn change(
    core: &Core,
    ids: &[ModelId],
    change: impl Fn(usize, &mut Label) -> Result<()>,
) -> Result<EditedLabels> {
    if ids.is_empty() || ids.len() > MOST_MODELS {
        let wrong = WireError::field("ids", "outOfRange");
        return Err(wrong.with("min", 1).with("max", MOST_MODELS));
    }
    let mut before = Vec::with_capacity(ids.len());
    let mut transaction = core.db.write().await?;
    for (place, id) in ids.iter().enumerate() {
        let found = store::of_model(&mut transaction, *id).await?;
        // A row that went meanwhile does not undo the others.
        let Some(named) = found else { continue };
        let mut label = named.label.clone();
        change(place, &mut label)?;
        if label != named.label {
            let search = search::text(&label);
            store::put(&mut transaction, &named, &label, &search, core.now()).await?;
        }
        before.push(ModelLabel { model: *id, label: named.label });
    }
    if before.is_empty() {
        return Err(models::missing(ids[0]));
    }
    transaction.commit().await.map_err(failed)?;
    tell_rows(core, ids).await;
    tell(core).await;
    Ok(EditedLabels { before })
}

/// Names may be shared by rows of other servers, and contents by other names.
async fn tell_rows(core: &Core, ids: &[ModelId]) {
    match store::sharing(core, ids).await {
        Ok(rows) if rows.len() <= TOLD => models::publish(core, &rows).await,
        Ok(_) => models::publish_all(core, None),
        Err(error) => tracing::warn!(%error, "labelled rows could not be read"),
    }
}

/// Tells the windows what can be filtered by, when that changed.
pub(crate) async fn tell(core: &Core) {
    match store::view(core).await {
        Ok(now) => {
            let changed = {
                let mut last = core.labels.view.lock().unwrap_or_else(PoisonError::into_inner);
                let changed = *last != now;
                now.clone_into(&mut last);
                changed
            };
            if changed {
                core.bus.send(AppEvent::Labels(now));
            }
        }
        Err(error) => tracing::warn!(%error, "labels could not be read"),
    }
}

impl Handle<call::KeepView> for Core {
    async fn handle(&self, request: SaveView) -> Result<ViewRef> {
        let draft = draft::view(request)?;
        let id = store::save_view(self, &draft).await?;
        tell(self).await;
        Ok(ViewRef { id })
    }
}

impl Handle<call::DropView> for Core {
    async fn handle(&self, ViewRef { id }: ViewRef) -> Result<SavedView> {
        let view = store::remove_view(self, id).await?;
        tell(self).await;
        Ok(view)
    }
}
