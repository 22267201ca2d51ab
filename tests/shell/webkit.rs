//! When WebKitGTK needs help.

use corral_shell::webkit::needed;

#[test]
fn only_nvidia_needs_it_and_the_user_s_own_choice_stands() {
    assert!(needed(false, true));
    assert!(!needed(true, true), "set already, whatever to");
    assert!(!needed(false, false));
    assert!(!needed(true, false));
}
