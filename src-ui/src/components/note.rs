use leptos::prelude::*;

use super::Glyph;

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    #[default]
    Info,
    Good,
    Warning,
    Bad,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Tone::Info => "note note--info",
            Tone::Good => "note note--good",
            Tone::Warning => "note note--warning",
            Tone::Bad => "note note--bad",
        }
    }

    fn icon(self) -> icondata::Icon {
        match self {
            Tone::Info => icondata::LuInfo,
            Tone::Good => icondata::LuCircleCheck,
            Tone::Warning => icondata::LuTriangleAlert,
            Tone::Bad => icondata::LuCircleAlert,
        }
    }
}

/// A remark inside a page or a dialog.
#[component]
pub fn Note(
    /// What it is about.
    #[prop(optional)]
    tone: Tone,
    /// Another icon than the tone's.
    #[prop(optional)]
    icon: Option<icondata::Icon>,
    children: Children,
) -> impl IntoView {
    view! {
        <div class=tone.class()>
            <Glyph icon=icon.unwrap_or_else(|| tone.icon()) />
            <div class="note__text">{children()}</div>
        </div>
    }
}
