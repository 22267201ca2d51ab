//! Downloads that Corral moves itself, into a store on this machine.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use corral_contract::{
    ErrorCode, InstanceId, JobId,
    downloads::{JobIds, JobState, JobView, call},
    models::{JobRef, call::Create},
    progress::WaitReason,
    registries::{RegistryDraft, call as registries},
    settings::{FetchWay, Settings, call as settings},
    status::Status,
};
use corral_core::{Core, CoreConfig};
use corral_testbed::{
    FakeOllama, FakeRegistry,
    content::Content,
    ollama::{Layer, LayerKind, Model, library},
    registry::{Handover, Published, Trouble},
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::stage::{online, row, seed, until_job, wish};
use crate::{
    played::Played,
    support::{Bench, at},
};

pub(super) const MB: u64 = 1_000_000;

pub(crate) struct Place {
    pub(crate) bench: Bench,
    pub(crate) server: FakeOllama,
    pub(crate) registry: FakeRegistry,
    pub(crate) instance: InstanceId,
    free: Arc<AtomicU64>,
    store: TempDir,
}

impl Place {
    pub(crate) async fn new() -> Place {
        let store = tempfile::tempdir().expect("a folder");
        // One model that is there: by it the server tells where its store is.
        let server =
            FakeOllama::builder().folder(store.path()).models([library::pick("all-minilm:22m")]);
        let server = server.start().await.expect("a server");
        let registry = FakeRegistry::start().await.expect("a registry");
        let free = Arc::new(AtomicU64::new(500_000 * MB));
        let (url, room, of) = (server.url(), Played::with_room(&free), registry.url());
        let bench = Bench::with(|config| {
            seed(config, &url);
            config.machine = Arc::new(room);
            config.registry = at(&of);
        })
        .await;
        let instance = online(&bench.core).await;
        Place { bench, server, registry, instance, free, store }
    }

    /// Serves a model of these layers, in the registry and as the server would pull it.
    pub(crate) fn publish(&self, name: &str, layers: &[(LayerKind, Content)]) -> Published {
        let config = Content::of(format!("{{\"model_format\":\"gguf\",\"of\":\"{name}\"}}"));
        let published =
            self.registry.publish(&format!("library/{name}:latest"), layers, config.clone());
        let mut all = layers.iter().map(|(kind, content)| content.layer(*kind));
        let weights: Layer = all.next().expect("weights");
        let mut model = Model::new(name);
        model.weights = weights;
        model.other_layers = Some(all.collect());
        model.config = Some(config.layer(LayerKind::Config));
        self.server.catalogue(|catalogue| catalogue.add(model));
        published
    }

    /// The same place after Corral was quit and started again.
    pub(crate) async fn reopened(mut self) -> Place {
        self.bench.core.shutdown().await;
        let mut config = CoreConfig::in_folder(self.bench.folder.path());
        config.clock = Arc::new(self.bench.clock.clone());
        config.machine = Arc::new(Played::with_room(&self.free));
        config.registry = at(&self.registry.url());
        self.bench.core = Core::start(config).await.expect("the core starts again");
        self
    }

    /// So many bytes are free on every disk from now on.
    pub(crate) fn room(&self, free: u64) {
        self.free.store(free, Ordering::SeqCst);
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.store.path().join("blobs")
    }

    pub(crate) async fn create(&self, name: &str) -> JobRef {
        let asked = self.bench.ask::<Create>(wish(self.instance, name)).await;
        asked.expect("a place in the queue")
    }

    pub(crate) async fn until(
        &self,
        what: &str,
        job: JobId,
        wanted: impl Fn(&JobView) -> bool,
    ) -> JobView {
        until_job(&self.bench.core, what, job, wanted).await
    }

    pub(crate) async fn done(&self, job: JobId) -> JobView {
        let job = self
            .until("its end", job, |job| matches!(job.state, JobState::Done | JobState::Failed));
        let job = job.await;
        assert_eq!(job.state, JobState::Done, "{:?}", job.problem);
        job
    }

    /// Every blob of a model is in the store with the bytes that its name promises, and nothing of
    /// ours is left beside them.
    pub(crate) fn whole(&self, layers: &[(LayerKind, Content)]) {
        for (_, content) in layers {
            let file = self.blobs().join(format!("sha256-{}", content.digest));
            let bytes = std::fs::read(&file).expect("the blob is there");
            let digest: String =
                Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(digest, content.digest);
        }
        let left = std::fs::read_dir(self.blobs().join(".corral")).map(Iterator::count);
        assert_eq!(left.unwrap_or(0), 0, "nothing is left in staging");
    }
}

pub(super) fn layers(seed: u64, size: u64) -> Vec<(LayerKind, Content)> {
    vec![
        (LayerKind::Model, Content::seeded(seed, size)),
        (LayerKind::Template, Content::of(format!("{{{{ .Prompt }}}} {seed}"))),
    ]
}

// criterion: 2.1
// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_model_arrives_byte_for_byte_and_the_server_fetches_nothing() {
    let place = Place::new().await;
    let parts = layers(1, 40 * MB + 17);
    let published = place.publish("large", &parts);
    let job = place.create("large").await;
    let done = place.done(job.job).await;
    assert_eq!(done.progress.percent(), Some(100));
    assert_eq!(done.progress.layers.len(), 3);
    place.whole(&parts);
    let row = row(&place.bench.core, "large:latest").await.expect("a row");
    assert_eq!(row.status, Status::Stopped);
    let listed = place.server.store(|store| store.len());
    assert_eq!(listed, 2);
    assert!(place.server.downloads().is_empty());
    let digest = &parts[0].1.digest;
    // What is on its way when a share changes hands is sent for nothing.
    assert!(place.registry.sent(digest) < 2 * parts[0].1.size);
    assert_eq!(done.progress.again, 0);
    assert_eq!(published.digest.len(), 64);
    let several = place.registry.asked().iter().filter(|asked| asked.cdn).count();
    assert!(several > 4, "several ranges at once");
}

// criterion: 2.8
// criterion: 11.3
#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_away_for_a_while_does_not_cost_what_has_come() {
    let place = Place::new().await;
    let parts = layers(29, 20 * MB);
    place.publish("large", &parts);
    place.registry.rate(Some(4 * MB));
    let job = place.create("large").await.job;
    let ids = JobIds { ids: vec![job] };
    place.until("half of it", job, |job| job.progress.done > 10 * MB).await;
    place.bench.ask::<call::Pause>(ids.clone()).await.expect("it pauses");
    place.until("a pause", job, |job| job.state == JobState::Paused).await;
    place.registry.manifest_status(Some((503, "back soon")));
    place.registry.rate(None);
    place.bench.ask::<call::Resume>(ids).await.expect("it goes on");
    let waits = place
        .until("it waits", job, |job| matches!(job.wait, Some(WaitReason::Retry { .. })))
        .await;
    assert_eq!(waits.problem.expect("why").code, ErrorCode::RegistryUnreachable);
    assert!(place.server.requests_to("POST", "/api/pull").is_empty(), "not left to the server");
    place.registry.manifest_status(None);
    let done = place.done(job).await;
    assert!(done.progress.again <= 16 << 20, "{} fetched again", done.progress.again);
    place.whole(&parts);
}

// criterion: 2.4
#[tokio::test(flavor = "multi_thread")]
async fn models_that_share_a_layer_fetch_it_once() {
    let place = Place::new().await;
    let shared = (LayerKind::Model, Content::seeded(3, 20 * MB));
    let mut jobs = Vec::new();
    place.registry.hold(true);
    for name in ["one", "two", "three"] {
        let parts = [shared.clone(), (LayerKind::System, Content::of(format!("I am {name}.")))];
        place.publish(name, &parts);
        let force =
            corral_contract::models::CreateModel { force: true, ..wish(place.instance, name) };
        jobs.push(place.bench.ask::<Create>(force).await.expect("a job").job);
    }
    for job in &jobs {
        place.until("it runs", *job, |job| job.progress.total.is_some()).await;
    }
    place.registry.hold(false);
    for job in jobs {
        place.done(job).await;
    }
    let queue = place.bench.ask::<call::List>(corral_contract::command::Nothing {}).await;
    let moved = queue.expect("the queue").metrics.last_hour;
    assert!(moved < 2 * shared.1.size, "{moved}: counted once, too");
    place.whole(std::slice::from_ref(&shared));
    assert!(place.registry.sent(&shared.1.digest) < 2 * shared.1.size, "once for all three");
}

// criterion: 2.8
// criterion: 11.1
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_loses_next_to_nothing() {
    let place = Place::new().await;
    let parts = layers(5, 60 * MB);
    place.publish("large", &parts);
    place.registry.rate(Some(8 * MB));
    let job = place.create("large").await.job;
    let ids = JobIds { ids: vec![job] };
    place.until("half of it", job, |job| job.progress.done > 30 * MB).await;
    place.bench.ask::<call::Pause>(ids.clone()).await.expect("it pauses");
    let paused = place.until("a pause", job, |job| job.state == JobState::Paused).await;
    place.registry.rate(None);
    place.bench.ask::<call::Resume>(ids).await.expect("it goes on");
    let done = place.done(job).await;
    assert!(done.progress.done >= paused.progress.done);
    place.whole(&parts);
    assert!(done.progress.again <= 16 << 20, "{} fetched again", done.progress.again);
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_download_takes_its_files_along_but_not_those_that_others_need() {
    let place = Place::new().await;
    let shared = (LayerKind::Model, Content::seeded(23, 20 * MB));
    let own = (LayerKind::Projector, Content::seeded(24, 20 * MB));
    place.publish("both", &[shared.clone(), own.clone()]);
    place.publish("one", std::slice::from_ref(&shared));
    place.registry.rate(Some(2 * MB));
    let both = place.create("both").await.job;
    let one = place.create("one").await.job;
    for job in [both, one] {
        place.until("bytes", job, |job| job.progress.done > 2 * MB).await;
    }
    let staged = |content: &Content| {
        place.blobs().join(".corral").join(format!("{}.data", content.digest)).exists()
    };
    assert!(staged(&shared.1) && staged(&own.1));
    place.bench.ask::<call::Cancel>(JobIds { ids: vec![both] }).await.expect("cancelled");
    let gone = async || (!staged(&own.1)).then_some(());
    super::stage::until(&place.bench.core, "its own layer is gone", gone).await;
    place.registry.rate(None);
    place.done(one).await;
    place.whole(std::slice::from_ref(&shared));
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_once_are_fetched_again_and_for_good_name_the_layer() {
    let place = Place::new().await;
    let parts = layers(7, 6 * MB);
    place.publish("once", &parts);
    // One for the look before it, which takes no blob whole; the next for the blob itself.
    place.registry.script([Trouble::None, Trouble::None, Trouble::WrongBytes]);
    let job = place.create("once").await.job;
    place.done(job).await;
    place.whole(&parts);

    let parts = layers(8, 6 * MB);
    place.publish("never", &parts);
    place.registry.always(Some(Trouble::WrongBytes));
    let job = place.create("never").await.job;
    let failed = place.until("its end", job, |job| job.state == JobState::Failed).await;
    let problem = failed.problem.expect("why");
    assert_eq!(problem.code, ErrorCode::DigestMismatch);
    assert!(problem.params["layer"].starts_with("sha256:"));
    let file = place.blobs().join(format!("sha256-{}", parts[0].1.digest));
    assert!(!file.exists(), "no wrong byte is published");
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_on_the_way_costs_time_only() {
    for (what, troubles) in [
        ("resets", vec![Trouble::ResetAfter(900_000); 4]),
        ("ends too early", vec![Trouble::CloseAfter(1_200_000); 4]),
        ("an expired address", vec![Trouble::Expired; 3]),
        ("other bytes than asked for", vec![Trouble::WrongContentRange; 3]),
        ("a blob of another size", vec![Trouble::OtherSize; 3]),
        ("packed bytes", vec![Trouble::Packed; 3]),
        ("a range that is refused", vec![Trouble::Status(416, String::new()); 3]),
        ("a blob that was gone for a moment", vec![Trouble::Status(410, String::new()); 3]),
        ("a busy server", vec![Trouble::RetryLater { status: 503, seconds: 0 }; 3]),
        ("a broken server", vec![Trouble::Status(500, "oh".to_owned()); 3]),
        ("a hotel's page", vec![Trouble::Status(200, "<html>Please log in</html>".to_owned()); 3]),
        ("no ranges", vec![Trouble::IgnoreRange; 40]),
    ] {
        let place = Place::new().await;
        let parts = layers(11, 20 * MB);
        place.publish("large", &parts);
        place.registry.script(troubles);
        let job = place.create("large").await.job;
        let ended =
            place.until(what, job, |job| matches!(job.state, JobState::Done | JobState::Failed));
        let ended = ended.await;
        assert_eq!(ended.state, JobState::Done, "{what}: {:?}", ended.problem);
        place.whole(&parts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_gives_the_bytes_itself_or_redirects_otherwise_is_understood() {
    for handover in [Handover::Direct, Handover::Found] {
        let place = Place::new().await;
        let parts = layers(13, 9 * MB);
        place.publish("large", &parts);
        place.registry.handover(handover);
        let job = place.create("large").await.job;
        place.done(job).await;
        place.whole(&parts);
    }
}

// criterion: 2.7
// criterion: 11.4
#[tokio::test(flavor = "multi_thread")]
async fn without_room_a_job_waits_with_figures_and_goes_on_when_there_is_some() {
    let place = Place::new().await;
    let parts = layers(17, 5 * MB);
    place.publish("large", &parts);
    place.free.store(2_001 * MB, Ordering::SeqCst);
    let force =
        corral_contract::models::CreateModel { force: true, ..wish(place.instance, "large") };
    let job = place.bench.ask::<Create>(force).await.expect("who insists may try").job;
    let waits =
        place.until("it waits", job, |job| matches!(job.wait, Some(WaitReason::Disk { .. }))).await;
    let Some(WaitReason::Disk { missing }) = waits.wait else { panic!("it waits for room") };
    assert!((4 * MB..5 * MB).contains(&missing), "{missing}");
    assert_eq!(waits.state, JobState::Queued);
    place.free.store(500_000 * MB, Ordering::SeqCst);
    let ids = JobIds { ids: vec![job] };
    place.bench.ask::<call::Resume>(ids).await.expect("now");
    place.done(job).await;
    place.whole(&parts);
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn who_wants_the_servers_own_puller_gets_it() {
    let place = Place::new().await;
    let way = Settings { fetch_way: FetchWay::Server, ..Settings::default() };
    place.bench.ask::<settings::Update>(way).await.expect("taken");
    let parts = layers(19, 5 * MB);
    place.publish("large", &parts);
    let job = place.create("large").await.job;
    place.done(job).await;
    assert!(place.registry.sent(&parts[0].1.digest) < MB, "nothing but the look before it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fetches_by_itself_is_told_which_registry_is_plain() {
    let place = Place::new().await;
    let way = Settings { fetch_way: FetchWay::Server, ..Settings::default() };
    place.bench.ask::<settings::Update>(way).await.expect("taken");
    let host = "reg.internal:5000".to_owned();
    let plain = RegistryDraft { host, plain_http: true, ..RegistryDraft::default() };
    place.bench.ask::<registries::Save>(plain).await.expect("saved");
    for (name, insecure) in [("reg.internal:5000/team/a", true), ("reg.other/team/a", false)] {
        place.server.forget_requests();
        let force =
            corral_contract::models::CreateModel { force: true, ..wish(place.instance, name) };
        place.bench.ask::<Create>(force).await.expect("who insists may try");
        let pulled =
            |it: &corral_testbed::ollama::Control| !it.requests_to("POST", "/api/pull").is_empty();
        place.server.until("the server is asked", pulled).await.expect("soon");
        let asked = &place.server.requests_to("POST", "/api/pull")[0];
        assert_eq!(asked.json()["insecure"], insecure, "{name}");
    }
}
