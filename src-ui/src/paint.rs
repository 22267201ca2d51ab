//! When frames reach the screen.

use leptos::prelude::request_animation_frame;

/// Calls `then` once the next frame has been painted. A hidden window paints none.
pub(crate) fn after_paint(then: impl FnOnce() + 'static) {
    // The first callback runs before that frame, the second after it.
    request_animation_frame(move || request_animation_frame(then));
}
