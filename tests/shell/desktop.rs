//! The commands that the shell answers itself.

use std::time::Duration;

use corral_contract::settings::CloseButton;
use corral_shell::painted::Painted;
use serde_json::json;
use tauri::{Manager, async_runtime};

use crate::desk::Desk;

#[test]
fn facts_name_the_folders_and_the_language_of_the_system() {
    let desk = Desk::new();
    let facts = desk.call("desktop", "facts", json!({})).expect("facts are always there");
    let folder = desk.folder.path();
    assert_eq!(facts["dataFolder"], folder.display().to_string());
    assert_eq!(facts["logFolder"], folder.join("logs").display().to_string());
    assert_eq!(facts["systemLanguage"], "zh-CN");
    assert_eq!(facts["system"], std::env::consts::OS);
    assert_eq!(facts["tray"], false, "a mock desktop has no tray");
}

#[test]
fn background_work_need_not_wait_once_the_page_says_that_it_has_painted() {
    let desk = Desk::new();
    desk.call("desktop", "painted", json!({})).expect("nothing can fail");
    let painted = desk.app.state::<Painted>();
    // Without any time to wait, it answers only when it need not wait.
    let waited = async { tokio::time::timeout(Duration::ZERO, painted.wait()).await };
    assert!(async_runtime::block_on(waited).is_ok(), "it would only end by its limit");
}

#[test]
fn a_fault_of_the_page_is_taken_however_long_its_text_is() {
    let desk = Desk::new();
    let text = "模".repeat(100_000);
    desk.call("desktop", "fault", json!({ "text": text })).expect("nothing can fail");
    let error = desk.call("desktop", "fault", json!({ "text": 1 })).expect_err("no text");
    assert_eq!(error["code"], "INVALID_INPUT");
}

#[test]
fn a_choice_is_remembered_only_when_asked_to() {
    let desk = Desk::new();
    let once = json!({ "choice": "tray", "remember": false });
    desk.call("desktop", "close_choice", once).expect("the window is put away");
    assert_eq!(desk.core.settings().close_button, CloseButton::Ask);

    let always = json!({ "choice": "tray", "remember": true });
    desk.call("desktop", "close_choice", always).expect("the window is put away");
    assert_eq!(desk.core.settings().close_button, CloseButton::Tray);
}

#[test]
fn only_corral_s_own_folders_can_be_revealed() {
    let desk = Desk::new();
    let error = desk
        .call("desktop", "reveal", json!({ "folder": "../../etc" }))
        .expect_err("no folder of Corral's");
    assert_eq!(error["code"], "INVALID_INPUT");
}
