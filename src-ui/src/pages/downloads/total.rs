use corral_contract::{
    downloads::{QueueLimit, call::SetLimit},
    size,
};
use leptos::prelude::*;

use crate::{
    components::{Sparkline, Stepper},
    format,
    pages::sending::Sending,
    state::use_stores,
    words::use_words,
};

/// Speed, how much there is to do, and when it ends.
#[component]
pub(super) fn TotalCard() -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let metrics = Memo::new(move |_| stores.downloads.with(|all| all.metrics.clone()));
    let speed = move || {
        let text = metrics.with(|metrics| format::speed(metrics.speed));
        let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
        (number.to_owned(), unit.to_owned())
    };
    let ends = Memo::new(move |_| {
        let left = metrics.with(|metrics| metrics.left_seconds)?;
        let left = i64::try_from(left).ok()?.checked_mul(1000)?;
        let now = stores.now.get();
        Some(format::time_and_day(words, now.plus(left), now))
    });
    let amount = move || {
        metrics.with(|metrics| {
            if metrics.total == 0 {
                return words.get("downloads.nothingRuns");
            }
            let part = format::part(metrics.done, metrics.total);
            match ends.get() {
                Some(time) => words.fill("downloads.doneAt", &[("amount", &part), ("time", &time)]),
                None => part,
            }
        })
    };
    view! {
        <section class="card downloads__total" data-testid="downloads-total">
            <div>
                <p class="downloads__speed num">
                    {move || speed().0} " " <span>{move || speed().1}</span>
                </p>
                <p class="dim num">{amount}</p>
            </div>
            <Sparkline
                values=Signal::derive(move || stores.speeds.with(|speeds| speeds.all()))
                label=words.signal("downloads.minute")
            />
        </section>
    }
}

/// How many run at once, and how the queue does.
#[component]
pub(super) fn ParallelCard(sending: Sending) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let metrics = Memo::new(move |_| stores.downloads.with(|all| all.metrics.clone()));
    let wait = move || {
        metrics.with(|metrics| metrics.mean_wait_ms).map_or_else(
            || words.get("common.none"),
            |milliseconds| format::span(words, milliseconds.div_ceil(1000)),
        )
    };
    let limit = move |parallel| sending.send::<SetLimit>("limit", QueueLimit { parallel });
    view! {
        <section class="card downloads__parallel">
            <div class="downloads__limit">
                <span>
                    <strong>{words.signal("downloads.parallel")}</strong>
                    <small class="faint">{words.signal("downloads.parallelHint")}</small>
                </span>
                <Stepper
                    label=words.signal("downloads.parallel")
                    value=Signal::derive(move || metrics.with(|metrics| metrics.parallel))
                    range=(1, 16)
                    on_change=limit
                    attr:data-testid="queue-parallel"
                />
            </div>
            <dl class="downloads__metrics num">
                <dt>{words.signal("downloads.meanWait")}</dt>
                <dd>{wait}</dd>
                <dt>{words.signal("downloads.lastHour")}</dt>
                <dd>{move || size::format(metrics.with(|metrics| metrics.last_hour))}</dd>
            </dl>
        </section>
    }
}
