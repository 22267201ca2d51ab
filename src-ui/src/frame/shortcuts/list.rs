use leptos::prelude::*;

use crate::words::use_words;

const LIST: &[(&str, &[&str])] = &[
    ("shortcuts.palette", &["Ctrl K"]),
    ("shortcuts.new", &["N"]),
    ("shortcuts.find", &["/", "F", "Ctrl F"]),
    ("shortcuts.sync", &["R", "Ctrl R", "F5"]),
    ("shortcuts.details", &["Enter"]),
    ("shortcuts.select", &["Space"]),
    ("shortcuts.pause", &["Space"]),
    ("shortcuts.range", &["Shift ↑↓"]),
    ("shortcuts.all", &["Ctrl A"]),
    ("shortcuts.menu", &["Shift F10"]),
    ("shortcuts.move", &["Alt ↑↓"]),
    ("shortcuts.delete", &["Del"]),
    ("shortcuts.undo", &["Ctrl Z"]),
    ("shortcuts.stopAll", &["Ctrl Shift ."]),
    ("shortcuts.escape", &["Esc"]),
    ("shortcuts.pages", &["Ctrl 1–8"]),
    ("shortcuts.settings", &["Ctrl ,"]),
    ("shortcuts.help", &["?"]),
    ("shortcuts.helpPage", &["F1"]),
];

/// Every key and what it does. On a Mac the command key does what Ctrl does elsewhere.
#[component]
pub fn ShortcutList() -> impl IntoView {
    let words = use_words();
    let mac = window().navigator().user_agent().is_ok_and(|agent| agent.contains("Mac"));
    let shown = move |key: &str| if mac { key.replace("Ctrl", "⌘") } else { key.to_owned() };
    view! {
        <dl class="facts shortcuts">
            {LIST
                .iter()
                .map(|(label, keys)| {
                    view! {
                        <dt>
                            {keys.iter().map(|key| view! { <kbd>{shown(key)}</kbd> " " }).collect_view()}
                        </dt>
                        <dd>{words.signal(label)}</dd>
                    }
                })
                .collect_view()}
        </dl>
    }
}
