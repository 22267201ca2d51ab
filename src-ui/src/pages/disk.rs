//! The Disk page: what takes how much room, what could go, and what was put away.

use corral_contract::{
    InstanceId, WireError,
    disk::{DiskSource, DiskView, LookAtDisk, OrphansHeld, PartKind, call},
    size,
};
use leptos::prelude::*;

use crate::{
    components::{Button, EmptyState, ErrorCard, Note, Skeleton, Tabs, Tone},
    format,
    frame::scope::use_scope,
    navigation::{Page, use_navigation},
    pages::{advice, loaded::Loaded, sending::Sending},
    state::use_stores,
    words::{Words, use_words},
};

mod map;
mod models;
mod reclaim;
mod result;
mod tiles;
mod trash;

use map::{DiskMap, Picture};
use models::Models;
use reclaim::Reclaim;
use trash::Trash;

/// Days after which a model counts as unused, until another number is chosen.
const UNUSED_DAYS: u32 = 90;

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Disk {
    instance: InstanceId,
    sending: Sending,
    view: RwSignal<Option<DiskView>>,
    failure: RwSignal<Option<WireError>>,
    /// Models not used for so many days are suggested; 0 = none.
    unused_days: RwSignal<u32>,
    tab: RwSignal<&'static str>,
    /// Rises when the page asks for another look itself.
    wishes: RwSignal<u64>,
}

impl Disk {
    fn look(self) {
        let request =
            LookAtDisk { instance: self.instance, unused_days: self.unused_days.get_untracked() };
        self.sending.ask::<call::Look>("look", request, move |answer| match answer {
            Ok(view) => {
                self.failure.set(None);
                self.view.set(Some(view));
            }
            Err(error) => self.failure.set(Some(error)),
        });
    }

    /// Shows the place where something can be done about a part.
    fn open(self, kind: PartKind) {
        self.tab.set(match kind {
            PartKind::Models | PartKind::Shared => "models",
            PartKind::Trash => "trash",
            _ => "reclaim",
        });
    }
}

/// The Disk page.
#[component]
pub fn DiskPage() -> impl IntoView {
    let (scope, words) = (use_scope(), use_words());
    view! {
        <Loaded>
            {move || match scope.target.get() {
                Some(instance) => view! { <OfInstance instance /> }.into_any(),
                None => {
                    view! {
                        <div class="page__body">
                            <EmptyState
                                icon=icondata::LuHardDrive
                                title=words.signal("models.noInstance")
                                text=words.signal("models.noInstanceText")
                            />
                        </div>
                    }
                        .into_any()
                }
            }}
        </Loaded>
    }
}

#[component]
fn OfInstance(instance: InstanceId) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let disk = Disk {
        instance,
        sending: Sending::here(),
        view: RwSignal::new(None),
        failure: RwSignal::new(None),
        unused_days: RwSignal::new(UNUSED_DAYS),
        tab: RwSignal::new("reclaim"),
        wishes: RwSignal::new(0),
    };
    let changes = Memo::new(move |_| stores.disks.with(|disks| disks.changes(instance)));
    let looking = disk.sending.pending("look");
    // A change while a look is under way is looked at when that one ends.
    Effect::new(move |seen: Option<(u64, u64, u32)>| {
        let wanted = (changes.get(), disk.wishes.get(), disk.unused_days.get());
        if looking.get() {
            return seen.unwrap_or((u64::MAX, 0, 0));
        }
        if seen != Some(wanted) {
            untrack(|| disk.look());
        }
        wanted
    });
    let there = Memo::new(move |_| disk.view.with(Option::is_some));
    let name = Memo::new(move |_| {
        stores.instances.with(|all| all.get(instance).map(|each| each.name.clone()))
    });
    let sub = move || disk.view.with(|view| view.as_ref().map(|view| summary(words, view)));
    view! {
        <div class="page__head">
            <h1 class="page__title">{words.signal("nav.disk")}</h1>
            <span class="page__sub num" data-testid="disk-sub">
                {move || name.get()} " · " {sub}
            </span>
            <span class="page__gap"></span>
            <span class="dim num" data-testid="disk-age">
                {move || {
                    disk.view.with(|view| {
                        let view = view.as_ref()?;
                        let age = format::age(words, view.at, stores.now.get());
                        let ms = format::count(view.took_ms);
                        Some(words.fill("disk.lookedAt", &[("age", &age), ("ms", &ms)]))
                    })
                }}
            </span>
            <Button
                icon=icondata::LuRefreshCw
                pending=looking
                on_press=move |()| disk.wishes.update(|wishes| *wishes += 1)
                attr:data-testid="disk-again"
            >
                {words.signal("disk.again")}
            </Button>
        </div>
        <div class="disk" data-testid="disk-page">
            {move || {
                disk.failure.get().map(|error| {
                    view! { <ErrorCard error=Signal::stored(advice::textual(error)) /> }
                })
            }}
            {move || match there.get() {
                false => view! { <Skeleton rows=8 /> }.into_any(),
                true => view! { <Found disk /> }.into_any(),
            }}
        </div>
    }
}

fn summary(words: Words, view: &DiskView) -> String {
    let used: u64 = match view.source {
        DiskSource::Files => view.parts.iter().map(|part| part.bytes).sum(),
        DiskSource::List => {
            view.models.iter().map(|model| model.bytes).sum::<u64>() + view.more.bytes
        }
    };
    let used = size::format(used);
    match view.free {
        Some(free) => words.fill("disk.sub", &[("used", &used), ("free", &size::format(free))]),
        None => words.fill("disk.subUnknown", &[("used", &used)]),
    }
}

#[component]
fn Found(disk: Disk) -> impl IntoView {
    let (words, navigation) = (use_words(), use_navigation());
    let notes = Memo::new(move |_| disk.view.with(|view| view.as_ref().map(Remarks::of)));
    // Drawn anew when something in it changed, not with every look: the focus may be in it.
    let parts = Memo::new(move |_| disk.view.with(|view| view.as_ref().and_then(Picture::of)));
    let tabs = Signal::derive(move || {
        vec![
            ("reclaim", words.get("disk.reclaim")),
            ("trash", words.get("disk.trash")),
            ("models", words.get("disk.modelsTitle")),
        ]
    });
    let open_model = Callback::new(move |id: corral_contract::ModelId| {
        navigation.open_place(Page::Models, &format!("model/{id}"));
    });
    view! {
        {move || notes.get().map(|remarks| view! { <Notes remarks /> })}
        {move || {
            parts.get().map(|picture| {
                let room = Signal::derive(move || {
                    disk.view.with(|view| view.as_ref().map(|view| (view.free, view.total)))
                });
                view! { <DiskMap picture room on_part=move |kind| disk.open(kind) on_model=open_model /> }
            })
        }}
        <div class="disk__tabs">
            <Tabs
                label=words.signal("nav.disk")
                tabs=tabs
                value=disk.tab
                prefix="disk-tab"
                on_change=move |tab| disk.tab.set(tab)
            />
        </div>
        {move || match disk.tab.get() {
            "trash" => view! { <Trash disk /> }.into_any(),
            "models" => view! { <Models disk on_model=open_model /> }.into_any(),
            _ => view! { <Reclaim disk /> }.into_any(),
        }}
    }
}

/// What has to be known to read the figures.
#[derive(Debug, Clone, PartialEq)]
struct Remarks {
    source: DiskSource,
    writable: bool,
    held: Option<OrphansHeld>,
    unreadable: Vec<String>,
}

impl Remarks {
    fn of(view: &DiskView) -> Remarks {
        Remarks {
            source: view.source,
            writable: view.writable,
            held: view.orphans_held,
            unreadable: view.unreadable.clone(),
        }
    }
}

#[component]
fn Notes(remarks: Remarks) -> impl IntoView {
    let words = use_words();
    let list = remarks.source == DiskSource::List;
    let read_only = !list && !remarks.writable;
    let held = remarks.held.filter(|held| *held != OrphansHeld::ReadOnly);
    let names = remarks.unreadable.join(", ");
    view! {
        {list.then(|| view! { <Note>{words.signal("disk.listOnly")}</Note> })}
        {read_only.then(|| view! { <Note>{words.signal("disk.readOnly")}</Note> })}
        {held.map(|held| {
            let key = format!("orphansHeld.{}", held.as_str());
            view! {
                <div data-testid="disk-held">
                    <Note tone=Tone::Warning>
                        {move || words.fill(&key, &[("names", &names)])}
                    </Note>
                </div>
            }
        })}
    }
}
