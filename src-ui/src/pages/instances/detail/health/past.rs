use corral_contract::health::{Slot, Stretch};
use leptos::prelude::*;

use super::View;
use crate::{
    components::Sparkline,
    format,
    words::{Words, use_words},
};

/// Availability and latency.
#[component]
pub(super) fn Past(view: View) -> impl IntoView {
    let words = use_words();
    let stretches =
        Memo::new(move |_| view.read(|report| report.stretches.clone()).unwrap_or_default());
    let slots = Memo::new(move |_| view.read(|report| report.slots.clone()).unwrap_or_default());
    let none = Memo::new(move |_| slots.with(|slots| slots.iter().all(|slot| slot.asked == 0)));
    view! {
        <section aria-label=words.signal("healthTab.past")>
            <h3>{words.signal("healthTab.past")}</h3>
            <div
                class="availability"
                role="img"
                aria-label=words.signal("healthTab.picture")
                data-testid="health-picture"
            >
                {move || slots.get().into_iter().map(|each| view! { <Part part=each /> }).collect_view()}
            </div>
            <Show when=move || !none.get()>
                <div class="health-tab__line">
                    <Sparkline
                        values=Signal::derive(move || {
                            slots.with(|slots| slots.iter().map(|it| it.p50.map(f64::from)).collect())
                        })
                        label=words.signal("instances.latency")
                    />
                </div>
            </Show>
            <table class="health-tab__table" data-testid="health-figures">
                <thead>
                    <tr>
                        {["stretch", "availability", "p50", "p95", "asked"]
                            .map(|key| {
                                view! { <th scope="col">{words.signal_of(format!("healthTab.{key}"))}</th> }
                            })
                            .collect_view()}
                    </tr>
                </thead>
                <tbody>
                    {move || stretches.get().iter().map(|each| row(words, each)).collect_view()}
                </tbody>
            </table>
        </section>
    }
}

fn row(words: Words, stretch: &Stretch) -> impl IntoView + use<> {
    let dash = || "–".to_owned();
    let ms = |ms: Option<u32>| ms.map_or_else(dash, |ms| format::milliseconds(ms.into()));
    let share = stretch.availability.map_or_else(dash, percent);
    view! {
        <tr>
            <th scope="row">{words.get(&format!("healthTab.hours.{}", stretch.hours))}</th>
            <td class="num">{share}</td>
            <td class="num">{ms(stretch.p50)}</td>
            <td class="num">{ms(stretch.p95)}</td>
            <td class="num">{format::count(stretch.asked)}</td>
        </tr>
    }
}

/// Only what was never missed is a hundred of a hundred.
fn percent(share: f64) -> String {
    if share >= 1.0 {
        return "100 %".to_owned();
    }
    format!("{:.2} %", (share * 10_000.0).floor() / 100.0)
}

#[component]
fn Part(part: Slot) -> impl IntoView {
    let words = use_words();
    let class = match (part.asked, part.answered) {
        (0, _) => "availability__part",
        (asked, answered) if answered >= asked => "availability__part availability__part--ok",
        (_, 0) => "availability__part availability__part--bad",
        _ => "availability__part availability__part--warn",
    };
    let title = move || {
        let at = format::time_of_day(part.at);
        if part.asked == 0 {
            return words.fill("healthTab.partNone", &[("at", &at)]);
        }
        let (asked, answered) = (part.asked.to_string(), part.answered.to_string());
        let p50 = part.p50.map(|ms| ms.to_string());
        let mut values = vec![("at", at.as_str()), ("asked", &asked), ("answered", &answered)];
        values.extend(p50.as_deref().map(|p50| ("p50", p50)));
        words.fill("healthTab.part", &values)
    };
    view! { <span class=class title=title></span> }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn nothing_is_rounded_up_to_never_missed() {
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.999_99), "99.99 %");
        assert_eq!(percent(0.5), "50.00 %");
    }
}
