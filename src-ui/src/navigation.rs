//! Which page shows, kept in the address so that a reload comes back to it.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};

/// The pages of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Page {
    Models,
    Discover,
    Downloads,
    Disk,
    Instances,
    Activity,
    Settings,
    Help,
}

impl Page {
    /// In the order of the navigation; Ctrl+1 opens the first.
    pub const ALL: &'static [Page] = &[
        Page::Models,
        Page::Discover,
        Page::Downloads,
        Page::Disk,
        Page::Instances,
        Page::Activity,
        Page::Settings,
        Page::Help,
    ];

    /// The word in the address and under `nav.`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Page::Models => "models",
            Page::Discover => "discover",
            Page::Downloads => "downloads",
            Page::Disk => "disk",
            Page::Instances => "instances",
            Page::Activity => "activity",
            Page::Settings => "settings",
            Page::Help => "help",
        }
    }

    /// The key of its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Page::Models => "nav.models",
            Page::Discover => "nav.discover",
            Page::Downloads => "nav.downloads",
            Page::Disk => "nav.disk",
            Page::Instances => "nav.instances",
            Page::Activity => "nav.activity",
            Page::Settings => "nav.settings",
            Page::Help => "nav.help",
        }
    }

    /// Its icon.
    #[must_use]
    pub fn icon(self) -> icondata::Icon {
        match self {
            Page::Models => icondata::LuBox,
            Page::Discover => icondata::LuCompass,
            Page::Downloads => icondata::LuDownload,
            Page::Disk => icondata::LuHardDrive,
            Page::Instances => icondata::LuServer,
            Page::Activity => icondata::LuActivity,
            Page::Settings => icondata::LuSettings,
            Page::Help => icondata::LuCircleHelp,
        }
    }

    /// The page of an address; `#activity/task/5` has a place inside the page after the slash.
    fn read(hash: &str) -> (Page, String) {
        let text = hash.trim_start_matches('#');
        let (name, place) = text.split_once('/').unwrap_or((text, ""));
        let page = Page::ALL.iter().find(|page| page.as_str() == name);
        (page.copied().unwrap_or(Page::Models), place.to_owned())
    }
}

/// Where the window is.
#[derive(Clone, Copy)]
pub struct Navigation {
    /// The page that shows.
    pub page: Signal<Page>,
    /// A place inside the page, such as `task/5`; empty for the page itself.
    pub place: Signal<String>,
    at: RwSignal<(Page, String)>,
}

impl Navigation {
    /// Follows the address of the window.
    pub fn provide() {
        let location = window().location();
        let at = RwSignal::new(Page::read(&location.hash().unwrap_or_default()));
        let follow = Closure::<dyn Fn()>::new(move || {
            at.set(Page::read(&window().location().hash().unwrap_or_default()));
        });
        window().set_onhashchange(Some(follow.as_ref().unchecked_ref()));
        follow.forget();
        let page = Memo::new(move |_| at.with(|(page, _)| *page));
        let place = Memo::new(move |_| at.with(|(_, place)| place.clone()));
        let navigation = Navigation { page: page.into(), place: place.into(), at };
        provide_context(navigation);
    }

    /// Opens a page.
    pub fn open(self, page: Page) {
        self.open_place(page, "");
    }

    /// Opens a place inside a page.
    pub fn open_place(self, page: Page, place: &str) {
        let hash = if place.is_empty() {
            page.as_str().to_owned()
        } else {
            format!("{}/{place}", page.as_str())
        };
        self.at.set((page, place.to_owned()));
        // A refused address only loses what a reload would come back to.
        let _ = window().location().set_hash(&hash);
    }
}

/// Where the window is.
#[must_use]
pub fn use_navigation() -> Navigation {
    expect_context()
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn reads_addresses() {
        assert_eq!(Page::read(""), (Page::Models, String::new()));
        assert_eq!(Page::read("#downloads"), (Page::Downloads, String::new()));
        assert_eq!(Page::read("#activity/task/5"), (Page::Activity, "task/5".to_owned()));
        assert_eq!(Page::read("#nowhere"), (Page::Models, String::new()));
    }
}
