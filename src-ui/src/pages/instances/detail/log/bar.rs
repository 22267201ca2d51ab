//! What narrows a log and what can be done with it.

use corral_contract::{
    Timestamp,
    desktop::{FileKind, NewFile, call::ChooseSave},
    serverlogs::{ExportLog, LineLevel, MOST_HITS, call::Export},
    size,
};
use leptos::prelude::*;
use wasm_bindgen::JsValue;

use super::{file::NameFile, reading::Reading};
use crate::{
    components::{Button, Checkbox, IconButton, Select, TextInput, Ticked},
    state::use_stores,
    words::{Words, use_words},
};

/// Search, level, time, following, export.
#[component]
pub(super) fn Bar(reading: Reading) -> impl IntoView {
    let words = use_words();
    view! {
        <div class="server-log__bar">
            <Search reading />
            <Select
                id="server-log-level".to_owned()
                label=words.signal("serverlogs.level")
                options=Signal::derive(move || {
                    let option = |level: &LineLevel| {
                        let text = words.get(&format!("lineLevel.{}", level.as_str()));
                        (level.as_str().to_owned(), text)
                    };
                    LineLevel::ALL.iter().map(option).collect::<Vec<_>>()
                })
                value=Signal::derive(move || reading.least.get().as_str().to_owned())
                on_change=move |word: String| {
                    if let Some(level) = LineLevel::parse(&word) {
                        reading.least.set(level);
                        reading.begin();
                        reading.find();
                    }
                }
                attr:data-testid="server-log-level"
            />
            <Checkbox
                ticked=Signal::derive(move || Ticked::from(reading.follow.get()))
                label=words.signal("serverlogs.follow")
                on_toggle=move |_| {
                    if reading.follow.get_untracked() {
                        reading.stop_following();
                    } else {
                        reading.to_end();
                    }
                }
                attr:data-testid="server-log-follow"
            />
        </div>
        <div class="server-log__bar server-log__bar--second">
            <Moment id="server-log-from" label="serverlogs.from" value=reading.from reading />
            <Moment id="server-log-to" label="serverlogs.to" value=reading.to reading />
            <ExportButton reading />
            <NameFile reading />
            <p class="faint num server-log__origin">{move || origin(reading, words)}</p>
        </div>
    }
}

fn origin(reading: Reading, words: Words) -> String {
    let Some(origin) = reading.origin.get() else { return String::new() };
    let Some(name) = origin.name else { return String::new() };
    let (files, bytes) = (origin.files.to_string(), origin.bytes.map(size::format));
    let mut values = vec![("name", name.as_str())];
    if let Some(bytes) = &bytes {
        values.extend([("n", files.as_str()), ("size", bytes.as_str())]);
    }
    words.fill("serverlogs.origin", &values)
}

#[component]
fn Search(reading: Reading) -> impl IntoView {
    let words = use_words();
    // The first hit shows by itself.
    let first = Memo::new(move |_| reading.found().and_then(|found| found.hits.first().cloned()));
    Effect::new(move |_| {
        if let Some(place) = first.get() {
            reading.show_hit(&place);
        }
    });
    let said = move || {
        let Some(found) = reading.found() else { return String::new() };
        let all = found.count.to_string();
        if !found.ended {
            let part = match found.total.filter(|total| *total > 0) {
                Some(total) => format!("{} %", found.done * 100 / total),
                None => size::format(found.done),
            };
            return words.fill("serverlogs.searching", &[("part", &part), ("all", &all)]);
        }
        if found.count == 0 {
            return words.get("serverlogs.noHit");
        }
        let now = (reading.hit.get() + 1).min(found.hits.len()).to_string();
        if found.count > MOST_HITS as u64 {
            let kept = found.hits.len().to_string();
            let values = [("now", now.as_str()), ("kept", &kept), ("all", &all)];
            return words.fill("serverlogs.hitsOver", &values);
        }
        words.fill("serverlogs.hits", &[("now", &now), ("all", &all)])
    };
    view! {
        <TextInput
            id="server-log-search"
            value=reading.query
            placeholder=words.signal("serverlogs.search")
            label=words.signal("serverlogs.search")
            on_change=move |_| reading.stop_finding()
            on_enter=move |shift| reading.step(if shift { -1 } else { 1 })
            attr:data-testid="server-log-search"
        />
        <span class="server-log__hits num" role="status" data-testid="server-log-hits">{said}</span>
        <Show when=move || reading.searching()>
            <IconButton
                icon=icondata::LuX
                label=words.signal("serverlogs.stopSearch")
                on_press=move |_| reading.stop_finding()
            />
        </Show>
        <IconButton
            icon=icondata::LuChevronUp
            label=words.signal("serverlogs.previous")
            on_press=move |_| reading.step(1)
            attr:data-testid="server-log-previous"
        />
        <IconButton
            icon=icondata::LuChevronDown
            label=words.signal("serverlogs.next")
            on_press=move |_| reading.step(-1)
            attr:data-testid="server-log-next"
        />
    }
}

/// A point in local time; empty = none.
#[component]
fn Moment(
    id: &'static str,
    label: &'static str,
    value: RwSignal<Option<Timestamp>>,
    reading: Reading,
) -> impl IntoView {
    let words = use_words();
    let node = NodeRef::<leptos::html::Input>::new();
    // Whoever goes to the end leaves the stretch.
    Effect::new(move |_| {
        if value.get().is_none()
            && let Some(field) = node.get_untracked()
        {
            field.set_value("");
        }
    });
    let change = move |event: web_sys::Event| {
        let text = event_target_value(&event);
        // A text without a zone is local time to the browser.
        let ms = js_sys::Date::new(&JsValue::from_str(&text)).get_time();
        let new = (!text.is_empty() && ms.is_finite()).then_some(Timestamp(ms as i64));
        if value.get_untracked() != new {
            value.set(new);
        }
        reading.begin();
        reading.find();
    };
    view! {
        <label class="server-log__moment" for=id>
            {words.signal(label)}
            <input
                node_ref=node
                id=id
                class="text-input"
                type="datetime-local"
                step="1"
                data-testid=id
                on:change=change
            />
        </label>
    }
}

#[component]
fn ExportButton(reading: Reading) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let sending = reading.sending;
    let write = move |path: String| {
        let request = ExportLog {
            instance: reading.id,
            path,
            least: reading.least.get_untracked(),
            from: reading.from.get_untracked(),
            to: reading.to.get_untracked(),
        };
        // How it ended is told as of every task.
        sending.send::<Export>("export log", request);
    };
    let choose = move |()| {
        let name =
            stores.instances.with_untracked(|all| all.get(reading.id).map(|it| it.name.clone()));
        // A name of a server may hold what no file name does.
        let name: String = name
            .unwrap_or_default()
            .chars()
            .map(|each| if each.is_alphanumeric() || "-_.".contains(each) { each } else { '-' })
            .collect();
        let request = NewFile { kind: FileKind::Log, name: format!("{name}.log") };
        sending.then::<ChooseSave>("choose log", request, move |chosen| {
            if let Some(path) = chosen.path {
                write(path);
            }
        });
    };
    view! {
        <Button
            small=true
            icon=icondata::LuDownload
            pending=sending.pending("choose log")
            on_press=choose
            hint=words.signal("serverlogs.exportHint")
            attr:data-testid="server-log-export"
        >
            {words.signal("serverlogs.export")}
        </Button>
    }
}
