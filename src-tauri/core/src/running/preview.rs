//! Which models would have to go for others.
//!
//! Ollama keeps three models per graphics card at once unless it is told otherwise, loads one more
//! when it is thought to fit into four fifths of what is free, and otherwise lets those go that
//! were to stay for the shortest time. What it will really do is not known; what is said here is
//! what these rules lead to.

use corral_contract::{
    InstanceId, ModelId,
    fit::Shape,
    running::{Evicted, Eviction, StartPreview},
    status::Run,
};

use crate::{
    Core, Result,
    fit::{self, Subject},
    instances,
    models::{self, StoredModel},
};

/// Models per graphics card that Ollama keeps at once when nobody says how many.
const PER_CARD: usize = 3;

pub(super) async fn preview(core: &Core, id: ModelId) -> Result<StartPreview> {
    let model = models::get(core, id).await?;
    foresee(core, model.instance, &[model]).await
}

/// What starting these models of one instance would do, one after the other in this order. Those
/// that go may be among them.
///
/// # Errors
/// Database errors.
pub(crate) async fn foresee(
    core: &Core,
    instance: InstanceId,
    wanted: &[StoredModel],
) -> Result<StartPreview> {
    let comes =
        |model: &&StoredModel| !matches!(model.run, Run::Running | Run::Starting) && !model.cloud;
    let mut preview = StartPreview::default();
    if !wanted.iter().any(|model| comes(&model)) {
        return Ok(preview);
    }
    let mut loaded = models::loaded(core, instance).await?;
    // The first to go first: those with the shortest time left, for ever last.
    loaded.sort_by_key(|each| {
        let expires = each.memory.and_then(|memory| memory.expires_at);
        (expires.is_none(), expires, each.id)
    });
    let facts = core.host.facts();
    let local = instances::is_local(core, instance);
    let on_card = local && facts.vram_total.is_some();
    let taken = |each: &StoredModel| {
        each.memory.map(|memory| if on_card { memory.vram } else { memory.bytes })
    };
    let evicted = |each: &StoredModel, bytes: Option<u64>| Evicted {
        model: each.id,
        name: each.name.clone(),
        bytes,
    };
    let mut there: Vec<Evicted> = loaded.iter().map(|each| evicted(each, taken(each))).collect();
    // How many a server elsewhere keeps cannot be known.
    let usual = PER_CARD * facts.gpus.len().max(1);
    let told = instances::most_loaded(core, instance).await.map(|most| most as usize);
    let most = told.or(local.then_some(usual));
    let mut free = None;
    for (place, model) in wanted.iter().filter(comes).enumerate() {
        let subject = Subject {
            weights: model.bytes.unwrap_or(0),
            digest: model.digest.as_deref(),
            ..Subject::default()
        };
        let check = fit::check(core, instance, subject, Shape::default()).await?;
        if place == 0 {
            free = if on_card { check.vram_free } else { check.ram_free };
            preview.free = free;
        }
        let mut going = 0;
        if let Some(needed) = check.needed {
            preview.needed = Some(preview.needed.unwrap_or(0).saturating_add(needed));
            if let Some(free) = &mut free {
                while going < there.len() && needed > *free / 5 * 4 {
                    *free += there[going].bytes.unwrap_or(0);
                    going += 1;
                    preview.why = Some(Eviction::Memory);
                }
                *free = free.saturating_sub(needed);
            }
        }
        if let Some(most) = most.filter(|most| there.len() - going >= (*most).max(1)) {
            going = there.len() + 1 - most.max(1);
            preview.why.get_or_insert(Eviction::Count);
        }
        preview.evicts.extend(there.drain(..going));
        there.push(evicted(model, check.needed));
    }
    let before = |each: &&Evicted| loaded.iter().any(|row| row.id == each.model);
    preview.stay = there.iter().filter(before).count() as u32;
    Ok(preview)
}
