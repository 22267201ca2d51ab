//! Whether a model fits into memory.
//!
//! What it needs is reckoned from the head of its file: the weights, the context layer by layer,
//! buffers. What servers say later of loaded models corrects that: a model that ran before is
//! measured, and what others took teaches a factor for each server. What there is comes from this
//! machine; of servers elsewhere only what they once said is known.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError, RwLock},
};

use corral_contract::{
    InstanceId,
    app::HostFacts,
    downloads::{Basis, Fit, MemoryCheck},
    fit::{KvCache, Shape},
};

use crate::{Core, Result, gguf::Head, instances};

mod commands;
mod context;
mod heads;
mod judge;
mod learn;
mod store;

pub(crate) use learn::{learn, recover};

use heads::Heads;
use learn::Factor;
use store::Measured;

/// Buffers and the runtime of a graphics card, beside weights and context.
const RUNTIME: u64 = 400 << 20;
/// Tokens that are worked on at once.
pub(crate) const BATCH: u64 = 512;
/// Share by which an estimate may be wrong, in percent, by what it rests on.
const MARGINS: [(Basis, u64); 4] =
    [(Basis::Measured, 3), (Basis::Learned, 7), (Basis::Head, 10), (Basis::Size, 30)];
/// Most requests at once that are reckoned with.
const MOST_PARALLEL: u32 = 64;
/// Least context that a server takes, in tokens.
const LEAST_CONTEXT: u64 = 4;

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    factors: RwLock<HashMap<InstanceId, Factor>>,
    /// Loads that are noted already, by instance and digest.
    noted: Mutex<HashMap<(InstanceId, String), Measured>>,
    heads: Heads,
}

impl State {
    fn factor(&self, instance: InstanceId) -> Option<Factor> {
        self.factors.read().unwrap_or_else(PoisonError::into_inner).get(&instance).copied()
    }

    /// Keeps the head of some weights for later questions.
    pub(crate) fn keep_head(&self, weights: &str, head: &Head) {
        self.heads.put(weights, head);
    }
}

/// What an estimate is about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Subject<'a> {
    /// Bytes of everything that is loaded; 0 = it runs at its provider.
    pub(crate) weights: u64,
    pub(crate) head: Option<&'a Head>,
    /// Of its manifest, 64 hex digits.
    pub(crate) digest: Option<&'a str>,
}

/// Nothing is known yet.
pub(crate) fn unknown() -> MemoryCheck {
    MemoryCheck {
        fit: Fit::Unknown,
        needed: None,
        margin: 0,
        context_length: None,
        cache: KvCache::F16,
        parallel: 1,
        basis: Basis::Nothing,
        loads: 0,
        weights: 0,
        context_bytes: None,
        buffers: 0,
        longest_context: None,
        experts: None,
        windowed_layers: None,
        vram_free: None,
        vram_total: None,
        ram_free: None,
        ram_total: None,
        evictable: Vec::new(),
        fit_evicted: Fit::Unknown,
    }
}

/// What running a model would take on an instance, and whether that is there.
///
/// # Errors
/// Database errors.
pub(crate) async fn check(
    core: &Core,
    instance: InstanceId,
    subject: Subject<'_>,
    shape: Shape,
) -> Result<MemoryCheck> {
    let host = host(core, instance);
    let measured = match subject.digest {
        Some(digest) => store::measured(core, instance, digest).await?,
        None => None,
    };
    let mut check = reckon(subject, shape, &host, core.fit.factor(instance), measured);
    if instances::is_local(core, instance) {
        check.evictable = store::loaded(core, instance, subject.digest).await?;
        judge::judge(&mut check);
    } else if let Some(measured) = measured {
        judge::as_it_was(&mut check, measured);
    }
    Ok(check)
}

/// Where a model of so many bytes would run, from its size alone.
pub(crate) fn rough(core: &Core, instance: InstanceId, bytes: u64) -> Fit {
    if !instances::is_local(core, instance) {
        return Fit::Unknown;
    }
    let subject = Subject { weights: bytes, ..Subject::default() };
    let factor = core.fit.factor(instance);
    let mut check = reckon(subject, Shape::default(), &host(core, instance), factor, None);
    judge::judge(&mut check);
    check.fit
}

fn host(core: &Core, instance: InstanceId) -> HostFacts {
    if instances::is_local(core, instance) { core.host.facts() } else { HostFacts::default() }
}

fn reckon(
    subject: Subject<'_>,
    shape: Shape,
    host: &HostFacts,
    factor: Option<Factor>,
    measured: Option<Measured>,
) -> MemoryCheck {
    let free = |used: Option<u64>, total: Option<u64>| Some(total?.saturating_sub(used?));
    let mut check = MemoryCheck {
        vram_free: free(host.vram_used, host.vram_total),
        vram_total: host.vram_total,
        ram_free: free(host.ram_used, host.ram_total),
        ram_total: host.ram_total,
        ..unknown()
    };
    let Subject { weights, head, .. } = subject;
    if weights == 0 {
        return check;
    }
    let longest = head.and_then(Head::context_length);
    let usual = usual_context(host.vram_total.unwrap_or(0));
    let context = shape.context.unwrap_or(usual).min(longest.unwrap_or(u64::MAX));
    let context = context.max(LEAST_CONTEXT);
    let parallel = shape.parallel.clamp(1, MOST_PARALLEL);
    let taken = |context, cache, parallel| context::taken(head?, context, cache, parallel);
    let now = taken(context, shape.cache, parallel);
    check.weights = weights;
    check.buffers = RUNTIME + head.and_then(context::activations).unwrap_or(0);
    check.context_bytes = now.map(|now| now.bytes);
    check.windowed_layers = now.and_then(|now| now.windowed);
    check.longest_context = longest;
    check.experts = head.and_then(context::experts);
    (check.cache, check.parallel) = (shape.cache, parallel);
    check.context_length = now.is_some().then_some(context);
    let sum =
        weights.saturating_add(check.context_bytes.unwrap_or(0)).saturating_add(check.buffers);
    check.basis = if now.is_some() { Basis::Head } else { Basis::Size };
    let mut needed = sum;
    if let Some(measured) = measured.filter(|it| now.is_some() || it.context == context) {
        // What was seen, and the difference that another context makes.
        let then = taken(measured.context, KvCache::F16, 1).map_or(0, |then| then.bytes);
        let more = check.context_bytes.unwrap_or(0);
        needed = measured.bytes.saturating_sub(then).saturating_add(more);
        (check.basis, check.loads) = (Basis::Measured, 1);
        check.context_length = Some(context);
    } else if let Some(factor) = factor {
        needed = factor.apply(sum);
        (check.basis, check.loads) = (Basis::Learned, factor.loads);
    }
    check.needed = Some(needed);
    let percent = MARGINS.iter().find(|(basis, _)| *basis == check.basis).map_or(30, |it| it.1);
    // What was learned says little about a context that is not known.
    let percent = if now.is_none() && check.basis == Basis::Learned { 20 } else { percent };
    check.margin = needed / 100 * percent;
    check
}

/// The context that Ollama takes when nobody says which, by the memory of all graphics cards.
fn usual_context(vram: u64) -> u64 {
    const GIB: u64 = 1 << 30;
    if vram < 23 * GIB {
        4096
    } else if vram < 47 * GIB {
        32_768
    } else {
        262_144
    }
}

#[cfg(test)]
#[path = "fit/fit_test.rs"]
mod tests;
