//! Schedules of single instances, with the clock in the test's hand.

use std::sync::Arc;

use corral_contract::{
    ErrorCode, Timestamp,
    app::{Visible, call as app},
    event::AppEvent,
    instances::InstanceRef,
    settings::{Settings, call as settings},
    sync::{
        Held, Rhythm, Schedule, ScheduleView, SetSchedule, SyncHistoryRequest, SyncReport, Trigger,
        call,
    },
};
use corral_core::{Core, CoreConfig, clock::ManualClock};
use corral_testbed::ollama::{FakeOllama, Fault, Model, library};

use crate::{
    played::Played,
    stage::{Stage, clock},
    support::{START, until},
};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn cron(expression: &str) -> Rhythm {
    Rhythm::Cron { expression: expression.to_owned() }
}

/// Only the rhythm, so that nothing else explains a run.
fn only(rhythm: Rhythm) -> Schedule {
    Schedule { rhythm, on_start: false, on_wake: false, ..Schedule::default() }
}

async fn save(stage: &Stage, schedule: Option<Schedule>) -> ScheduleView {
    let request = SetSchedule { id: stage.instance, schedule };
    stage.bench.ask::<call::SaveSchedule>(request).await.expect("it is saved")
}

async fn read(stage: &Stage) -> ScheduleView {
    let request = InstanceRef { id: stage.instance };
    stage.bench.ask::<call::ReadSchedule>(request).await.expect("the schedule")
}

/// Moves the wall clock and has everybody look at it, as a window does that comes to the front.
async fn pass(stage: &Stage, milliseconds: i64) {
    stage.bench.clock.advance(milliseconds);
    let visible = Visible { visible: true };
    stage.bench.ask::<app::SetVisible>(visible).await.expect("it is told");
}

/// The latest report of a trigger, as soon as there is one.
async fn report_of(stage: &Stage, trigger: Trigger) -> SyncReport {
    until(&stage.bench.core, &format!("a sync by {trigger:?}"), async || {
        let request =
            SyncHistoryRequest { trigger: Some(trigger), ..SyncHistoryRequest::default() };
        let history = stage.bench.ask::<call::History>(request).await.expect("the history");
        history.items.into_iter().next()
    })
    .await
}

async fn next_is(stage: &Stage, wanted: Option<Timestamp>) {
    until(&stage.bench.core, &format!("the next run is {wanted:?}"), async || {
        (read(stage).await.next == wanted).then_some(())
    })
    .await;
}

/// With every worker, and nothing that repeats.
async fn alive(change: impl FnOnce(&mut CoreConfig)) -> Stage {
    let stage = Stage::with([library::pick("llama3.2:3b")], change).await;
    let off = Settings { sync_minutes: 0, ..Settings::default() };
    stage.bench.ask::<settings::Update>(off).await.expect("the settings are saved");
    stage
}

// criterion: 4.7
#[tokio::test]
async fn an_instance_follows_its_own_cron_in_the_zone_of_the_machine() {
    // Monday, 09:20 in a zone two hours ahead.
    let stage = alive(|config| {
        config.clock = Arc::new(ManualClock::at(START).in_zone(|_| 7200));
    })
    .await;
    let shown = save(&stage, Some(only(cron("0 3 * * *")))).await;
    assert_eq!(shown.own, Some(only(cron("0 3 * * *"))));
    assert_eq!(shown.usual.rhythm, Rhythm::Off);
    // 03:00 there is 01:00 in UTC; START is 08:00 of a Monday in UTC.
    let preview = stage.bench.ask::<call::Preview>(only(cron("0 3 * * *"))).await;
    let runs = preview.expect("the next runs").runs;
    let days =
        |runs: &[Timestamp]| runs.iter().map(|at| at.0.rem_euclid(24 * HOUR)).collect::<Vec<_>>();
    assert_eq!(days(&runs), [HOUR, HOUR, HOUR]);
    next_is(&stage, Some(runs[0])).await;
    let view = stage.bench.ask::<corral_contract::instances::call::List>(Default::default()).await;
    assert_eq!(view.expect("the list").items[0].next_sync, Some(runs[0]), "the card says it too");
}

// criterion: 4.7
#[tokio::test]
async fn a_run_comes_when_its_time_does_and_counts_as_scheduled() {
    let stage = alive(|_| {}).await;
    save(&stage, Some(only(cron("*/15 * * * *")))).await;
    let next = START.plus(15 * MINUTE - START.0.rem_euclid(15 * MINUTE));
    next_is(&stage, Some(next)).await;
    pass(&stage, 15 * MINUTE).await;
    let report = report_of(&stage, Trigger::Schedule).await;
    assert_eq!((report.unchanged, report.completed), (1, true));
    // An interval instead; the other instances still follow the settings.
    save(&stage, Some(only(Rhythm::Every { minutes: 30 }))).await;
    pass(&stage, 31 * MINUTE).await;
    report_of(&stage, Trigger::Interval).await;
    let none = save(&stage, None).await;
    assert_eq!(none.own, None);
    next_is(&stage, None).await;
}

// criterion: 4.7
#[tokio::test]
async fn waking_up_is_seen_by_the_clocks() {
    let stage = alive(|_| {}).await;
    let wakes = Schedule { on_wake: true, ..only(Rhythm::Off) };
    save(&stage, Some(wakes)).await;
    pass(&stage, 8 * HOUR).await;
    report_of(&stage, Trigger::Wake).await;
}

// criterion: 4.7
#[tokio::test]
async fn a_run_waits_while_the_connection_is_paid_by_volume() {
    let line = Played::default();
    line.metered(true);
    let machine = Arc::new(line.clone());
    let stage = alive(|config| config.machine = machine).await;
    let careful = Schedule { skip_metered: true, ..only(Rhythm::Every { minutes: 10 }) };
    save(&stage, Some(careful)).await;
    pass(&stage, 12 * MINUTE).await;
    until(&stage.bench.core, "the run is held", async || {
        (read(&stage).await.held == Some(Held::Metered)).then_some(())
    })
    .await;
    let by_hand = stage.bench.ask::<call::Run>(InstanceRef { id: stage.instance }).await;
    assert!(by_hand.is_ok(), "who asks himself is not held up");
    line.metered(false);
    pass(&stage, 1000).await;
    report_of(&stage, Trigger::Interval).await;
}

// criterion: 4.4
// criterion: 4.7
#[tokio::test]
async fn a_scheduled_run_that_fails_is_planned_again_and_told_after_as_many_as_set() {
    let stage = alive(|_| {}).await;
    let settings = Settings { sync_minutes: 0, sync_failures: 1, ..Settings::default() };
    stage.bench.ask::<settings::Update>(settings).await.expect("the settings are saved");
    let mut events = stage.bench.core.bus.listen();
    stage.server.fault_once("/api/tags", Fault::Status(500, "disk on fire".to_owned()));
    save(&stage, Some(only(Rhythm::Every { minutes: 10 }))).await;
    pass(&stage, 12 * MINUTE).await;
    let failed = report_of(&stage, Trigger::Interval).await;
    assert_eq!(failed.errors[0].code, ErrorCode::ServerFault);
    assert!(!failed.completed);
    loop {
        if let AppEvent::Notice(notice) = &events.next().await.expect("the core lives").event {
            assert_eq!(notice.subject, "lab");
            break;
        }
    }
    // Half a minute later, not in ten.
    let next = stage.bench.core.now().plus(30_000);
    until(&stage.bench.core, "it is tried again soon", async || {
        let planned = read(&stage).await.next?;
        (planned.since(next).abs() < 5_000).then_some(())
    })
    .await;
}

// criterion: 4.7
#[tokio::test]
async fn what_is_wrong_with_an_expression_is_said_by_its_place() {
    let stage = Stage::quiet([]).await;
    let wrong = stage.bench.ask::<call::Preview>(only(cron("0 3 * * funday"))).await;
    let wrong = wrong.expect_err("it is refused");
    assert_eq!(wrong.code, ErrorCode::InvalidInput);
    assert_eq!((wrong.params["field"].as_str(), wrong.params["position"].as_str()), ("cron", "5"));
    let never = SetSchedule { id: stage.instance, schedule: Some(only(cron("0 0 30 2 *"))) };
    let never = stage.bench.ask::<call::SaveSchedule>(never).await.expect_err("it is refused");
    assert_eq!(never.params["reason"], "cronNever");
    assert_eq!(read(&stage).await.own, None, "nothing was saved");
}

// criterion: 4.7
#[tokio::test]
async fn a_schedule_is_there_after_a_restart() {
    let server = FakeOllama::builder().clock(clock()).models([Model::new("a:1")]).start().await;
    let stage = Stage::on(server.expect("the fake server starts"), |_| {}).await;
    let mine = Schedule { jitter_seconds: 60, ..only(Rhythm::Every { minutes: 7 }) };
    save(&stage, Some(mine.clone())).await;
    stage.bench.core.shutdown().await;
    let again = Core::start(CoreConfig::in_folder(stage.bench.folder.path())).await;
    let again = again.expect("it starts again");
    let request = InstanceRef { id: stage.instance };
    let actor = corral_contract::audit::Actor::Window;
    let view = again.run::<call::ReadSchedule>(actor, request).await.expect("the schedule");
    assert_eq!(view.own, Some(mine));
    again.shutdown().await;
}
