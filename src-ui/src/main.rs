//! Starts Corral's window.

fn main() {
    corral_ui::mount();
}
