use corral_contract::settings::{BandwidthWindow, Days};
use leptos::prelude::*;

use super::limit::change;
use crate::{
    components::{Button, Dialog, DialogFoot, IconButton, Select},
    pages::sending::Sending,
    state::use_stores,
    words::use_words,
};

/// Most times of the day.
const MOST: usize = 8;
/// What a new one begins with: nights without a limit.
const NIGHT: BandwidthWindow =
    BandwidthWindow { days: Days::Every, from: 22 * 60, to: 7 * 60, kb: 0 };

/// One line of the form, as it is typed.
#[derive(Clone, Copy)]
struct Line {
    key: usize,
    days: RwSignal<Days>,
    from: RwSignal<String>,
    to: RwSignal<String>,
    /// Megabytes per second; empty = no limit.
    speed: RwSignal<String>,
}

impl Line {
    fn of(key: usize, window: BandwidthWindow) -> Line {
        let speed = match window.kb {
            0 => String::new(),
            kb => (f64::from(kb) / 1000.0).to_string(),
        };
        Line {
            key,
            days: RwSignal::new(window.days),
            from: RwSignal::new(clock(window.from)),
            to: RwSignal::new(clock(window.to)),
            speed: RwSignal::new(speed),
        }
    }

    /// What it says; the key of the reason when it says nothing that can be meant.
    fn read(self) -> Result<BandwidthWindow, &'static str> {
        let from = minute(&self.from.get()).ok_or("reason.notATime")?;
        let to = minute(&self.to.get()).ok_or("reason.notATime")?;
        let kb = kilobytes(&self.speed.get()).ok_or("reason.notASpeed")?;
        Ok(BandwidthWindow { days: self.days.get(), from, to, kb })
    }
}

/// The times of the day with a limit of their own.
#[component]
pub(super) fn Schedule(sending: Sending, #[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let before = stores.system.with_untracked(|system| system.settings.bandwidth_windows.clone());
    let next = StoredValue::new(before.len());
    let lines = RwSignal::new(
        before.into_iter().enumerate().map(|(key, each)| Line::of(key, each)).collect::<Vec<_>>(),
    );
    let add = move |()| {
        let key = next.get_value();
        next.set_value(key + 1);
        lines.update(|lines| lines.push(Line::of(key, NIGHT)));
    };
    let read = move || {
        lines.with(|lines| lines.iter().map(|line| line.read()).collect::<Result<Vec<_>, _>>())
    };
    let save = move |()| {
        if let Ok(windows) = untrack(read) {
            change(stores, sending, |settings| settings.bandwidth_windows = windows);
            on_close.run(());
        }
    };
    let footer = move || {
        view! {
            <DialogFoot
                cancel="schedule-cancel"
                submit="schedule-save"
                go=words.signal("common.save")
                reason=Signal::derive(move || {
                    read().err().map(|key| words.get(key)).unwrap_or_default()
                })
                on_go=save
                on_close=on_close
            />
        }
    };
    view! {
        <Dialog title=words.signal("schedule.title") on_close=on_close footer=footer>
            <p class="dim">{words.signal("schedule.hint")}</p>
            <Show
                when=move || lines.with(|lines| !lines.is_empty())
                fallback=move || view! { <p class="faint">{words.signal("schedule.none")}</p> }
            >
                <div class="schedule" role="list">
                    <For each=move || lines.get() key=|line| line.key let:line>
                        <LineRow line on_remove=move |key| {
                            lines.update(|lines| lines.retain(|each| each.key != key));
                        } />
                    </For>
                </div>
            </Show>
            <Show when=move || lines.with(|lines| lines.len() < MOST)>
                <p>
                    <Button
                        small=true
                        icon=icondata::LuPlus
                        on_press=add
                        attr:data-testid="schedule-add"
                    >
                        {words.signal("schedule.add")}
                    </Button>
                </p>
            </Show>
        </Dialog>
    }
}

#[component]
fn LineRow(line: Line, #[prop(into)] on_remove: Callback<usize>) -> impl IntoView {
    let words = use_words();
    let days = Signal::derive(move || {
        let option =
            |each: &Days| (each.as_str().to_owned(), words.get(&format!("days.{}", each.as_str())));
        Days::ALL.iter().map(option).collect::<Vec<_>>()
    });
    let wrong = move || line.read().err().map(|key| words.get(key)).unwrap_or_default();
    let note = format!("schedule-note-{}", line.key);
    let input = move |value: RwSignal<String>, label: &'static str, testid: &'static str| {
        view! {
            <input
                class="text-input num schedule__input"
                type="text"
                autocomplete="off"
                aria-label=words.signal(label)
                aria-describedby=note.clone()
                placeholder=(testid == "schedule-speed").then_some("∞")
                data-testid=testid
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            />
        }
    };
    let note = format!("schedule-note-{}", line.key);
    view! {
        <div class="schedule__line" role="listitem" data-testid="schedule-line">
            <Select
                id=format!("schedule-days-{}", line.key)
                label=words.signal("schedule.days")
                options=days
                value=Signal::derive(move || line.days.get().as_str().to_owned())
                on_change=move |to: String| if let Some(days) = Days::parse(&to) { line.days.set(days) }
            />
            {input(line.from, "schedule.from", "schedule-from")}
            <span aria-hidden="true">"–"</span>
            {input(line.to, "schedule.to", "schedule-to")}
            {input(line.speed, "schedule.speed", "schedule-speed")}
            <span class="dim">"MB/s"</span>
            <IconButton
                icon=icondata::LuTrash2
                label=words.signal("schedule.remove")
                on_press=move |_| on_remove.run(line.key)
            />
            <p class="setting__error schedule__wrong" id=note aria-live="polite">{wrong}</p>
        </div>
    }
}

/// `22:00`.
fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Minute of the day of `22:00`, `7:5` or `7`; 24:00 is the next day's beginning.
fn minute(text: &str) -> Option<u16> {
    let text = text.trim().replace('：', ":");
    let (hours, minutes) = text.split_once(':').unwrap_or((&text, "0"));
    let number = |text: &str| {
        let plain =
            !text.is_empty() && text.len() <= 2 && text.bytes().all(|it| it.is_ascii_digit());
        plain.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    match (hours, minutes) {
        (24, 0) => Some(0),
        (0..24, 0..60) => Some(hours * 60 + minutes),
        _ => None,
    }
}

/// Kilobytes of a number of megabytes; nothing typed means no limit.
fn kilobytes(text: &str) -> Option<u32> {
    let text = text.trim();
    if text.is_empty() {
        return Some(0);
    }
    let megabytes = text.parse::<f64>().ok().filter(|it| it.is_finite())?;
    (0.001..=10_000.0).contains(&megabytes).then_some((megabytes * 1000.0).round() as u32)
}

#[cfg(test)]
mod tests {
    use super::{clock, kilobytes, minute};

    #[test]
    fn takes_times_as_people_type_them() {
        assert_eq!(minute("22:00"), Some(1320));
        assert_eq!(minute(" 7：05 "), Some(425));
        assert_eq!(minute("7"), Some(420));
        assert_eq!(minute("24:00"), Some(0));
        for wrong in ["", "24:01", "25", "7:60", "-1:00", "7:5x", "007:00", ":"] {
            assert_eq!(minute(wrong), None, "{wrong}");
        }
        assert_eq!(clock(425), "07:05");
    }

    #[test]
    fn takes_speeds_in_megabytes() {
        assert_eq!(kilobytes(""), Some(0));
        assert_eq!(kilobytes("2.5"), Some(2500));
        for wrong in ["0", "-1", "nan", "inf", "ten", "10001"] {
            assert_eq!(kilobytes(wrong), None, "{wrong}");
        }
    }
}
