use leptos::prelude::*;

use super::{Button, ButtonKind};
use crate::words::use_words;

/// The footer of a dialog that does one thing: the way back, then that thing.
#[component]
pub fn DialogFoot(
    /// The `data-testid` of the way back.
    cancel: &'static str,
    /// The `data-testid` of the other button.
    submit: &'static str,
    /// Its word.
    #[prop(into)]
    go: Signal<String>,
    /// How much it stands out.
    #[prop(default = ButtonKind::Primary)]
    kind: ButtonKind,
    /// An icon before its word.
    #[prop(optional, into)]
    icon: MaybeProp<icondata::Icon>,
    /// Why it is not available; an empty text means that it is.
    #[prop(optional, into)]
    reason: Signal<String>,
    /// It was pressed and the answer is not there yet.
    #[prop(optional, into)]
    pending: Signal<bool>,
    /// The way back has the focus when the dialog opens; where there is something to fill in, that
    /// has it.
    #[prop(optional)]
    autofocus: bool,
    /// Back.
    #[prop(into)]
    on_close: Callback<()>,
    /// Pressed while available.
    #[prop(into)]
    on_go: Callback<()>,
) -> impl IntoView {
    let words = use_words();
    view! {
        <Button on_press=on_close autofocus=autofocus attr:data-testid=cancel>
            {words.signal("common.cancel")}
        </Button>
        <Button kind icon reason pending on_press=on_go attr:data-testid=submit>
            {go}
        </Button>
    }
}
