//! Every command of the contract and nothing else, from the page to the core.

use std::collections::BTreeSet;

use corral_contract::{DOMAINS, ErrorCode, WireError, audit::AuditRequest};
use corral_shell::ready::Ready;
use serde_json::{Value, json};
use tauri::{Manager, WebviewWindowBuilder, async_runtime, ipc::InvokeBody};

use crate::desk::{Desk, invoke};

/// What the build made of the contract and of the plugins: each plugin with its permissions.
const MANIFESTS: &str = include_str!(concat!(env!("OUT_DIR"), "/acl-manifests.json"));

/// A request that no command takes, so that nothing happens but the way there and back. Commands
/// without arguments take it, and may then run: in this folder nothing can be hurt.
fn nonsense() -> Value {
    json!({ "nobody": "asks for this" })
}

fn wire(error: &Value) -> Option<WireError> {
    serde_json::from_value(error.clone()).ok()
}

#[test]
fn every_command_of_the_contract_is_granted_and_answered() {
    let desk = Desk::new();
    let mut unanswered = Vec::new();
    for domain in DOMAINS {
        for command in domain.commands {
            // It would start the file manager of whoever runs the tests, ask him for a file, or end
            // the app.
            if domain.name == "desktop"
                && matches!(
                    command.name,
                    "set_autostart"
                        | "set_start_hidden"
                        | "choose_file"
                        | "choose_folder"
                        | "save_text"
                )
            {
                continue;
            }
            let Err(error) = desk.call(domain.name, command.name, nonsense()) else { continue };
            // Tauri's own refusals are plain text.
            match wire(&error) {
                Some(known) if !known.params.contains_key("command") => {}
                _ => unanswered.push(format!("{}.{}: {error}", domain.name, command.name)),
            }
        }
    }
    assert_eq!(unanswered, Vec::<String>::new());
}

#[test]
fn each_domain_permits_exactly_its_commands() {
    let manifests: Value = serde_json::from_str(MANIFESTS).expect("the build writes JSON");
    for domain in DOMAINS {
        let permitted: BTreeSet<&str> = manifests[domain.name]["default_permission"]["permissions"]
            .as_array()
            .expect("each domain has a default permission")
            .iter()
            .map(|permission| permission.as_str().expect("a name"))
            .collect();
        let listed: BTreeSet<String> = domain
            .commands
            .iter()
            .map(|command| format!("allow-{}", command.name.replace('_', "-")))
            .collect();
        assert_eq!(permitted, listed.iter().map(String::as_str).collect(), "{}", domain.name);
    }
}

// criterion: 10.1
#[test]
fn the_window_has_no_command_of_tauri_or_of_a_plugin() {
    let desk = Desk::new();
    for command in [
        "plugin:app|version",
        "plugin:window|close",
        "plugin:window|set_title",
        "plugin:webview|create_webview_window",
        "plugin:event|emit",
        "plugin:path|resolve_directory",
        "plugin:tray|new",
        "plugin:store|load",
        "plugin:opener|open_url",
        "plugin:opener|open_path",
        "plugin:dialog|open",
        "plugin:notification|notify",
        "plugin:autostart|enable",
        "plugin:window-state|filename",
    ] {
        let refused = desk.invoke(command, json!({})).expect_err(command);
        assert!(refused.is_string(), "{command} was refused by Tauri: {refused}");
    }
}

// criterion: 10.1
#[test]
fn unknown_commands_are_refused() {
    let desk = Desk::new();
    for command in ["plugin:models|drop_all", "plugin:nothing|search", "search", "plugin:models|"] {
        let refused = desk.invoke(command, json!({ "request": {} })).expect_err(command);
        assert!(refused.is_string(), "{command} was refused by Tauri: {refused}");
    }
}

// criterion: 10.1
#[test]
fn another_window_may_call_nothing() {
    let desk = Desk::new();
    let other = WebviewWindowBuilder::new(&desk.app, "other", Default::default())
        .build()
        .expect("the mock window opens");
    let body = InvokeBody::Json(json!({ "request": {} }));
    let refused = invoke(&other, "plugin:app|snapshot", body).expect_err("not its capability");
    assert!(refused.is_string(), "{refused}");
}

#[test]
fn replies_are_the_core_s_own_json() {
    let desk = Desk::new();
    let reply = desk.call("settings", "get", json!({})).expect("settings can be read");
    let expected = serde_json::to_value(desk.core.settings()).expect("settings are JSON");
    assert_eq!(reply, expected);
    let bare = desk.invoke("plugin:settings|get", json!({})).expect("no argument, no request");
    assert_eq!(bare, expected);
}

// criterion: 0.6
#[test]
fn errors_arrive_as_code_params_and_hint() {
    let desk = Desk::new();
    let malformed = desk.call("settings", "update", json!({ "undoSeconds": "ten" }));
    let error = malformed.expect_err("a word is no number");
    assert_eq!(error["code"], "INVALID_INPUT");
    assert_eq!(error["params"], json!({ "field": "request", "reason": "malformed" }));

    let out_of_range = desk.call("settings", "update", json!({ "undoSeconds": 61 }));
    let error = out_of_range.expect_err("sixty is the most");
    assert_eq!(
        error["params"],
        json!({ "field": "undoSeconds", "reason": "outOfRange", "min": "0", "max": "60" })
    );

    let raw = invoke(&desk.window, "plugin:settings|get", InvokeBody::Raw(vec![1, 2, 3]));
    let error = raw.expect_err("bytes are no request");
    assert_eq!(wire(&error).map(|error| error.code), Some(ErrorCode::InvalidInput));
}

#[test]
fn a_call_before_the_core_runs_waits_for_it() {
    let desk = Desk::without_core();
    let window = desk.window.clone();
    let early = std::thread::spawn(move || {
        invoke(&window, "plugin:settings|get", InvokeBody::Json(json!({})))
    });
    desk.app.state::<Ready>().settle(Ok(desk.core.clone()));
    early.join().expect("the call ends").expect("and is answered");
}

#[test]
fn a_core_that_did_not_start_says_why_to_every_call() {
    let desk = Desk::without_core();
    let why = WireError::new(ErrorCode::FileSystem).with("what", "data");
    desk.app.state::<Ready>().settle(Err(why.clone()));
    let error = desk.call("app", "snapshot", json!({})).expect_err("there is no core");
    assert_eq!(wire(&error), Some(why));
}

// criterion: 10.2
#[test]
fn the_shell_s_own_commands_leave_audit_rows_too() {
    let desk = Desk::new();
    let answer = json!({ "choice": "ask", "remember": true });
    desk.call("desktop", "close_choice", answer).expect("going back is always possible");
    let request = serde_json::to_value(AuditRequest::default()).expect("it is JSON");
    let page = desk.call("audit", "search", request).expect("the audit can be read");
    let commands: Vec<&str> = page["items"]
        .as_array()
        .expect("it has rows")
        .iter()
        .map(|row| row["command"].as_str().expect("each names its command"))
        .collect();
    assert_eq!(commands, ["desktop.close_choice", "settings.update"]);
    async_runtime::block_on(desk.core.shutdown());
}
