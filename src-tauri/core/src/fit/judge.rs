//! What is needed, against what there is.

use corral_contract::downloads::{Fit, MemoryCheck};

use super::store::Measured;

/// Where it would run on this machine: now, and without the models that the server may let go.
pub(super) fn judge(check: &mut MemoryCheck) {
    let Some(needed) = check.needed else { return };
    check.fit = place(needed, check, 0, 0);
    let (vram, bytes) = check.evictable.iter().fold((0, 0), |sum, each| {
        (sum.0 + each.vram, sum.1 + each.bytes.saturating_sub(each.vram))
    });
    check.fit_evicted = place(needed, check, vram, bytes);
}

/// `vram` and `ram` come free beside what is free now.
fn place(needed: u64, check: &MemoryCheck, vram: u64, ram: u64) -> Fit {
    let Some(ram_total) = check.ram_total else { return Fit::Unknown };
    let vram_total = check.vram_total.unwrap_or(0);
    let vram_free = check.vram_free.unwrap_or(0).saturating_add(vram).min(vram_total);
    let ram_free = check.ram_free.unwrap_or(0).saturating_add(ram).min(ram_total);
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

/// On a server elsewhere it runs as it did, as long as it is not asked for more than then.
pub(super) fn as_it_was(check: &mut MemoryCheck, measured: Measured) {
    if check.needed.is_none_or(|needed| needed > measured.bytes) {
        return;
    }
    check.fit = match measured.vram {
        0 => Fit::Cpu,
        vram if vram >= measured.bytes => Fit::Gpu,
        _ => Fit::Split,
    };
    check.fit_evicted = check.fit;
}
