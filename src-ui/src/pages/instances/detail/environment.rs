//! The variables of a server: what is set, by whom, and changing it.

use std::collections::BTreeMap;

use corral_contract::{
    InstanceId, TaskId, WireError,
    environment::{EnvironmentView, Group, PRESETS, SPECS, Variable, call},
    instances::InstanceRef,
    tasks::TaskState,
};
use leptos::prelude::*;

use super::super::steer::at_work;
use crate::{
    components::{
        Button, ButtonKind, Checkbox, ErrorCard, Note, Select, Skeleton, TextInput, Ticked, Tone,
    },
    pages::{advice, sending::Sending},
    state::use_stores,
    words::use_words,
};

mod review;
mod row;

use review::Review;
use row::Row;

/// What a person wants changed and did not apply yet.
pub(super) type Values = BTreeMap<String, Option<String>>;

/// The values being edited. They stay while the tab is open, whatever happens to the server.
#[derive(Clone, Copy)]
struct Draft {
    values: RwSignal<Values>,
    /// Values that cannot be written.
    wrong: RwSignal<BTreeMap<&'static str, &'static str>>,
    /// Rises when fields have to be filled anew.
    round: RwSignal<u32>,
}

impl Draft {
    fn fill(self, values: Values) {
        self.values.set(values);
        self.wrong.set(BTreeMap::new());
        self.round.update(|round| *round += 1);
    }
}

/// The tab.
#[component]
pub(super) fn Environment(id: InstanceId, sending: Sending) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let view = RwSignal::new(None::<EnvironmentView>);
    let failure = RwSignal::new(None::<WireError>);
    let draft = Draft {
        values: RwSignal::new(Values::new()),
        wrong: RwSignal::new(BTreeMap::new()),
        round: RwSignal::new(0),
    };
    let reviewing = RwSignal::new(false);
    let applied = RwSignal::new(None::<TaskId>);
    let work = at_work(id);
    let latest = sending.latest();
    let read = move || {
        latest.ask::<call::Read>(InstanceRef { id }, move |answer| match answer {
            Ok(seen) => {
                failure.set(None);
                view.set(Some(seen));
                draft.round.update(|round| *round += 1);
            }
            Err(problem) => failure.set(Some(problem)),
        });
    };
    // At first, and again after something was done to the server.
    Effect::new(move |_| {
        if work.with(Option::is_none) {
            read();
        }
    });
    let ended = Memo::new(move |_| {
        let id = applied.get()?;
        stores.tasks.with(|tasks| {
            let task = tasks.get(id)?;
            task.finished_at.map(|_| (task.state, task.problem.clone()))
        })
    });
    // What was applied is not open any more; what was taken back stays to be mended.
    Effect::new(move |_| {
        if ended.with(|ended| matches!(ended, Some((TaskState::Done, _)))) {
            draft.fill(Values::new());
        }
    });
    let outcome = move || {
        ended.get().map(|(state, problem)| match problem {
            Some(mut problem) => {
                // What the server wrote is the reason, and not a detail of it.
                let lines = problem.detail.take();
                view! {
                    <div class="environment__failed" data-testid="environment-failed">
                        <ErrorCard error=Signal::stored(advice::textual(problem)) />
                        {lines.map(|lines| view! { <pre class="commands__lines">{lines}</pre> })}
                    </div>
                }
                .into_any()
            }
            None if state == TaskState::Done => view! {
                <div data-testid="environment-applied">
                    <Note tone=Tone::Good icon=icondata::LuCircleCheck>
                        {words.signal("environment.applied")}
                    </Note>
                </div>
            }
            .into_any(),
            None => ().into_any(),
        })
    };
    view! {
        <div class="environment">
            <div role="status">
                {move || {
                    work.get().map(|(_, phase)| {
                        let phase = words.get_or(&format!("taskPhase.{phase}"), &phase);
                        view! {
                            <Note tone=Tone::Info icon=icondata::LuLoaderCircle>
                                {words.fill("environment.running", &[("phase", &phase)])}
                            </Note>
                        }
                    })
                }}
                {outcome}
            </div>
            {move || {
                failure.get().map(|error| view! { <ErrorCard error=Signal::stored(error) /> })
            }}
            {move || match view.get() {
                None => view! { <Skeleton rows=6 /> }.into_any(),
                Some(seen) => {
                    view! { <Editor seen draft on_read=move |()| read() /> }.into_any()
                }
            }}
            <Footer
                draft
                busy=Signal::derive(move || work.with(Option::is_some))
                on_review=move |()| reviewing.set(true)
            />
            <Show when=move || reviewing.get()>
                <Review
                    id
                    values=draft.values.get_untracked()
                    on_begun=move |task| applied.set(Some(task))
                    on_close=move |()| reviewing.set(false)
                />
            </Show>
        </div>
    }
}

/// Search, presets, and a field for each variable.
#[component]
fn Editor(
    seen: EnvironmentView,
    draft: Draft,
    #[prop(into)] on_read: Callback<()>,
) -> impl IntoView {
    let words = use_words();
    let search = RwSignal::new(String::new());
    let only_set = RwSignal::new(false);
    let preset = RwSignal::new(String::new());
    let locked = !seen.can_write;
    let why = seen.why_not.clone();
    let problem = seen.problem.clone();
    let how = seen.seen;
    let fits = move |variable: &Variable| {
        let text = search.get().to_lowercase();
        let help = words.get_or(&format!("variable.{}", variable.name), "").to_lowercase();
        let found = variable.name.to_lowercase().contains(&text) || help.contains(&text);
        // Not followed: the fields would be made anew under whoever types.
        let set = variable.next.is_some()
            || draft.values.with_untracked(|values| values.contains_key(&variable.name));
        found && (set || !only_set.get())
    };
    let choose = move |name: String| {
        if let Some(chosen) = PRESETS.iter().find(|preset| preset.name == name) {
            let mut values = draft.values.get_untracked();
            values.extend(
                chosen
                    .values
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))),
            );
            draft.fill(values);
        }
        preset.set(name);
    };
    let options = Signal::derive(move || {
        let one = |name: &str| (name.to_owned(), words.get(&format!("environment.preset.{name}")));
        let none = (String::new(), words.get("environment.presetPick"));
        std::iter::once(none).chain(PRESETS.iter().map(|preset| one(preset.name))).collect()
    });
    let variables = StoredValue::new(seen.variables);
    let gpus = StoredValue::new(seen.gpus);
    let groups = move || {
        draft.round.track();
        let found: Vec<_> = Group::ALL
            .iter()
            .filter_map(|group| {
                let rows: Vec<_> = SPECS
                    .iter()
                    .filter(|spec| spec.group == *group)
                    .filter_map(|spec| {
                        let variable = variables.with_value(|all| {
                            all.iter().find(|it| it.name == spec.name).cloned()
                        })?;
                        let gpus = gpus.get_value();
                        fits(&variable).then(|| view! { <Row spec variable gpus draft locked /> })
                    })
                    .collect();
                let title = words.get(&format!("environment.group.{}", group.as_str()));
                (!rows.is_empty()).then(|| {
                    view! {
                        <section class="environment__group" aria-label=title.clone()>
                            <h3>{title.clone()}</h3>
                            {rows}
                        </section>
                    }
                })
            })
            .collect();
        if found.is_empty() {
            let text = search.get_untracked();
            view! { <p class="dim">{words.fill("environment.none", &[("text", &text)])}</p> }
                .into_any()
        } else {
            found.into_any()
        }
    };
    view! {
        {why.map(|why| {
            view! { <Note tone=Tone::Info>{words.signal_of(format!("steering.why.{why}"))}</Note> }
        })}
        {problem.map(|problem| view! { <ErrorCard error=Signal::stored(problem) /> })}
        <div class="environment__bar">
            <TextInput
                id="environment-search"
                value=search
                placeholder=words.signal("environment.search")
                label=words.signal("environment.search")
                attr:data-testid="environment-search"
            />
            <Select
                id="environment-preset"
                options=options
                value=preset
                label=words.signal("environment.presets")
                on_change=choose
            />
            <Checkbox
                ticked=Signal::derive(move || Ticked::from(only_set.get()))
                label=words.signal("environment.onlySet")
                on_toggle=move |_| only_set.update(|on| *on = !*on)
            />
            <Button small=true icon=icondata::LuRefreshCw on_press=on_read>
                {words.signal("environment.reread")}
            </Button>
        </div>
        <p class="dim" aria-live="polite">
            {move || {
                let name = preset.get();
                match name.as_str() {
                    "" => words.get(&format!("environment.seen.{}", how.as_str())),
                    name => words.get(&format!("environment.presetTrade.{name}")),
                }
            }}
        </p>
        {groups}
    }
}

/// How much is changed, and the way on.
#[component]
fn Footer(
    draft: Draft,
    #[prop(into)] busy: Signal<bool>,
    #[prop(into)] on_review: Callback<()>,
) -> impl IntoView {
    let words = use_words();
    let count = Memo::new(move |_| draft.values.with(BTreeMap::len));
    let wrong = Memo::new(move |_| draft.wrong.with(|wrong| wrong.keys().next().copied()));
    let reason = Signal::derive(move || match wrong.get() {
        Some(name) => draft.wrong.with(|wrong| words.get(&format!("reason.{}", wrong[name]))),
        None => String::new(),
    });
    view! {
        <Show when=move || { count.get() > 0 || wrong.with(Option::is_some) }>
            <div class="environment__footer">
                <span class="num" data-testid="environment-count">
                    {move || words.fill("environment.changes", &[("n", &count.get().to_string())])}
                </span>
                <Button
                    small=true
                    on_press=move |()| draft.fill(Values::new())
                    attr:data-testid="environment-discard"
                >
                    {words.signal("environment.discard")}
                </Button>
                <Button
                    small=true
                    kind=ButtonKind::Primary
                    reason=reason
                    pending=busy
                    on_press=on_review
                    attr:data-testid="environment-review"
                >
                    {words.signal("environment.review")}
                </Button>
            </div>
        </Show>
    }
}
