//! What is known and refused before a byte moves.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    audit::{AuditRequest, Outcome},
    command::Nothing,
    downloads::{Basis, CheckDownload, Preflight, call},
    models::{CreateModel, JobRef, call::Create},
    name::ModelName,
    settings::{Settings, call as settings},
};
use corral_core::registry::{Registries, RegistryConfig, Repository};
use corral_testbed::{
    FakeOllama, FakeRegistry,
    content::Content,
    gguf::Gguf,
    ollama::{Builder, LayerKind, library},
    registry::Access,
};
use tempfile::TempDir;

use super::stage::{online, seed, wish};
use crate::{
    played::Played,
    support::{Bench, at},
};

const MB: u64 = 1_000_000;
const LARGE: u64 = 40 * MB;

struct Place {
    bench: Bench,
    server: FakeOllama,
    registry: FakeRegistry,
    instance: InstanceId,
    free: Arc<AtomicU64>,
    store: TempDir,
}

impl Place {
    /// A server whose store lies on this machine, with two models in it.
    async fn local() -> Place {
        let store = tempfile::tempdir().expect("a folder");
        let models = ["llama3.2:3b", "all-minilm:22m"].map(library::pick);
        let server = FakeOllama::builder().folder(store.path()).models(models);
        Place::on(server, store).await
    }

    async fn on(server: Builder, store: TempDir) -> Place {
        let server = server.start().await.expect("a server");
        let registry = FakeRegistry::start().await.expect("a registry");
        let free = Arc::new(AtomicU64::new(500_000 * MB));
        let key = store.path().join("id_ed25519");
        std::fs::write(&key, corral_testbed::key::openssh(5).0).expect("a key");
        let (url, room, of) = (server.url(), Played::with_room(&free), registry.url());
        let bench = Bench::with(|config| {
            seed(config, &url);
            config.machine = Arc::new(room);
            config.registry = RegistryConfig { key: Some(key), ..at(&of) };
        })
        .await;
        let instance = online(&bench.core).await;
        let one = corral_contract::instances::InstanceRef { id: instance };
        bench.ask::<corral_contract::sync::call::Run>(one).await.expect("a first sync");
        Place { bench, server, registry, instance, free, store }
    }

    /// Serves `large` with a head that can be read, and answers what it has in bytes.
    fn publish(&self) -> u64 {
        let mut weights = Gguf::tiny().bytes();
        weights.resize(usize::try_from(LARGE).expect("small enough"), 7);
        let license = b"\n  THE HERD LICENCE\n\nDo as you like.\n".to_vec();
        let config =
            br#"{"model_format":"gguf","model_type":"3.2B","file_type":"Q4_K_M"}"#.to_vec();
        let layers = [
            (LayerKind::Model, Content::of(weights)),
            (LayerKind::License, Content::of(license.clone())),
        ];
        let config = Content::of(config);
        let total = LARGE + license.len() as u64 + config.size;
        self.registry.publish("library/large:latest", &layers, config);
        total
    }

    async fn check(&self, name: &str) -> Preflight {
        let wanted = CheckDownload {
            instance: self.instance,
            name: name.to_owned(),
            insecure: false,
            shape: Default::default(),
        };
        self.bench.ask::<call::Check>(wanted).await.expect("a check")
    }

    async fn create(&self, name: &str, force: bool) -> Result<JobRef, WireError> {
        self.bench.ask::<Create>(CreateModel { force, ..wish(self.instance, name) }).await
    }
}

// criterion: 2.2
#[tokio::test]
async fn a_check_says_what_a_download_takes_and_moves_nothing() {
    let place = Place::local().await;
    let total = place.publish();
    let check = place.check("large").await;
    assert_eq!(
        (check.name.as_str(), check.registry.as_str()),
        ("large:latest", "registry.ollama.ai")
    );
    assert_eq!((check.total, check.missing), (Some(total), Some(total)));
    assert_eq!((check.layers, check.missing_layers), (3, 3));
    assert_eq!(check.quantization.as_deref(), Some("Q4_K_M"));
    assert_eq!(check.parameters.as_deref(), Some("3.2B"));
    assert_eq!(check.license.as_deref(), Some("THE HERD LICENCE"));
    assert_eq!(check.disk.path.as_deref(), place.store.path().to_str());
    assert_eq!(check.disk.free, Some(500_000 * MB));
    assert_eq!(check.memory.basis, Basis::Head);
    assert_eq!(check.memory.context_length, Some(2048));
    assert!(check.memory.needed.expect("reckoned") > LARGE);
    assert!(check.network.reachable && !check.network.by_experience);
    assert_eq!((check.refusal, check.warnings, check.clean_up), (None, vec![], vec![]));

    assert!(place.server.requests_to("POST", "/api/pull").is_empty());
    let moved = place.registry.asked().into_iter().filter(|asked| asked.cdn);
    assert!(moved.clone().count() > 0, "the head of the weights is looked at");
    for asked in moved {
        let range = asked.range.expect("never all of a blob");
        let end: u64 = range.rsplit('-').next().and_then(|end| end.parse().ok()).expect("an end");
        assert!(end < MB, "{range} of {}", asked.path);
    }
}

// criterion: 2.2
#[tokio::test]
async fn layers_that_are_there_need_no_room() {
    let place = Place::local().await;
    let total = place.publish();
    let mut weights = Gguf::tiny().bytes();
    weights.resize(usize::try_from(LARGE).expect("small enough"), 7);
    let there = Content::of(weights);
    let file = place.store.path().join("blobs").join(format!("sha256-{}", there.digest));
    std::fs::File::create(&file).and_then(|file| file.set_len(LARGE)).expect("a blob");
    place.free.store(2_000 * MB + MB, Ordering::SeqCst);
    let check = place.check("large").await;
    assert_eq!(check.missing, Some(total - LARGE));
    assert_eq!(check.missing_layers, 2);
    assert_eq!(check.refusal, None);
}

// criterion: 2.2
// criterion: 2.7
#[tokio::test]
async fn without_room_it_is_refused_with_figures_and_a_way_out() {
    let place = Place::local().await;
    let total = place.publish();
    let (free, reserve) = (2_010 * MB, 2_000 * MB);
    place.free.store(free, Ordering::SeqCst);
    let partial =
        place.store.path().join("blobs").join(format!("sha256-{}-partial", "a".repeat(64)));
    std::fs::write(&partial, vec![1; 3_000_000]).expect("a leftover");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    std::fs::File::options()
        .write(true)
        .open(&partial)
        .and_then(|file| file.set_modified(old))
        .expect("an old one");

    let check = place.check("large").await;
    let refusal = check.refusal.expect("there is no room");
    assert_eq!(refusal.code, ErrorCode::DiskShort);
    let figure = |name: &str| refusal.params[name].parse::<u64>().expect("bytes");
    assert_eq!((figure("needed"), figure("free"), figure("reserve")), (total, free, reserve));
    assert_eq!(figure("missing"), total + reserve - free);
    let proposed: Vec<_> =
        check.clean_up.iter().map(|each| (each.name.as_str(), each.model.is_some())).collect();
    assert_eq!(proposed, [("", false), ("llama3.2:3b", true), ("all-minilm:22m", true)]);
    assert!(check.clean_up[0].bytes >= 3_000_000);
    let llama = library::pick("llama3.2:3b");
    let whole: u64 = llama.layers().iter().map(|layer| layer.size).sum();
    assert_eq!(check.clean_up[1].bytes, whole + llama.config_layer().size);

    let refused = place.create("large", false).await.expect_err("no room");
    assert_eq!(refused.code, ErrorCode::DiskShort);
    assert!(place.bench.ask::<call::List>(Nothing {}).await.expect("the queue").jobs.is_empty());
    place.create("large", true).await.expect("who insists may try");
    let audit = place.bench.ask::<corral_contract::audit::call::Search>(AuditRequest {
        command: Some("models.create".to_owned()),
        ..AuditRequest::default()
    });
    let rows = audit.await.expect("the audit").items;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].outcome, Outcome::Done);
    assert!(rows[0].target.contains("\"force\":true"), "{}", rows[0].target);
    assert_ne!(rows[1].outcome, Outcome::Done);
}

// criterion: 2.7
#[tokio::test]
async fn the_part_that_stays_free_can_be_set() {
    let place = Place::local().await;
    place.publish();
    place.free.store(50 * MB, Ordering::SeqCst);
    assert!(place.check("large").await.refusal.is_some());
    let settings = Settings { disk_reserve_mb: 0, ..Settings::default() };
    place.bench.ask::<settings::Update>(settings).await.expect("kept");
    assert_eq!(place.check("large").await.refusal, None);
    let absurd = Settings { disk_reserve_mb: u32::MAX, ..Settings::default() };
    let refused = place.bench.ask::<settings::Update>(absurd).await.expect_err("out of range");
    assert_eq!(refused.params["field"], "diskReserveMb");
}

// criterion: 2.2
#[tokio::test]
async fn a_name_that_the_registry_does_not_know_is_refused_at_once() {
    let place = Place::local().await;
    let check = place.check("nothing:1b").await;
    assert_eq!(check.refusal.expect("unknown").code, ErrorCode::ModelUnknown);
    assert!(check.network.reachable);
    let refused = place.create("nothing:1b", false).await.expect_err("unknown");
    assert_eq!(refused.code, ErrorCode::ModelUnknown);
    assert_eq!(refused.params["name"], "nothing:1b");
    place.create("nothing:1b", true).await.expect("who insists may try");
}

// criterion: 2.2
#[tokio::test]
async fn what_cannot_be_checked_is_said_and_does_not_stop_anyone() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    // Its store is not on this machine: what is there is asked of the server itself.
    let server = FakeOllama::builder().models([library::pick("llama3.2:3b")]);
    let place = Place::on(server, elsewhere).await;
    let total = place.publish();
    let check = place.check("large").await;
    assert_eq!(check.missing, Some(total));
    assert_eq!(check.disk.free, None);
    assert!(check.warnings.iter().any(|each| each.code == ErrorCode::DiskUnknown));
    assert!(!place.server.requests().iter().all(|asked| asked.method != "HEAD"));

    place.registry.manifest_status(Some((503, "busy")));
    let check = place.check("other").await;
    assert_eq!((check.total, check.refusal.clone()), (None, None));
    assert!(!check.network.reachable);
    assert!(check.warnings.iter().any(|each| each.code == ErrorCode::RegistryUnreachable));
    place.create("other", false).await.expect("it may go well all the same");
}

// criterion: 2.2
#[tokio::test]
async fn a_registry_is_understood_whatever_it_answers() {
    let place = Place::local().await;
    place.publish();
    let long = "x".repeat(5_000_000);
    for (status, body, refused, code) in [
        (412, "requires a newer version of Ollama", true, ErrorCode::NeedsNewerOllama),
        (404, "{}", true, ErrorCode::ModelUnknown),
        (403, "no", false, ErrorCode::SignInNeeded),
        (429, "slow down", false, ErrorCode::RegistryUnreachable),
        (500, "oh", false, ErrorCode::RegistryUnreachable),
        (
            200,
            "<html>Please log in to the hotel network</html>",
            false,
            ErrorCode::RegistryIncompatible,
        ),
        (200, "{\"manifests\":[]}", false, ErrorCode::RegistryIncompatible),
        (200, long.as_str(), false, ErrorCode::AnswerTooLarge),
    ] {
        place.registry.manifest_status(Some((status, body)));
        let check = place.check("large").await;
        let said = if refused {
            check.refusal.map(|error| error.code)
        } else {
            assert_eq!(check.refusal, None, "{status} {:.20}", body);
            check.warnings.first().map(|error| error.code)
        };
        assert_eq!(said, Some(code), "{status} {:.20}", body);
    }
}

// criterion: 2.2
#[tokio::test]
async fn a_token_goes_to_the_registry_alone() {
    let place = Place::local().await;
    place.publish();
    place.registry.access(Access::ForeignRealm("127.0.0.1:1".to_owned()));
    let check = place.check("large").await;
    assert!(check.warnings.iter().any(|each| each.code == ErrorCode::RealmMismatch));

    // Anyone gets a token here; the one who signs does so with Ollama's key.
    for (access, name) in [(Access::Guests, "large"), (Access::Token, "other")] {
        place.registry.access(access);
        let check = place.check(name).await;
        assert!(check.network.reachable, "{:?}", check.warnings);
    }
    let asked = place.registry.asked();
    assert!(asked.iter().any(|each| !each.cdn && each.authorized), "the registry saw it");
    assert!(asked.iter().all(|each| !each.cdn || !each.authorized), "nobody else did");

    place.registry.access(Access::Denied);
    let other = place.check("third").await;
    assert!(other.warnings.iter().any(|each| each.code == ErrorCode::SignInNeeded));
}

// criterion: 2.2
#[tokio::test]
async fn a_registry_that_takes_the_question_and_never_answers_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let limit = Some(std::time::Duration::from_millis(50));
    let registries = Registries::new(RegistryConfig { limit, ..at(&url) }).expect("clients");
    let name = ModelName::parse("large").expect("a name");
    let repository = Repository { name, insecure: false, server_version: None, file: None };
    let refused = registries.manifest(&repository).await.expect_err("nobody answers");
    assert_eq!(refused.error.code, ErrorCode::RegistryUnreachable);
    assert_eq!(refused.error.params["why"], "TIMED_OUT");
    drop(listener);
}
