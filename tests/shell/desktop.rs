//! The commands that the shell answers itself.

use corral_contract::settings::CloseButton;
use serde_json::json;

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
