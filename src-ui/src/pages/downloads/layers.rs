use corral_contract::{
    Advice,
    downloads::{JobIds, JobState, JobView, call},
    progress::LayerProgress,
    size,
};
use leptos::prelude::*;

use super::said;
use crate::{
    components::{ErrorCard, Note, Part, ProgressBar, StatusBadge},
    format,
    navigation::use_navigation,
    pages::{advice, sending::Sending},
    words::use_words,
};

/// What a job consists of, and what went wrong with it.
#[component]
pub(super) fn Layers(job: Memo<Option<JobView>>, sending: Sending) -> impl IntoView {
    let (words, navigation) = (use_words(), use_navigation());
    let layers = Memo::new(move |_| {
        job.with(|job| job.as_ref().map(|job| job.progress.layers.clone()).unwrap_or_default())
    });
    let problem =
        Memo::new(move |_| job.with(|job| job.as_ref().and_then(|job| job.problem.clone())));
    let again =
        Memo::new(move |_| job.with(|job| job.as_ref().map_or(0, |job| job.progress.again)));
    let on_advice = Callback::new(move |advice: Advice| {
        let Some(job) = job.get_untracked() else {
            return;
        };
        match advice {
            Advice::Retry if job.state == JobState::Failed => {
                let request = JobIds { ids: vec![job.id] };
                sending.send::<call::Resume>(&format!("toggle {}", job.id), request);
            }
            other => advice::follow(other, navigation, Some(job.instance), job.task),
        }
    });
    view! {
        <div class="download-layers" role="listitem" data-testid="download-layer-list">
            {move || problem.get().map(|problem| {
                let problem = advice::followable(problem);
                view! { <ErrorCard error=Signal::stored(problem) on_advice=on_advice /> }
            })}
            <Show when=move || { again.get() > 0 }>
                <Note>
                    {move || {
                        words.fill("downloads.again", &[("bytes", &size::format(again.get()))])
                    }}
                </Note>
            </Show>
            <Show
                when=move || layers.with(|layers| !layers.is_empty())
                fallback=move || view! { <p class="faint">{words.signal("downloads.noLayers")}</p> }
            >
                <For each=move || layers.with(|all| (0..all.len()).collect::<Vec<_>>()) key=|place| *place let:place>
                    <Layer layer=Memo::new(move |_| layers.with(|all| all.get(place).cloned())) />
                </For>
            </Show>
        </div>
    }
}

#[component]
fn Layer(layer: Memo<Option<LayerProgress>>) -> impl IntoView {
    let words = use_words();
    view! {
        {move || {
            layer.get().map(|layer| {
                let (icon, tone) = said::layer_look(layer.state);
                let kind = layer.kind.clone().unwrap_or_default();
                let digest: String = format::short_digest(&layer.digest).chars().take(6).collect();
                let total = layer.total.unwrap_or(0);
                let amount = if layer.done >= total && total > 0 {
                    size::format(total)
                } else {
                    layer.total.map_or_else(
                        || words.get("common.none"),
                        |total| format::part(layer.done, total),
                    )
                };
                let fill = match tone {
                    "ok" => "gpu",
                    tone => tone,
                };
                let parts = vec![Part::of(layer.done, total, fill)];
                view! {
                    <div class="download-layers__layer">
                        <span class="cut">{kind} " " <span class="mono faint">{digest}</span></span>
                        <ProgressBar
                            parts=Signal::stored(parts)
                            label=Signal::stored(amount.clone())
                            process=true
                        />
                        <span class="num dim">{amount}</span>
                        <StatusBadge
                            icon=icon
                            tone=tone
                            text=match layer.connections {
                                0 => words.get(&format!("layerState.{}", layer.state.as_str())),
                                n => words.fill("downloads.connections", &[("n", &n.to_string())]),
                            }
                        />
                    </div>
                }
            })
        }}
    }
}
