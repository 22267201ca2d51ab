//! The Settings page. Each change is saved at once; the last one can be taken back.

use leptos::prelude::*;

use crate::{
    components::{Button, ButtonKind},
    pages::loaded::Loaded,
    words::use_words,
};

mod desktop;
mod general;
mod keep;
mod moments;
mod number;
mod registries;
mod resources;
mod saving;
mod storage;

use desktop::{About, WindowSection};
use general::{Appearance, Downloads, Notifications, Watching};
use keep::Keep;
use registries::Registries;
use resources::Resources;
pub(in crate::pages) use saving::Saving;
use storage::Storage;

/// The Settings page.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let words = use_words();
    let saving = Saving::new();
    view! {
        <div class="page__head">
            <h1 class="page__title">{words.signal("nav.settings")}</h1>
            <span class="page__sub">{words.signal("settings.atOnce")}</span>
            <span class="page__gap"></span>
            <Show when=move || saving.can_undo()>
                <Button
                    kind=ButtonKind::Ghost
                    icon=icondata::LuUndo2
                    on_press=move |()| saving.undo()
                    attr:data-testid="settings-undo"
                >
                    {words.signal("settings.undo")}
                </Button>
            </Show>
        </div>
        <Loaded>
            <div class="settings" data-testid="settings-page">
                <div class="settings__column">
                    <Appearance saving />
                    <Downloads saving />
                    <Registries />
                    <Watching saving />
                    <Keep saving />
                    <Resources saving />
                    <Notifications saving />
                    <WindowSection saving />
                    <Storage />
                    <About saving />
                </div>
            </div>
        </Loaded>
    }
}

/// A group of settings under a head line.
#[component]
fn Section(#[prop(into)] title: Signal<String>, children: Children) -> impl IntoView {
    view! {
        <section class="settings__section" aria-label=title>
            <h2>{title}</h2>
            <div class="settings__rows">{children()}</div>
        </section>
    }
}

/// A name, what it means, and the control at the right.
#[component]
fn Row(
    #[prop(into)] label: Signal<String>,
    #[prop(optional, into)] hint: Signal<String>,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="setting">
            <span class="setting__text">
                <span>{label}</span>
                <Show when=move || hint.with(|text| !text.is_empty())>
                    <small>{hint}</small>
                </Show>
            </span>
            <span class="setting__control">{children()}</span>
        </div>
    }
}
