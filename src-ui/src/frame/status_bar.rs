//! The state of the whole in one line; every item opens its page.

use corral_contract::size;
use leptos::prelude::*;

use super::scope::use_scope;
use crate::{
    components::{Glyph, Part, ProgressBar},
    format,
    navigation::{Page, use_navigation},
    state::use_stores,
    words::use_words,
};

/// Queue, disk, memory, warnings, age of the last sync.
#[component]
pub(super) fn StatusBar() -> impl IntoView {
    let (stores, words, scope) = (use_stores(), use_words(), use_scope());
    let queue = Memo::new(move |_| {
        let figures = stores.downloads.with(|downloads| downloads.metrics.clone());
        let mut parts = Vec::new();
        if figures.running > 0 {
            let running = figures.running.to_string();
            parts.push(words.fill("statusBar.downloading", &[("n", &running)]));
            parts.push(format::speed(figures.speed));
            if let Some(left) = figures.left_seconds {
                parts.push(words.fill("time.left", &[("time", &format::span(words, left))]));
            }
        } else if figures.waiting > 0 {
            let waiting = figures.waiting.to_string();
            parts.push(words.fill("statusBar.waiting", &[("n", &waiting)]));
        } else {
            parts.push(words.get("statusBar.idle"));
        }
        parts.join(" · ")
    });
    let shown = move || {
        scope.view().or_else(|| stores.instances.with(|instances| instances.all().first().cloned()))
    };
    let disk = Memo::new(move |_| {
        let store = shown()?.store;
        match (store.free, store.total) {
            (Some(free), Some(total)) => Some(words.fill(
                "statusBar.free",
                &[("free", &size::format(free)), ("total", &size::format(total))],
            )),
            _ => Some(words.get("statusBar.freeUnknown")),
        }
    });
    let vram = Memo::new(move |_| {
        stores.system.with(|system| system.host.vram_used.zip(system.host.vram_total))
    });
    let ram = Memo::new(move |_| {
        stores.system.with(|system| system.host.ram_used.zip(system.host.ram_total))
    });
    let offline = Memo::new(move |_| {
        let count = stores.instances.with(|instances| instances.offline().count());
        (count > 0).then(|| words.fill("statusBar.offline", &[("n", &count.to_string())]))
    });
    let exposed = Memo::new(move |_| {
        stores.instances.with(|instances| {
            instances
                .all()
                .iter()
                .find(|each| each.exposed)
                .map(|each| words.fill("statusBar.exposed", &[("name", &each.name)]))
        })
    });
    let synced = move || {
        if stores.syncs.with(|syncs| syncs.any_running()) {
            return words.get("statusBar.syncing");
        }
        match shown().and_then(|view| view.last_sync) {
            Some(at) => {
                let age = format::age(words, at, stores.now.get());
                words.fill("statusBar.synced", &[("age", &age)])
            }
            None => words.get("statusBar.neverSynced"),
        }
    };
    view! {
        <footer class="frame__status" aria-label=words.signal("statusBar.label")>
            <Item page=Page::Downloads icon=icondata::LuArrowUpDown name="queue">{queue}</Item>
            <Show when=move || disk.with(Option::is_some)>
                <Item page=Page::Instances icon=icondata::LuHardDrive name="disk">{disk}</Item>
            </Show>
            <Gauge page=Page::Models icon=icondata::LuMemoryStick name="vram" label="statusBar.vram" tone="gpu" used=vram />
            <Gauge page=Page::Models icon=icondata::LuCpu name="ram" label="statusBar.ram" tone="off" used=ram />
            <Show when=move || offline.with(Option::is_some)>
                <Item page=Page::Instances icon=icondata::LuWifiOff name="offline" bad=true>{offline}</Item>
            </Show>
            <Show when=move || exposed.with(Option::is_some)>
                <Item page=Page::Instances icon=icondata::LuTriangleAlert name="exposed" bad=true>{exposed}</Item>
            </Show>
            <span class="page__gap"></span>
            <Item page=Page::Activity place="syncs" icon=icondata::LuRefreshCw name="synced">{synced}</Item>
        </footer>
    }
}

#[component]
fn Item(
    page: Page,
    #[prop(optional)] place: &'static str,
    icon: icondata::Icon,
    name: &'static str,
    #[prop(optional)] bad: bool,
    children: Children,
) -> impl IntoView {
    let navigation = use_navigation();
    view! {
        <button
            type="button"
            class="status-item"
            class:status-item--bad=bad
            data-testid=format!("status-{name}")
            on:click=move |_| navigation.open_place(page, place)
        >
            <Glyph icon=icon />
            {children()}
        </button>
    }
}

#[component]
fn Gauge(
    page: Page,
    icon: icondata::Icon,
    name: &'static str,
    label: &'static str,
    tone: &'static str,
    used: Memo<Option<(u64, u64)>>,
) -> impl IntoView {
    let words = use_words();
    let parts = Signal::derive(move || {
        let (used, total) = used.get().unwrap_or((0, 0));
        vec![Part::of(used, total, tone)]
    });
    let text =
        move || used.get().map(|(used, total)| format::part(used, total)).unwrap_or_default();
    view! {
        <Show when=move || used.with(Option::is_some)>
            <Item page icon name>
                {words.signal(label)}
                <span class="status-item__bar">
                    <ProgressBar parts=parts label=Signal::derive(text) />
                </span>
                {text}
            </Item>
        </Show>
    }
}
