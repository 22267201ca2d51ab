//! When WebKitGTK needs to be told something.

use corral_shell::webkit::{Graphics, NO_DMABUF, NO_LAYERS, needed};

#[test]
fn only_nvidia_is_drawn_without_dmabuf_and_only_no_card_without_layers() {
    let of = |nvidia, render_node| needed(Graphics { nvidia, render_node }, |_| false);
    assert_eq!(of(true, true), [NO_DMABUF]);
    assert_eq!(of(false, false), [NO_LAYERS]);
    assert_eq!(of(true, false), [NO_DMABUF, NO_LAYERS]);
    assert!(of(false, true).is_empty());
}

#[test]
fn what_the_user_has_set_stands() {
    let graphics = Graphics { nvidia: true, render_node: false };
    assert_eq!(needed(graphics, |variable| variable == NO_DMABUF), [NO_LAYERS]);
    assert!(needed(graphics, |_| true).is_empty());
}
