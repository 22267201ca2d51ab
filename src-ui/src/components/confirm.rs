use leptos::prelude::*;

use super::{Button, ButtonKind, Dialog};

/// The question before something that cannot simply be taken back. The title names its object; the
/// safe button has the focus.
#[component]
pub fn Confirm(
    /// Names the object.
    #[prop(into)]
    title: Signal<String>,
    /// The word of what is done.
    #[prop(into)]
    go: Signal<String>,
    /// The word of the way back.
    #[prop(into)]
    keep: Signal<String>,
    /// Interrupts or costs something, but destroys nothing.
    #[prop(optional)]
    harmless: bool,
    /// What the `data-testid` of both buttons begins with: `-keep` and `-confirm` follow.
    name: &'static str,
    /// Agreed. The question closes by itself.
    #[prop(into)]
    on_go: Callback<()>,
    /// Closed, by whatever answer.
    #[prop(into)]
    on_close: Callback<()>,
    /// What happens, and what does not: bytes, names, what stays.
    children: Children,
) -> impl IntoView {
    let kind = if harmless { ButtonKind::Primary } else { ButtonKind::Danger };
    let agree = move |()| {
        on_go.run(());
        on_close.run(());
    };
    let footer = move || {
        view! {
            <Button on_press=on_close autofocus=true attr:data-testid=format!("{name}-keep")>
                {keep}
            </Button>
            <Button kind=kind on_press=agree attr:data-testid=format!("{name}-confirm")>
                {go}
            </Button>
        }
    };
    view! {
        <Dialog title=title on_close=on_close footer=footer narrow=true>
            {children()}
        </Dialog>
    }
}
