//! Everything about one model.

use corral_contract::{
    ErrorCode, ModelId, Timestamp, WireError,
    models::{HistoryRequest, ModelDetail, ModelRef, ShowInfo, call},
};

use super::{
    manifests, preview, publish,
    store::{self, StoredModel},
};
use crate::{Core, Result, checks, instances, router::Handle, tasks};

/// History lines that come with the details.
const HISTORY: u32 = 50;

impl Handle<call::LoadDetail> for Core {
    async fn handle(&self, ModelRef { id }: ModelRef) -> Result<ModelDetail> {
        detail(self, id).await
    }
}

async fn detail(core: &Core, id: ModelId) -> Result<ModelDetail> {
    let model = store::get(core, id).await?;
    let (show, cached_at) = show(core, &model).await?;
    let row =
        publish::rows(core, &[id]).await?.into_iter().next().ok_or_else(|| store::missing(id))?;
    let (layers, exclusive) = match manifests::of_instance(core, model.instance).await? {
        Some(manifests) if manifests.has(&model.key) => {
            let mut layers = manifests.layers(&model.key);
            for layer in &mut layers {
                layer.shared_with = preview::display(&layer.shared_with);
            }
            (layers, Some(manifests.freed(&[&model.key]).bytes))
        }
        _ => (Vec::new(), None),
    };
    let request = HistoryRequest { model: Some(id), before: None, limit: HISTORY };
    let (check, smoke) = checks::of_model(core, id).await?;
    Ok(ModelDetail {
        row,
        check,
        smoke,
        show,
        cached_at,
        layers,
        exclusive,
        last_task: tasks::last_of_model(&core.db, id).await?,
        history: store::history::history(core, &request).await?.items,
    })
}

/// The Modelfile of a model, as its server tells it now or told it last.
///
/// # Errors
/// `NOT_FOUND`, `STRUCT_TRANSFORM`, database errors.
pub(super) async fn modelfile(core: &Core, id: ModelId) -> Result<Option<String>> {
    let model = store::get(core, id).await?;
    let (show, _) = show(core, &model).await?;
    Ok(show.and_then(|show| show.modelfile))
}

/// What the server tells about a model, else the copy of what it told last time with its age.
async fn show(core: &Core, model: &StoredModel) -> Result<(Option<ShowInfo>, Option<Timestamp>)> {
    let asked = if model.on_server && instances::online(core, model.instance) {
        instances::client(core, model.instance)?.show(&model.name).await.map(Some)
    } else {
        Ok(None)
    };
    match asked {
        Ok(Some(answer)) => {
            store::show::keep(core, model, &answer.info).await?;
            return Ok((Some(answer.info), None));
        }
        Ok(None) => {}
        Err(error) if super::load::unreachable(error.code) => {
            instances::suspect(core, model.instance);
        }
        // Gone in this moment, or not to be shown: the rest of the details is worth having.
        Err(error) if error.code == ErrorCode::NotFound => {}
        Err(error) => tracing::warn!(%error, model = %model.name, "details could not be read"),
    }
    let kept = store::show::kept(core, model.id).await?;
    let Some((answer, at)) = kept else { return Ok((None, None)) };
    let info: ShowInfo = serde_json::from_str(&answer).map_err(|error| {
        WireError::new(ErrorCode::StructTransform)
            .with("name", &model.name)
            .detail(error.to_string())
    })?;
    Ok((Some(info), Some(Timestamp(at))))
}
