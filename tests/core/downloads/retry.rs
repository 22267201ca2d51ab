use corral_contract::{
    ErrorCode,
    downloads::{JobState, JobView},
    progress::{Phase, WaitReason},
    settings::{Settings, call::Update},
    status::Status,
};
use corral_testbed::ollama::{Catalogue, Fault, LayerKind, Model, Pace, Pullable};
use futures_util::future::join_all;

use super::stage::{Stage, WEIGHTS, fake};

fn pulls(stage: &Stage) -> usize {
    stage.fake.requests_to("POST", "/api/pull").len()
}

async fn tries(stage: &Stage, max_attempts: u32) {
    let settings = Settings { max_attempts, ..Settings::default() };
    stage.bench.ask::<Update>(settings).await.expect("settings");
}

/// Fails once, for good, with this code.
async fn fails_for_good(stage: &Stage, name: &str, code: ErrorCode) {
    let job = stage.create(name).await.expect("a job").job;
    let failed = stage.until_state(job, JobState::Failed).await;
    assert_eq!(failed.problem.map(|problem| problem.code), Some(code), "{name}");
    assert_eq!(failed.progress.phase, Phase::Failed);
    let row = stage.row(&format!("{name}:latest")).await.expect("the row stays");
    assert_eq!(row.status, Status::Failed, "{name}");
    assert!(!row.message.is_empty(), "{name}: the row says why");
}

// criterion: 2.6
#[tokio::test]
async fn what_only_a_person_can_change_is_not_tried_again() {
    let mut catalogue = Catalogue::empty();
    let manifest = [
        (
            "newer",
            "412: \nThe model requires a newer version of Ollama",
            ErrorCode::NeedsNewerOllama,
        ),
        ("realm", "realm host \"a\" does not match original host \"b\"", ErrorCode::RealmMismatch),
        ("private", "unauthorized: access denied", ErrorCode::SignInNeeded),
    ];
    for (name, text, _) in manifest {
        catalogue.refuse(name, text);
    }
    let blobs = [
        ("redirect", "blocked redirect to a different host", ErrorCode::RedirectBlocked),
        ("space", "write sha256-x-partial: no space left on device", ErrorCode::DiskFull),
        ("location", "http: no Location header in response", ErrorCode::RegistryIncompatible),
        ("status", "unexpected status code 403", ErrorCode::RegistryIncompatible),
        ("mlx", "this model requires MLX support", ErrorCode::PlatformUnsupported),
        ("rights", "open /x/blobs/y: permission denied", ErrorCode::StorePermission),
    ];
    for (name, text, _) in blobs {
        let model = Box::new(Model::new(name));
        let broken = Pullable::BlobError { model, kind: LayerKind::Model, text: text.to_owned() };
        catalogue.insert(&Model::new(name).name, broken);
    }
    let server = fake(&[], Pace::Instant).await;
    server.catalogue(|mine| *mine = catalogue);
    let stage = Stage::on(server).await;
    let unknown = [("nobody", "", ErrorCode::ModelUnknown)];
    let all = manifest.into_iter().chain(blobs).chain(unknown);
    let mut count = 0;
    for (name, _, code) in all {
        fails_for_good(&stage, name, code).await;
        count += 1;
    }
    assert_eq!(pulls(&stage), count, "each was tried once");
}

async fn survives(what: &str, fault: Fault, codes: &[ErrorCode]) {
    let stage = Stage::with(&["a"], Pace::Instant).await;
    stage.fake.fault_once("/api/pull", fault);
    let job = stage.create("a").await.expect("a job").job;
    let waits = |job: &JobView| job.wait.is_some() && job.problem.is_some();
    let waiting = stage.until(&format!("{what}: waits"), job, waits).await;
    let code = waiting.problem.expect("a reason").code;
    assert!(codes.contains(&code), "{what}: {code:?}");
    let done = stage.until(&format!("{what}: done"), job, |job| job.state == JobState::Done).await;
    assert_eq!(done.problem, None, "{what}");
    assert_eq!(pulls(&stage), 2, "{what}");
    let log = stage.log(&done);
    assert!(log.contains(code.as_str()) && log.contains("next try in"), "{what}: {log}");
}

// criterion: 2.6
#[tokio::test]
async fn bad_moments_are_tried_again() {
    use ErrorCode as Code;
    let in_stream = |text: &str| Fault::ErrorInStream { text: text.to_owned(), at: 0.5 };
    let busy = "server busy, please try again.  maximum pending requests exceeded";
    let cases = [
        ("5xx", Fault::Status(500, "boom".to_owned()), vec![Code::ServerFault]),
        ("busy", Fault::Status(503, busy.to_owned()), vec![Code::ServerBusy]),
        ("retries", in_stream("max retries exceeded: EOF"), vec![Code::DownloadInterrupted]),
        (
            "digest",
            in_stream(
                "digest mismatch, file must be downloaded again: want sha256:a, got sha256:b",
            ),
            vec![Code::DigestMismatch],
        ),
        (
            "network",
            in_stream("pull model manifest: Get \"https://r\": dial tcp: i/o timeout"),
            vec![Code::RegistryUnreachable],
        ),
        ("cut", Fault::CloseMidPull { at: 0.5 }, vec![Code::ConnectionLost]),
        ("no last line", Fault::EndEarly { at: 0.5 }, vec![Code::ConnectionLost]),
        ("reset", Fault::Reset, vec![Code::ConnectionLost]),
        ("half a body", Fault::CutBody, vec![Code::ConnectionLost, Code::BadAnswer]),
    ];
    join_all(cases.iter().map(|(what, fault, codes)| survives(what, fault.clone(), codes))).await;
}

// criterion: 2.6
#[tokio::test]
async fn gives_up_after_the_tries_it_was_given() {
    let stage = Stage::with(&["a"], Pace::Instant).await;
    tries(&stage, 2).await;
    stage.fake.fault("/api/pull", Fault::Status(500, "boom".to_owned()));
    let job = stage.create("a").await.expect("a job").job;
    let failed = stage.until_state(job, JobState::Failed).await;
    assert_eq!(failed.problem.map(|problem| problem.code), Some(ErrorCode::ServerFault));
    assert_eq!((failed.attempts, pulls(&stage)), (2, 2));
    stage.fake.heal();
    assert_eq!(stage.resume(job).await, 1);
    stage.until_state(job, JobState::Done).await;
}

// criterion: 2.6
#[tokio::test]
async fn progress_gives_the_tries_back() {
    let stage = Stage::with(&["a"], Pace::Gated).await;
    tries(&stage, 2).await;
    let job = stage.create("a").await.expect("a job").job;
    for part in 1..=3_u64 {
        stage.until_state(job, JobState::Running).await;
        stage.fake.release(WEIGHTS / 8);
        let further = |job: &JobView| job.progress.done >= part * WEIGHTS / 8;
        stage.until("further than before", job, further).await;
        // Ends this attempt; the next one gets further again.
        stage.fake.offline(true);
        stage.fake.offline(false);
        stage.until("waits", job, |job| job.state == JobState::Queued).await;
    }
    stage.fake.pace(Pace::Instant);
    let done = stage.until_state(job, JobState::Done).await;
    assert!(pulls(&stage) > 3, "{done:?}");
}

// criterion: 2.6
#[tokio::test]
async fn a_pull_that_winds_down_is_waited_for() {
    let stage = Stage::with(&["a"], Pace::Gated).await;
    stage.fake.linger_after_cancel(true);
    let job = stage.create("a").await.expect("a job").job;
    stage.fake.release(WEIGHTS / 2);
    stage.until("half of it", job, |job| job.progress.done >= WEIGHTS / 2).await;
    stage.pause(job).await;
    let idle = |fake: &corral_testbed::ollama::Control| fake.downloads().is_empty();
    stage.fake.until("the pull was let go", idle).await.expect("let go");
    stage.fake.pace(Pace::Instant);
    stage.resume(job).await;
    let done = stage.until_state(job, JobState::Done).await;
    assert_eq!(done.attempts, 0, "it is no failed try");
    assert!(stage.log(&done).contains("winds down"), "{}", stage.log(&done));
}

// criterion: 2.6
#[tokio::test]
async fn waits_while_the_instance_is_away_and_goes_on_by_itself() {
    let stage = Stage::with(&["a", "b"], Pace::Gated).await;
    let job = stage.create("a").await.expect("a job").job;
    stage.fake.release(WEIGHTS / 2);
    stage.until("half of it", job, |job| job.progress.done >= WEIGHTS / 2).await;
    stage.fake.offline(true);
    let away = |job: &JobView| job.wait == Some(WaitReason::Offline);
    stage.until("waits for its instance", job, away).await;
    let late = stage.create("b").await.expect("can be queued all the same").job;
    stage.until("waits as well", late, away).await;
    assert_eq!(stage.row("a:latest").await.expect("a row").status, Status::Queued);
    stage.fake.pace(Pace::Instant);
    stage.fake.offline(false);
    for job in [job, late] {
        stage.until_state(job, JobState::Done).await;
    }
}
