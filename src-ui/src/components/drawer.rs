use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

use super::IconButton;
use crate::words::use_words;

/// A panel over the right side of the page. Mount it to open it; Escape closes it and the focus
/// goes back. Its left edge can be dragged.
#[component]
pub fn Drawer(
    /// What it is about, for a screen reader.
    #[prop(into)]
    label: Signal<String>,
    /// Width in px.
    #[prop(into)]
    width: Signal<f64>,
    /// Dragged to a new width.
    #[prop(into)]
    on_resize: Callback<f64>,
    /// Closed.
    #[prop(into)]
    on_close: Callback<()>,
    /// Title and buttons.
    #[prop(into)]
    head: ViewFn,
    children: Children,
) -> impl IntoView {
    let words = use_words();
    let node = NodeRef::<html::Section>::new();
    let before = StoredValue::new_local(
        document().active_element().and_then(|element| element.dyn_into().ok()),
    );
    Effect::new(move |_| {
        if let Some(panel) = node.get() {
            let _ = panel.focus();
        }
    });
    // A button that vanishes after its work leaves the focus to the page; the keys are this panel's
    // all the same.
    let keys = window_event_listener(ev::keydown, move |event| {
        let adrift = document().active_element().is_none_or(|it| it.tag_name() == "BODY");
        let asking = matches!(document().query_selector("dialog[open]"), Ok(Some(_)));
        if !adrift || asking || event.is_composing() {
            return;
        }
        match event.key().as_str() {
            "Escape" => on_close.run(()),
            "Tab" => {
                if let Some(panel) = node.get_untracked() {
                    let _ = panel.focus();
                }
            }
            _ => {}
        }
    });
    on_cleanup(move || {
        keys.remove();
        before.try_with_value(|element: &Option<web_sys::HtmlElement>| {
            if let Some(element) = element {
                let _ = element.focus();
            }
        });
    });
    view! {
        <section
            node_ref=node
            class="drawer"
            tabindex="-1"
            role="dialog"
            aria-label=label
            style:width=move || format!("{}px", width.get())
            on:keydown=move |event| {
                let target = event.target().and_then(|it| it.dyn_into::<web_sys::Element>().ok());
                // A dialog that was opened from here closes by itself, and alone.
                let in_dialog =
                    target.is_some_and(|it| it.closest("dialog").ok().flatten().is_some());
                if event.key() == "Escape" && !event.is_composing() && !in_dialog {
                    event.stop_propagation();
                    on_close.run(());
                }
            }
        >
            <div
                class="drawer__edge"
                on:pointerdown=move |event| {
                    let edge = event.target().and_then(|it| it.dyn_into::<web_sys::Element>().ok());
                    if let Some(edge) = edge {
                        let _ = edge.set_pointer_capture(event.pointer_id());
                    }
                }
                on:pointermove=move |event| {
                    if event.buttons() == 1
                        && let Some(panel) = node.get_untracked()
                    {
                        let right = panel.get_bounding_client_rect().right();
                        on_resize.run((right - f64::from(event.client_x())).clamp(380.0, 900.0));
                    }
                }
            ></div>
            <div class="drawer__head">
                {head.run()}
                <IconButton
                    icon=icondata::LuX
                    label=words.signal("common.close")
                    on_press=move |_| on_close.run(())
                    attr:data-testid="drawer-close"
                />
            </div>
            {children()}
        </section>
    }
}
