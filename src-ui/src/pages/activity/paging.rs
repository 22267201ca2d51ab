use std::future::Future;

use corral_contract::WireError;
use leptos::{prelude::*, task::spawn_local};

use crate::{
    components::{Button, EmptyState, ErrorCard, Skeleton},
    words::use_words,
};

/// Rows asked for at once, and the most that one answer may hold.
pub(super) const FEW: u32 = 100;
const MOST: u32 = 500;

/// A list that the core gives in pages, newest first.
pub(super) struct Paging<T: Send + Sync + 'static> {
    pub(super) items: RwSignal<Vec<T>>,
    more: RwSignal<bool>,
    answered: RwSignal<bool>,
    problem: RwSignal<Option<WireError>>,
    waiting: RwSignal<bool>,
    /// Rises with each first page asked for, so that an answer to an older question is dropped.
    round: StoredValue<u32>,
}

impl<T: Send + Sync + 'static> Clone for Paging<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Paging<T> {}

impl<T: Clone + Send + Sync + 'static> Paging<T> {
    pub(super) fn new() -> Paging<T> {
        Paging {
            items: RwSignal::new(Vec::new()),
            more: RwSignal::new(false),
            answered: RwSignal::new(false),
            problem: RwSignal::new(None),
            waiting: RwSignal::new(false),
            round: StoredValue::new(0),
        }
    }

    /// How many rows to ask for so that nothing that shows goes away.
    pub(super) fn shown(self) -> u32 {
        let shown = self.items.with_untracked(Vec::len);
        u32::try_from(shown).unwrap_or(MOST).clamp(FEW, MOST)
    }

    /// Replaces the list by an answer.
    pub(super) fn first(
        self,
        ask: impl Future<Output = Result<(Vec<T>, bool), WireError>> + 'static,
    ) {
        let round = self.round.get_value() + 1;
        self.round.set_value(round);
        self.waiting.set(true);
        spawn_local(async move {
            let answer = ask.await;
            if self.round.try_get_value() == Some(round) {
                self.take(answer, false);
            }
        });
    }

    /// Adds older rows.
    pub(super) fn next(
        self,
        ask: impl Future<Output = Result<(Vec<T>, bool), WireError>> + 'static,
    ) {
        let round = self.round.get_value();
        self.waiting.set(true);
        spawn_local(async move {
            let answer = ask.await;
            if self.round.try_get_value() == Some(round) {
                self.take(answer, true);
            }
        });
    }

    fn take(self, answer: Result<(Vec<T>, bool), WireError>, add: bool) {
        self.waiting.set(false);
        match answer {
            Ok((rows, more)) => {
                self.items.update(|items| {
                    if !add {
                        items.clear();
                    }
                    items.extend(rows);
                });
                self.more.set(more);
                self.answered.set(true);
                self.problem.set(None);
            }
            Err(problem) => self.problem.set(Some(problem)),
        }
    }
}

/// A list in pages with its states: on its way, failed, empty, and more to come.
#[component]
pub(super) fn PagedList<T>(
    paging: Paging<T>,
    /// Shown when there is nothing.
    #[prop(into)]
    empty: Signal<String>,
    icon: icondata::Icon,
    /// The caller has rows of its own besides.
    #[prop(optional, into)]
    others: Signal<bool>,
    /// Asks for older rows.
    #[prop(into)]
    on_more: Callback<()>,
    /// The rows.
    children: ChildrenFn,
) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
{
    let words = use_words();
    let nothing = Memo::new(move |_| paging.items.with(Vec::is_empty) && !others.get());
    view! {
        {move || {
            paging.problem.get().map(|problem| {
                view! { <div class="activity__problem"><ErrorCard error=Signal::stored(problem) /></div> }
            })
        }}
        <Show when=move || {
            nothing.get() && !paging.answered.get() && paging.problem.with(Option::is_none)
        }>
            <Skeleton rows=6 />
        </Show>
        <Show when=move || paging.answered.get() && nothing.get()>
            <EmptyState icon=icon title=empty />
        </Show>
        <Show when=move || !nothing.get()>{children()}</Show>
        <Show when=move || paging.more.get()>
            <div class="activity__more">
                <Button
                    pending=paging.waiting
                    on_press=on_more
                    attr:data-testid="activity-more"
                >
                    {words.signal("activity.more")}
                </Button>
            </div>
        </Show>
    }
}
