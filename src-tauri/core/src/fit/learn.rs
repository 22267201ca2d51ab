//! What servers say about loaded models, kept and learned from.

use std::sync::PoisonError;

use corral_contract::{InstanceId, fit::Shape, name::ModelName};

use super::{Subject, heads, reckon, store};
use crate::{Core, Result, models, ollama::LoadedModel};

/// A factor beyond these says more about a mistake than about a server.
const RANGE: (f64, f64) = (0.5, 2.0);

/// By how much estimates for a server are off as a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Factor {
    ratio: f64,
    pub(super) loads: u32,
}

impl Factor {
    /// The median of what was measured over what was reckoned; `None` without any.
    pub(super) fn of(mut ratios: Vec<f64>) -> Option<Factor> {
        ratios.retain(|ratio| ratio.is_finite() && *ratio > 0.0);
        ratios.sort_by(f64::total_cmp);
        let middle = *ratios.get(ratios.len() / 2)?;
        let loads = u32::try_from(ratios.len()).unwrap_or(u32::MAX);
        Some(Factor { ratio: middle.clamp(RANGE.0, RANGE.1), loads })
    }

    pub(super) fn apply(self, bytes: u64) -> u64 {
        (bytes as f64 * self.ratio) as u64
    }
}

/// Takes up what was learned before.
///
/// # Errors
/// Database errors.
pub(crate) async fn recover(core: &Core) -> Result<()> {
    for (instance, ratios) in store::ratios(core).await? {
        keep(core, instance, ratios);
    }
    Ok(())
}

fn keep(core: &Core, instance: InstanceId, ratios: Vec<f64>) {
    if let Some(factor) = Factor::of(ratios) {
        let mut factors = core.fit.factors.write().unwrap_or_else(PoisonError::into_inner);
        factors.insert(instance, factor);
    }
}

/// Notes what loaded models take. Returns at once: what is new is looked at in the background.
pub(crate) fn learn(core: &Core, instance: InstanceId, loaded: &[LoadedModel]) {
    let fresh: Vec<LoadedModel> = {
        let mut noted = core.fit.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |each: &&LoadedModel| {
            let Some(digest) = &each.digest else { return false };
            let figures = store::Measured {
                context: each.context_length.unwrap_or(0),
                bytes: each.size,
                vram: each.size_vram,
            };
            each.size > 0 && noted.insert((instance, digest.clone()), figures) != Some(figures)
        };
        loaded.iter().filter(known).cloned().collect()
    };
    if fresh.is_empty() {
        return;
    }
    let learner = core.clone();
    core.supervisor.run("learning from loads", async move {
        for each in fresh {
            if let Err(error) = note(&learner, instance, &each).await {
                tracing::warn!(%error, name = each.name, "what a load took is not kept");
            }
        }
    });
}

async fn note(core: &Core, instance: InstanceId, loaded: &LoadedModel) -> Result<()> {
    let (Some(digest), Ok(name)) = (&loaded.digest, ModelName::parse(&loaded.name)) else {
        return Ok(());
    };
    let mut reckoned = None;
    if let Some(model) = models::find(core, instance, &name).await? {
        let head = heads::of_installed(core, &model).await;
        let subject =
            Subject { weights: model.bytes.unwrap_or(0), head: head.as_ref(), digest: None };
        let shape = Shape { context: loaded.context_length, ..Shape::default() };
        let host = super::host(core, instance);
        // Without correction: that is what is learned.
        let check = reckon(subject, shape, &host, None, None);
        // From the size alone nothing can be learned about contexts.
        reckoned = check.needed.filter(|_| head.is_some() && loaded.context_length.is_some());
    }
    store::keep(core, instance, digest, loaded, reckoned).await?;
    keep(core, instance, store::ratios_of(core, instance).await?);
    Ok(())
}
