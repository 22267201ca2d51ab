//! Starting, stopping and setting up a server, with the question that comes first where the server
//! is not Corral's.

use corral_contract::{
    InstanceId, TaskId,
    instances::{InstanceRef, call},
    models::OpRef,
    steering::{AllowSteering, Allowance, Consent, SetAutostart, SteeringView},
};
use leptos::prelude::*;

use crate::{
    components::{Checkbox, Confirm, Ticked},
    format,
    pages::sending::Sending,
    state::use_stores,
    words::use_words,
};

/// What is done to what runs a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Start,
    Stop,
    Restart,
    Autostart(bool),
}

impl Act {
    fn title(self) -> &'static str {
        match self {
            Act::Start => "steering.askStart",
            Act::Stop => "steering.askStop",
            Act::Restart => "steering.askRestart",
            Act::Autostart(_) => "steering.askAutostart",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Act::Start => "steering.start",
            Act::Stop => "steering.stop",
            Act::Restart => "steering.restart",
            Act::Autostart(_) => "steering.autostart",
        }
    }

    fn equivalent(self, view: &SteeringView) -> Vec<String> {
        match self {
            Act::Start => view.start.clone(),
            Act::Stop => view.stop.clone(),
            Act::Restart => view.restart.clone(),
            Act::Autostart(true) => view.enable.clone(),
            Act::Autostart(false) => view.disable.clone(),
        }
    }
}

/// Sends what a person wants of one server, after he agreed.
#[derive(Clone, Copy)]
pub(super) struct Steer {
    id: InstanceId,
    sending: Sending,
    asking: RwSignal<Option<(Act, SteeringView)>>,
    /// What the core answered last to a change of what it shows.
    pub(super) answered: RwSignal<Option<SteeringView>>,
}

impl Steer {
    pub(super) fn new(id: InstanceId, sending: Sending) -> Steer {
        Steer { id, sending, asking: RwSignal::new(None), answered: RwSignal::new(None) }
    }

    fn key(self) -> String {
        format!("steer {}", self.id)
    }

    pub(super) fn pending(self) -> Signal<bool> {
        self.sending.pending(&self.key())
    }

    /// Asks first where somebody has to agree or something is lost.
    pub(super) fn press(self, act: Act) {
        let stores = use_stores();
        let loaded = stores
            .instances
            .with_untracked(|all| all.get(self.id).is_some_and(|view| view.running > 0));
        let loses = loaded && matches!(act, Act::Stop | Act::Restart);
        let request = InstanceRef { id: self.id };
        self.sending.then::<call::Steering>(&self.key(), request, move |view| {
            if view.consent == Consent::Ask || loses {
                self.asking.set(Some((act, view)));
            } else {
                self.send(act);
            }
        });
    }

    fn agreed(self, act: Act, consent: Consent, always: bool) {
        agreed(self.sending, self.id, Some(consent), always, move |view| {
            if view.is_some() {
                self.answered.set(view);
            }
            self.send(act);
        });
    }

    fn send(self, act: Act) {
        let (sending, key, request) = (self.sending, self.key(), InstanceRef { id: self.id });
        match act {
            Act::Start => sending.then::<call::Start>(&key, request, |OpRef { .. }| {}),
            Act::Stop => sending.then::<call::Stop>(&key, request, |OpRef { .. }| {}),
            Act::Restart => sending.then::<call::Restart>(&key, request, |OpRef { .. }| {}),
            Act::Autostart(on) => {
                let request = SetAutostart { id: self.id, on };
                sending.then::<call::Autostart>(&key, request, move |view| {
                    self.answered.set(Some(view));
                });
            }
        }
    }
}

/// The user agreed, once or for good: his word is kept where it is needed, then it is done. What is
/// known of the server by then comes along where somebody had to be asked.
pub(super) fn agreed(
    sending: Sending,
    id: InstanceId,
    consent: Option<Consent>,
    always: bool,
    act: impl FnOnce(Option<SteeringView>) + 'static,
) {
    if consent != Some(Consent::Ask) {
        act(None);
        return;
    }
    let how = if always { Allowance::Always } else { Allowance::Once };
    let request = AllowSteering { id, how };
    sending.then::<call::Allow>(&format!("allow {id}"), request, |view| act(Some(view)));
}

/// The question of [`Steer`], while there is one.
#[component]
pub(super) fn SteerQuestion(steer: Steer) -> impl IntoView {
    move || steer.asking.get().map(|(act, view)| view! { <Question steer act seen=view /> })
}

#[component]
fn Question(steer: Steer, act: Act, seen: SteeringView) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let (name, loaded) = stores.instances.with_untracked(|all| {
        all.get(steer.id).map(|view| (view.name.clone(), view.running)).unwrap_or_default()
    });
    let title = Signal::derive(move || words.fill(act.title(), &[("name", &name)]));
    let always = RwSignal::new(false);
    let (consent, lines) = (seen.consent, act.equivalent(&seen));
    let loses = matches!(act, Act::Stop | Act::Restart) && loaded > 0;
    view! {
        <Confirm
            title=title
            go=words.signal_of(act.word().to_owned())
            keep=words.signal("common.cancel")
            harmless=matches!(act, Act::Start | Act::Autostart(_))
            name="steer"
            on_go=move |()| steer.agreed(act, consent, always.get_untracked())
            on_close=move |()| steer.asking.set(None)
            attr:data-testid="dialog-steer"
        >
            {loses.then(|| {
                let n = format::count(loaded);
                view! { <p>{move || words.fill("steering.loses", &[("n", &n)])}</p> }
            })}
            <Agreement seen lines always />
        </Confirm>
    }
}

/// What a person agrees to: whose server it is, what is done to it, and for how long he agrees.
#[component]
pub(super) fn Agreement(
    seen: SteeringView,
    /// What a person would type for the same.
    lines: Vec<String>,
    always: RwSignal<bool>,
) -> impl IntoView {
    let words = use_words();
    let asks = seen.consent == Consent::Ask;
    let (runner, unit) = (seen.runner, seen.unit.unwrap_or_default());
    let whose = move || {
        let runner = words.get(&format!("runner.{}", runner.as_str()));
        words.fill("steering.notOurs", &[("runner", &runner), ("unit", &unit)])
    };
    view! {
        {asks.then(|| view! { <p>{whose}</p> })}
        <Commands lines />
        {asks
            .then(|| {
                view! {
                    <Checkbox
                        ticked=Signal::derive(move || Ticked::from(always.get()))
                        label=words.signal("steering.remember")
                        on_toggle=move |_| always.update(|on| *on = !*on)
                        attr:data-testid="steer-remember"
                    />
                }
            })}
    }
}

/// What a person would type.
#[component]
pub(super) fn Commands(lines: Vec<String>) -> impl IntoView {
    let words = use_words();
    (!lines.is_empty()).then(|| {
        view! {
            <div class="commands">
                <p class="faint">{words.signal("steering.alike")}</p>
                <pre class="commands__lines">{lines.join("\n")}</pre>
            </div>
        }
    })
}

/// The task that works on a server now, of the given kinds.
pub(super) fn at_work(id: InstanceId) -> Memo<Option<(TaskId, String)>> {
    use corral_contract::tasks::TaskKind;
    let stores = use_stores();
    Memo::new(move |_| {
        stores.tasks.with(|tasks| {
            let kinds = [
                TaskKind::StartServer,
                TaskKind::StopServer,
                TaskKind::RestartServer,
                TaskKind::Configure,
            ];
            let task =
                tasks.running().find(|it| it.instance == Some(id) && kinds.contains(&it.kind))?;
            Some((task.id, task.phase.clone()))
        })
    })
}
