//! How a server is, step by step; how it was; what is wrong; what is done when it is gone.

use std::sync::Arc;

use corral_contract::{
    InstanceId, WireError,
    health::{HealthReport, call},
    instances::InstanceRef,
};
use leptos::prelude::*;

use crate::{
    components::{ErrorCard, Skeleton},
    pages::{advice, sending::Sending},
    state::use_stores,
    words::use_words,
};

mod cards;
mod happened;
mod now;
mod past;
mod recovery;
mod rules;

use cards::Cards;
use happened::{Findings, Incidents};
use now::Levels;
use past::Past;
use recovery::RecoveryBox;
use rules::RulesForm;

/// What the parts of the tab share.
#[derive(Clone, Copy)]
struct View {
    id: InstanceId,
    sending: Sending,
    report: RwSignal<Option<Arc<HealthReport>>>,
    problem: RwSignal<Option<WireError>>,
}

impl View {
    /// Takes the answer of any command of the domain: each brings the new report.
    fn take(self, answer: Result<HealthReport, WireError>) {
        match answer {
            Ok(report) => {
                self.problem.try_set(None);
                self.report.try_set(Some(Arc::new(report)));
            }
            Err(problem) => {
                self.problem.try_set(Some(problem));
            }
        }
    }

    /// A part of the report; `None` while there is none.
    fn read<T>(self, part: impl Fn(&HealthReport) -> T) -> Option<T> {
        self.report.with(|report| report.as_deref().map(part))
    }
}

/// The whole tab.
#[component]
pub(super) fn HealthTab(id: InstanceId) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let sending = Sending::here();
    let view = View { id, sending, report: RwSignal::new(None), problem: RwSignal::new(None) };
    // Asked again whenever something of it changed, and with every answer of the server.
    let changes = Memo::new(move |_| stores.watched.with(|watched| watched.health(id)));
    let asked = Memo::new(move |_| {
        stores.instances.with(|all| all.get(id).and_then(|it| it.api.checked_at))
    });
    let latest = sending.latest();
    Effect::new(move |_| {
        // Read, not only tracked: what is never read is never computed, and so never changes.
        let _ = (changes.get(), asked.get());
        latest.ask::<call::Report>(InstanceRef { id }, move |answer| view.take(answer));
    });
    let known = Memo::new(move |_| view.report.with(Option::is_some));
    view! {
        <div class="health-tab" tabindex="-1" data-testid="health-tab">
            {move || {
                view.problem.get().map(|problem| {
                    view! { <ErrorCard error=Signal::stored(advice::textual(problem)) /> }
                })
            }}
            <Show
                when=move || known.get()
                fallback=move || view! {
                    <Show when=move || view.problem.with(Option::is_none)>
                        <Skeleton rows=6 />
                    </Show>
                }
            >
                <Findings view />
                <Levels view />
                <Past view />
                <RecoveryBox view />
                <Incidents view />
                <Cards view />
                <section aria-label=words.signal("healthTab.rhythm")>
                    <h3>{words.signal("healthTab.rhythm")}</h3>
                    <RulesForm view />
                </section>
            </Show>
        </div>
    }
}
