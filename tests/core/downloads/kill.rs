//! A process of its own does the main job and is killed without a word; then the core is opened
//! again on what it left.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use corral_contract::{
    InstanceId, JobId,
    command::Nothing,
    downloads::{self, JobIds, JobState, JobView},
    instances::InstanceRef,
    models::{self, CreateModel, DeleteModels, ModelRow, ModelSearchRequest, StartModel},
    progress::WaitReason,
    settings::{self, Settings},
    status::{Install, Status},
    sync,
};
use corral_core::{Core, CoreConfig};
use corral_testbed::ollama::{Control, Name, Pace};
use futures_util::StreamExt;

use super::stage::{ask, fake, online, seed, until, until_job, wish};

const NAMES: [&str; 6] = ["m0", "m1", "m2", "m3", "m4", "m5"];
const FOLDER: &str = "CORRAL_TEST_KILL_FOLDER";
const SERVER: &str = "CORRAL_TEST_KILL_SERVER";
const SCRIPT: &str = "downloads::kill::the_main_job_of_a_process_to_kill";
const KILLS: u64 = 20;
/// Changes on the server during one undisturbed run of the script, roughly.
const CHANGES: u64 = 80;

/// Bytes per second of each download: the script then takes about two seconds.
const PACE: Pace = Pace::Rate(6_000_000);

/// Not a test of its own: only as the child of the one below it does anything.
#[tokio::test(flavor = "multi_thread")]
async fn the_main_job_of_a_process_to_kill() {
    let (Ok(folder), Ok(server)) = (std::env::var(FOLDER), std::env::var(SERVER)) else { return };
    let core = Core::start(config(Path::new(&folder), &server)).await.expect("the core starts");
    let instance = online(&core).await;
    let now = Settings { undo_seconds: 0, ..Settings::default() };
    ask::<settings::call::Update>(&core, now).await;
    let mut jobs = Vec::new();
    for name in NAMES {
        let job = ask::<models::call::Create>(&core, wish(instance, name)).await;
        say("keeps", name);
        jobs.push(job);
    }
    let done = |job: &JobView| job.state == JobState::Done;
    say("leaves", "m5");
    ask::<downloads::call::Cancel>(&core, JobIds { ids: vec![jobs[5].job] }).await;
    ask::<downloads::call::Pause>(&core, JobIds { ids: vec![jobs[4].job] }).await;
    until_job(&core, "the first", jobs[0].job, done).await;
    let start = StartModel::with(jobs[0].model, Default::default());
    ask::<models::call::Start>(&core, start).await;
    ask::<downloads::call::Resume>(&core, JobIds { ids: vec![jobs[4].job] }).await;
    until_job(&core, "the second", jobs[1].job, done).await;
    say("leaves", "m1");
    let delete = DeleteModels { ids: vec![jobs[1].model], force: false, ..Default::default() };
    ask::<models::call::Delete>(&core, delete).await;
    ask::<sync::call::Run>(&core, InstanceRef { id: instance }).await;
    let again = CreateModel { update: true, ..wish(instance, "m2") };
    ask::<models::call::Create>(&core, again).await;
    until_job(&core, "the last", jobs[4].job, done).await;
    std::future::pending::<()>().await;
}

fn say(what: &str, name: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what} {name}").and_then(|()| out.flush()).expect("a parent that listens");
}

fn config(folder: &Path, server: &str) -> CoreConfig {
    let mut config = CoreConfig::in_folder(folder);
    seed(&mut config, server);
    config
}

/// The child; never outlives its test.
struct Victim(Child);

impl Victim {
    fn start(folder: &Path, server: &str) -> Victim {
        let itself = std::env::current_exe().expect("this very program");
        let child = Command::new(itself)
            .args(["--exact", SCRIPT, "--nocapture", "--test-threads", "1"])
            .env(FOLDER, folder)
            .env(SERVER, server)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Victim(child.expect("the child starts"))
    }

    /// Kills it and tells which names it had been promised (`keeps`) and had given up (`leaves`).
    fn kill(mut self) -> (BTreeSet<String>, BTreeSet<String>) {
        self.0.kill().expect("killed");
        let out = self.0.stdout.take().expect("its output");
        let (mut keeps, mut leaves) = (BTreeSet::new(), BTreeSet::new());
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            // The harness writes before the first of them, on the same line.
            let mut words = line.split_whitespace().rev();
            match (words.next(), words.next()) {
                (Some(name), Some("keeps")) => keeps.insert(name.to_owned()),
                (Some(name), Some("leaves")) => leaves.insert(name.to_owned()),
                _ => false,
            };
        }
        self.0.wait().expect("gone");
        (keeps, leaves)
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Both fail when it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Always the same points, spread over the whole script.
fn point(round: u64) -> u64 {
    let mixed = (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) >> 11;
    round * CHANGES / KILLS + mixed % (CHANGES / 4) + 1
}

// criterion: 2.8
#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_double_and_stick_nothing() {
    let rounds = futures_util::stream::iter(0..KILLS).map(round).buffer_unordered(4);
    rounds.collect::<Vec<()>>().await;
}

async fn round(round: u64) {
    let fake = fake(&NAMES, PACE).await;
    let folder = tempfile::tempdir().expect("a folder");
    let victim = Victim::start(folder.path(), &fake.url());
    let (seen, point) = (AtomicU64::new(0), point(round));
    let asks = |_: &Control| seen.fetch_add(1, Ordering::Relaxed) > 0;
    fake.until("the child asks something", asks).await.expect("a child that asks something");
    let far_enough = |_: &Control| seen.fetch_add(1, Ordering::Relaxed) >= point;
    // A script that was faster has less to change at its end; it is killed all the same.
    let _ = tokio::time::timeout(Duration::from_secs(10), fake.until("it", far_enough)).await;
    let (keeps, leaves) = tokio::task::spawn_blocking(move || victim.kill()).await.expect("killed");
    fake.pace(Pace::Instant);
    let what = format!("round {round}, killed at {point}: kept {keeps:?}, left {leaves:?}");
    let core = Core::start(config(folder.path(), &fake.url())).await.expect(&what);
    whole(&core, &what).await;
    let instance = online(&core).await;
    settle(&core, &what).await;
    ask::<sync::call::Run>(&core, InstanceRef { id: instance }).await;
    settle(&core, &what).await;
    let jobs = ask::<downloads::call::List>(&core, Nothing {}).await.jobs;
    let rows = rows(&core, instance).await;
    for name in keeps.difference(&leaves) {
        let row = rows.iter().find(|row| row.name == format!("{name}:latest"));
        let row = row.unwrap_or_else(|| panic!("{what}: {name} is lost"));
        let there = matches!(row.status, Status::Stopped | Status::Running);
        let paused = row.status == Status::Paused && name == "m4";
        assert!(there || paused, "{what}: {row:?}");
    }
    let mut models = BTreeSet::new();
    for job in jobs.iter().filter(|job| job.state == JobState::Paused) {
        assert!(models.insert(job.model), "{what}: doubled {job:?}");
        assert_eq!(job.wait, Some(WaitReason::User), "{what}: stuck {job:?}");
    }
    agrees(&fake.control(), &rows, &what);
    core.shutdown().await;
}

async fn whole(core: &Core, what: &str) {
    let answer: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(core.db.read())
        .await
        .expect("an answer");
    assert_eq!(answer, "ok", "{what}");
    let broken = sqlx::query("PRAGMA foreign_key_check").fetch_all(core.db.read()).await;
    assert!(broken.expect("an answer").is_empty(), "{what}");
    let doubled: Vec<i64> = sqlx::query_scalar(
        "SELECT model_id FROM job WHERE state IN ('queued', 'running', 'paused')
         GROUP BY model_id HAVING COUNT(*) > 1",
    )
    .fetch_all(core.db.read())
    .await
    .expect("an answer");
    assert!(doubled.is_empty(), "{what}: {doubled:?}");
}

/// Waits until nothing is under way any more.
async fn settle(core: &Core, what: &str) {
    let still = async || {
        let jobs = ask::<downloads::call::List>(core, Nothing {}).await.jobs;
        let waits = |job: &JobView| matches!(job.state, JobState::Queued | JobState::Running);
        let rows = all_rows(core).await;
        let moves = |row: &ModelRow| {
            matches!(
                row.status,
                Status::Starting
                    | Status::Stopping
                    | Status::Queued
                    | Status::Downloading
                    | Status::Verifying
            ) || row.operation.is_some()
        };
        let open: Vec<JobId> = jobs.iter().filter(|job| waits(job)).map(|job| job.id).collect();
        (open.is_empty() && !rows.iter().any(moves)).then_some(())
    };
    until(core, &format!("{what}: all at rest"), still).await;
}

async fn all_rows(core: &Core) -> Vec<ModelRow> {
    let request = ModelSearchRequest { page_size: 500, ..Default::default() };
    ask::<models::call::Search>(core, request).await.items
}

async fn rows(core: &Core, instance: InstanceId) -> Vec<ModelRow> {
    all_rows(core).await.into_iter().filter(|row| row.instance == instance).collect()
}

/// No row says what the server does not confirm, and the server has nothing unknown.
fn agrees(server: &Control, rows: &[ModelRow], what: &str) {
    let there = |name: &str| {
        let name = Name::parse(name).expect("a name");
        server.store(|store| store.find(&name).is_some())
    };
    for row in rows {
        let ready = row.install == Install::Ready;
        assert_eq!(ready, there(&row.name), "{what}: {row:?}");
        if row.status == Status::Running {
            assert!(server.loaded().contains(&row.name), "{what}: {row:?}");
        }
    }
    for name in NAMES.iter().filter(|name| there(name)) {
        let known = rows.iter().any(|row| row.name == format!("{name}:latest"));
        assert!(known, "{what}: {name} is there and not shown");
    }
}
