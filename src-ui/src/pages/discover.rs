//! Choosing a model: the list, what registries say of it, and what hf.co finds.

use corral_contract::{
    WireError,
    catalogue::{
        CatalogueModel, CatalogueView, HubAnswer, SearchHub,
        call::{Hub, List, Refresh},
    },
    instances::InstanceRef,
    tasks::{TaskKind, TaskRef, call::Cancel},
};
use leptos::{html, prelude::*};

use crate::{
    components::{
        Button, EmptyState, ErrorCard, IconButton, MenuItem, Note, Part, ProgressBar, Skeleton,
        Tone, use_menu,
    },
    format,
    frame::{
        scope::use_scope,
        shortcuts::{Wish, use_keyboard},
    },
    pages::sending::Sending,
    problem,
    state::use_stores,
    words::use_words,
};

mod filter;
mod own;
mod row;
pub(crate) mod tags;

use filter::{Filter, Filters};
use own::OwnListDialog;
use row::{HubRow, ModelRow};

/// What the parts of the page share.
#[derive(Clone, Copy)]
pub(crate) struct Discover {
    pub(crate) sending: Sending,
    pub(crate) filter: RwSignal<Filter>,
    /// The model whose tags show.
    pub(crate) open: RwSignal<Option<String>>,
    pub(crate) view: RwSignal<Option<CatalogueView>>,
    hub: RwSignal<Option<HubAnswer>>,
    failure: RwSignal<Option<WireError>>,
    own: RwSignal<bool>,
}

/// The page.
#[component]
pub fn DiscoverPage() -> impl IntoView {
    let (words, stores, scope) = (use_words(), use_stores(), use_scope());
    let (keyboard, menu) = (use_keyboard(), use_menu());
    let page = Discover {
        sending: Sending::here(),
        filter: RwSignal::new(Filter::default()),
        open: RwSignal::new(None),
        view: RwSignal::new(None),
        hub: RwSignal::new(None),
        failure: RwSignal::new(None),
        own: RwSignal::new(false),
    };
    provide_context(page);
    let refreshing = Memo::new(move |_| {
        stores.tasks.with(|tasks| {
            let task = tasks.running().find(|task| task.kind == TaskKind::Catalogue);
            task.map(|task| (task.id, task.figures.and_then(|it| it.percent())))
        })
    });
    let at_work = Memo::new(move |_| refreshing.get().is_some());
    let installed = Memo::new(move |_| stores.models.with(|models| models.counts.total));
    // What is installed, what fits and what registries said: asked for again when any of it may
    // have changed.
    let latest = page.sending.latest();
    Effect::new(move |_| {
        at_work.track();
        installed.track();
        if let Some(id) = scope.target.get() {
            latest.ask::<List>(InstanceRef { id }, move |answer| match answer {
                Ok(view) => {
                    page.failure.set(None);
                    page.view.set(Some(view));
                }
                Err(error) => page.failure.set(Some(error)),
            });
        }
    });
    let search = NodeRef::<html::Input>::new();
    let refresh = move || {
        if let (Some(id), None) = (scope.target.get_untracked(), refreshing.get_untracked()) {
            page.sending.send::<Refresh>("refresh", InstanceRef { id });
        }
    };
    keyboard.on_wish(move |wish| match wish {
        Wish::Find => {
            if let Some(input) = search.get_untracked() {
                // Only fails for an element that was removed meanwhile.
                let _ = input.focus();
                input.select();
            }
        }
        Wish::Sync => refresh(),
        Wish::Escape => page.open.set(None),
        // These are about models that are there.
        _ => {}
    });
    let shown = Memo::new(move |_| {
        page.view.with(|view| {
            let items = view.as_ref().map(|view| view.items.as_slice()).unwrap_or_default();
            page.filter.with(|filter| filter.apply(items))
        })
    });
    let age = move || {
        page.view.with(|view| {
            let view = view.as_ref()?;
            Some(match view.refreshed_at {
                Some(at) => {
                    let age = format::age(words, at, stores.now.get());
                    words.fill("discover.asOf", &[("age", &age)])
                }
                None => words.fill("discover.listed", &[("day", &view.listed_on)]),
            })
        })
    };
    view! {
        <div class="page__head">
            <h1 class="page__title">{words.signal("nav.discover")}</h1>
            <span class="page__sub" data-testid="discover-age">{age}</span>
            <span class="page__gap"></span>
            {move || {
                refreshing.get().map(|(id, percent)| {
                    let text = words.fill(
                        "discover.refreshing",
                        &[("percent", &percent.unwrap_or(0).to_string())],
                    );
                    let share = f64::from(percent.unwrap_or(0)) / 100.0;
                    let part = Part { share, tone: "busy" };
                    view! {
                        <span class="discover__progress num" data-testid="discover-progress">
                            <ProgressBar parts=vec![part] label=Signal::stored(text.clone()) process=true />
                            {text}
                        </span>
                        <Button
                            small=true
                            on_press=move |()| { page.sending.send::<Cancel>("cancel", TaskRef { id }) }
                        >
                            {words.signal("common.cancel")}
                        </Button>
                    }
                })
            }}
            <Button
                icon=icondata::LuRefreshCw
                pending=Signal::derive(move || at_work.get())
                reason=Signal::derive(move || {
                    if scope.target.get().is_none() { words.get("top.noInstance") } else { String::new() }
                })
                on_press=move |()| refresh()
                attr:data-testid="discover-refresh"
            >
                {words.signal("discover.refresh")}
            </Button>
            <IconButton
                icon=icondata::LuEllipsis
                label=words.signal("common.more")
                popup=true
                on_press=move |event: web_sys::MouseEvent| {
                    let items = Signal::derive(move || {
                        vec![MenuItem::new(words.get("discover.ownButton"), "discover-own", move || page.own.set(true))]
                    });
                    menu.open_under(&event, words.get("common.more"), items);
                }
                attr:data-testid="discover-menu"
            />
        </div>
        <Filters page search on_hub=move |()| page.search_hub() />
        <div class="discover">
            {move || {
                page.view.with(|view| view.as_ref().and_then(|view| view.problem.clone())).map(|error| {
                    let line = problem::line(words, &error);
                    view! {
                        <Note tone=Tone::Warning>
                            <span data-testid="discover-problem">
                                {words.fill("discover.notRefreshed", &[("reason", &line)])}
                            </span>
                        </Note>
                    }
                })
            }}
            {move || {
                let count = page.view.with(|view| view.as_ref().map_or(0, |view| view.own.problems.len()));
                (count > 0).then(|| {
                    view! {
                        <Note tone=Tone::Warning>
                            <span>{words.fill("discover.ownBroken", &[("n", &count.to_string())])} " "</span>
                            <Button small=true on_press=move |()| page.own.set(true) attr:data-testid="discover-own-open">
                                {words.signal("discover.ownShow")}
                            </Button>
                        </Note>
                    }
                })
            }}
            {move || page.failure.get().map(|error| view! { <ErrorCard error=Signal::stored(error) /> })}
            <Show when=move || scope.target.get().is_none()>
                <EmptyState
                    icon=icondata::LuServer
                    title=words.signal("models.noInstance")
                    text=words.signal("models.noInstanceText")
                />
            </Show>
            <Show
                when=move || page.view.with(Option::is_some)
                fallback=move || {
                    let waits = page.failure.with(Option::is_none) && scope.target.get().is_some();
                    waits.then(|| view! { <Skeleton rows=8 /> })
                }
            >
                <span class="visually-hidden" role="status" aria-live="polite">
                    {move || words.fill("models.found", &[("n", &shown.with(Vec::len).to_string())])}
                </span>
                <ul class="discover__list" data-testid="discover-list" on:keydown=row::walk>
                    <For each=move || shown.get() key=|model| model.name.clone() let:model>
                        <Entry page name=model.name />
                    </For>
                </ul>
                <Show when=move || shown.with(Vec::is_empty)>
                    <EmptyState
                        icon=icondata::LuSearchX
                        title=words.signal("discover.none")
                        text=words.signal("discover.noneText")
                    />
                </Show>
                <HubResults page />
            </Show>
        </div>
        <Show when=move || page.own.get()>
            <OwnListDialog page />
        </Show>
    }
}

impl Discover {
    /// Searches hf.co for what stands in the field.
    fn search_hub(self) {
        let text = self.filter.with_untracked(|filter| filter.text.trim().to_owned());
        if text.chars().count() < 2 {
            return;
        }
        self.sending.ask::<Hub>("hub", SearchHub { text }, move |answer| match answer {
            Ok(answer) => self.hub.set(Some(answer)),
            Err(error) => self.failure.set(Some(error)),
        });
    }

    /// Asks for the list again after the user's own changed.
    pub(crate) fn reload(self, id: corral_contract::InstanceId) {
        self.sending
            .then::<List>("list", InstanceRef { id }, move |view| self.view.set(Some(view)));
    }

    fn model(self, name: &str) -> Option<CatalogueModel> {
        self.view.with(|view| view.as_ref()?.items.iter().find(|it| it.name == name).cloned())
    }
}

/// A row that follows its model: the list is asked for again while it shows.
#[component]
fn Entry(page: Discover, name: String) -> impl IntoView {
    let model = Memo::new(move |_| page.model(&name));
    view! { {move || model.get().map(|model| view! { <ModelRow page model /> })} }
}

/// Repositories on hf.co, once they were asked for.
#[component]
fn HubResults(page: Discover) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let pending = page.sending.pending("hub");
    let long =
        Memo::new(move |_| page.filter.with(|filter| filter.text.trim().chars().count() >= 2));
    view! {
        <section class="discover__hub">
            <Show when=move || long.get()>
                <Button
                    icon=icondata::LuSearch
                    pending=pending
                    on_press=move |()| page.search_hub()
                    attr:data-testid="discover-hub"
                >
                    {move || {
                        let text = page.filter.with(|filter| filter.text.trim().to_owned());
                        words.fill("discover.searchHub", &[("text", &text)])
                    }}
                </Button>
            </Show>
            {move || {
                page.hub.get().map(|answer| {
                    let age = answer.at.map(|at| format::age(words, at, stores.now.get_untracked()));
                    let note = answer.problem.as_ref().map(|error| {
                        let line = problem::line(words, error);
                        let text = match &age {
                            Some(age) => words.fill("discover.hubOld", &[("age", age), ("reason", &line)]),
                            None => words.fill("discover.hubSilent", &[("reason", &line)]),
                        };
                        view! { <Note tone=Tone::Warning><span data-testid="discover-hub-problem">{text}</span></Note> }
                    });
                    let nothing = answer.items.is_empty() && answer.problem.is_none();
                    view! {
                        <h2 class="discover__title">{words.signal("discover.hub")}</h2>
                        {note}
                        {nothing.then(|| view! { <p class="dim">{words.signal("discover.hubNone")}</p> })}
                        <ul class="discover__list" on:keydown=row::walk>
                            {answer
                                .items
                                .into_iter()
                                .map(|model| view! { <HubRow page model /> })
                                .collect_view()}
                        </ul>
                    }
                })
            }}
        </section>
    }
}
