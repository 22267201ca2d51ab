//! One model of the list, or one repository on hf.co.

use corral_contract::{
    catalogue::{CatalogueModel, HubModel},
    downloads::Fit,
    size,
};
use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

use super::{Discover, tags::Tags};
use crate::{
    components::{Glyph, Tag},
    format,
    words::use_words,
};

/// Arrows walk from row to row.
pub(super) fn walk(event: ev::KeyboardEvent) {
    let by = match event.key().as_str() {
        "ArrowDown" => 1,
        "ArrowUp" => -1,
        _ => return,
    };
    let list = event.current_target().and_then(|it| it.dyn_into::<web_sys::Element>().ok());
    let Some(rows) = list.and_then(|list| list.query_selector_all(".discover__open").ok()) else {
        return;
    };
    let here = document().active_element();
    let at = |place: u32| rows.get(place).and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok());
    let place = (0..rows.length())
        .find(|place| at(*place).is_some_and(|row| here.as_ref() == Some(row.unchecked_ref())));
    let next = place.map(|place| i64::from(place) + by);
    if let Some(row) = next.and_then(|next| u32::try_from(next).ok()).and_then(at) {
        event.prevent_default();
        // Only fails for an element that was removed meanwhile.
        let _ = row.focus();
    }
}

/// A model of the list.
#[component]
pub(super) fn ModelRow(page: Discover, model: CatalogueModel) -> impl IntoView {
    let words = use_words();
    let sizes: Vec<u64> = model.tags.iter().filter_map(|tag| tag.bytes).collect();
    let range = match (sizes.iter().min(), sizes.iter().max()) {
        (Some(least), Some(most)) if least != most => {
            format!("{} – {}", size::format(*least), size::format(*most))
        }
        (Some(only), _) => size::format(*only),
        _ => String::new(),
    };
    let installed = model.tags.iter().filter(|tag| tag.installed).count();
    let fits = model.tags.iter().any(|tag| matches!(tag.fit, Fit::Gpu | Fit::Split | Fit::Cpu));
    let known = model.tags.iter().any(|tag| tag.fit != Fit::Unknown);
    let about = model.about.clone();
    let line = move || match words.locale() {
        corral_locale::Locale::ZhCn if !about.zh.is_empty() => about.zh.clone(),
        _ if about.en.is_empty() => about.zh.clone(),
        _ => about.en.clone(),
    };
    let facts: Vec<String> = [
        model
            .context_length
            .map(|tokens| words.fill("discover.context", &[("n", &format::count(tokens))])),
        model.license.clone(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let capabilities = model.capabilities.clone();
    let own = model.own;
    view! {
        <Shell page name=model.name.clone()>
            <span class="discover__name">
                <strong class="cut">{model.name.clone()}</strong>
                {own.then(|| view! { <Tag>{words.signal("discover.own")}</Tag> })}
                {(installed > 0)
                    .then(|| {
                        view! {
                            <span class="discover__installed">
                                <Glyph icon=icondata::LuCircleCheck />
                                {words.fill("discover.installed", &[("n", &installed.to_string())])}
                            </span>
                        }
                    })}
            </span>
            <span class="discover__about cut">{line}</span>
            <span class="discover__can">
                {capabilities
                    .into_iter()
                    .filter(|word| word != "completion")
                    .map(|word| {
                        let text = words.get_or(&format!("capability.{word}"), &word);
                        view! { <Tag>{text}</Tag> }
                    })
                    .collect_view()}
            </span>
            <span class="discover__facts dim cut">{facts.join(" · ")}</span>
            <span class="discover__size num">{range}</span>
            <span class="discover__fit">
                {known.then(|| {
                    let (icon, key, class) = if fits {
                        (icondata::LuCircleCheck, "discover.someFit", "check__fit--good")
                    } else {
                        (icondata::LuCircleAlert, "discover.noneFits", "check__fit--bad")
                    };
                    view! { <span class=class title=words.signal(key)><Glyph icon=icon /><span class="visually-hidden">{words.signal(key)}</span></span> }
                })}
            </span>
        </Shell>
    }
}

/// A repository on hf.co.
#[component]
pub(super) fn HubRow(page: Discover, model: HubModel) -> impl IntoView {
    let words = use_words();
    let downloads = model
        .downloads
        .map(|count| words.fill("discover.downloads", &[("n", &format::count(count))]));
    view! {
        <Shell page name=model.name.clone()>
            <span class="discover__name"><strong class="cut">{model.name.clone()}</strong></span>
            <span class="discover__about cut">
                {model.gated.then(|| words.get("discover.gated"))}
            </span>
            <span class="discover__can"></span>
            <span class="discover__facts"></span>
            <span class="discover__size num dim">{downloads}</span>
            <span class="discover__fit"></span>
        </Shell>
    }
}

/// The row and, once it is opened, its tags.
#[component]
fn Shell(page: Discover, name: String, children: Children) -> impl IntoView {
    let (mine, testid) = (name.clone(), format!("discover-{name}"));
    let open = Memo::new(move |_| page.open.with(|open| open.as_deref() == Some(&mine)));
    let toggled = name.clone();
    view! {
        <li class="discover__row" class:discover__row--open=open>
            <button
                type="button"
                class="discover__open"
                aria-expanded=move || if open.get() { "true" } else { "false" }
                data-testid=testid
                on:click=move |_| {
                    let next = (!open.get_untracked()).then(|| toggled.clone());
                    page.open.set(next);
                }
            >
                <Glyph icon=Signal::derive(move || {
                    if open.get() { icondata::LuChevronDown } else { icondata::LuChevronRight }
                }) />
                {children()}
            </button>
            {move || open.get().then(|| view! { <Tags page name=name.clone() /> })}
        </li>
    }
}
