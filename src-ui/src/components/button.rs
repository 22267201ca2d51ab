use leptos::prelude::*;

use super::Glyph;

/// How much a button stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ButtonKind {
    #[default]
    Plain,
    /// The one main action of a place.
    Primary,
    /// Destroys something.
    Danger,
    /// Without a frame.
    Ghost,
}

impl ButtonKind {
    /// The class of its look.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ButtonKind::Plain => "button",
            ButtonKind::Primary => "button button--primary",
            ButtonKind::Danger => "button button--danger",
            ButtonKind::Ghost => "button button--ghost",
        }
    }
}

/// A button with a word. One that is not available stays reachable and says why.
#[component]
pub fn Button(
    /// How much it stands out.
    #[prop(optional)]
    kind: ButtonKind,
    /// For rows and bars.
    #[prop(optional)]
    small: bool,
    /// An icon before the word.
    #[prop(optional, into)]
    icon: MaybeProp<icondata::Icon>,
    /// Why it is not available; an empty text means that it is.
    #[prop(optional, into)]
    reason: Signal<String>,
    /// What is read out instead of its word.
    #[prop(optional, into)]
    name: MaybeProp<String>,
    /// More than its word says, while it is available.
    #[prop(optional, into)]
    hint: MaybeProp<String>,
    /// It was pressed and the answer is not there yet.
    #[prop(optional, into)]
    pending: Signal<bool>,
    /// Takes the focus when its dialog opens.
    #[prop(optional)]
    autofocus: bool,
    /// Submits the form it stands in.
    #[prop(optional)]
    submit: bool,
    /// Pressed while available.
    #[prop(optional, into)]
    on_press: Option<Callback<()>>,
    children: Children,
) -> impl IntoView {
    let blocked = Signal::derive(move || pending.get() || reason.with(|text| !text.is_empty()));
    view! {
        <button
            type=if submit { "submit" } else { "button" }
            class=kind.as_str()
            class:button--small=small
            class:button--pending=pending
            autofocus=autofocus
            aria-label=move || name.get()
            aria-disabled=move || blocked.get().then_some("true")
            aria-busy=move || pending.get().then_some("true")
            title=move || Some(reason.get()).filter(|text| !text.is_empty()).or_else(|| hint.get())
            on:click=move |event| {
                if blocked.get_untracked() {
                    event.prevent_default();
                } else if let Some(on_press) = on_press {
                    event.stop_propagation();
                    on_press.run(());
                }
            }
        >
            {move || {
                if pending.get() {
                    Some(view! { <Glyph icon=icondata::LuLoaderCircle turning=true /> }.into_any())
                } else {
                    icon.get().map(|icon| view! { <Glyph icon=icon /> }.into_any())
                }
            }}
            {children()}
        </button>
    }
}

/// A button with an icon alone; its name is read out and shown as a hint.
#[component]
pub fn IconButton(
    /// The icon.
    #[prop(into)]
    icon: Signal<icondata::Icon>,
    /// Its name.
    #[prop(into)]
    label: Signal<String>,
    /// Whether what it toggles is on; leave out for a plain button.
    #[prop(optional, into)]
    pressed: MaybeProp<bool>,
    /// Turns while work is under way.
    #[prop(optional, into)]
    turning: Signal<bool>,
    /// Opens a menu or a popover.
    #[prop(optional)]
    popup: bool,
    /// Pressed.
    #[prop(into)]
    on_press: Callback<web_sys::MouseEvent>,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="icon-button"
            aria-label=label
            title=label
            aria-haspopup=popup.then_some("true")
            aria-pressed=move || pressed.get().map(|on| if on { "true" } else { "false" })
            on:click=move |event| {
                event.stop_propagation();
                on_press.run(event);
            }
        >
            <Glyph icon=icon turning=turning />
        </button>
    }
}
