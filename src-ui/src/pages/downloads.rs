//! The Downloads page: the queue as a whole, its jobs, and what is over.

use corral_contract::{
    JobId,
    command::Nothing,
    downloads::{JobState, call},
    instances::ApiState,
};
use leptos::prelude::*;

use crate::{
    components::{Button, ButtonKind, EmptyState, Glyph, Note, Tone},
    frame::shortcuts::{Wish, use_keyboard},
    navigation::{Page, use_navigation},
    pages::{instances::probe, loaded::Loaded, sending::Sending},
    state::use_stores,
    words::use_words,
};

pub mod back;
mod cancel;
mod drag;
mod finished;
mod hours;
mod layers;
mod limit;
mod more;
mod order;
mod row;
pub(super) mod said;
#[cfg(test)]
pub(crate) mod sample;
mod schedule;
mod total;

use cancel::CancelQuestion;
use drag::Drag;
use finished::Finished;
use hours::Figures;
use limit::LimitCard;
use row::Row;
use total::{ParallelCard, TotalCard};

/// The Downloads page.
#[component]
pub fn DownloadsPage() -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let sending = Sending::here();
    let get_model = get_model();
    use_keyboard().on_wish(move |wish| {
        if wish == Wish::New {
            get_model();
        }
    });
    let summary =
        move || stores.downloads.with(|downloads| said::summary(words, &downloads.metrics));
    let any = move |states: &'static [JobState]| {
        Memo::new(move |_| {
            stores
                .downloads
                .with(|downloads| downloads.jobs().iter().any(|job| states.contains(&job.state)))
        })
    };
    let resume_all = move |()| sending.send::<call::ResumeAll>("downloads-resume-all", Nothing {});
    let pause_all = move |()| sending.send::<call::PauseAll>("downloads-pause-all", Nothing {});
    let going = any(&[JobState::Queued, JobState::Running]);
    let resting = any(&[JobState::Paused]);
    view! {
        <div class="page__head">
            <h1 class="page__title">{words.signal("nav.downloads")}</h1>
            <span class="page__sub" data-testid="downloads-summary">{summary}</span>
            <span class="page__gap"></span>
            <Show when=move || resting.get()>
                <Button
                    icon=icondata::LuPlay
                    pending=sending.pending("downloads-resume-all")
                    on_press=resume_all
                    attr:data-testid="downloads-resume-all"
                >
                    {words.signal("downloads.resumeAll")}
                </Button>
            </Show>
            <Show when=move || going.get()>
                <Button
                    icon=icondata::LuPause
                    pending=sending.pending("downloads-pause-all")
                    on_press=pause_all
                    attr:data-testid="downloads-pause-all"
                >
                    {words.signal("downloads.pauseAll")}
                </Button>
            </Show>
            <Button
                kind=ButtonKind::Primary
                icon=icondata::LuPlus
                on_press=move |()| get_model()
                attr:data-testid="downloads-get"
            >
                {words.signal("downloads.get")}
            </Button>
        </div>
        <Loaded>
            <Queue sending />
        </Loaded>
        <Announcement />
    }
}

/// Goes where a download begins: the dialog of the Models page, which hears the wish once it shows.
fn get_model() -> impl Fn() + Copy + Send + Sync + 'static {
    let (navigation, keyboard) = (use_navigation(), use_keyboard());
    move || {
        navigation.open(Page::Models);
        request_animation_frame(move || keyboard.ask(Wish::New));
    }
}

#[component]
fn Queue(sending: Sending) -> impl IntoView {
    let (stores, words, get_model) = (use_stores(), use_words(), get_model());
    let current = Memo::new(move |_| stores.downloads.with(|all| order::current(all.jobs())));
    let finished = Memo::new(move |_| stores.downloads.with(|all| order::finished(all.jobs())));
    let cancelling = RwSignal::new(None::<JobId>);
    let drag = Drag::new(stores, sending);
    view! {
        <div class="downloads" data-testid="downloads-page">
            <Offline sending />
            <Held />
            <div class="downloads__cards">
                <TotalCard />
                <LimitCard sending />
                <ParallelCard sending />
            </div>
            <Show
                when=move || current.with(|jobs| !jobs.is_empty())
                fallback=move || {
                    view! {
                        <div class="downloads__empty">
                            <EmptyState
                                icon=icondata::LuDownload
                                title=words.signal("downloads.emptyTitle")
                                text=words.signal("downloads.emptyText")
                            >
                                <Button
                                    kind=ButtonKind::Primary
                                    icon=icondata::LuPlus
                                    on_press=move |()| get_model()
                                >
                                    {words.signal("downloads.get")}
                                </Button>
                            </EmptyState>
                        </div>
                    }
                }
            >
                <div class="downloads__list" role="list" aria-label=words.signal("downloads.queue")>
                    <div class="download download--head" aria-hidden="true">
                        <span></span>
                        <span>{words.signal("downloads.name")}</span>
                        <span>{words.signal("downloads.phase")}</span>
                        <span>{words.signal("downloads.progress")}</span>
                        <span class="download__minute">{words.signal("downloads.minute")}</span>
                        <span class="download__left">{words.signal("downloads.left")}</span>
                        <span></span>
                    </div>
                    <For each=move || current.get() key=|id| *id let:id>
                        <Row id sending drag on_cancel=move |id| cancelling.set(Some(id)) />
                    </For>
                </div>
            </Show>
            <Show when=move || finished.with(|jobs| !jobs.is_empty())>
                <Finished jobs=finished sending />
            </Show>
            <Folded title=words.signal("figures.title")>
                <Figures sending />
            </Folded>
        </div>
        {move || {
            cancelling.get().map(|id| {
                view! { <CancelQuestion id sending on_close=move |()| cancelling.set(None) /> }
            })
        }}
    }
}

/// Something below the list that is made when it is opened.
#[component]
fn Folded(#[prop(into)] title: Signal<String>, children: ChildrenFn) -> impl IntoView {
    let open = RwSignal::new(false);
    let children = StoredValue::new(children);
    view! {
        <section class="downloads-folded">
            <button
                type="button"
                class="downloads-folded__title"
                aria-expanded=move || if open.get() { "true" } else { "false" }
                data-testid="downloads-figures-open"
                on:click=move |_| open.update(|open| *open = !*open)
            >
                {move || view! {
                    <Glyph icon=if open.get() { icondata::LuChevronDown } else { icondata::LuChevronRight } />
                }}
                {title}
            </button>
            <Show when=move || open.get()>{children.with_value(|children| children())}</Show>
        </section>
    }
}

/// Says why nothing moves at all, and where that was set.
#[component]
fn Held() -> impl IntoView {
    let (stores, words, navigation) = (use_stores(), use_words(), use_navigation());
    let hold = Memo::new(move |_| stores.downloads.with(|all| all.metrics.hold.clone()));
    let text = move || hold.with(|hold| hold.as_ref().map(|hold| said::held(words, hold)));
    view! {
        <Show when=move || hold.with(Option::is_some)>
            <Note tone=Tone::Warning icon=icondata::LuPause>
                <span class="downloads__offline" data-testid="downloads-held">
                    <span>{text}</span>
                    <Button small=true on_press=move |()| navigation.open(Page::Settings)>
                        {words.signal("nav.settings")}
                    </Button>
                </span>
            </Note>
        </Show>
    }
}

/// Says which servers do not answer while they have jobs, and lets ask them again.
#[component]
fn Offline(sending: Sending) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let silent = Memo::new(move |_| {
        let waiting: Vec<_> = stores.downloads.with(|downloads| {
            let over = |state| matches!(state, JobState::Done | JobState::Cancelled);
            let jobs = downloads.jobs().iter();
            jobs.filter(|job| !over(job.state)).map(|job| job.instance).collect()
        });
        stores.instances.with(|instances| {
            instances
                .all()
                .iter()
                .filter(|each| each.api.state == ApiState::Down && waiting.contains(&each.id))
                .map(|each| (each.id, each.name.clone()))
                .collect::<Vec<_>>()
        })
    });
    view! {
        <For each=move || silent.get() key=|each| each.clone() let:each>
            {
                let (id, name) = each;
                let text = move || words.fill("downloads.offline", &[("name", &name)]);
                view! {
                    <Note tone=Tone::Warning icon=icondata::LuWifiOff>
                        <span class="downloads__offline">
                            <span>{text}</span>
                            <Button
                                small=true
                                icon=icondata::LuRefreshCw
                                pending=sending.pending(&probe::key(id))
                                on_press=move |()| probe::now(sending, id)
                            >
                                {words.signal("advice.tryNow")}
                            </Button>
                        </span>
                    </Note>
                }
            }
        </For>
    }
}

/// Tells a screen reader how far the queue is, at most at every tenth.
#[component]
fn Announcement() -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let tenth =
        Memo::new(move |_| stores.downloads.with(|downloads| said::announced(&downloads.metrics)));
    view! {
        <p class="visually-hidden" role="status" aria-live="polite">
            {move || tenth.get().map(|percent| {
                words.fill("downloads.announce", &[("percent", &percent.to_string())])
            })}
        </p>
    }
}
