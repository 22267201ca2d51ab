//! How servers are over time: asked step by step, measured, missed when they are gone, started again
//! where that is wished, and left alone when it does not help.
//!
//! The pollers of `instances` tell every answer; processes on this machine are looked at each second.
//! Only what belongs to Corral, or what its user allowed, is ever started.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use corral_contract::{
    InstanceId, Timestamp, WireError,
    event::AppEvent,
    health::{
        Compute, Configure, DismissFinding, HealthReport, Incident, IncidentKind, Level, LevelFact,
        LevelState, Reach, Recovery, RecoveryState, Rules, Strategy, call,
    },
    instances::InstanceRef,
};
use tokio::{sync::mpsc, time::Instant};

use crate::{Core, Result, instances, router::Handle};

mod causes;
mod figures;
mod hands;
mod incidents;
mod levels;
mod log;
mod plan;
mod restart;
mod rules;
mod store;
mod watch;
mod worker;

pub(crate) use watch::{loaded, measured};
pub(crate) use worker::start;

use figures::Slot;
use plan::Plan;

/// Incidents that a report carries.
const INCIDENTS: i64 = 50;

/// So long after the user stopped a server it may go without being missed.
const ON_PURPOSE: Duration = Duration::from_secs(60);

/// Something that the worker has to do with, in its order.
enum Event {
    Down(InstanceId, WireError),
    Up(InstanceId),
}

/// Owned by the core.
pub(crate) struct State {
    lives: Mutex<BTreeMap<InstanceId, Live>>,
    tell: mpsc::UnboundedSender<Event>,
    /// Held by the worker; a new one after a failure takes it over.
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Event>>,
}

impl Default for State {
    fn default() -> Self {
        let (tell, events) = mpsc::unbounded_channel();
        State { lives: Mutex::default(), tell, events: tokio::sync::Mutex::new(events) }
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<InstanceId, Live>> {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One server while Corral runs.
struct Live {
    rules: Rules,
    levels: Vec<LevelFact>,
    /// What was not written down yet.
    slots: BTreeMap<Timestamp, Slot>,
    /// Questions that nobody answered since it went: no outage, should it come back as another
    /// version.
    doubt: BTreeMap<Timestamp, i64>,
    /// Whether it answered last; `None` = not asked yet.
    up: Option<bool>,
    /// What it was when it answered last.
    version: Option<String>,
    /// What goes on.
    open: Option<Incident>,
    plan: Plan,
    /// As it is written down.
    kept: RecoveryState,
    /// Why the last start failed.
    problem: Option<WireError>,
    /// When the user stopped it.
    stopped: Option<Instant>,
    /// Its process ended and it has not answered since.
    gone: bool,
    /// Its number, and when it began.
    gone_process: Option<(u32, Option<Timestamp>)>,
    /// When it was last asked on all levels, and when a model was last tried.
    probed: Option<Instant>,
    tried: Option<Instant>,
    compute: Vec<Compute>,
    /// Models that were seen in graphics memory, and those of them that are loaded without it now.
    on_gpu: HashMap<String, u64>,
    on_cpu: HashSet<String>,
}

impl Live {
    /// Whether the user just stopped it, or wants it left alone.
    fn on_purpose(&self) -> bool {
        self.plan.state == RecoveryState::Held
            || self.stopped.is_some_and(|at| at.elapsed() < ON_PURPOSE)
    }
}

impl Default for Live {
    fn default() -> Self {
        Live {
            rules: Rules::default(),
            levels: levels::fresh(),
            slots: BTreeMap::new(),
            doubt: BTreeMap::new(),
            up: None,
            version: None,
            open: None,
            plan: Plan::new(RecoveryState::Idle),
            kept: RecoveryState::Idle,
            problem: None,
            stopped: None,
            gone: false,
            gone_process: None,
            probed: None,
            tried: None,
            compute: Vec::new(),
            on_gpu: HashMap::new(),
            on_cpu: HashSet::new(),
        }
    }
}

/// Takes up what was known before: rules, what was given up, what was going on.
///
/// # Errors
/// Database errors.
pub(crate) async fn recover(core: &Core) -> Result<()> {
    for (id, rules, state) in store::rules(&core.db).await? {
        let mut lives = core.health.lock();
        let live = lives.entry(id).or_default();
        (live.rules, live.plan, live.kept) = (rules, Plan::new(state), state);
    }
    for (id, incident) in store::open(&core.db).await? {
        let version = instances::version(core, id);
        let mut lives = core.health.lock();
        let live = lives.entry(id).or_default();
        (live.open, live.version) = (Some(incident), version);
    }
    watch::recover(core).await
}

/// Writes down what was measured; for the end of Corral.
pub(crate) async fn stop(core: &Core) {
    if let Err(error) = worker::flush(core).await {
        tracing::warn!(%error, "the last figures of servers were not kept");
    }
}

/// Tells the windows that a report is out of date.
fn changed(core: &Core, id: InstanceId) {
    core.bus.send(AppEvent::HealthChanged(id));
}

/// How long a question may take and how many follow a failed one before it counts.
pub(crate) fn patience(core: &Core, id: InstanceId) -> (Duration, u32) {
    let lives = core.health.lock();
    let rules = lives.get(&id).map(|live| (live.rules.timeout_seconds, live.rules.retries));
    let (timeout, retries) =
        rules.unwrap_or((Rules::default().timeout_seconds, Rules::default().retries));
    (Duration::from_secs(timeout.into()), retries)
}

/// The time between two questions, where the user set one.
pub(crate) fn interval(core: &Core, id: InstanceId) -> Option<Duration> {
    let seconds = core.health.lock().get(&id)?.rules.interval_seconds;
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

/// A server answered within so many ms, or did not. Returns at once.
pub(crate) fn heard(core: &Core, id: InstanceId, answer: std::result::Result<u32, &WireError>) {
    let now = core.now();
    let slot = figures::begin_of(now);
    let event = {
        let mut lives = core.health.lock();
        let live = lives.entry(id).or_default();
        levels::heard(&mut live.levels, answer, now);
        let measured = live.slots.entry(slot).or_default();
        measured.asked += 1;
        let before = live.up.replace(answer.is_ok());
        match answer {
            Ok(ms) => {
                measured.answered += 1;
                measured.latencies.push(ms);
                live.plan.up(Instant::now());
                (before != Some(true)).then_some(Event::Up(id))
            }
            Err(problem) => {
                // One that never answered since Corral knows it is not missed.
                let missed = before == Some(true) || live.open.is_some() || !live.doubt.is_empty();
                if missed {
                    *live.doubt.entry(slot).or_default() += 1;
                }
                (before == Some(true)).then(|| Event::Down(id, problem.clone()))
            }
        }
    };
    if let Some(event) = event {
        // The worker ends only with Corral.
        let _ = core.health.tell.send(event);
    }
}

/// The user stopped it, or just did: nobody has to be told that it went, or that it is back.
pub(crate) fn expected(core: &Core, id: InstanceId) -> bool {
    let held = |live: &Live| {
        let held = live.open.as_ref().is_some_and(|it| it.kind == IncidentKind::Held);
        held || live.on_purpose()
    };
    core.health.lock().get(&id).is_some_and(held)
}

/// Asks on all levels.
///
/// # Errors
/// `NOT_FOUND`.
async fn ask(core: &Core, id: InstanceId) -> Result<()> {
    let before = core.health.lock().entry(id).or_default().levels.clone();
    let (limit, _) = patience(core, id);
    let levels = levels::probe(core, id, before, limit).await?;
    if let Some(live) = core.health.lock().get_mut(&id) {
        live.levels = levels;
        live.probed = Some(Instant::now());
    }
    changed(core, id);
    Ok(())
}

async fn report(core: &Core, id: InstanceId) -> Result<HealthReport> {
    // Whoever asks about one that is not known gets that answer.
    instances::view(core, id).await?;
    let now = core.now();
    let mut slots = store::slots::since(&core.db, id, now.plus(-figures::KEEP)).await?;
    let incidents = store::incidents(&core.db, id, INCIDENTS).await?;
    let findings = store::findings(&core.db, id).await?;
    let (reach, why_not) = hands::reach(core, id).await?;
    let mut lives = core.health.lock();
    let live = lives.entry(id).or_default();
    for (at, slot) in &live.slots {
        slots.entry(*at).or_default().add(slot);
    }
    let due = live.plan.due.map(|due| {
        let wait = due.saturating_duration_since(Instant::now()).as_millis();
        now.plus(i64::try_from(wait).unwrap_or(0))
    });
    Ok(HealthReport {
        instance: id,
        rules: live.rules.clone(),
        levels: live.levels.clone(),
        stretches: figures::stretches(&slots, now),
        slots: figures::picture(&slots, now),
        incidents,
        findings,
        recovery: Recovery {
            state: live.plan.state,
            failed: live.plan.failed,
            due,
            problem: live.problem.clone(),
            reach,
            why_not: why_not.map(str::to_owned),
        },
        largest: causes::largest(&live.compute),
        compute: live.compute.clone(),
    })
}

impl Handle<call::Report> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<HealthReport> {
        report(self, id).await
    }
}

impl Handle<call::Check> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<HealthReport> {
        ask(self, id).await?;
        // What cannot be read takes nothing from the rest.
        if let Err(error) = log::look(self, id).await {
            tracing::debug!(instance = %id, %error, "the log of a server says nothing");
        }
        report(self, id).await
    }
}

/// A server that Corral itself runs is started again at once, unless the user says otherwise.
///
/// # Errors
/// Database errors.
pub(crate) async fn look_after(core: &Core, id: InstanceId) -> Result<()> {
    let rules = Rules { strategy: Strategy::Immediate, ..Rules::default() };
    let state = {
        let mut lives = core.health.lock();
        let live = lives.entry(id).or_default();
        live.rules = rules.clone();
        live.kept
    };
    store::keep_rules(&core.db, id, &rules, state).await
}

/// Whether the user wants to start a server himself when it is gone.
pub(crate) fn is_left_alone(core: &Core, id: InstanceId) -> bool {
    let lives = core.health.lock();
    lives.get(&id).is_some_and(|live| live.rules.strategy == Strategy::Manual)
}

impl Handle<call::Set> for Core {
    async fn handle(&self, Configure { instance, rules }: Configure) -> Result<HealthReport> {
        instances::view(self, instance).await?;
        let (reach, _) = hands::reach(self, instance).await?;
        rules::check(&rules, reach)?;
        let state = {
            let mut lives = self.health.lock();
            let live = lives.entry(instance).or_default();
            if live.rules.strategy != rules.strategy && live.plan.state == RecoveryState::Waiting {
                live.plan = Plan::new(RecoveryState::Idle);
            }
            if rules.inference_model.is_none() {
                let asked = |fact: &&mut LevelFact| fact.level == Level::Inference;
                if let Some(fact) = live.levels.iter_mut().find(asked) {
                    (fact.state, fact.ms, fact.problem) = (LevelState::NotAsked, None, None);
                }
            }
            live.rules = rules.clone();
            live.kept
        };
        store::keep_rules(&self.db, instance, &rules, state).await?;
        // The new rhythm begins now.
        instances::suspect(self, instance);
        changed(self, instance);
        report(self, instance).await
    }
}

impl Handle<call::TryNow> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<HealthReport> {
        instances::view(self, id).await?;
        let (reach, _) = hands::reach(self, id).await?;
        if reach == Reach::Never {
            return Err(WireError::new(corral_contract::ErrorCode::ServiceMissing));
        }
        self.health.lock().entry(id).or_default().plan.try_now();
        restart::keep_state(self, id).await;
        let begun = self.health.lock().entry(id).or_default().plan.begin(Instant::now());
        if begun {
            restart::begin(self, id);
        }
        report(self, id).await
    }
}

impl Handle<call::StopTrying> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<HealthReport> {
        instances::view(self, id).await?;
        self.health.lock().entry(id).or_default().plan.hold();
        restart::keep_state(self, id).await;
        changed(self, id);
        report(self, id).await
    }
}

impl Handle<call::Dismiss> for Core {
    async fn handle(&self, what: DismissFinding) -> Result<HealthReport> {
        if store::dismiss(&self.db, &what, self.now()).await? {
            changed(self, what.instance);
        }
        report(self, what.instance).await
    }
}
