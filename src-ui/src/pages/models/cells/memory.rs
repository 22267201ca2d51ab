//! Memory and progress share one cell, so that nothing moves when a model goes from one to the
//! other.

use corral_contract::{
    models::ModelRow,
    progress::Phase,
    size,
    status::{Install, Status},
};
use leptos::prelude::*;

use super::{Row, moving};
use crate::{
    components::{Part, ProgressBar},
    format,
    state::Stores,
    words::Words,
};

#[derive(Clone, PartialEq)]
struct Shown {
    parts: Vec<Part>,
    left: String,
    right: String,
}

/// The bar with its two texts, or a dash.
pub fn memory_cell(row: Row, words: Words, stores: Stores) -> impl IntoView {
    let shown = Memo::new(move |_| {
        row.with(|row| row.as_deref().and_then(|row| shown(row, words, stores)))
    });
    let any = Memo::new(move |_| shown.with(Option::is_some));
    let left = move || shown.with(|shown| shown.as_ref().map(|shown| shown.left.clone()));
    let right = move || shown.with(|shown| shown.as_ref().map(|shown| shown.right.clone()));
    let parts = Signal::derive(move || {
        shown.with(|shown| shown.as_ref().map(|shown| shown.parts.clone()).unwrap_or_default())
    });
    let label = Signal::derive(move || {
        format!("{} {}", left().unwrap_or_default(), right().unwrap_or_default())
    });
    move || {
        if any.get() {
            view! {
                <div class="models__memory">
                    <ProgressBar parts=parts label=label />
                    <small title=label>
                        <span class="num">{left}</span>
                        <span class="num">{right}</span>
                    </small>
                </div>
            }
            .into_any()
        } else if row.with(Option::is_some) {
            view! { <span class="faint">{words.signal("common.none")}</span> }.into_any()
        } else {
            ().into_any()
        }
    }
}

fn shown(row: &ModelRow, words: Words, stores: Stores) -> Option<Shown> {
    if moving(row) {
        return downloading(row, words);
    }
    if let Some(memory) = &row.memory {
        let gpu = memory.gpu_percent();
        let gpu_part = Part::of(memory.vram, memory.bytes, "gpu");
        let cpu = Part { share: 1.0 - gpu_part.share, tone: "cpu" };
        let right = match gpu {
            100 => words.get("models.allGpu"),
            0 => words.get("models.allCpu"),
            _ => words.fill(
                "models.split",
                &[("gpu", &gpu.to_string()), ("cpu", &(100 - gpu).to_string())],
            ),
        };
        return Some(Shown { parts: vec![gpu_part, cpu], left: size::format(memory.bytes), right });
    }
    let assumed = stores
        .pending
        .with(|pending| crate::state::pending::Pending::assumed(pending.of(row.id), row.status));
    (assumed == Status::Starting).then(|| Shown {
        parts: Vec::new(),
        left: words.get("models.waitingForRunner"),
        right: String::new(),
    })
}

fn downloading(row: &ModelRow, words: Words) -> Option<Shown> {
    let progress = row.progress.as_ref()?;
    let tone = match row.install {
        Install::Paused => "warn",
        Install::Failed => "bad",
        _ => "busy",
    };
    let part = Part::of(progress.done, progress.total.unwrap_or(0), tone);
    let left = match (progress.total, progress.percent()) {
        // The size stands in its own column; in two units it would leave no room for the rest.
        (Some(total), Some(percent)) => {
            let amount = format::part_in_one_unit(progress.done, total);
            let amount = amount.unwrap_or_else(|| size::format(progress.done));
            format!("{amount} · {percent} %")
        }
        _ if progress.done > 0 => size::format(progress.done),
        _ => words.get(&format!("phase.{}", progress.phase.as_str())),
    };
    let right = match (progress.phase, progress.speed, progress.left_seconds) {
        (Phase::Fetching, Some(speed), Some(left)) => {
            format!("{} · {}", format::speed(speed), format::brief(words, left))
        }
        (Phase::Fetching, Some(speed), None) => format::speed(speed),
        _ if progress.total.is_none() => String::new(),
        (phase, ..) => words.get(&format!("phase.{}", phase.as_str())),
    };
    Some(Shown { parts: vec![part], left, right })
}
