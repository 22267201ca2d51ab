use leptos::prelude::*;

/// One coloured part of a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// 0 to 1.
    pub share: f64,
    /// `busy`, `gpu`, `cpu`, `off`, `warn` or `bad`.
    pub tone: &'static str,
}

impl Part {
    /// A part of `done` in `total`; empty while the total is unknown.
    #[must_use]
    pub fn of(done: u64, total: u64, tone: &'static str) -> Part {
        let share = if total == 0 { 0.0 } else { done.min(total) as f64 / total as f64 };
        Part { share, tone }
    }
}

/// A thin bar of parts. It does not jump: only its widths change.
#[component]
pub fn ProgressBar(
    /// The parts from the left.
    #[prop(into)]
    parts: Signal<Vec<Part>>,
    /// What it measures, for a screen reader, values included.
    #[prop(into)]
    label: Signal<String>,
    /// It stands for a process rather than for an amount.
    #[prop(optional)]
    process: bool,
) -> impl IntoView {
    let now = move || {
        let whole: f64 = parts.with(|parts| parts.iter().map(|part| part.share).sum());
        format!("{:.0}", whole * 100.0)
    };
    view! {
        <div
            class="progress-bar"
            role=if process { "progressbar" } else { "img" }
            aria-label=label
            aria-valuemin=process.then_some("0")
            aria-valuemax=process.then_some("100")
            aria-valuenow=move || process.then(now)
        >
            <For each=move || 0..parts.with(Vec::len) key=|place| *place let:place>
                <span
                    class=move || {
                        let tone = parts.with(|all| all.get(place).map_or("off", |part| part.tone));
                        format!("progress-bar__part progress-bar__part--{tone}")
                    }
                    style:width=move || {
                        let share = parts.with(|all| all.get(place).map_or(0.0, |part| part.share));
                        format!("{:.1}%", share * 100.0)
                    }
                ></span>
            </For>
        </div>
    }
}
