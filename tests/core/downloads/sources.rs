//! Where the bytes of a download come from, as the user set it up, and what its row says when they
//! do not come.

use std::fs;

use corral_contract::{
    ErrorCode,
    downloads::{JobIds, JobState, call},
    models::{CreateModel, call::Create},
    progress::WaitReason,
    registries::{MirrorDraft, RegistryDraft, call as registries},
};
use corral_testbed::{registry::Handover, tls::TlsFront};

use super::{
    direct::{Place, layers},
    stage::wish,
};

const MB: u64 = 1_000_000;

async fn set_up(place: &Place, draft: RegistryDraft) {
    let draft = RegistryDraft { host: "registry.ollama.ai".to_owned(), ..draft };
    place.bench.ask::<registries::Save>(draft).await.expect("it is set up");
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_model_comes_from_a_folder_without_asking_anybody() {
    let place = Place::new().await;
    let parts = layers(51, 9 * MB);
    let published = place.publish("large", &parts);
    let folder = tempfile::tempdir().expect("a folder");
    let manifests = folder.path().join("manifests/registry.ollama.ai/library/large");
    fs::create_dir_all(&manifests).expect("a folder");
    fs::write(manifests.join("latest"), &published.manifest).expect("a manifest");
    let blobs = folder.path().join("blobs");
    fs::create_dir_all(&blobs).expect("a folder");
    let config =
        corral_testbed::content::Content::of("{\"model_format\":\"gguf\",\"of\":\"large\"}");
    for content in parts.iter().map(|(_, content)| content).chain([&config]) {
        let size = usize::try_from(content.size).expect("small enough");
        let mut bytes = Vec::with_capacity(size);
        while bytes.len() < size {
            bytes.extend(content.piece(bytes.len() as u64, size - bytes.len()));
        }
        fs::write(blobs.join(format!("sha256-{}", content.digest)), bytes).expect("a blob");
    }
    let address = folder.path().to_string_lossy().into_owned();
    let mirrors = vec![MirrorDraft { address, plain_http: false }];
    set_up(&place, RegistryDraft { mirrors, ..RegistryDraft::default() }).await;
    let job = place.create("large").await;
    place.done(job.job).await;
    place.whole(&parts);
    assert_eq!(place.registry.asked().len(), 0);
    assert!(place.server.downloads().is_empty(), "nor did the server");
}

// criterion: 2.6
// criterion: 11.3
#[tokio::test(flavor = "multi_thread")]
async fn a_row_says_what_is_wrong_with_the_way_and_goes_on_once_it_is_mended() {
    let place = Place::new().await;
    let parts = layers(52, 5 * MB);
    place.publish("large", &parts);
    let front = TlsFront::start(place.registry.cdn_address(), &["localhost"]).await;
    let front = front.expect("a front");
    place.registry.handover(Handover::To(307, format!("https://localhost:{}", front.port())));
    let force = CreateModel { force: true, ..wish(place.instance, "large") };
    let job = place.bench.ask::<Create>(force).await.expect("a job").job;
    let waits = place
        .until("it waits", job, |job| matches!(job.wait, Some(WaitReason::Retry { .. })))
        .await;
    let problem = waits.problem.expect("why");
    assert_eq!(problem.code, ErrorCode::RegistryUnreachable);
    assert_eq!((&*problem.params["why"], &*problem.params["host"]), ("TLS_FAILED", "localhost"));
    assert_eq!(waits.state, JobState::Queued);
    let custom_ca = Some(front.authority().to_owned());
    set_up(&place, RegistryDraft { custom_ca, ..RegistryDraft::default() }).await;
    place.bench.ask::<call::Resume>(JobIds { ids: vec![job] }).await.expect("now");
    place.done(job).await;
    place.whole(&parts);
}
