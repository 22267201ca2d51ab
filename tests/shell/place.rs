//! The window can always be taken hold of.

use corral_shell::window::place::{Rect, Seen, fit};

const SCREEN: Rect = Rect { x: 0, y: 0, width: 1920, height: 1080 };
const RIGHT: Rect = Rect { x: 1920, y: 0, width: 1280, height: 1024 };

fn window(x: i32, y: i32) -> Rect {
    Rect { x, y, width: 1280, height: 800 }
}

#[test]
fn a_window_that_stands_well_is_left_alone() {
    assert_eq!(fit(window(100, 50), &[SCREEN]), None);
    assert_eq!(fit(window(2000, 100), &[SCREEN, RIGHT]), None);
    // Half out, but its title bar can be reached.
    assert_eq!(fit(window(-1100, 700), &[SCREEN]), None);
}

#[test]
fn a_window_on_a_screen_that_is_gone_comes_back_to_the_middle() {
    let middle = Some(Rect { x: 320, y: 140, width: 1280, height: 800 });
    assert_eq!(fit(window(2000, 100), &[SCREEN]), middle);
    assert_eq!(fit(window(100, -400), &[SCREEN]), middle, "its title bar is above the screen");
    assert_eq!(fit(window(100, 1070), &[SCREEN]), middle, "or below it");
    assert_eq!(fit(window(i32::MAX, i32::MIN), &[SCREEN]), middle);
}

#[test]
fn a_window_larger_than_its_screen_shrinks_to_it() {
    let large = Rect { x: 10, y: 10, width: 4000, height: 3000 };
    assert_eq!(fit(large, &[SCREEN]), Some(SCREEN));
}

#[test]
fn without_a_screen_nothing_is_better() {
    assert_eq!(fit(window(-9000, 0), &[]), None);
}

#[test]
fn the_core_is_told_only_what_it_does_not_know() {
    let seen = Seen::default();
    assert!(seen.changes_to(false), "it knows nothing yet");
    assert!(!seen.changes_to(false));
    assert!(seen.changes_to(true));
    assert!(!seen.changes_to(true));
}
