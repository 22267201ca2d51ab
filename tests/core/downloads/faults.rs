//! What happens around a download: to the store, to the server, to the tag, and by the user's own
//! hand, in each of its phases.

use std::{fs, path::PathBuf};

use corral_contract::{
    ErrorCode, JobId,
    downloads::{JobIds, JobState, JobView, call},
    models::{JobRef, call::Create},
    progress::{Phase, WaitReason},
};
use corral_testbed::{
    content::Content,
    ollama::{Fault, LayerKind},
};

use super::{
    direct::{MB, Place, layers},
    stage::{until_job, wish},
};

/// Phases in which somebody may change his mind.
const PHASES: [Phase; 2] = [Phase::Fetching, Phase::Registering];

/// A download that has reached a phase and stays in it.
async fn held_in(place: &Place, phase: Phase, name: &str) -> JobRef {
    match phase {
        Phase::Fetching => place.registry.rate(Some(2 * MB)),
        _ => place.server.fault("/api/pull", Fault::Hang),
    }
    let asked = place.create(name).await;
    let reached = |job: &JobView| {
        job.state == JobState::Running
            && job.progress.phase == phase
            && (phase != Phase::Fetching || job.progress.done > MB)
    };
    until_job(&place.bench.core, phase.as_str(), asked.job, reached).await;
    asked
}

fn let_go(place: &Place) {
    place.registry.rate(None);
    place.server.heal();
}

/// What lies in the staging folder.
fn staged(place: &Place) -> Vec<PathBuf> {
    let folder = fs::read_dir(place.blobs().join(".corral"));
    folder.into_iter().flatten().flatten().map(|file| file.path()).collect()
}

async fn cancel(place: &Place, id: JobId) {
    let ids = JobIds { ids: vec![id] };
    assert_eq!(place.bench.ask::<call::Cancel>(ids).await.expect("cancelled").changed, 1);
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn cancelling_in_any_phase_leaves_nothing_and_the_next_try_goes_well() {
    for phase in PHASES {
        let place = Place::new().await;
        let parts = layers(41, 12 * MB);
        place.publish("large", &parts);
        let job = held_in(&place, phase, "large").await;
        cancel(&place, job.job).await;
        let gone = async || staged(&place).is_empty().then_some(());
        crate::support::until(&place.bench.core, "nothing is staged", gone).await;
        let row = super::stage::row(&place.bench.core, "large:latest").await;
        assert!(row.is_none(), "{phase:?}: {row:?}");
        let_go(&place);
        let again = place.create("large").await;
        place.done(again.job).await;
        place.whole(&parts);
    }
}

// criterion: 2.8
#[tokio::test(flavor = "multi_thread")]
async fn quitting_in_any_phase_goes_on_at_the_next_start() {
    for phase in PHASES {
        let place = Place::new().await;
        let parts = layers(42, 12 * MB);
        place.publish("large", &parts);
        let job = held_in(&place, phase, "large").await;
        let place = place.reopened().await;
        let_go(&place);
        let sent = place.registry.sent(&parts[0].1.digest);
        place.done(job.job).await;
        place.whole(&parts);
        if phase == Phase::Registering {
            let again = place.registry.sent(&parts[0].1.digest) - sent;
            assert_eq!(again, 0, "every byte was there already");
        }
    }
}

// criterion: 2.6
// Elsewhere nobody removes what is open.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_swept_in_the_middle_costs_bytes_and_no_more() {
    for what in ["staging", "blobs"] {
        let place = Place::new().await;
        let parts = layers(43, 12 * MB);
        place.publish("large", &parts);
        let job = held_in(&place, Phase::Fetching, "large").await;
        let gone = place.blobs();
        let gone = if what == "staging" { gone.join(".corral") } else { gone };
        fs::remove_dir_all(gone).expect(what);
        let_go(&place);
        let ended = place
            .until(what, job.job, |job| matches!(job.state, JobState::Done | JobState::Failed))
            .await;
        assert_eq!(ended.state, JobState::Done, "{what}: {:?}", ended.problem);
        place.whole(&parts);
    }
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_at_the_hand_over_is_waited_for() {
    let mut place = Place::new().await;
    let parts = layers(44, 12 * MB);
    place.publish("large", &parts);
    place.registry.rate(Some(4 * MB));
    let job = place.create("large").await.job;
    place.until("it moves", job, |job| job.progress.done > MB).await;
    place.server.stop().await;
    place.registry.rate(None);
    let waits = place.until("it waits", job, |job| job.wait == Some(WaitReason::Offline)).await;
    assert_eq!(waits.state, JobState::Queued);
    let sent = place.registry.sent(&parts[0].1.digest);
    place.server.restart_same_port().await.expect("it is back");
    place.done(job).await;
    place.whole(&parts);
    assert_eq!(place.registry.sent(&parts[0].1.digest), sent, "nothing is fetched twice");
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_moves_meanwhile_ends_with_the_newer_model() {
    let place = Place::new().await;
    let (old, new) = (layers(45, 12 * MB), layers(46, 6 * MB));
    place.publish("large", &old);
    let job = held_in(&place, Phase::Fetching, "large").await;
    let newer = place.publish("large", &new);
    let_go(&place);
    place.done(job.job).await;
    place.whole(&new);
    let listed = async || {
        let row = super::stage::row(&place.bench.core, "large:latest").await?;
        (row.digest.as_ref() == Some(&newer.digest)).then_some(())
    };
    crate::support::until(&place.bench.core, "the newer one is listed", listed).await;
    let old = place.blobs().join(format!("sha256-{}", old[0].1.digest));
    assert!(!old.exists(), "nothing of the old one is published");
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn a_pull_of_the_same_model_past_corral_does_no_harm() {
    let place = Place::new().await;
    let parts = layers(47, 12 * MB);
    place.publish("large", &parts);
    let job = held_in(&place, Phase::Fetching, "large").await;
    let client =
        corral_core::http::for_server(&place.server.url().parse().expect("a URL"), &[], None)
            .expect("a client");
    let url = format!("{}/api/pull", place.server.url());
    let pulled = client.post(url).body("{\"model\":\"large\",\"stream\":false}").send().await;
    assert!(pulled.expect("an answer").status().is_success());
    let_go(&place);
    place.done(job.job).await;
    place.whole(&parts);
}

// criterion: 2.6
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn blobs_on_another_file_system_stay_there() {
    let Some(disk) = crate::small_disk::SmallDisk::mount() else { return };
    let place = Place::new().await;
    // As people do who move the large part of a store to another drive.
    let moved = disk.place().join("blobs");
    fs::create_dir(&moved).expect("a folder");
    for blob in fs::read_dir(place.blobs()).expect("blobs").flatten() {
        // Without its bytes: they are zeros, and more than there is room for.
        let copy = fs::File::create(moved.join(blob.file_name())).expect("a copy");
        let size = blob.metadata().expect("its size").len();
        copy.set_len(size).expect("as long");
    }
    fs::remove_dir_all(place.blobs()).expect("removed");
    std::os::unix::fs::symlink(&moved, place.blobs()).expect("a link");
    let parts = vec![(LayerKind::Model, Content::seeded(48, 2 * MB))];
    place.publish("small", &parts);
    let job = place.create("small").await.job;
    place.done(job).await;
    place.whole(&parts);
    assert!(place.blobs().join(".corral").exists(), "what grows lies beside what it becomes");
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_is_none_is_refused_in_words() {
    for (what, body) in [
        ("a page", "<html>Please log in</html>".to_owned()),
        ("a list", "{\"schemaVersion\":2,\"manifests\":[]}".to_owned()),
        (
            "a path",
            format!(
                "{{\"layers\":[{{\"digest\":\"sha256:../../{}\",\"size\":1}}]}}",
                "a".repeat(58)
            ),
        ),
        (
            "below nothing",
            format!("{{\"layers\":[{{\"digest\":\"sha256:{}\",\"size\":-1}}]}}", "a".repeat(64)),
        ),
        ("too much", " ".repeat(5 << 20)),
    ] {
        let place = Place::new().await;
        place.registry.manifest_status(Some((200, &body)));
        let force =
            corral_contract::models::CreateModel { force: true, ..wish(place.instance, "large") };
        let refused = place.bench.ask::<Create>(force).await;
        // Either at once or, where only the server can tell, as the end of the job.
        let problem = match refused {
            Err(problem) => problem,
            Ok(job) => {
                let failed = place.until(what, job.job, |job| job.state == JobState::Failed).await;
                failed.problem.expect(what)
            }
        };
        assert!(
            matches!(
                problem.code,
                ErrorCode::RegistryIncompatible
                    | ErrorCode::AnswerTooLarge
                    | ErrorCode::ModelUnknown
            ),
            "{what}: {problem:?}"
        );
        assert!(staged(&place).is_empty(), "{what}");
    }
}
