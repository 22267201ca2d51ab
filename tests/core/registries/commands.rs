//! What the window may ask, and what it never gets to see.

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use corral_contract::{
    ErrorCode,
    audit::{AuditRequest, Outcome, call as audit},
    instances::{InstanceDraft, call as instances},
    registries::{AddressState, Login, RegistryDraft, RegistryRef, SecretPlace, call},
};
use corral_core::{Core, CoreConfig, config::Workers, registry::RegistryConfig};
use corral_testbed::{FakeOllama, registry::Access};

use super::{ELSEWHERE, Lab, MB, mirror, plain, registry};

const SECRET: &str = "hunter2-hunter2";

fn with_token(host: &str) -> RegistryDraft {
    RegistryDraft { login: Login::Bearer, secret: Some(SECRET.to_owned()), ..plain(host) }
}

// criterion: 1.7
#[tokio::test]
async fn what_was_set_up_is_listed_changed_and_forgotten() {
    let lab = Lab::new().await;
    let hosts = async || -> Vec<String> {
        lab.list().await.items.into_iter().map(|each| each.host).collect()
    };
    assert_eq!(hosts().await, ["registry.ollama.ai", "hf.co"]);
    assert!(lab.list().await.items.iter().all(|each| !each.stored));
    let view = lab.save(with_token("huggingface.co")).await;
    assert_eq!((view.host.as_str(), view.has_secret), ("hf.co", true), "one service, one login");
    let first = RegistryDraft {
        mirrors: vec![mirror("http://10.0.0.5:5000"), mirror("https://mirror.example")],
        ..plain("Registry.Example")
    };
    let view = lab.save(first).await;
    assert_eq!(hosts().await, ["registry.ollama.ai", "hf.co", "registry.example"]);
    assert_eq!(view.mirrors[1].address, "https://mirror.example");
    assert_eq!(view.health.state, AddressState::Unknown);
    lab.save(RegistryDraft { mirrors: vec![], ..plain("registry.example") }).await;
    assert_eq!(lab.view("registry.example").await.mirrors, []);

    let one = RegistryRef { host: "registry.example".to_owned() };
    lab.bench.ask::<call::Remove>(one.clone()).await.expect("forgotten");
    assert_eq!(hosts().await.len(), 2);
    let gone = lab.bench.ask::<call::Remove>(one).await.expect_err("it is gone");
    assert_eq!(gone.code, ErrorCode::NotFound);
}

// criterion: 1.7
#[tokio::test]
async fn bad_input_is_refused_with_its_field_and_leaves_a_row_without_secrets() {
    let lab = Lab::new().await;
    let bad = RegistryDraft {
        mirrors: vec![mirror(format!("https://me:{SECRET}@mirror.example"))],
        ..with_token("registry.example")
    };
    let refused = lab.bench.ask::<call::Save>(bad.clone()).await.expect_err("bad input");
    assert_eq!(refused.code, ErrorCode::InvalidInput);
    assert_eq!((&*refused.params["field"], &*refused.params["place"]), ("mirrors", "0"));
    assert_eq!(refused.params["reason"], "credentialsInAddress");
    let typed = RegistryDraft {
        mirrors: vec![mirror(format!("me:{SECRET}@mirror.example"))],
        ..with_token("registry.example")
    };
    lab.bench.ask::<call::Test>(typed.clone()).await.expect_err("nor without a scheme");
    lab.bench.ask::<call::Save>(typed).await.expect_err("nor without a scheme");
    lab.save(with_token("registry.example")).await;
    let rows = lab.bench.ask::<audit::Search>(AuditRequest::default()).await.expect("the audit");
    let outcomes: Vec<Outcome> = rows.items.iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes, [Outcome::Done, Outcome::Refused, Outcome::Refused]);
    assert!(rows.items[0].target.contains("registry.example"));
    let all = format!("{:?} {:?} {refused:?}", rows.items, lab.list().await);
    assert!(!all.contains(SECRET), "{all}");
}

// criterion: 2.6
#[tokio::test]
async fn a_test_says_what_became_of_every_address_and_keeps_nothing() {
    let (lab, (registry, ..)) = (Lab::new().await, registry(41, MB).await);
    let host = registry.host();
    registry.access(Access::Exactly { scheme: "Basic", value: format!("Bearer {SECRET}") });
    let store = tempfile::tempdir().expect("a folder that is no store");
    let draft = RegistryDraft {
        mirrors: vec![mirror("http://127.0.0.1:9"), mirror(store.path().to_string_lossy())],
        ..with_token(&host)
    };
    let report = lab.bench.ask::<call::Test>(draft.clone()).await.expect("a report");
    let [dead, folder, own] = &report.items[..] else { panic!("three addresses") };
    let problem = dead.problem.as_ref().expect("nobody there");
    assert_eq!(problem.code, ErrorCode::RegistryUnreachable);
    assert_eq!(problem.params["why"], "CONNECTION_REFUSED");
    assert!(folder.problem.is_some() && folder.address.starts_with("file:"));
    assert_eq!((own.address.as_str(), &own.problem), (registry.url().as_str(), &None));
    assert!(own.latency_ms.is_some());
    assert!(lab.list().await.items.iter().all(|each| each.host != host), "nothing is kept");
    let wrong = RegistryDraft { secret: Some("no".to_owned()), ..draft };
    let report = lab.bench.ask::<call::Test>(wrong).await.expect("a report");
    let problem = report.items[2].problem.as_ref().expect("not let in");
    assert_eq!(problem.code, ErrorCode::SignInNeeded);
}

#[tokio::test]
async fn secrets_are_sealed_in_the_database_and_outlive_a_restart() {
    let (lab, (registry, ..)) = (Lab::new().await, registry(42, MB).await);
    let server = FakeOllama::builder().start().await.expect("a server");
    let host = registry.host();
    registry.access(Access::Exactly { scheme: "Basic", value: format!("Bearer {SECRET}") });
    assert_eq!(lab.list().await.secrets.place, None);
    lab.save(with_token(&host)).await;
    assert_eq!(lab.list().await.secrets.place, Some(SecretPlace::File), "no keychain in tests");
    let draft = InstanceDraft {
        url: server.url(),
        headers: vec![("X-Key".to_owned(), SECRET.to_owned())],
        ..InstanceDraft::default()
    };
    lab.bench.ask::<instances::Add>(draft).await.expect("added");
    assert_sealed(&lab.bench.core).await;
    // As an earlier version wrote it.
    let plain = format!("[[\"X-Key\",\"{SECRET}\"]]");
    let written = sqlx::query("UPDATE instance SET headers = ?").bind(plain);
    written.execute(lab.bench.core.db.writer()).await.expect("an old row");
    lab.bench.core.shutdown().await;

    let again = Core::start(CoreConfig {
        workers: Workers::None,
        registry: RegistryConfig::default(),
        ..CoreConfig::in_folder(lab.bench.folder.path())
    });
    let core = again.await.expect("it starts again");
    assert_sealed(&core).await;
    core.registries().manifest(&super::repository(&host)).await.expect("still let in");
    let list =
        core.run::<instances::List>(corral_contract::audit::Actor::Window, Default::default());
    let id = list.await.expect("the list").items[0].id;
    let one = corral_contract::instances::InstanceRef { id };
    let probe = core.run::<instances::Probe>(corral_contract::audit::Actor::Window, one);
    probe.await.expect("it is asked");
    let shown = server.requests().last().and_then(|it| it.header("x-key").map(str::to_owned));
    assert_eq!(shown.as_deref(), Some(SECRET));
}

#[tokio::test]
async fn an_instance_whose_headers_cannot_be_opened_says_so_and_is_asked_once_they_can() {
    let (lab, server) = (Lab::new().await, FakeOllama::builder().start().await.expect("a server"));
    let draft = InstanceDraft {
        url: server.url(),
        headers: vec![("X-Key".to_owned(), SECRET.to_owned())],
        ..InstanceDraft::default()
    };
    lab.bench.ask::<instances::Add>(draft).await.expect("added");
    lab.bench.core.shutdown().await;
    let (key, aside) = (lab.bench.folder.path().join("secret.key"), lab.folder.path().join("key"));
    std::fs::rename(&key, &aside).expect("the key is out of reach");
    let config =
        CoreConfig { workers: Workers::None, ..CoreConfig::in_folder(lab.bench.folder.path()) };
    let core = Core::start(config).await.expect("it starts all the same");
    let asked = server.requests().len();
    let window = corral_contract::audit::Actor::Window;
    let list = core.run::<instances::List>(window, Default::default()).await.expect("the list");
    let one = corral_contract::instances::InstanceRef { id: list.items[0].id };
    let view = core.run::<instances::Probe>(window, one).await.expect("a look");
    assert_eq!(view.header_names, ["X-Key"]);
    assert_eq!(view.api.problem.map(|it| it.code), Some(ErrorCode::SecretsLocked));
    assert_eq!(server.requests().len(), asked, "never with sealed values");
    std::fs::rename(&aside, &key).expect("the key is back");
    let view = core.run::<instances::Probe>(window, one).await.expect("a look");
    assert_eq!(view.api.problem, None);
    let shown = server.requests().last().and_then(|it| it.header("x-key").map(str::to_owned));
    assert_eq!(shown.as_deref(), Some(SECRET));
}

async fn assert_sealed(core: &Core) {
    let kept: Vec<String> = sqlx::query_scalar(
        "SELECT headers FROM instance UNION ALL SELECT coalesce(secret, '') FROM registry",
    )
    .fetch_all(core.db.read())
    .await
    .expect("what is kept");
    assert_eq!(kept.len(), 2);
    for text in kept {
        assert!(text.contains("sealed:1:") && !text.contains(SECRET), "{text}");
    }
}

/// Everything that is logged, in memory.
#[derive(Clone, Default)]
struct Pages(Arc<Mutex<Vec<u8>>>);

impl Write for Pages {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn nothing_that_lets_us_in_is_ever_logged() {
    let pages = Pages::default();
    let writer = pages.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _listening = tracing::subscriber::set_default(subscriber);
    let (lab, (registry, content, _)) = (Lab::new().await, registry(43, MB).await);
    let host = registry.host();
    let value = format!("Bearer {SECRET}");
    registry.access(Access::Exactly { scheme: "Basic", value });
    let mirrors = vec![mirror("http://127.0.0.1:9")];
    lab.save(RegistryDraft { mirrors, ..with_token(&host) }).await;
    lab.manifest(&host).await.expect("let in");
    lab.bytes(&host, &content).await.expect("bytes");
    registry.access(Access::Denied);
    lab.manifest(&host).await.expect_err("not let in");
    lab.manifest(ELSEWHERE).await.expect_err("not there");
    tracing::info!("the last line");
    let written = pages.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let written = String::from_utf8_lossy(&written);
    assert!(written.contains("the last line") && written.contains("another address is asked"));
    for part in [SECRET, "signature=", "opens-everything"] {
        assert!(!written.contains(part), "{part} was logged");
    }
}
