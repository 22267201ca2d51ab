//! Whether a model fits into the memory of this machine.

use corral_contract::{
    InstanceId,
    app::HostFacts,
    downloads::{Basis, Fit, MemoryCheck},
};

use crate::{Core, gguf::Head, instances, registry::Manifest};

const GIB: u64 = 1 << 30;
/// Buffers and the runtime of a graphics card, beside weights and context.
const BUFFERS: u64 = 400 << 20;
/// Share by which an estimate from the head of the file may be wrong, in percent.
const MARGIN: u64 = 10;
/// The same for one from the size alone: the context is unknown.
const ROUGH_MARGIN: u64 = 30;

/// Nothing is known yet.
pub(super) fn unknown() -> MemoryCheck {
    MemoryCheck {
        fit: Fit::Unknown,
        needed: None,
        margin: 0,
        context_length: None,
        basis: Basis::Nothing,
        vram_free: None,
        vram_total: None,
        ram_free: None,
        ram_total: None,
    }
}

/// The estimate for a model, against this machine when the instance runs on it.
pub(super) fn check(
    core: &Core,
    instance: InstanceId,
    manifest: &Manifest,
    head: Option<&Head>,
) -> MemoryCheck {
    let weights: u64 = manifest
        .blobs
        .iter()
        .filter(|blob| matches!(blob.kind.as_str(), "model" | "projector" | "adapter" | "tensor"))
        .map(|blob| blob.size)
        .sum();
    let host =
        if instances::is_local(core, instance) { core.host.facts() } else { HostFacts::default() };
    judge(weights, head, &host)
}

/// The estimate for a model of so many bytes, from its size alone.
pub(super) fn rough(core: &Core, instance: InstanceId, bytes: u64) -> MemoryCheck {
    let host =
        if instances::is_local(core, instance) { core.host.facts() } else { HostFacts::default() };
    judge(bytes, None, &host)
}

fn judge(weights: u64, head: Option<&Head>, host: &HostFacts) -> MemoryCheck {
    let free = |used: Option<u64>, total: Option<u64>| Some(total?.saturating_sub(used?));
    let mut check = MemoryCheck {
        vram_free: free(host.vram_used, host.vram_total),
        vram_total: host.vram_total,
        ram_free: free(host.ram_used, host.ram_total),
        ram_total: host.ram_total,
        ..unknown()
    };
    // A model that runs at its provider has no weights here.
    if weights == 0 {
        return check;
    }
    let usual = usual_context(host.vram_total.unwrap_or(0));
    let context = head.and_then(Head::context_length).map_or(usual, |longest| longest.min(usual));
    let cache = head.and_then(Head::bytes_per_token).map(|bytes| bytes.saturating_mul(context));
    let needed = weights.saturating_add(cache.unwrap_or(0)).saturating_add(BUFFERS);
    let percent = if cache.is_some() { MARGIN } else { ROUGH_MARGIN };
    check.margin = needed / 100 * percent;
    check.needed = Some(needed);
    check.context_length = cache.is_some().then_some(context);
    check.basis = if cache.is_some() { Basis::Head } else { Basis::Size };
    check.fit = fit(needed, &check);
    check
}

fn fit(needed: u64, check: &MemoryCheck) -> Fit {
    let Some(ram_total) = check.ram_total else { return Fit::Unknown };
    let (ram_free, vram_total) = (check.ram_free.unwrap_or(0), check.vram_total.unwrap_or(0));
    let vram_free = check.vram_free.unwrap_or(0);
    if needed <= vram_free {
        Fit::Gpu
    } else if needed <= vram_free.saturating_add(ram_free) {
        if vram_free > 0 { Fit::Split } else { Fit::Cpu }
    } else if needed <= vram_total.saturating_add(ram_total) {
        Fit::Later
    } else {
        Fit::TooLarge
    }
}

/// The context that Ollama takes when nobody says which, by the memory of all graphics cards.
fn usual_context(vram: u64) -> u64 {
    if vram < 23 * GIB {
        4096
    } else if vram < 47 * GIB {
        32_768
    } else {
        262_144
    }
}

#[cfg(test)]
mod tests {
    use corral_testbed::gguf::Gguf;

    use super::*;

    fn host(vram: Option<(u64, u64)>, ram: (u64, u64)) -> HostFacts {
        HostFacts {
            ram_used: Some(ram.0 * GIB),
            ram_total: Some(ram.1 * GIB),
            vram_used: vram.map(|(used, _)| used * GIB),
            vram_total: vram.map(|(_, total)| total * GIB),
            gpus: Vec::new(),
        }
    }

    // criterion: 2.2
    #[test]
    fn says_where_a_model_would_run() {
        let head = Head::read(&Gguf::tiny().bytes()).expect("a head");
        for (weights, host, wanted) in [
            (4, host(Some((1, 8)), (4, 16)), Fit::Gpu),
            (10, host(Some((1, 8)), (4, 16)), Fit::Split),
            (10, host(None, (4, 16)), Fit::Cpu),
            (10, host(None, (8, 16)), Fit::Later),
            (40, host(Some((1, 8)), (4, 16)), Fit::TooLarge),
            (4, HostFacts::default(), Fit::Unknown),
        ] {
            assert_eq!(judge(weights * GIB, Some(&head), &host).fit, wanted, "{weights} GiB");
        }
    }

    #[test]
    fn reckons_with_the_context_that_would_be_taken() {
        let head = Head::read(&Gguf::tiny().bytes()).expect("a head");
        let check = judge(GIB, Some(&head), &host(None, (1, 16)));
        assert_eq!(check.context_length, Some(2048), "no more than the model was made for");
        // Two layers, four heads of 16 numbers for key and value, two bytes each.
        assert_eq!(check.needed, Some(GIB + 2 * 4 * (16 + 16) * 2 * 2048 + BUFFERS));
        assert_eq!(check.basis, Basis::Head);
        let rough = judge(GIB, None, &host(None, (1, 16)));
        assert_eq!((rough.basis, rough.context_length), (Basis::Size, None));
        assert!(rough.margin > check.margin);
        assert_eq!(judge(0, None, &host(None, (1, 16))).needed, None, "a model without weights");
    }
}
