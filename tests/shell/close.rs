//! The close button never traps anybody.

use corral_contract::settings::CloseButton;
use corral_shell::window::close::{Close, decide};

#[test]
fn the_setting_decides_while_page_and_tray_are_there() {
    assert_eq!(decide(CloseButton::Ask, true, true), Close::Ask);
    assert_eq!(decide(CloseButton::Tray, true, true), Close::PutAway);
    assert_eq!(decide(CloseButton::Quit, true, true), Close::Quit);
}

#[test]
fn without_a_tray_the_question_is_still_asked_and_tray_means_the_task_bar() {
    assert_eq!(decide(CloseButton::Ask, false, true), Close::Ask);
    assert_eq!(decide(CloseButton::Tray, false, true), Close::PutAway);
}

#[test]
fn a_page_that_cannot_ask_does_not_hold_the_window_open() {
    assert_eq!(decide(CloseButton::Ask, true, false), Close::Quit);
    assert_eq!(decide(CloseButton::Ask, false, false), Close::Quit);
    assert_eq!(decide(CloseButton::Tray, false, false), Close::Quit);
    assert_eq!(decide(CloseButton::Tray, true, false), Close::PutAway);
}
