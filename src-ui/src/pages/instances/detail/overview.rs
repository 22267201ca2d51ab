//! What runs a server, and the buttons for it.

use corral_contract::{
    InstanceId,
    instances::{InstanceRef, ServiceState, call},
    steering::{AllowSteering, Allowance, Consent, SteeringView},
};
use leptos::prelude::*;

use crate::{
    components::{Button, Note, Skeleton, Switch, Tone},
    pages::{
        instances::{
            conflicts::Conflicts,
            steer::{Act, Commands, Steer, SteerQuestion, at_work},
        },
        sending::Sending,
    },
    state::use_stores,
    words::use_words,
};

/// What runs the server, and the buttons for it.
#[component]
pub(super) fn Overview(id: InstanceId, sending: Sending) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let steer = Steer::new(id, sending);
    let seen = steer.answered;
    let work = at_work(id);
    let state = Memo::new(move |_| {
        stores.instances.with(|all| all.get(id).map(|view| view.service.clone()))
    });
    let latest = sending.latest();
    // At first, and again when the process changed or something was done to it.
    Effect::new(move |_| {
        state.with(|_| ());
        if work.with(Option::is_none) {
            latest.ask::<call::Steering>(InstanceRef { id }, move |answer| match answer {
                Ok(view) => seen.set(Some(view)),
                Err(problem) => sending.failed(problem),
            });
        }
    });
    let forget = move |()| {
        let request = AllowSteering { id, how: Allowance::Never };
        sending.then::<call::Allow>("forget", request, move |view| seen.set(Some(view)));
    };
    view! {
        {move || match seen.get() {
            None => view! { <Skeleton rows=4 /> }.into_any(),
            Some(view) => {
                let runs = state.with(|it| {
                    it.as_ref().is_some_and(|it| it.state == ServiceState::Running)
                });
                view! { <Facts view runs steer on_forget=forget /> }.into_any()
            }
        }}
        {move || {
            work.get().map(|(_, phase)| {
                let phase = words.get_or(&format!("taskPhase.{phase}"), &phase);
                view! { <p role="status" class="dim" data-testid="steer-phase">{phase}</p> }
            })
        }}
        <SteerQuestion steer />
    }
}

#[component]
fn Facts(
    view: SteeringView,
    /// The process is seen.
    runs: bool,
    steer: Steer,
    #[prop(into)] on_forget: Callback<()>,
) -> impl IntoView {
    let words = use_words();
    let pending = steer.pending();
    let (runner, unit) = (view.runner, view.unit.clone());
    let by = move || {
        let runner = words.get(&format!("runner.{}", runner.as_str()));
        match &unit {
            Some(unit) => words.fill("steering.under", &[("runner", &runner), ("unit", unit)]),
            None => runner,
        }
    };
    let consent = view.consent;
    let button = move |act: Act, icon, name: &'static str| {
        view! {
            <Button
                small=true
                icon=icon
                pending=pending
                on_press=move |()| steer.press(act)
                attr:data-testid=name
            >
                {words.signal_of(act.word().to_owned())}
            </Button>
        }
    };
    let autostart = view.autostart.filter(|_| view.can_autostart);
    view! {
        <div class="steering">
            <Conflicts all=view.conflicts />
            <dl class="steering__facts">
                <dt>{words.signal("steering.unit")}</dt>
                <dd data-testid="steering-unit">{by}</dd>
                {(view.can_start || view.can_stop)
                    .then(|| {
                        let consent = format!("steering.consent.{}", consent.as_str());
                        view! {
                            <dt>{words.signal("steering.rights")}</dt>
                            <dd>{words.signal_of(consent)}</dd>
                        }
                    })}
            </dl>
            {view.why_not.map(|why| {
                view! {
                    <Note tone=Tone::Info>{words.signal_of(format!("steering.why.{why}"))}</Note>
                }
            })}
            <div class="steering__acts">
                {(view.can_start && !runs)
                    .then(|| button(Act::Start, icondata::LuPlay, "steer-start"))}
                {view.can_stop.then(|| button(Act::Stop, icondata::LuSquare, "steer-stop"))}
                {(view.can_start && view.can_stop)
                    .then(|| button(Act::Restart, icondata::LuRotateCw, "steer-restart"))}
                {(consent == Consent::Always)
                    .then(|| {
                        view! {
                            <Button
                                small=true
                                on_press=on_forget
                                attr:data-testid="steer-forget"
                            >
                                {words.signal("steering.forget")}
                            </Button>
                        }
                    })}
            </div>
            {match autostart {
                Some(on) => {
                    view! {
                        <Switch
                            on=Signal::stored(on)
                            label=words.signal("steering.autostart")
                            on_change=move |on: bool| steer.press(Act::Autostart(on))
                            attr:data-testid="steer-autostart"
                        />
                    }
                        .into_any()
                }
                None if view.can_start => {
                    view! { <p class="faint">{words.signal("steering.autostartUnknown")}</p> }
                        .into_any()
                }
                None => ().into_any(),
            }}
            <Commands lines=if runs { view.restart } else { view.start } />
        </div>
    }
}
