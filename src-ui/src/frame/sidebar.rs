//! The pages, with the counts that matter.

use corral_contract::{downloads::JobState, status::Status};
use leptos::prelude::*;

use crate::{
    components::Glyph,
    format,
    navigation::{Page, use_navigation},
    state::use_stores,
    words::use_words,
};

/// Navigation at the left; icons alone in a narrow window.
#[component]
pub(super) fn Sidebar() -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let models = Memo::new(move |_| stores.models.with(|models| models.counts.total));
    let broken = Memo::new(move |_| {
        stores
            .models
            .with(|models| models.counts.of(Status::Failed) + models.counts.of(Status::Crashed))
    });
    let jobs = Memo::new(move |_| {
        stores.downloads.with(|downloads| {
            let open =
                |state| matches!(state, JobState::Queued | JobState::Running | JobState::Paused);
            downloads.jobs().iter().filter(|job| open(job.state)).count() as u64
        })
    });
    let failed =
        Memo::new(move |_| stores.downloads.with(|downloads| u64::from(downloads.metrics.failed)));
    let instances =
        Memo::new(move |_| stores.instances.with(|instances| instances.all().len() as u64));
    let offline =
        Memo::new(move |_| stores.instances.with(|instances| instances.offline().count() as u64));
    let none = Memo::new(|_| 0_u64);
    view! {
        <nav class="frame__side sidebar" aria-label=words.signal("nav.label")>
            <div class="sidebar__brand">
                <span class="sidebar__mark" aria-hidden="true"></span>
                <span class="sidebar__name">"Corral"</span>
            </div>
            <Entry page=Page::Models count=models bad=broken />
            <Entry page=Page::Discover count=none bad=none />
            <Entry page=Page::Downloads count=jobs bad=failed />
            <Entry page=Page::Disk count=none bad=none />
            <Entry page=Page::Instances count=instances bad=offline />
            <Entry page=Page::Activity count=none bad=none />
            <span class="sidebar__gap"></span>
            <Entry page=Page::Help count=none bad=none />
            <Entry page=Page::Settings count=none bad=none />
        </nav>
    }
}

#[component]
fn Entry(
    page: Page,
    /// How many there are; 0 is not shown.
    count: Memo<u64>,
    /// How many need attention.
    bad: Memo<u64>,
) -> impl IntoView {
    let (navigation, words) = (use_navigation(), use_words());
    let on = Signal::derive(move || navigation.page.get() == page);
    view! {
        <a
            class="sidebar__entry"
            class:sidebar__entry--on=on
            href=format!("#{}", page.as_str())
            draggable="false"
            aria-current=move || on.get().then_some("page")
            title=words.signal(page.label())
            data-testid=format!("nav-{}", page.as_str())
            on:click=move |event| {
                event.prevent_default();
                navigation.open(page);
            }
        >
            <Glyph icon=page.icon() />
            <span class="sidebar__label">{words.signal(page.label())}</span>
            <span class="sidebar__counts num">
                {move || {
                    Some(bad.get()).filter(|bad| *bad > 0).map(|bad| {
                        let count = bad.to_string();
                        view! {
                            <span
                                class="sidebar__bad"
                                title=move || words.fill("nav.problems", &[("n", &count)])
                            >
                                "!" {bad}
                            </span>
                        }
                    })
                }}
                {move || Some(count.get()).filter(|count| *count > 0).map(format::count)}
            </span>
        </a>
    }
}
