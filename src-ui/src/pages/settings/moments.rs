use corral_contract::{
    command::Nothing,
    downloads::{ConditionsNow, call::Conditions},
    settings::Settings,
};
use leptos::prelude::*;

use super::{number::NumberRow, saving::Saving};
use crate::{components::Switch, format, pages::sending::Sending, words::use_words};

/// When downloads may move: not on a line that is paid by volume, not while somebody works. Says
/// what this machine tells about either.
#[component]
pub(super) fn Moments(saving: Saving) -> impl IntoView {
    let (words, sending) = (use_words(), Sending::here());
    let told = RwSignal::new(None::<ConditionsNow>);
    Effect::new(move |_| {
        sending.then::<Conditions>("conditions", Nothing {}, move |now| told.set(Some(now)));
    });
    let metered = move || {
        told.get().map_or_else(String::new, |now| match now.metered {
            Some(true) => words.get("settings.isMetered"),
            Some(false) => words.get("settings.isNotMetered"),
            None => words.get("settings.notTold"),
        })
    };
    let idle = move || {
        told.get().map_or_else(String::new, |now| match now.idle_seconds {
            Some(seconds) => {
                words.fill("settings.idleFor", &[("time", &format::span(words, seconds))])
            }
            None => words.get("settings.notTold"),
        })
    };
    let hint = move |field: &'static str, now: String| {
        let hint = words.get(&format!("settings.{field}Hint"));
        if now.is_empty() { hint } else { format!("{hint} {now}") }
    };
    let row = move |field: &'static str,
                    hint: Signal<String>,
                    read: fn(&Settings) -> bool,
                    write: fn(&mut Settings, bool)| {
        view! {
            <div class="setting setting--switch">
                <Switch
                    on=Signal::derive(move || saving.read(read))
                    label=words.signal_of(format!("settings.{field}"))
                    hint=hint
                    on_change=move |on| saving.save(|settings| write(settings, on))
                    attr:data-testid=format!("settings-{field}")
                />
            </div>
        }
    };
    view! {
        {row(
            "pauseOnMetered",
            Signal::derive(move || hint("pauseOnMetered", metered())),
            |it| it.pause_on_metered,
            |it, on| it.pause_on_metered = on,
        )}
        {row(
            "onlyWhileIdle",
            Signal::derive(move || hint("onlyWhileIdle", idle())),
            |it| it.only_while_idle,
            |it, on| it.only_while_idle = on,
        )}
        <Show when=move || saving.read(|it| it.only_while_idle)>
            <NumberRow
                saving
                field="idleMinutes"
                range=1..=120
                unit="settings.unitMinutes"
                read=|it| it.idle_minutes
                write=|it, to| it.idle_minutes = to
            />
        </Show>
    }
}
