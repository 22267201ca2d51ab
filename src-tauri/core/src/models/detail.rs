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
    let Shown { show, cached_at, problem } = show(core, &model).await?;
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
        problem,
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
    let shown = show(core, &model).await?;
    Ok(shown.show.and_then(|show| show.modelfile))
}

/// What is known of a model beside its row.
#[derive(Default)]
struct Shown {
    show: Option<ShowInfo>,
    /// When `show` was told, unless it was just now.
    cached_at: Option<Timestamp>,
    /// The server tells something that cannot be read.
    problem: Option<WireError>,
}

/// What the server tells about a model, else the copy of what it told last time with its age.
async fn show(core: &Core, model: &StoredModel) -> Result<Shown> {
    let asked = if model.on_server && instances::online(core, model.instance) {
        instances::client(core, model.instance)?.show(&model.name).await.map(Some)
    } else {
        Ok(None)
    };
    let mut problem = None;
    match asked {
        Ok(Some(answer)) => {
            store::show::keep(core, model, &answer.info).await?;
            return Ok(Shown { show: Some(answer.info), ..Shown::default() });
        }
        Ok(None) => {}
        Err(error) if super::load::unreachable(error.code) => {
            instances::suspect(core, model.instance);
        }
        // Gone in this moment: the rest of the details is worth having.
        Err(error) if error.code == ErrorCode::NotFound => {}
        Err(error) => {
            tracing::warn!(%error, model = %model.name, "details could not be read");
            problem = Some(match error.code {
                ErrorCode::BadAnswer => unreadable(model, error.detail),
                _ => error,
            });
        }
    }
    let Some((answer, at)) = store::show::kept(core, model.id).await? else {
        return Ok(Shown { problem, ..Shown::default() });
    };
    match serde_json::from_str(&answer) {
        Ok(info) => Ok(Shown { show: Some(info), cached_at: Some(Timestamp(at)), problem }),
        Err(error) => {
            let unreadable = || unreadable(model, Some(format!("{error}: {answer}")));
            Ok(Shown { problem: problem.or_else(|| Some(unreadable())), ..Shown::default() })
        }
    }
}

/// The document's `ErrStructTransform`, with the text that was to be read.
fn unreadable(model: &StoredModel, text: Option<String>) -> WireError {
    let error = WireError::new(ErrorCode::StructTransform).with("name", &model.name);
    match text {
        Some(text) => error.detail(text),
        None => error,
    }
}
