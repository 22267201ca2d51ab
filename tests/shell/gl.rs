//! When an emulated graphics card is left out of the app's own process.

use corral_shell::gl::may_be_left_out;

#[test]
fn only_a_version_that_was_seen_to_do_without_on_x11_and_never_against_the_user() {
    assert!(may_be_left_out(50, |_| false));
    assert!(!may_be_left_out(48, |_| false));
    for set in ["WAYLAND_DISPLAY", "GDK_GL", "__EGL_VENDOR_LIBRARY_FILENAMES"] {
        assert!(!may_be_left_out(50, |variable| variable == set), "{set}");
    }
}
