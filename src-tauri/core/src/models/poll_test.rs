use std::sync::Arc;

use corral_contract::{InstanceId, name::ModelName, status::Status};

use super::*;
use crate::{
    CoreConfig,
    clock::ManualClock,
    config::Workers,
    db::failed,
    models::store::{self, NewModel},
    ollama::LoadedModel,
};

const START: Timestamp = Timestamp(1_795_420_800_000);
const MINUTE: i64 = 60_000;
const LAB: InstanceId = InstanceId(1);

struct Bench {
    core: Core,
    clock: ManualClock,
    watch: Watch,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// An instance with these models, all stopped.
    async fn with(names: &[&str]) -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::at(START);
        let mut config = CoreConfig::in_folder(folder.path());
        config.clock = Arc::new(clock.clone());
        config.workers = Workers::None;
        let core = Core::start(config).await.expect("the core starts");
        let mut transaction = core.db.write().await.expect("a transaction");
        sqlx::query(
            "INSERT INTO instance (id, name, kind, runner, url, created_at)
             VALUES (1, 'lab', 'remote', 'unknown', 'http://127.0.0.1:1/', 0)",
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)
        .expect("an instance");
        for name in names {
            let name = ModelName::parse(name).expect("a name");
            let new = NewModel {
                instance: LAB,
                name: &name,
                origin: corral_contract::status::Origin::Official,
                install: Install::Ready,
                created_at: START,
            };
            store::insert(&mut transaction, new).await.expect("a row");
        }
        transaction.commit().await.expect("it is written");
        Bench { core, clock, watch: Watch::default(), _folder: folder }
    }

    async fn look(&mut self, loaded: &[LoadedModel]) {
        let sight = self.watch.runners(&self.core, LAB).await;
        self.watch.look(&self.core, LAB, loaded, &sight).await.expect("a look");
    }

    async fn row(&self, name: &str) -> StoredModel {
        let name = ModelName::parse(name).expect("a name");
        store::find(&self.core, LAB, &name).await.expect("an answer").expect("a row")
    }

    /// As after an operation of ours.
    async fn started(&self, name: &str, expires_at: Option<Timestamp>) {
        let id = self.row(name).await.id;
        let change = Change::by(Cause::User);
        let done = edit(&self.core, id, change, |row| {
            row.run = Run::Running;
            row.memory = Some(memory_of(&entry(name, expires_at)));
        });
        done.await.expect("it runs");
    }

    async fn last(&self, name: &str) -> (Status, Cause) {
        let id = self.row(name).await.id;
        let row: (String, String) = sqlx::query_as(
            "SELECT to_status, cause FROM history WHERE model_id = ? ORDER BY id DESC LIMIT 1",
        )
        .bind(id.0)
        .fetch_one(self.core.db.read())
        .await
        .expect("a line of history");
        (Status::parse(&row.0).expect("a status"), Cause::parse(&row.1).expect("a cause"))
    }

    async fn last_note(&self, name: &str) -> String {
        sqlx::query_scalar("SELECT note FROM history WHERE model_id = ? ORDER BY id DESC LIMIT 1")
            .bind(self.row(name).await.id.0)
            .fetch_one(self.core.db.read())
            .await
            .expect("a line of history")
    }

    async fn notices(&self) -> usize {
        let all = notices::recent(&self.core).await.expect("the notices");
        all.iter().filter(|notice| notice.kind == NoticeKind::ModelCrashed).count()
    }
}

fn entry(name: &str, expires_at: Option<Timestamp>) -> LoadedModel {
    LoadedModel {
        name: name.to_owned(),
        size: 1000,
        size_vram: 600,
        expires_at,
        ..LoadedModel::default()
    }
}

#[tokio::test]
async fn a_model_whose_time_is_over_was_idle() {
    let mut bench = Bench::with(&["a:1"]).await;
    let until = START.plus(5 * MINUTE);
    bench.started("a:1", Some(until)).await;
    bench.look(&[entry("a:1", Some(until))]).await;
    bench.clock.advance(5 * MINUTE + 1);
    bench.look(&[]).await;
    assert_eq!(bench.last("a:1").await, (Status::Stopped, Cause::Idle));
}

#[tokio::test]
async fn a_busy_model_may_be_listed_past_its_time_and_runs() {
    let mut bench = Bench::with(&["a:1"]).await;
    let until = START.plus(MINUTE);
    bench.started("a:1", Some(until)).await;
    for _ in 0..10 {
        bench.clock.advance(MINUTE);
        bench.look(&[entry("A:1", Some(until))]).await;
        assert_eq!(bench.row("a:1").await.run, Run::Running);
    }
    bench.look(&[]).await;
    assert_eq!(bench.last("a:1").await, (Status::Stopped, Cause::Idle));
}

#[tokio::test]
async fn one_that_makes_room_for_another_was_evicted_even_when_that_shows_later() {
    let mut bench = Bench::with(&["a:1", "b:1", "c:1", "d:1"]).await;
    let until = Some(START.plus(5 * MINUTE));
    bench.started("a:1", until).await;
    bench.look(&[entry("a:1", until)]).await;
    bench.clock.advance(2000);
    bench.look(&[entry("b:1", until)]).await;
    assert_eq!(bench.last("a:1").await, (Status::Stopped, Cause::Evicted));
    assert_eq!(bench.last_note("a:1").await, "b:1", "it says for whom");

    bench.started("c:1", until).await;
    bench.look(&[entry("c:1", until)]).await;
    bench.clock.advance(2000);
    // Nothing is listed while the other one is being loaded.
    bench.look(&[]).await;
    assert_eq!(bench.row("c:1").await.run, Run::Crashed);
    bench.clock.advance(4000);
    bench.look(&[entry("d:1", until)]).await;
    assert_eq!(bench.last("c:1").await, (Status::Stopped, Cause::Evicted));
    assert_eq!(bench.last_note("c:1").await, "d:1");
    bench.clock.advance(MINUTE);
    bench.look(&[entry("d:1", until)]).await;
    assert_eq!(bench.notices().await, 0, "nobody is alarmed for nothing");
}

#[tokio::test]
async fn what_we_started_and_nothing_explains_has_crashed_and_is_told_once() {
    let mut bench = Bench::with(&["a:1", "pinned:1"]).await;
    let until = Some(START.plus(5 * MINUTE));
    bench.started("a:1", until).await;
    bench.started("pinned:1", None).await;
    bench.look(&[entry("a:1", until), entry("pinned:1", None)]).await;
    bench.clock.advance(2000);
    bench.look(&[]).await;
    assert_eq!(bench.last("a:1").await, (Status::Crashed, Cause::Crash));
    assert_eq!(bench.last("pinned:1").await, (Status::Crashed, Cause::Crash));
    assert_eq!(bench.notices().await, 0, "not before it had time to be explained");
    for _ in 0..3 {
        bench.clock.advance(NOTICE_AFTER);
        bench.look(&[]).await;
    }
    assert_eq!(bench.notices().await, 2);
}

// criterion: 3.8
#[tokio::test]
async fn what_vanished_just_before_its_server_went_with_it() {
    let mut bench = Bench::with(&["guessed:1", "seen:1", "before:1"]).await;
    let until = START.plus(60 * MINUTE);
    for name in ["guessed:1", "seen:1", "before:1"] {
        bench.started(name, Some(until)).await;
    }
    let all = ["guessed:1", "seen:1", "before:1"].map(|name| entry(name, Some(until)));
    bench.look(&all).await;
    let now = bench.core.now();
    let before = bench.row("before:1").await;
    bench.watch.crashes(&bench.core, &before, now, true).await.expect("it is written");

    bench.clock.advance(NOTICE_AFTER + 2000);
    bench.look(&all[1..2]).await;
    let now = bench.core.now();
    let seen = bench.row("seen:1").await;
    bench.watch.crashes(&bench.core, &seen, now, true).await.expect("it is written");
    assert_eq!(bench.last("guessed:1").await, (Status::Crashed, Cause::Crash));

    bench.watch.went_away(&bench.core).await.expect("it is explained");
    assert_eq!(bench.last("guessed:1").await, (Status::Stopped, Cause::Instance));
    assert_eq!(bench.last("seen:1").await, (Status::Stopped, Cause::Instance));
    let before = bench.last("before:1").await;
    assert_eq!(before, (Status::Crashed, Cause::Crash), "the server ran on without it");

    bench.started("seen:1", Some(until)).await;
    bench.watch.anew(false);
    bench.look(&[]).await;
    let after = bench.last("seen:1").await;
    assert_eq!(after, (Status::Stopped, Cause::Instance), "it was away since the last look");
}

#[tokio::test]
async fn what_another_client_loaded_is_its_own_to_unload() {
    let mut bench = Bench::with(&["a:1"]).await;
    let until = Some(START.plus(5 * MINUTE));
    bench.look(&[]).await;
    bench.look(&[entry("a:1", until)]).await;
    assert_eq!(bench.last("a:1").await, (Status::Running, Cause::External));
    bench.clock.advance(2000);
    bench.look(&[]).await;
    assert_eq!(bench.last("a:1").await, (Status::Stopped, Cause::External));
}

#[tokio::test]
async fn an_alias_of_the_same_content_shares_the_runner() {
    let mut bench = Bench::with(&["a:1", "b:1"]).await;
    for name in ["a:1", "b:1"] {
        let id = bench.row(name).await.id;
        let digest = edit(&bench.core, id, Change::by(Cause::Sync), |row| {
            row.digest = Some("d".repeat(64));
        });
        digest.await.expect("it is written");
    }
    let loaded = LoadedModel { digest: Some("d".repeat(64)), ..entry("a:1", None) };
    bench.look(&[loaded]).await;
    assert_eq!(bench.row("b:1").await.run, Run::Running);
    bench.look(&[]).await;
    assert_eq!(bench.row("b:1").await.run, Run::Stopped);
}

#[tokio::test]
async fn a_look_that_finds_nothing_new_writes_and_tells_nothing() {
    let mut bench = Bench::with(&["a:1", "b:1"]).await;
    let loaded = [entry("a:1", None)];
    bench.look(&loaded).await;
    let before = bench.core.bus.seq();
    // Counts follow a change a little later; they are no change of a row.
    let mut listener = bench.core.bus.listen();
    bench.look(&loaded).await;
    bench.core.bus.send(corral_contract::event::AppEvent::Resync);
    loop {
        let envelope = listener.next().await.expect("the bus lives");
        match &envelope.event {
            corral_contract::event::AppEvent::Counts(_) => {}
            corral_contract::event::AppEvent::Resync => break,
            other => panic!("after {before}: {other:?}"),
        }
    }
}
