//! Whether a server works with what it was started with.

use std::time::Duration;

use corral_contract::{ErrorCode, WireError, models::StartOptions};

use crate::{
    Result,
    ollama::{EmbeddingModel, OllamaApi, TagsModel},
    tasks::Task,
};

/// How long the smallest model may take to be loaded.
const LOADING: Duration = Duration::from_secs(300);

/// Asks for the list and loads the smallest model, if there is one. What was not loaded before is
/// unloaded again.
///
/// # Errors
/// Why it does not work.
pub(super) async fn try_out(client: &dyn OllamaApi, task: &Task) -> Result<()> {
    task.phase("listing");
    let models = client.tags().await?.models;
    let Some(model) = smallest(&models) else {
        task.note("no model to try");
        return Ok(());
    };
    let loaded = client.ps().await?.iter().any(|loaded| loaded.name == model.name);
    task.phase("loading");
    task.note(format!("loads {}", model.name));
    let kind = match model.capabilities.iter().any(|it| it == "embedding") {
        true => EmbeddingModel::Yes,
        false => EmbeddingModel::No,
    };
    let options = StartOptions::default();
    tokio::time::timeout(LOADING, client.load(&model.name, &options, kind)).await.map_err(
        |_| WireError::new(ErrorCode::LoadTimedOut).with("seconds", LOADING.as_secs()),
    )??;
    if !loaded && let Err(error) = client.unload(&model.name, kind).await {
        task.warn(format!("not unloaded: {error}"));
    }
    Ok(())
}

fn smallest(models: &[TagsModel]) -> Option<&TagsModel> {
    let here = models.iter().filter(|model| model.remote_host.is_none());
    here.min_by_key(|model| model.size.unwrap_or(u64::MAX))
}
