//! One line of the palette, and what its doing needs.

use leptos::prelude::*;

use crate::{
    frame::{shortcuts::Keyboard, toasts::Toasts},
    navigation::Navigation,
    paint::after_paint,
    preferences::Preferences,
    state::Stores,
    words::Words,
};

/// The groups, in the order in which they show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Section {
    /// What can be done to the selected rows.
    Selection,
    /// What can be done to a model that was named.
    Actions,
    Commands,
    Models,
    GoTo,
    Settings,
}

impl Section {
    pub(super) const ALL: [Section; 6] = [
        Section::Selection,
        Section::Actions,
        Section::Commands,
        Section::Models,
        Section::GoTo,
        Section::Settings,
    ];

    pub(super) fn label(self) -> &'static str {
        match self {
            Section::Selection => "palette.selection",
            Section::Actions => "palette.actions",
            Section::Commands => "palette.commands",
            Section::Models => "palette.models",
            Section::GoTo => "palette.goTo",
            Section::Settings => "palette.settings",
        }
    }
}

/// One line.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) section: Section,
    /// For tests, and for telling lines apart.
    pub(super) name: String,
    pub(super) icon: icondata::Icon,
    pub(super) label: String,
    /// What it is done to, shown after the label.
    pub(super) object: Option<String>,
    /// The keys that do the same.
    pub(super) shortcut: Option<String>,
    /// How well it fits; larger is better.
    pub(super) score: u32,
    pub(super) run: Callback<()>,
}

/// What an entry does things with.
#[derive(Clone, Copy)]
pub(super) struct Doing {
    pub(super) stores: Stores,
    pub(super) words: Words,
    pub(super) toasts: Toasts,
    pub(super) navigation: Navigation,
    pub(super) keyboard: Keyboard,
    pub(super) preferences: Preferences,
    /// The question before all models are stopped.
    pub(super) stop_all: RwSignal<bool>,
}

impl Doing {
    /// Does something once the page that it belongs to shows.
    pub(super) fn then(self, act: impl FnOnce() + 'static) {
        after_paint(move || untrack(act));
    }
}
