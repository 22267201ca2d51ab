use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

/// Opens a dialog element as soon as it is there; the page behind cannot be reached until it goes.
/// Then the focus goes back to where it was.
pub fn modal(node: NodeRef<html::Dialog>) {
    let before = StoredValue::new_local(
        document().active_element().and_then(|element| element.dyn_into().ok()),
    );
    let shown = StoredValue::new_local(None::<web_sys::HtmlDialogElement>);
    Effect::new(move |_| {
        if let Some(dialog) = node.get()
            && !dialog.open()
        {
            // Only fails for a dialog that is open or detached.
            let _ = dialog.show_modal();
            shown.set_value(Some(dialog));
        }
    });
    on_cleanup(move || {
        // While it is open nothing behind it takes the focus.
        shown.try_with_value(|dialog| {
            if let Some(dialog) = dialog {
                dialog.close();
            }
        });
        before.try_with_value(|element: &Option<web_sys::HtmlElement>| {
            if let Some(element) = element {
                let _ = element.focus();
            }
        });
    });
}

/// A question or a form over the page. Mount it to open it. The page behind cannot be reached
/// until it closes; then the focus goes back to where it was. Inside, mark the safe control with
/// `autofocus`.
#[component]
pub fn Dialog(
    /// Names its object.
    #[prop(into)]
    title: Signal<String>,
    /// Escape, or a click beside it.
    #[prop(into)]
    on_close: Callback<()>,
    /// 480 px instead of 600.
    #[prop(optional)]
    narrow: bool,
    /// As wide as a text of code needs.
    #[prop(optional)]
    wide: bool,
    /// Buttons, the safe one first.
    #[prop(into)]
    footer: ViewFn,
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    modal(node);
    view! {
        <dialog
            node_ref=node
            class="dialog"
            class:dialog--narrow=narrow
            class:dialog--wide=wide
            aria-label=title
            on:cancel=move |event: web_sys::Event| {
                event.prevent_default();
                on_close.run(());
            }
            on:mousedown=move |event| {
                // The backdrop belongs to the dialog's own box.
                let beside = event.target().zip(node.get_untracked()).is_some_and(
                    |(target, dialog)| target.dyn_ref() == Some::<&web_sys::HtmlElement>(&dialog),
                );
                if beside {
                    on_close.run(());
                }
            }
        >
            <div class="dialog__box">
                <h2 class="dialog__title">{title}</h2>
                <div class="dialog__body">{children()}</div>
                <div class="dialog__footer">{footer.run()}</div>
            </div>
        </dialog>
    }
}
