//! What keys and clicks on rows mean.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// Something was done to a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RowEvent {
    /// Enter or a double click.
    Open(usize),
    /// Space, or a click with Ctrl.
    Toggle(usize),
    /// Everything from the row last toggled to this one.
    Extend(usize),
    /// Ctrl+A.
    All,
    /// Delete.
    Delete(usize),
    /// The context menu at a point of the window.
    Menu { place: usize, x: f64, y: f64 },
}

/// Moves the active row or tells the page.
pub(super) fn pressed(
    event: &web_sys::KeyboardEvent,
    active: usize,
    total: usize,
    page: usize,
    go: &impl Fn(usize),
    on_row: Callback<RowEvent>,
) {
    if total == 0 || event.is_composing() || event.alt_key() {
        return;
    }
    let control = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|element| element.matches("button, input, a, select").unwrap_or(false));
    let last = total - 1;
    let command = event.ctrl_key() || event.meta_key();
    let next = match event.key().as_str() {
        "ArrowDown" => Some((active + 1).min(last)),
        "ArrowUp" => Some(active.saturating_sub(1)),
        "PageDown" => Some((active + page.max(1)).min(last)),
        "PageUp" => Some(active.saturating_sub(page.max(1))),
        "Home" => Some(0),
        "End" => Some(last),
        _ => None,
    };
    let told = match (event.key().as_str(), next) {
        (_, Some(next)) => {
            go(next);
            event.shift_key().then_some(RowEvent::Extend(next))
        }
        ("a" | "A", _) if command => Some(RowEvent::All),
        ("Enter", _) if !control => Some(RowEvent::Open(active)),
        (" ", _) if !control && event.shift_key() => Some(RowEvent::Extend(active)),
        (" ", _) if !control => Some(RowEvent::Toggle(active)),
        ("Delete", _) => Some(RowEvent::Delete(active)),
        ("ContextMenu" | "F10", _) if event.key() != "F10" || event.shift_key() => {
            let place = event.target().and_then(|it| it.dyn_into::<web_sys::Element>().ok());
            place.map(|row| {
                let place = row.get_bounding_client_rect();
                RowEvent::Menu { place: active, x: place.left() + 40.0, y: place.bottom() }
            })
        }
        _ => return,
    };
    event.prevent_default();
    if let Some(told) = told {
        on_row.run(told);
    }
}

/// A click with Ctrl toggles, with Shift extends; a plain one only makes the row active.
pub(super) fn clicked(event: &web_sys::MouseEvent, place: usize, on_row: Callback<RowEvent>) {
    if event.shift_key() {
        on_row.run(RowEvent::Extend(place));
    } else if event.ctrl_key() || event.meta_key() {
        on_row.run(RowEvent::Toggle(place));
    }
}
