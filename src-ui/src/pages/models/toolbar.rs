//! The bar above the list: name, chips, filters, size, views, columns.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::{
    columns, filter::Group, filter_menu::FilterMenu, list::use_list, size_filter::SizeFilter,
    views::ViewsButton,
};
use crate::{
    components::{Chip, Glyph, IconButton, use_menu},
    format,
    frame::media::use_narrow,
    words::use_words,
};

const SEARCH: &str = "models-search";

/// Puts the cursor into the name filter.
pub(super) fn focus_search() {
    let input = document()
        .get_element_by_id(SEARCH)
        .and_then(|element| element.dyn_into::<web_sys::HtmlInputElement>().ok());
    if let Some(input) = input {
        // Only fails for an element that was removed meanwhile.
        let _ = input.focus();
        input.select();
    }
}

/// Filters and the column chooser.
#[component]
pub(super) fn Toolbar() -> impl IntoView {
    let (words, list, menu) = (use_words(), use_list(), use_menu());
    let narrow = use_narrow();
    let counts = Memo::new(move |_| {
        list.stores.models.with(|models| {
            let chosen = models.query().instance_id.and(models.chosen.as_ref());
            chosen.unwrap_or(&models.counts).clone()
        })
    });
    view! {
        <div class="page__bar" role="search">
            <SearchField />
            <div class="models__chips">
                {Group::ALL
                    .iter()
                    .map(|group| {
                        view! {
                            <Chip
                                label=Signal::derive(move || {
                                    let name = words.get(&format!("group.{}", group.as_str()));
                                    format!("{name} {}", format::count(group.count(&counts.get())))
                                })
                                on=Signal::derive(move || {
                                    list.filter.with(|filter| filter.group == *group)
                                })
                                on_press=move |()| {
                                    list.filter.update(|filter| filter.group = *group);
                                }
                                attr:data-testid=format!("group-{}", group.as_str())
                            />
                        }
                    })
                    .collect_view()}
                <FilterMenu />
            </div>
            <SizeFilter />
            <ViewsButton />
            <IconButton
                icon=icondata::LuColumns3
                label=words.signal("models.columns")
                popup=true
                on_press=move |event: web_sys::MouseEvent| {
                    let items = Signal::derive(move || columns::chooser(words, list.preferences, narrow));
                    menu.open_under(&event, words.get("models.columns"), items);
                }
                attr:data-testid="column-chooser"
            />
        </div>
    }
}

#[component]
fn SearchField() -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let name = move || list.filter.with(|filter| filter.name.clone());
    let take = move |text: String| {
        if list.filter.with_untracked(|filter| filter.name != text) {
            list.filter.update(|filter| filter.name = text);
        }
    };
    view! {
        <label class="models__search">
            <Glyph icon=icondata::LuSearch />
            <input
                id=SEARCH
                data-testid="models-search"
                type="text"
                spellcheck="false"
                autocomplete="off"
                placeholder=words.signal("models.filterByName")
                aria-label=words.signal("models.filterByName")
                prop:value=name
                on:input=move |event| {
                    // While a character is being composed the text is not yet what is meant.
                    let composing = event
                        .dyn_ref::<web_sys::InputEvent>()
                        .is_some_and(web_sys::InputEvent::is_composing);
                    if !composing {
                        take(event_target_value(&event));
                    }
                }
                on:compositionend=move |event| take(event_target_value(&event))
                on:keydown=move |event| {
                    if event.key() == "Escape" && !event.is_composing() {
                        event.stop_propagation();
                        take(String::new());
                    }
                }
            />
            <kbd aria-hidden="true">"/"</kbd>
        </label>
    }
}
