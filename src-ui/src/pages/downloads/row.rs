use corral_contract::{
    JobId,
    downloads::{JobIds, JobPriority, JobState, JobView, Priority, call},
    progress::WaitReason,
};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::{
    drag::{Drag, Target},
    layers::Layers,
    limit::speed_in_words,
    more::More,
    order, said,
};
use crate::{
    components::{Glyph, IconButton, MenuItem, ProgressBar, Sparkline, StatusBadge, use_menu},
    format,
    navigation::{Page, use_navigation},
    pages::sending::Sending,
    state::use_stores,
    words::use_words,
};

/// One job of the queue. Keys on the row: arrows go to the next row, Alt with them moves the job,
/// Enter opens its layers, Space pauses or resumes, Delete asks to cancel.
#[component]
pub(super) fn Row(
    id: JobId,
    sending: Sending,
    drag: Drag,
    #[prop(into)] on_cancel: Callback<JobId>,
) -> impl IntoView {
    let (stores, words, navigation) = (use_stores(), use_words(), use_navigation());
    let job = Memo::new(move |before: Option<&Option<JobView>>| {
        // A row that is about to go keeps its last figures.
        stores
            .downloads
            .with(|downloads| downloads.get(id).cloned())
            .or_else(|| before.cloned().flatten())
    });
    let get = move |read: fn(&JobView) -> bool| job.with(|job| job.as_ref().is_some_and(read));
    let text = move |say: &dyn Fn(&JobView) -> String| {
        job.with(|job| job.as_ref().map(say).unwrap_or_default())
    };
    let open = RwSignal::new(false);
    let failed = Memo::new(move |_| get(|job| job.state == JobState::Failed));
    let movable = Memo::new(move |_| get(order::movable));
    let pausable =
        Memo::new(move |_| get(|job| matches!(job.state, JobState::Queued | JobState::Running)));
    let name =
        job.with_untracked(|job| job.as_ref().map(|job| job.name.clone()).unwrap_or_default());
    let look = Memo::new(move |_| {
        job.with(|job| {
            job.as_ref()
                .map_or_else(|| (icondata::LuClock, "off", "common.unknown".to_owned()), said::look)
        })
    });
    let reason = move || {
        let waits = get(|job| job.wait.is_some());
        // Only a wait counts down; other rows need not follow the clock.
        let now = if waits { stores.now.get() } else { stores.now.get_untracked() };
        text(&|job| said::reason(words, job, now))
    };
    let reason = Memo::new(move |_| reason());
    let instance = Memo::new(move |_| {
        stores.instances.with(|instances| {
            let at = job.with(|job| job.as_ref().map(|job| job.instance));
            let several = instances.all().len() > 1;
            at.filter(|_| several).and_then(|at| instances.get(at)).map(|each| each.name.clone())
        })
    });
    let under = Memo::new(move |_| {
        let limit = job.with(|job| job.as_ref().map_or(0, |job| job.limit_kb));
        let limit = (limit > 0)
            .then(|| words.fill("downloads.limitTo", &[("speed", &speed_in_words(words, limit))]));
        let parts = [Some(reason.get()).filter(|text| !text.is_empty()), limit, instance.get()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    });
    let short_of_room =
        Memo::new(move |_| get(|job| matches!(job.wait, Some(WaitReason::Disk { .. }))));
    let key = move |what: &str| format!("{what} {id}");
    let toggle = move || {
        let ids = JobIds { ids: vec![id] };
        if pausable.get_untracked() {
            sending.send::<call::Pause>(&key("toggle"), ids);
        } else {
            sending.send::<call::Resume>(&key("toggle"), ids);
        }
    };
    let bar_label = move || {
        let percent = job.with(|job| job.as_ref().and_then(|job| job.progress.percent()));
        let percent =
            percent.map_or_else(|| words.get("common.unknown"), |each| format!("{each} %"));
        words.fill(
            "downloads.bar",
            &[("percent", &percent), ("amount", &text(&|job| said::amount(words, job)))],
        )
    };
    let landing = move |below: bool| drag.target.get() == Some(Target { on: id, below });
    view! {
        <div
            class="download"
            class:download--held=move || drag.held.get() == Some(id)
            class:download--above=move || landing(false)
            class:download--below=move || landing(true)
            role="listitem"
            tabindex="0"
            aria-label=name.clone()
            data-job=id.to_string()
            data-testid=format!("downloads-row-{name}")
            on:keydown=move |event| {
                let own = event.target() == event.current_target();
                let up = event.key() == "ArrowUp";
                match event.key().as_str() {
                    "ArrowUp" | "ArrowDown" if event.alt_key() => drag.step(id, up),
                    "ArrowUp" | "ArrowDown" if own => go(&event, up),
                    "Enter" if own => open.update(|open| *open = !*open),
                    " " if own => toggle(),
                    "Delete" => on_cancel.run(id),
                    _ => return,
                }
                event.prevent_default();
                event.stop_propagation();
            }
        >
            <span class="download__order">
                <Handle id drag movable=movable />
                <PriorityButton id job sending />
            </span>
            <span class="download__name">
                <Name name=name.clone() />
                <Show when=move || under.with(|text| !text.is_empty())>
                    <small
                        class="download__reason"
                        class:download__reason--bad=failed
                        title=move || under.get()
                    >
                        {move || under.get()}
                    </small>
                </Show>
            </span>
            <StatusBadge
                icon=Signal::derive(move || look.with(|look| look.0))
                tone=Signal::derive(move || look.with(|look| look.1))
                text=Signal::derive(move || look.with(|look| words.get(&look.2)))
            />
            <button
                type="button"
                class="download__progress"
                aria-expanded=move || if open.get() { "true" } else { "false" }
                aria-label=bar_label
                title=words.signal("downloads.layersHint")
                data-testid="download-layers"
                on:click=move |_| open.update(|open| *open = !*open)
            >
                <ProgressBar
                    parts=Signal::derive(move || {
                        job.with(|job| job.as_ref().map(said::bar).unwrap_or_default())
                    })
                    label=Signal::derive(bar_label)
                    process=true
                />
                <span class="download__figures">
                    <span>{move || text(&|job| said::amount(words, job))}</span>
                    <span>{move || text(&|job| said::pace(words, job))}</span>
                </span>
            </button>
            <span class="download__minute">
                <Show when=move || get(|job| job.state == JobState::Running)>
                    <Sparkline
                        values=Signal::derive(move || stores.speeds.with(|speeds| speeds.of(id)))
                        label=words.signal("downloads.minute")
                    />
                </Show>
            </span>
            <span class="download__left num">{move || text(&|job| said::left(words, job))}</span>
            <span class="download__actions">
                <Show when=move || short_of_room.get()>
                    <IconButton
                        icon=icondata::LuHardDrive
                        label=words.signal("downloads.freeSpace")
                        on_press=move |_| navigation.open(Page::Models)
                        attr:data-testid="download-free-space"
                    />
                </Show>
                <Toggle pausable=pausable failed=failed toggle=toggle />
                <More id job sending />
                <IconButton
                    icon=icondata::LuX
                    label=words.signal("downloads.cancel")
                    on_press=move |_| on_cancel.run(id)
                    attr:data-testid="download-cancel"
                />
            </span>
        </div>
        <Show when=move || open.get()>
            <Layers job sending />
        </Show>
    }
}

/// The handle that the pointer drags.
#[component]
fn Handle(id: JobId, drag: Drag, movable: Memo<bool>) -> impl IntoView {
    let words = use_words();
    view! {
        <span
            class="download__handle"
            class:download__handle--fixed=move || !movable.get()
            title=move || movable.get().then(|| words.get("downloads.dragHint"))
            aria-hidden="true"
            data-testid="download-handle"
            on:pointerdown=move |event| {
                if movable.get_untracked() {
                    event.prevent_default();
                    drag.take(id, &event);
                }
            }
            on:pointermove=move |event| drag.follow(&event)
            on:pointerup=move |_| drag.drop()
            on:pointercancel=move |_| drag.let_go()
        >
            <Glyph icon=icondata::LuGripVertical />
        </span>
    }
}

/// The priority as a word that opens the choice.
#[component]
fn PriorityButton(id: JobId, job: Memo<Option<JobView>>, sending: Sending) -> impl IntoView {
    let (words, menu) = (use_words(), use_menu());
    let priority = Memo::new(move |_| {
        job.with(|job| job.as_ref().map_or(Priority::Normal, |job| job.priority))
    });
    let word = move |priority: Priority| words.get(&format!("priority.{}", priority.as_str()));
    let items = Signal::derive(move || {
        let item = |each: &Priority| {
            let chosen = *each;
            let testid = format!("priority-{}", each.as_str());
            let mut item = MenuItem::new(word(chosen), &testid, move || {
                let request = JobPriority { id, priority: chosen };
                sending.send::<call::SetPriority>(&format!("priority {id}"), request);
            });
            item.icon = (priority.get() == chosen).then_some(icondata::LuCheck);
            item
        };
        Priority::ALL.iter().map(item).collect::<Vec<_>>()
    });
    view! {
        <button
            type="button"
            class="download__priority"
            aria-haspopup="menu"
            aria-label=move || {
                words.fill("downloads.priorityIs", &[("priority", &word(priority.get()))])
            }
            data-testid="download-priority"
            on:click=move |event| {
                menu.open_under(&event, words.get("downloads.priority"), items);
            }
        >
            {move || word(priority.get())}
        </button>
    }
}

/// The name with its tag dimmed.
#[component]
fn Name(name: String) -> impl IntoView {
    let (model, tag) = name.rsplit_once(':').unwrap_or((&name, ""));
    let tag = if tag.is_empty() { String::new() } else { format!(":{tag}") };
    view! {
        <span class="download__model" title=name.clone()>
            {model.to_owned()}<span class="faint">{tag}</span>
        </span>
    }
}

/// Pause, resume or retry, whichever the state allows.
#[component]
fn Toggle(
    pausable: Memo<bool>,
    failed: Memo<bool>,
    toggle: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let words = use_words();
    let kind = Memo::new(move |_| match (pausable.get(), failed.get()) {
        (true, _) => (icondata::LuPause, "action.pause", "download-pause"),
        (_, true) => (icondata::LuRotateCw, "action.retry", "download-retry"),
        _ => (icondata::LuPlay, "action.resume", "download-resume"),
    });
    move || {
        let (icon, label, testid) = kind.get();
        view! {
            <IconButton
                icon=icon
                label=words.signal(label)
                on_press=move |_| toggle()
                attr:data-testid=testid
            />
        }
    }
}

/// Moves the focus to the row above or below.
fn go(event: &web_sys::KeyboardEvent, up: bool) {
    let row = event.current_target().and_then(|it| it.dyn_into::<web_sys::Element>().ok());
    let mut next = row;
    loop {
        next = next.and_then(|it| {
            if up { it.previous_element_sibling() } else { it.next_element_sibling() }
        });
        match &next {
            None => return,
            Some(it) if it.has_attribute("data-job") => break,
            Some(_) => {}
        }
    }
    if let Some(row) = next.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok()) {
        // Only fails for a row that was removed meanwhile.
        let _ = row.focus();
    }
}

/// How long ago a finished job ended, for its row.
pub(super) fn ended(job: &JobView) -> String {
    job.finished_at.map(format::moment).unwrap_or_default()
}
