//! The window: what every part of it shares, and the frame.

use corral_contract::{
    command::Nothing,
    desktop::{DesktopFacts, call::Facts},
    settings::Language,
};
use corral_locale::Locale;
use leptos::{prelude::*, task::spawn_local};

use crate::{
    components::MenuHost,
    format,
    frame::{
        Frame, drops,
        media::{self, Narrow},
        outcomes::Outcomes,
        painted,
        scope::Scope,
        theme,
        toasts::Toasts,
    },
    ipc,
    navigation::{Navigation, use_navigation},
    preferences::Preferences,
    state::{Stores, feed::Feed},
    words::Words,
};

/// What the desktop offers; `None` until the shell answered.
#[derive(Clone, Copy)]
pub struct Desktop(pub RwSignal<Option<DesktopFacts>>);

/// The whole window.
#[component]
pub fn App() -> impl IntoView {
    let stores = Stores::new(format::now());
    provide_context(stores);
    let desktop = Desktop(RwSignal::new(None));
    provide_context(desktop);
    spawn_local(async move {
        if let Ok(facts) = ipc::call::<Facts>(Nothing {}).await {
            desktop.0.set(Some(facts));
        }
    });

    let words = Words::new(language(stores, desktop));
    provide_context(words);
    Effect::new(move |_| {
        let root = document().document_element();
        if let Some(root) = root {
            let _ = root.set_attribute("lang", words.locale().as_str());
        }
    });

    Navigation::provide();
    let preferences = Preferences::provide();
    theme::follow(preferences);
    provide_context(Narrow(media::holds("(max-width: 1100px)")));
    Scope::provide(stores, preferences);
    let toasts = Toasts::provide();
    Feed::start(stores, Outcomes::new(stores, toasts, words));
    drops::hear(use_navigation());
    painted::tell(stores, use_navigation());

    view! {
        <MenuHost>
            <Frame />
        </MenuHost>
    }
}

/// The language set, or the system's.
fn language(stores: Stores, desktop: Desktop) -> Signal<Locale> {
    let browser = window().navigator().language().unwrap_or_default();
    let chosen = Memo::new(move |_| {
        let set = stores.system.with(|system| system.settings.language);
        match set {
            Language::ZhCn => Locale::ZhCn,
            Language::En => Locale::En,
            Language::System => desktop.0.with(|facts| {
                Locale::parse(facts.as_ref().map_or(&browser, |facts| &facts.system_language))
            }),
        }
    });
    chosen.into()
}
