//! The bar above the page.

use corral_contract::settings::{Language, call};
use corral_locale::Locale;
use leptos::{prelude::*, task::spawn_local};

use super::{
    instance_switcher::InstanceSwitcher,
    notices::Notices,
    shortcuts::use_keyboard,
    task_center::TaskCenter,
    theme,
    toasts::{Toasts, use_toasts},
};
use crate::{
    components::{Glyph, IconButton, MenuItem, use_menu},
    ipc,
    preferences::use_preferences,
    state::{Stores, use_stores},
    words::{Words, use_words},
};

/// Instances at the left; tasks, notices, language, appearance and keys at the right.
#[component]
pub(super) fn Top() -> impl IntoView {
    let (words, keyboard, menu) = (use_words(), use_keyboard(), use_menu());
    let (stores, toasts, preferences) = (use_stores(), use_toasts(), use_preferences());
    let themes = Signal::derive(move || {
        let now = preferences.get::<String>(theme::KEY).unwrap_or_else(|| "system".to_owned());
        [("system", icondata::LuMonitor), ("light", icondata::LuSun), ("dark", icondata::LuMoon)]
            .map(|(key, icon)| {
                let label = words.get(&format!("theme.{key}"));
                let run = move || preferences.set(theme::KEY, &key);
                let mut item = MenuItem::new(label, &format!("theme-{key}"), run);
                item.icon = Some(icon);
                item.ticked = Some(now == key);
                item
            })
            .to_vec()
    });
    let languages = Signal::derive(move || {
        let now = stores.system.with(|system| system.settings.language);
        Language::ALL
            .iter()
            .map(|language| {
                let label = words.get(&format!("language.{}", language.as_str()));
                let run = move || set_language(stores, toasts, words, *language);
                let name = format!("lang-{}", language.as_str());
                let mut item = MenuItem::new(label, &name, run);
                item.ticked = Some(now == *language);
                item
            })
            .collect()
    });
    view! {
        <header class="frame__top">
            <InstanceSwitcher />
            <span class="page__gap"></span>
            <button
                type="button"
                class="palette-field"
                aria-haspopup="dialog"
                aria-keyshortcuts="Control+K Meta+K"
                aria-label=words.signal("palette.title")
                title=words.signal("palette.title")
                data-testid="palette-open"
                on:click=move |_| keyboard.open_palette()
            >
                <Glyph icon=icondata::LuSearch />
                <span aria-hidden="true">{words.signal("palette.field")}</span>
                <kbd aria-hidden="true">"Ctrl K"</kbd>
            </button>
            <TaskCenter />
            <Notices />
            <IconButton
                icon=icondata::LuLanguages
                label=Signal::derive(move || match words.locale() {
                    Locale::ZhCn => format!("{} (中文)", words.get("top.language")),
                    Locale::En => format!("{} (English)", words.get("top.language")),
                })
                popup=true
                on_press=move |event: web_sys::MouseEvent| {
                    menu.open_under(&event, words.get("top.language"), languages);
                }
                attr:data-testid="lang-switch"
            />
            <IconButton
                icon=icondata::LuSun
                label=words.signal("top.theme")
                popup=true
                on_press=move |event: web_sys::MouseEvent| {
                    menu.open_under(&event, words.get("top.theme"), themes);
                }
                attr:data-testid="theme-switch"
            />
            <IconButton
                icon=icondata::LuKeyboard
                label=words.signal("top.shortcuts")
                on_press=move |_| keyboard.list()
                attr:data-testid="shortcuts-button"
            />
        </header>
    }
}

/// The language is the core's setting, because tray and notifications speak it too.
fn set_language(stores: Stores, toasts: Toasts, words: Words, language: Language) {
    let mut settings = stores.system.with_untracked(|system| system.settings.clone());
    settings.language = language;
    stores.system.update(|system| system.settings.language = language);
    spawn_local(async move {
        if let Err(error) = ipc::call::<call::Update>(settings).await {
            toasts.error(words.get("top.language"), error);
        }
    });
}
