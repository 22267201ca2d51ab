use corral_contract::{downloads::QueueMetrics, settings::Settings, settings::call};
use leptos::prelude::*;

use super::schedule::Schedule;
use crate::{
    components::Button,
    format,
    pages::sending::Sending,
    state::{Stores, use_stores},
    words::{Words, use_words},
};

/// Where the slider stops, in kilobytes per second; 0 = no limit.
const STOPS: [u32; 9] = [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 0];
/// Stops that are written under it; the style sheet has their places.
const WRITTEN: [usize; 5] = [0, 3, 5, 6, 8];

/// The limit of all downloads together: what is set, what holds now, and the times of the day.
#[component]
pub(super) fn LimitCard(sending: Sending) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let metrics = Memo::new(move |_| stores.downloads.with(|all| all.metrics.clone()));
    let set = Memo::new(move |_| stores.system.with(|system| system.settings.bandwidth_kb));
    // Moves with the pointer before anything is saved.
    let held = RwSignal::new(None::<usize>);
    Effect::new(move |_| {
        set.track();
        held.set(None);
    });
    let place = move || held.get().unwrap_or_else(|| stop_of(set.get()));
    let shown = move || held.get().map_or_else(|| set.get(), |place| STOPS[place]);
    let state = move || now_in_words(words, &metrics.get(), stores);
    let open = RwSignal::new(false);
    let read = move |event: &web_sys::Event| {
        event_target_value(event).parse::<usize>().ok().filter(|place| *place < STOPS.len())
    };
    let save = move |place: usize| {
        change(stores, sending, |settings| settings.bandwidth_kb = STOPS[place]);
    };
    view! {
        <section class="card downloads__speed-limit" data-testid="downloads-limit">
            <div class="downloads__limit">
                <strong>{words.signal("downloads.limit")}</strong>
                <span class="dim num" data-testid="downloads-limit-now">{state}</span>
            </div>
            <input
                type="range"
                class="slider"
                min="0"
                max=(STOPS.len() - 1).to_string()
                step="1"
                aria-label=words.signal("downloads.limit")
                aria-valuetext=move || speed_in_words(words, shown())
                data-testid="downloads-limit-slider"
                prop:value=move || place().to_string()
                on:input=move |event| held.set(read(&event))
                on:change=move |event| if let Some(place) = read(&event) { save(place) }
            />
            <div class="slider__marks num" aria-hidden="true">
                {WRITTEN.map(|place| {
                    let text = match STOPS[place] {
                        0 => "∞".to_owned(),
                        1_000 => "1 MB/s".to_owned(),
                        kb => (kb / 1_000).to_string(),
                    };
                    view! { <span>{text}</span> }
                })}
            </div>
            <Button
                small=true
                icon=icondata::LuClock
                on_press=move |()| open.set(true)
                attr:data-testid="downloads-schedule"
            >
                {words.signal("downloads.schedule")}
            </Button>
        </section>
        <Show when=move || open.get()>
            <Schedule sending on_close=move |()| open.set(false) />
        </Show>
    }
}

/// Saves the settings with one change; a failure becomes a toast.
pub(super) fn change(stores: Stores, sending: Sending, change: impl FnOnce(&mut Settings)) {
    let mut wanted = stores.system.with_untracked(|system| system.settings.clone());
    change(&mut wanted);
    sending.then::<call::Update>("settings", wanted, move |settings| {
        stores.system.update(|system| system.settings = settings);
    });
}

/// The stop that stands for a limit: the nearest one where it was set to something in between.
fn stop_of(kb: u32) -> usize {
    if kb == 0 {
        return STOPS.len() - 1;
    }
    let distance = |stop: u32| (f64::from(stop).ln() - f64::from(kb).ln()).abs();
    let stops = STOPS[..STOPS.len() - 1].iter().enumerate();
    stops
        .min_by(|(_, left), (_, right)| distance(**left).total_cmp(&distance(**right)))
        .map_or(0, |(place, _)| place)
}

/// A speed that was set, in words.
pub(super) fn speed_in_words(words: Words, kb: u32) -> String {
    match kb {
        0 => words.get("downloads.noLimit"),
        kb => format::speed(u64::from(kb) * 1000),
    }
}

fn now_in_words(words: Words, metrics: &QueueMetrics, stores: Stores) -> String {
    let speed = metrics.limit.map_or_else(|| words.get("downloads.noLimit"), format::speed);
    match metrics.limit_until {
        Some(until) => {
            let time = format::time_and_day(words, until, stores.now.get());
            words.fill("downloads.limitUntil", &[("speed", &speed), ("time", &time)])
        }
        None => speed,
    }
}

#[cfg(test)]
mod tests {
    use super::{STOPS, stop_of};

    #[test]
    fn every_limit_has_a_place_on_the_slider() {
        for (place, stop) in STOPS.iter().enumerate() {
            assert_eq!(stop_of(*stop), place);
        }
        assert_eq!(STOPS[stop_of(3_000)], 2_000);
        assert_eq!(STOPS[stop_of(1)], 1_000);
        assert_eq!(STOPS[stop_of(10_000_000)], 200_000);
    }
}
