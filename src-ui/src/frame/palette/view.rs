//! The palette on the screen.

use corral_contract::{
    models::{
        BatchOp, BatchOperate, ModelSearchRequest,
        call::{Batch, Search},
    },
    status::Status,
};
use leptos::{html, prelude::*, task::spawn_local};

use super::{
    entry::{Doing, Entry, Section},
    find::{self, Rows},
};
use crate::{
    components::{Confirm, Glyph, modal},
    frame::{shortcuts::use_keyboard, toasts::use_toasts},
    ipc,
    navigation::use_navigation,
    preferences::use_preferences,
    state::use_stores,
    words::use_words,
};

/// Models stopped at once at most: as many as a page of the list holds.
const MOST_STOPPED: u32 = 500;

/// Shows the palette while it is asked for, and the question that one of its commands asks.
#[component]
pub(in crate::frame) fn PaletteHost() -> impl IntoView {
    let keyboard = use_keyboard();
    let doing = Doing {
        stores: use_stores(),
        words: use_words(),
        toasts: use_toasts(),
        navigation: use_navigation(),
        keyboard,
        preferences: use_preferences(),
        stop_all: keyboard.stopping,
    };
    view! {
        <Show when=move || keyboard.palette.get()>
            <Palette doing />
        </Show>
        <Show when=move || doing.stop_all.get()>
            <StopAll doing />
        </Show>
    }
}

#[component]
fn Palette(doing: Doing) -> impl IntoView {
    let words = doing.words;
    let node = NodeRef::<html::Dialog>::new();
    modal(node);
    let close = move || doing.keyboard.palette.set(false);
    let text = RwSignal::new(String::new());
    let question = Memo::new(move |_| text.with(|text| text.trim().to_lowercase()));
    let rows = RwSignal::new(Rows::default());
    let active = RwSignal::new(0_usize);
    // A newer question may be answered before an older one.
    let round = StoredValue::new(0_u32);
    Effect::new(move |_| {
        let question = question.get();
        active.set(0);
        let now = round.get_value() + 1;
        round.set_value(now);
        spawn_local(async move {
            let found = find::rows(doing, &question).await;
            if round.try_get_value() == Some(now) {
                rows.set(found);
            }
        });
    });
    let lines = RwSignal::new(Vec::<Entry>::new());
    Effect::new(move |_| {
        let found = question.with(|question| rows.with(|rows| find::lines(doing, question, rows)));
        active.update(|active| *active = (*active).min(found.len().saturating_sub(1)));
        lines.set(found);
    });
    let sections = Memo::new(move |_| {
        let mut sections: Vec<Section> =
            lines.with(|lines| lines.iter().map(|entry| entry.section).collect());
        sections.dedup();
        sections
    });
    let run = move |place: usize| {
        let entry = lines.with_untracked(|lines| lines.get(place).cloned());
        if let Some(entry) = entry {
            close();
            entry.run.run(());
        }
    };
    let step = move |by: isize| {
        let count = lines.with_untracked(Vec::len).max(1) as isize;
        active.update(|active| *active = (*active as isize + by).rem_euclid(count) as usize);
        show(active.get_untracked());
    };
    view! {
        <dialog
            node_ref=node
            class="palette"
            aria-label=words.signal("palette.title")
            data-testid="palette"
            on:cancel=move |event: web_sys::Event| {
                event.prevent_default();
                close();
            }
            on:mousedown=move |event| {
                // The backdrop belongs to the dialog's own box.
                if event.target() == event.current_target() {
                    close();
                }
            }
        >
            <div class="palette__box">
                <div class="palette__field">
                    <Glyph icon=icondata::LuSearch />
                    <input
                        type="text"
                        class="palette__input"
                        role="combobox"
                        aria-expanded="true"
                        aria-autocomplete="list"
                        aria-controls="palette-list"
                        aria-activedescendant=move || {
                            lines.with(|lines| (!lines.is_empty()).then(|| id(active.get())))
                        }
                        aria-label=words.signal("palette.title")
                        placeholder=words.signal("palette.placeholder")
                        autofocus=true
                        autocomplete="off"
                        spellcheck="false"
                        data-testid="palette-input"
                        prop:value=text
                        on:input=move |event| text.set(event_target_value(&event))
                        on:keydown=move |event| {
                            if event.is_composing() {
                                return;
                            }
                            let command = event.ctrl_key() || event.meta_key();
                            match event.key().as_str() {
                                "ArrowDown" => step(1),
                                "ArrowUp" => step(-1),
                                "PageDown" => step(7),
                                "PageUp" => step(-7),
                                "Enter" => run(active.get_untracked()),
                                "k" | "K" if command => close(),
                                // There is nowhere to go inside.
                                "Tab" => {}
                                _ => return,
                            }
                            event.prevent_default();
                            event.stop_propagation();
                        }
                    />
                </div>
                <div class="palette__list" id="palette-list" role="listbox" aria-label=words.signal("palette.title")>
                    {move || {
                        sections
                            .get()
                            .into_iter()
                            .map(|section| view! { <Group section lines active on_run=run /> })
                            .collect_view()
                    }}
                </div>
                <p class="palette__none" role="status">
                    {move || lines.with(Vec::is_empty).then(|| words.get("palette.none"))}
                </p>
            </div>
        </dialog>
    }
}

/// The lines of one section under its name.
#[component]
fn Group(
    section: Section,
    lines: RwSignal<Vec<Entry>>,
    active: RwSignal<usize>,
    #[prop(into)] on_run: Callback<usize>,
) -> impl IntoView {
    let words = use_words();
    let of = move || {
        lines.with(|lines| {
            let placed = lines.iter().cloned().enumerate();
            placed.filter(|(_, entry)| entry.section == section).collect::<Vec<_>>()
        })
    };
    move || {
        let of = of();
        (!of.is_empty()).then(|| {
            let lines =
                of.into_iter().map(|(place, entry)| view! { <Line place entry active on_run /> });
            view! {
                <div role="group" aria-label=words.get(section.label())>
                    <p class="palette__section" aria-hidden="true">{words.get(section.label())}</p>
                    {lines.collect_view()}
                </div>
            }
        })
    }
}

#[component]
fn Line(
    place: usize,
    entry: Entry,
    active: RwSignal<usize>,
    on_run: Callback<usize>,
) -> impl IntoView {
    let on = Signal::derive(move || active.get() == place);
    let Entry { name, icon, label, object, shortcut, .. } = entry;
    view! {
        <div
            id=id(place)
            class="palette__line"
            class:palette__line--on=on
            role="option"
            aria-selected=move || if on.get() { "true" } else { "false" }
            data-testid=format!("palette-{name}")
            on:mousemove=move |_| {
                if !on.get_untracked() {
                    active.set(place);
                }
            }
            on:mousedown=move |event| event.prevent_default()
            on:click=move |_| on_run.run(place)
        >
            <Glyph icon=icon />
            <span class="cut">
                {label}
                {object.map(|object| view! { " " <strong>{object}</strong> })}
            </span>
            {shortcut.map(|keys| view! { <kbd>{keys}</kbd> })}
        </div>
    }
}

/// The question before every model leaves the memory.
#[component]
fn StopAll(doing: Doing) -> impl IntoView {
    let words = doing.words;
    let running = RwSignal::new(None::<Vec<corral_contract::models::ModelRow>>);
    spawn_local(async move {
        let request = ModelSearchRequest {
            status: vec![Status::Running],
            page_size: MOST_STOPPED,
            ..ModelSearchRequest::default()
        };
        match ipc::call::<Search>(request).await {
            Ok(page) if page.items.is_empty() => {
                doing.toasts.good(words.get("palette.noneRunning"));
                doing.stop_all.set(false);
            }
            Ok(page) => {
                running.try_set(Some(page.items));
            }
            Err(error) => {
                doing.failed(error);
                doing.stop_all.set(false);
            }
        }
    });
    let stop = move |()| {
        let ids = running
            .with_untracked(|rows| rows.iter().flatten().map(|row| row.id).collect::<Vec<_>>());
        super::commands::send::<Batch>(doing, BatchOperate { op: BatchOp::Stop, ids });
    };
    let close = Callback::new(move |()| doing.stop_all.set(false));
    move || {
        running.get().map(|rows| {
            let count = rows.len().to_string();
            let names = rows.into_iter().map(|row| view! { <li class="result-list__item">{row.name}</li> });
            view! {
                <Confirm
                    title=Signal::derive(move || words.fill("palette.stopAllTitle", &[("n", &count)]))
                    go=words.signal("palette.do.stopAll")
                    keep=words.signal("common.cancel")
                    harmless=true
                    name="stop-all"
                    on_go=stop
                    on_close=close
                    attr:data-testid="dialog-stop-all"
                >
                    <p>{words.signal("palette.stopAllText")}</p>
                    <ul class="result-list">{names.collect_view()}</ul>
                </Confirm>
            }
        })
    }
}

fn id(place: usize) -> String {
    format!("palette-line-{place}")
}

/// Brings a line into view.
fn show(place: usize) {
    if let Some(line) = document().get_element_by_id(&id(place)) {
        line.scroll_into_view_with_bool(false);
    }
}
