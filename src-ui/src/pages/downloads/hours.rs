use corral_contract::{
    downloads::{Hour, HoursBack, call},
    size,
};
use leptos::prelude::*;

use crate::{
    components::{Bar, Bars, Segmented, Switch},
    format,
    pages::sending::Sending,
    state::use_stores,
    words::{Words, use_words},
};

/// What the picture can go back to: hours, and the key of its name.
const RANGES: [(&str, u32); 3] = [("day", 24), ("week", 168), ("month", 720)];
const DAY: usize = 24;

/// What moved in the last hours or days, as a picture and as a table.
#[component]
pub(super) fn Figures(sending: Sending) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let range = RwSignal::new("day");
    let as_table = RwSignal::new(false);
    let hours = RwSignal::new(None::<Vec<Hour>>);
    let done = Memo::new(move |_| {
        stores.downloads.with(|all| (all.metrics.running, all.metrics.last_hour / 100_000_000))
    });
    let ask = move || {
        let back =
            RANGES.iter().find(|(name, _)| *name == range.get()).map_or(24, |(_, back)| *back);
        let request = HoursBack { hours: back };
        sending.then::<call::Hours>("hours", request, move |answer| hours.set(Some(answer.hours)));
    };
    Effect::new(move |_| {
        done.track();
        ask();
    });
    let steps = Memo::new(move |_| {
        let hours = hours.get().unwrap_or_default();
        let by = if range.get() == "day" { 1 } else { DAY };
        hours.rchunks(by).rev().map(sum).collect::<Vec<Hour>>()
    });
    let options = Signal::derive(move || {
        RANGES.map(|(name, _)| (name, words.get(&format!("figures.{name}")))).to_vec()
    });
    let bars = Signal::derive(move || {
        let bar = |hour: &Hour| Bar { value: hour.bytes as f64, title: title(words, hour) };
        steps.with(|steps| steps.iter().map(bar).collect::<Vec<_>>())
    });
    let first = move || {
        steps.with(|steps| steps.first().map(|hour| format::moment(hour.at)).unwrap_or_default())
    };
    let peak = move || {
        let most = steps.with(|steps| steps.iter().map(|hour| hour.bytes).max().unwrap_or(0));
        words.fill("figures.peak", &[("bytes", &size::format(most))])
    };
    let total = Memo::new(move |_| steps.with(|steps| sum(steps)));
    view! {
        <div class="figures" data-testid="downloads-figures">
            <div class="figures__bar">
                <Segmented
                    label=words.signal("figures.range")
                    options=options
                    value=Signal::derive(move || range.get().to_owned())
                    on_change=move |to: &'static str| range.set(to)
                    attr:data-testid="figures-range"
                />
                <Switch
                    on=as_table
                    label=words.signal("figures.asTable")
                    on_change=move |on| as_table.set(on)
                    attr:data-testid="figures-table-switch"
                />
            </div>
            <p class="num" data-testid="figures-sum">{move || summary(words, &total.get())}</p>
            <Show
                when=move || as_table.get()
                fallback=move || {
                    view! {
                        <p class="figures__peak num">{peak}</p>
                        <Bars label=words.signal("figures.picture") bars=bars />
                        <p class="figures__axis num">
                            <span>{first}</span>
                            <span>{words.signal("figures.now")}</span>
                        </p>
                    }
                }
            >
                <Table steps />
            </Show>
        </div>
    }
}

#[component]
fn Table(steps: Memo<Vec<Hour>>) -> impl IntoView {
    let words = use_words();
    let busy = move || {
        let mut busy = steps.get();
        busy.retain(|hour| hour.bytes > 0 || hour.started > 0 || hour.done > 0 || hour.failed > 0);
        busy.reverse();
        busy
    };
    view! {
        <table class="figures__table num">
            <thead>
                <tr>
                    {["from", "bytes", "started", "wait", "done", "failed", "longest"].map(|name| {
                        view! { <th scope="col">{words.signal_of(format!("figures.{name}"))}</th> }
                    })}
                </tr>
            </thead>
            <tbody>
                <For each=busy key=|hour| hour.at let:hour>
                    <tr>
                        <th scope="row">{format::moment(hour.at)}</th>
                        <td>{size::format(hour.bytes)}</td>
                        <td>{hour.started}</td>
                        <td>{wait(words, &hour)}</td>
                        <td>{hour.done}</td>
                        <td>{hour.failed}</td>
                        <td>{hour.longest}</td>
                    </tr>
                </For>
            </tbody>
        </table>
    }
}

/// Several hours as one.
fn sum(hours: &[Hour]) -> Hour {
    let first = hours.first().map_or(corral_contract::Timestamp(0), |hour| hour.at);
    let none =
        Hour { at: first, bytes: 0, started: 0, waited_ms: 0, done: 0, failed: 0, longest: 0 };
    hours.iter().fold(none, |sum, hour| Hour {
        at: sum.at,
        bytes: sum.bytes + hour.bytes,
        started: sum.started + hour.started,
        waited_ms: sum.waited_ms + hour.waited_ms,
        done: sum.done + hour.done,
        failed: sum.failed + hour.failed,
        longest: sum.longest.max(hour.longest),
    })
}

/// Mean wait of those that started; a dash when none did.
fn wait(words: Words, hour: &Hour) -> String {
    match hour.started {
        0 => words.get("common.none"),
        started => format::span(words, (hour.waited_ms / u64::from(started)).div_ceil(1000)),
    }
}

fn title(words: Words, hour: &Hour) -> String {
    format!("{} · {}", format::moment(hour.at), summary(words, hour))
}

fn summary(words: Words, hour: &Hour) -> String {
    words.fill(
        "figures.summary",
        &[
            ("bytes", &size::format(hour.bytes)),
            ("done", &hour.done.to_string()),
            ("failed", &hour.failed.to_string()),
            ("wait", &wait(words, hour)),
        ],
    )
}

#[cfg(test)]
mod tests {
    use corral_contract::Timestamp;

    use super::*;

    // criterion: 2.4
    #[test]
    fn days_are_sums_of_their_hours() {
        let hour = |at: i64, bytes, longest| Hour {
            at: Timestamp(at),
            bytes,
            started: 1,
            waited_ms: 2000,
            done: 1,
            failed: 0,
            longest,
        };
        let day = sum(&[hour(7, 10, 2), hour(8, 5, 3)]);
        assert_eq!((day.at, day.bytes, day.longest), (Timestamp(7), 15, 3));
        assert_eq!((day.started, day.waited_ms, day.done), (2, 4000, 2));
    }
}
