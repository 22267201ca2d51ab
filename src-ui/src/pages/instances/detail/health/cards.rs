use corral_contract::{health::Compute, size};
use leptos::prelude::*;

use super::View;
use crate::{
    components::{Note, Tone},
    state::use_stores,
    words::{Words, use_words},
};

/// The cards as the server sees them beside those that the system tells.
#[component]
pub(super) fn Cards(view: View) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let seen = Memo::new(move |_| view.read(|report| report.compute.clone()).unwrap_or_default());
    let largest = Memo::new(move |_| view.read(|report| report.largest).flatten());
    let system = Memo::new(move |_| stores.system.with(|system| system.host.gpus.clone()));
    let blind = move || {
        !system.with(Vec::is_empty)
            && seen.with(|seen| seen.iter().all(|card| card.library == "cpu") && !seen.is_empty())
    };
    view! {
        <Show when=move || seen.with(|seen| !seen.is_empty())>
            <section aria-label=words.signal("healthTab.compute") data-testid="health-cards">
                <h3>{words.signal("healthTab.compute")}</h3>
                <ul class="health-tab__cards">
                    {move || seen.get().iter().map(|card| of_server(words, card)).collect_view()}
                </ul>
                <Show when=blind>
                    <Note tone=Tone::Warning>{words.signal("healthTab.onlyCpu")}</Note>
                </Show>
                {move || {
                    largest.get().map(|bytes| {
                        let size = size::format(bytes);
                        view! { <p class="num">{words.fill("healthTab.largest", &[("size", &size)])}</p> }
                    })
                }}
                <h4>{words.signal("healthTab.system")}</h4>
                <ul class="health-tab__cards">
                    {move || {
                        let cards = system.get();
                        if cards.is_empty() {
                            return view! { <li class="faint">{words.get("healthTab.noCards")}</li> }
                                .into_any();
                        }
                        let line = |card: &corral_contract::instances::Gpu| {
                            let memory = card.memory.map(size::format).unwrap_or_default();
                            view! { <li>{card.name.clone()} " " <span class="faint num">{memory}</span></li> }
                        };
                        cards.iter().map(line).collect_view().into_any()
                    }}
                </ul>
            </section>
        </Show>
    }
}

fn of_server(words: Words, card: &Compute) -> impl IntoView + use<> {
    let memory = card.total.map(|total| {
        let (free, total) =
            (card.available.map_or_else(|| "–".to_owned(), size::format), size::format(total));
        words.fill("healthTab.cardMemory", &[("free", &free), ("total", &total)])
    });
    let driver =
        card.driver.as_ref().map(|driver| words.fill("healthTab.driver", &[("driver", driver)]));
    let facts = [Some(card.library.clone()), card.compute.clone(), driver, memory];
    let facts = facts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    view! { <li>{card.name.clone()} " " <span class="faint num">{facts}</span></li> }
}
