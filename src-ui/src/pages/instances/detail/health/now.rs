use corral_contract::{
    health::{LevelFact, LevelState, call::Check},
    instances::InstanceRef,
};
use leptos::prelude::*;

use super::View;
use crate::{
    components::{Button, StatusBadge},
    format, problem,
    state::use_stores,
    words::use_words,
};

/// The five steps.
#[component]
pub(super) fn Levels(view: View) -> impl IntoView {
    let words = use_words();
    let levels = Memo::new(move |_| view.read(|report| report.levels.clone()).unwrap_or_default());
    let check = move |()| {
        view.sending.ask::<Check>("check levels", InstanceRef { id: view.id }, move |answer| {
            view.take(answer);
        });
    };
    view! {
        <section aria-label=words.signal("healthTab.levels")>
            <header class="health-tab__head">
                <h3>{words.signal("healthTab.levels")}</h3>
                <Button
                    small=true
                    icon=icondata::LuRefreshCw
                    pending=view.sending.pending("check levels")
                    on_press=check
                    attr:data-testid="health-check"
                >
                    {words.signal("healthTab.check")}
                </Button>
            </header>
            <ol class="levels" data-testid="health-levels">
                {move || levels.get().into_iter().map(|fact| view! { <Step fact /> }).collect_view()}
            </ol>
        </section>
    }
}

#[component]
fn Step(fact: LevelFact) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let (icon, tone) = match fact.state {
        LevelState::Ok => (icondata::LuCircleCheck, "ok"),
        LevelState::Failed => (icondata::LuCircleAlert, "bad"),
        LevelState::Skipped | LevelState::NotAsked => (icondata::LuCircleDashed, "off"),
    };
    let state = fact.state.as_str();
    let ms = fact.ms.map(|ms| format::milliseconds(ms.into()));
    let text = move || {
        let word = words.get(&format!("levelState.{state}"));
        ms.as_ref().map_or(word, Clone::clone)
    };
    let name = format!("level-{}-{state}", fact.level.as_str());
    let at = fact.at;
    view! {
        <li class="levels__step" data-testid=name>
            <span>{words.signal_of(format!("level.{}", fact.level.as_str()))}</span>
            <StatusBadge icon=icon tone=tone text=Signal::derive(text) />
            <small class="faint num">
                {move || at.map(|at| format::age(words, at, stores.now.get()))}
            </small>
            {fact.problem.map(|error| {
                view! { <small class="levels__why">{move || problem::describe(words, &error).title}</small> }
            })}
        </li>
    }
}
