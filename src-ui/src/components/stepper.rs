use leptos::prelude::*;

use super::Glyph;
use crate::words::use_words;

/// A small whole number with a button on each side; arrow keys change it too. It shows what was
/// asked for at once and returns to `value` when nothing came of it.
#[component]
pub fn Stepper(
    /// Names the number.
    #[prop(into)]
    label: Signal<String>,
    /// The number as it is.
    #[prop(into)]
    value: Signal<u32>,
    /// Smallest and largest, both included.
    range: (u32, u32),
    /// Another number was asked for.
    #[prop(into)]
    on_change: Callback<u32>,
) -> impl IntoView {
    let words = use_words();
    let asked = RwSignal::new(None::<u32>);
    Effect::new(move |_| {
        value.track();
        asked.set(None);
    });
    let shown = move || asked.get().unwrap_or_else(|| value.get());
    let ask = move |number: i64| {
        let number = u32::try_from(number.max(0)).unwrap_or(u32::MAX).clamp(range.0, range.1);
        if number != untrack(shown) {
            asked.set(Some(number));
            on_change.run(number);
            set_timeout(
                move || {
                    // By now the answer is there, or it was refused.
                    asked.try_set(None);
                },
                std::time::Duration::from_secs(5),
            );
        }
    };
    let by = move |step: i64| ask(i64::from(untrack(shown)) + step);
    view! {
        <span
            class="stepper"
            role="spinbutton"
            tabindex="0"
            aria-label=label
            aria-valuemin=range.0.to_string()
            aria-valuemax=range.1.to_string()
            aria-valuenow=move || shown().to_string()
            on:keydown=move |event| {
                match event.key().as_str() {
                    "ArrowUp" | "ArrowRight" | "+" => by(1),
                    "ArrowDown" | "ArrowLeft" | "-" => by(-1),
                    "Home" => ask(i64::from(range.0)),
                    "End" => ask(i64::from(range.1)),
                    _ => return,
                }
                event.prevent_default();
            }
        >
            <button
                type="button"
                class="stepper__button"
                tabindex="-1"
                aria-label=words.signal("stepper.less")
                disabled=move || shown() <= range.0
                data-testid="stepper-less"
                on:click=move |_| by(-1)
            >
                <Glyph icon=icondata::LuMinus />
            </button>
            <span class="stepper__value num">{shown}</span>
            <button
                type="button"
                class="stepper__button"
                tabindex="-1"
                aria-label=words.signal("stepper.more")
                disabled=move || { shown() >= range.1 }
                data-testid="stepper-more"
                on:click=move |_| by(1)
            >
                <Glyph icon=icondata::LuPlus />
            </button>
        </span>
    }
}
