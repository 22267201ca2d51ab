use leptos::{html, prelude::*};

/// A panel that hangs under its trigger. A click elsewhere or Escape closes it and gives the
/// focus back to the trigger.
#[component]
pub fn Popover(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// What it is, for a screen reader.
    #[prop(into)]
    label: Signal<String>,
    /// Hangs from the right edge of the trigger.
    #[prop(optional)]
    right: bool,
    /// The button that opens it.
    #[prop(into)]
    trigger: ViewFn,
    /// What it holds, made each time it opens.
    children: ChildrenFn,
) -> impl IntoView {
    let anchor = NodeRef::<html::Span>::new();
    let panel = NodeRef::<html::Div>::new();
    let close = move || {
        open.set(false);
        let button =
            anchor.get_untracked().and_then(|it| it.query_selector("button").ok().flatten());
        if let Some(button) = button {
            super::menu::focus(&button);
        }
    };
    Effect::new(move |_| {
        if let Some(panel) = panel.get() {
            let first = panel.query_selector("[autofocus], input, button").ok().flatten();
            super::menu::focus(&first.unwrap_or_else(|| panel.into()));
        }
    });
    view! {
        <span
            class="popover"
            on:keydown=move |event| {
                if open.get_untracked() && event.key() == "Escape" && !event.is_composing() {
                    event.stop_propagation();
                    close();
                }
            }
        >
            <span node_ref=anchor class="popover__anchor">{trigger.run()}</span>
            <Show when=move || open.get()>
                <div class="popover__away" on:click=move |_| close()></div>
                <div
                    node_ref=panel
                    class="popover__panel"
                    class:popover__panel--right=right
                    role="dialog"
                    tabindex="-1"
                    aria-label=label
                >
                    {children()}
                </div>
            </Show>
        </span>
    }
}
