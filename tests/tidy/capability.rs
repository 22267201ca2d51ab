//! What the web view may call: the commands of the contract and next to nothing else.

use std::collections::BTreeSet;

use corral_contract::DOMAINS;
use serde_json::Value;

use crate::repository::{none, text};

/// Permissions of Tauri itself that the window has, with what for.
const OF_TAURI: &[(&str, &str)] = &[
    ("core:event:allow-listen", "hearing that the close button was pressed"),
    ("core:event:allow-unlisten", "no longer hearing it after a reload"),
];

/// What a content security policy must not allow a page to do.
const LOOSE: &[&str] = &["'unsafe-inline'", "'unsafe-eval'", "*", "https:", "http:"];

#[test]
fn every_command_is_granted_in_the_one_capability() {
    let granted = permissions();
    let mut findings = Vec::new();
    for domain in DOMAINS {
        if granted.contains(&format!("{}:default", domain.name)) {
            continue;
        }
        for command in domain.commands {
            let permission = format!("{}:allow-{}", domain.name, command.name.replace('_', "-"));
            if !granted.contains(&permission) {
                findings.push(permission);
            }
        }
    }
    none(&findings, "commands that the window may not call");
}

#[test]
fn nothing_but_the_contract_is_granted() {
    let findings: Vec<String> = permissions()
        .into_iter()
        .filter(|permission| !OF_TAURI.iter().any(|(known, _)| known == permission))
        .filter(|permission| {
            let domain = permission.split(':').next().unwrap_or_default();
            !DOMAINS.iter().any(|known| known.name == domain)
        })
        .collect();
    none(&findings, "permissions beside the contract");
}

#[test]
fn pages_run_under_a_strict_policy() {
    let policy = &configuration()["app"]["security"]["csp"];
    let directives = policy.as_object().expect("the policy is a table of directives");
    let findings: Vec<String> = directives
        .iter()
        .filter(|(_, sources)| {
            let sources = sources.as_str().unwrap_or_default();
            LOOSE.iter().any(|loose| sources.split(' ').any(|source| source == *loose))
        })
        .map(|(directive, sources)| format!("{directive}: {sources}"))
        .collect();
    none(&findings, "directives that let foreign things in");
    assert_eq!(directives["default-src"], "'none'", "what no directive names is refused");
}

fn permissions() -> BTreeSet<String> {
    let configuration = configuration();
    let capabilities = configuration["app"]["security"]["capabilities"]
        .as_array()
        .expect("the capability stands in tauri.conf.json");
    assert_eq!(capabilities.len(), 1, "one window, one capability");
    let permissions = capabilities[0]["permissions"].as_array().expect("it lists permissions");
    permissions
        .iter()
        .map(|permission| permission.as_str().expect("a permission is a name").to_owned())
        .collect()
}

fn configuration() -> Value {
    serde_json::from_str(&text("tauri.conf.json")).expect("tauri.conf.json is JSON")
}
