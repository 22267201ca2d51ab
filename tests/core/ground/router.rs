use corral_contract::{DOMAINS, ErrorCode, audit::Actor};
use corral_core::router::routes;

use crate::support::Bench;

#[test]
fn every_command_of_the_contract_has_a_handler() {
    let router = routes();
    let missing: Vec<String> = DOMAINS
        .iter()
        // The shell answers these itself.
        .filter(|domain| domain.name != "desktop")
        .flat_map(|domain| domain.commands.iter().map(move |command| (domain.name, command.name)))
        .filter(|(domain, name)| !router.knows(domain, name))
        .map(|(domain, name)| format!("{domain}.{name}"))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn an_unknown_command_is_not_found() {
    let bench = Bench::quiet().await;
    let error = bench
        .core
        .call(Actor::Window, "models", "explode", serde_json::json!({}))
        .await
        .expect_err("there is no such command");
    assert_eq!(error.code, ErrorCode::NotFound);
}

#[tokio::test]
async fn a_payload_of_another_shape_names_what_is_wrong() {
    let bench = Bench::quiet().await;
    let error = bench
        .core
        .call(Actor::Window, "storage", "restore", serde_json::json!({ "nam": 3 }))
        .await
        .expect_err("the name is missing");
    assert_eq!(error.code, ErrorCode::InvalidInput);
    assert!(error.detail.expect("serde's words").contains("name"));
}
