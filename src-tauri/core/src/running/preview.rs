//! Which loaded models would have to go for another one.
//!
//! Ollama keeps three models per graphics card at once unless it is told otherwise, loads one more
//! when it is thought to fit into four fifths of what is free, and otherwise lets those go that
//! were to stay for the shortest time. What it will really do is not known; what is said here is
//! what these rules lead to.

use corral_contract::{
    ModelId,
    fit::Shape,
    running::{Evicted, Eviction, StartPreview},
    status::Run,
};

use crate::{
    Core, Result,
    fit::{self, Subject},
    instances, models,
};

/// Models per graphics card that Ollama keeps at once when nobody says how many.
const PER_CARD: usize = 3;

pub(super) async fn preview(core: &Core, id: ModelId) -> Result<StartPreview> {
    let model = models::get(core, id).await?;
    if matches!(model.run, Run::Running | Run::Starting) || model.cloud {
        return Ok(StartPreview::default());
    }
    let mut loaded = models::loaded(core, model.instance).await?;
    // The first to go first: those with the shortest time left, for ever last.
    loaded.sort_by_key(|each| {
        let expires = each.memory.and_then(|memory| memory.expires_at);
        (expires.is_none(), expires, each.id)
    });
    let subject = Subject {
        weights: model.bytes.unwrap_or(0),
        digest: model.digest.as_deref(),
        ..Subject::default()
    };
    let check = fit::check(core, model.instance, subject, Shape::default()).await?;
    let local = instances::is_local(core, model.instance);
    let cards = core.host.facts().gpus.len().max(1);
    let on_card = check.vram_total.is_some();
    let free = if on_card { check.vram_free } else { check.ram_free };
    let mut preview = StartPreview {
        needed: check.needed,
        free,
        stay: loaded.len() as u32,
        ..Default::default()
    };
    let bytes = |each: &models::StoredModel| {
        each.memory.map(|memory| if on_card { memory.vram } else { memory.bytes })
    };
    let mut going = 0;
    if let (Some(needed), Some(mut free)) = (check.needed, free) {
        while going < loaded.len() && needed > free / 5 * 4 {
            free += bytes(&loaded[going]).unwrap_or(0);
            going += 1;
            preview.why = Some(Eviction::Memory);
        }
    }
    // How many a server elsewhere keeps cannot be known.
    if local && loaded.len() - going >= PER_CARD * cards {
        going = loaded.len() + 1 - PER_CARD * cards;
        preview.why.get_or_insert(Eviction::Count);
    }
    preview.stay -= going as u32;
    preview.evicts = loaded[..going]
        .iter()
        .map(|each| Evicted { model: each.id, name: each.name.clone(), bytes: bytes(each) })
        .collect();
    Ok(preview)
}
