//! Adding, changing, trying and removing.

use corral_contract::{
    ErrorCode, InstanceId,
    audit::AuditRequest,
    command::Nothing,
    event::AppEvent,
    instances::{ApiState, InstanceDraft, InstanceRef, Kind, Runner, UpdateInstance, call},
};
use corral_core::config::{SeedInstance, Workers};

use super::{add, draft, fake, seen};
use crate::support::Bench;

fn update(id: InstanceId) -> UpdateInstance {
    UpdateInstance { id, name: None, url: None, headers: None, custom_ca: None }
}

// criterion: 0.2
#[tokio::test]
async fn an_added_server_is_asked_at_once() {
    let (bench, fake) = (Bench::quiet().await, fake().await);
    let view = bench.ask::<call::Add>(draft(&fake.url())).await.expect("added");
    assert_eq!(view.api.state, ApiState::Ok);
    assert_eq!(view.api.version.as_deref(), Some("0.33.0"));
    assert!(view.api.latency_ms.is_some());
    assert_eq!((view.kind, view.runner), (Kind::Remote, Runner::Unknown));
    assert_eq!(view.url, fake.url());
    assert_eq!(view.name, fake.address().to_string());
    assert_eq!(view.latencies.len(), 1);
}

#[tokio::test]
async fn a_silent_server_is_added_only_by_force() {
    let bench = Bench::quiet().await;
    let mut gone = fake().await;
    gone.stop().await;
    let refused = bench.ask::<call::Add>(draft(&gone.url())).await.expect_err("it does not answer");
    assert_eq!(refused.code, ErrorCode::ConnectionRefused);
    let id = add(&bench, &gone.url()).await;
    let view = seen(&bench, id).await;
    assert_eq!(view.api.state, ApiState::Down);
    assert_eq!(view.api.problem.map(|problem| problem.code), Some(ErrorCode::ConnectionRefused));
}

#[tokio::test]
async fn one_server_is_added_once() {
    let (bench, fake) = (Bench::quiet().await, fake().await);
    add(&bench, &fake.url()).await;
    let other_name = fake.url().replace("127.0.0.1", "LOCALHOST");
    for url in [fake.url(), format!("{}/", fake.url()), other_name] {
        let error = bench.ask::<call::Add>(draft(&url)).await.expect_err("known");
        assert_eq!(error.code, ErrorCode::AlreadyExists, "{url}");
    }
}

#[tokio::test]
async fn bad_input_names_its_field_and_leaves_nothing() {
    let bench = Bench::quiet().await;
    let bad =
        |field: &'static str, reason: &'static str, draft: InstanceDraft| (field, reason, draft);
    let header = |name: &str, value: &str| InstanceDraft {
        headers: vec![(name.to_owned(), value.to_owned())],
        ..draft("host")
    };
    for (field, reason, draft) in [
        bad("url", "empty", draft(" ")),
        bad("url", "badScheme", draft("ftp://host")),
        bad("url", "outOfRange", draft("host:70000")),
        bad("url", "badUrl", draft("ho st")),
        bad("headers", "badHeader", header("bad name", "x")),
        bad("headers", "badHeader", header("X", "line\nbreak")),
        bad("headers", "badHeader", header("", "x")),
        bad(
            "customCa",
            "badCertificate",
            InstanceDraft { custom_ca: Some("no certificate".to_owned()), ..draft("host") },
        ),
        bad("name", "tooLong", InstanceDraft { name: "n".repeat(81), ..draft("host") }),
    ] {
        let error = bench
            .ask::<call::Add>(InstanceDraft { force: true, ..draft })
            .await
            .expect_err("bad input");
        assert_eq!(error.code, ErrorCode::InvalidInput);
        assert_eq!(error.params.get("field").map(String::as_str), Some(field));
        assert_eq!(error.params.get("reason").map(String::as_str), Some(reason), "{field}");
    }
    assert!(bench.ask::<call::List>(Nothing {}).await.expect("a list").items.is_empty());
}

// criterion: 0.2
#[tokio::test]
async fn a_try_says_what_is_wrong_and_adds_nothing() {
    let (bench, fake) = (Bench::quiet().await, fake().await);
    fake.require_authorization(Some("Basic bWU6cHc="));
    let fact = bench.ask::<call::Test>(draft(&fake.url())).await.expect("a fact");
    assert_eq!(fact.state, ApiState::Down);
    assert_eq!(fact.problem.map(|problem| problem.code), Some(ErrorCode::AccessRefused));
    let with = fake.url().replace("//", "//me:pw@");
    let fact = bench.ask::<call::Test>(draft(&with)).await.expect("a fact");
    assert_eq!(fact.state, ApiState::Ok);
    assert!(bench.ask::<call::List>(Nothing {}).await.expect("a list").items.is_empty());
}

// criterion: 1.7
#[tokio::test]
async fn secrets_are_sent_and_never_shown() {
    let (bench, fake) = (Bench::quiet().await, fake().await);
    let draft = InstanceDraft {
        headers: vec![("X-Api-Key".to_owned(), "hunter2".to_owned())],
        ..draft(&fake.url().replace("//", "//me:hunter3@"))
    };
    let view = bench.ask::<call::Add>(draft).await.expect("added");
    assert_eq!(view.header_names, ["X-Api-Key", "Authorization"]);
    assert_eq!(view.url, fake.url());
    assert_eq!(fake.requests()[0].header("x-api-key"), Some("hunter2"));
    let audit = bench.ask::<corral_contract::audit::call::Search>(AuditRequest::default()).await;
    let audit = format!("{:?}", audit.expect("the audit").items);
    assert!(audit.contains("instances.add"), "{audit}");
    for secret in ["hunter2", "hunter3"] {
        assert!(!format!("{view:?}").contains(secret));
        assert!(!audit.contains(secret), "{audit}");
    }
}

#[tokio::test]
async fn an_update_asks_the_new_address() {
    let (bench, old, new) = (Bench::quiet().await, fake().await, fake().await);
    new.version("0.32.0");
    let id = add(&bench, &old.url()).await;
    let renamed = UpdateInstance { name: Some(" Attic ".to_owned()), ..update(id) };
    let view = bench.ask::<call::Update>(renamed).await.expect("renamed");
    assert_eq!((view.name.as_str(), view.api.state), ("Attic", ApiState::Ok));
    let moved = UpdateInstance { url: Some(new.url()), ..update(id) };
    let view = bench.ask::<call::Update>(moved).await.expect("moved");
    assert_eq!(view.api.version.as_deref(), Some("0.32.0"));
    assert_eq!(view.name, "Attic");
    let unknown = update(InstanceId(99));
    let error = bench.ask::<call::Update>(unknown).await.expect_err("unknown");
    assert_eq!(error.code, ErrorCode::NotFound);
}

#[tokio::test]
async fn an_update_to_anothers_address_is_refused() {
    let (bench, one, two) = (Bench::quiet().await, fake().await, fake().await);
    add(&bench, &one.url()).await;
    let id = add(&bench, &two.url()).await;
    let moved = UpdateInstance { url: Some(one.url()), ..update(id) };
    let error = bench.ask::<call::Update>(moved).await.expect_err("taken");
    assert_eq!(error.code, ErrorCode::AlreadyExists);
    assert_eq!(seen(&bench, id).await.url, two.url());
}

#[tokio::test]
async fn removing_forgets_the_instance_and_leaves_the_server_alone() {
    let (bench, fake) = (Bench::quiet().await, fake().await);
    let id = add(&bench, &fake.url()).await;
    fake.forget_requests();
    let mut events = bench.core.bus.listen();
    let removed = bench.ask::<call::Remove>(InstanceRef { id }).await.expect("removed");
    assert_eq!((removed.models, removed.jobs), (0, 0));
    let told = events.next().await.expect("an event");
    assert_eq!(told.event, AppEvent::InstanceRemoved(id));
    assert!(fake.requests().is_empty());
    let error = bench.ask::<call::Remove>(InstanceRef { id }).await.expect_err("gone");
    assert_eq!(error.code, ErrorCode::NotFound);
    add(&bench, &fake.url()).await;
}

#[tokio::test]
async fn instances_survive_a_restart_in_their_order() {
    let (bench, one, two) = (Bench::quiet().await, fake().await, fake().await);
    let first = add(&bench, &one.url()).await;
    let second = add(&bench, &two.url()).await;
    bench.core.shutdown().await;
    let mut config = bench.core.config.clone();
    config.seed = vec![SeedInstance { name: "Late".to_owned(), url: "http://x".to_owned() }];
    let core = corral_core::Core::start(config).await.expect("the core starts again");
    let again = Bench { core, clock: bench.clock, folder: bench.folder };
    let items = again.ask::<call::List>(Nothing {}).await.expect("a list").items;
    assert_eq!(items.iter().map(|view| view.id).collect::<Vec<_>>(), [first, second]);
    assert_eq!(items[0].api.state, ApiState::Checking);
    assert_eq!(items[0].api.version.as_deref(), Some("0.33.0"), "as it was last seen");
}

#[tokio::test]
async fn seeds_are_registered_once() {
    let seed = |name: &str| SeedInstance { name: name.to_owned(), url: "localhost:1".to_owned() };
    let bench = Bench::with(|config| {
        config.workers = Workers::None;
        config.seed = vec![seed("Demo")];
    })
    .await;
    let items = bench.ask::<call::List>(Nothing {}).await.expect("a list").items;
    assert_eq!((items[0].name.as_str(), items[0].url.as_str()), ("Demo", "http://localhost:1"));
    bench.ask::<call::Remove>(InstanceRef { id: items[0].id }).await.expect("removed");
    bench.core.shutdown().await;
    let core = corral_core::Core::start(bench.core.config.clone()).await.expect("starts again");
    let again = Bench { core, clock: bench.clock, folder: bench.folder };
    assert!(again.ask::<call::List>(Nothing {}).await.expect("a list").items.is_empty());
}
