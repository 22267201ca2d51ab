//! The chip with everything else that the list can be restricted by: favourites, own tags, what a
//! model can do, where it comes from.

use corral_contract::status::Origin;
use leptos::{html, prelude::*};

use super::{filter::Filter, list::use_list};
use crate::{
    components::{Chip, MenuItem, use_menu},
    words::use_words,
};

/// What Ollama says of models, in the order of the menu.
const CAPABILITIES: &[&str] =
    &["completion", "tools", "vision", "thinking", "insert", "embedding", "audio", "image"];
/// Tags in the menu; the search field finds the others.
const MOST_TAGS: usize = 30;
/// Words on the chip before the rest is only counted.
const NAMED: usize = 2;

/// The chip and its menu.
#[component]
pub(super) fn FilterMenu() -> impl IntoView {
    let (words, list, menu) = (use_words(), use_list(), use_menu());
    let item = move |label: String, name: String, on: bool, flip: fn(&mut Filter, &str)| {
        let value = name.split_once('-').map(|(_, value)| value.to_owned()).unwrap_or_default();
        let mut item = MenuItem::new(label, &name, move || {
            list.filter.update(|filter| flip(filter, &value));
        });
        item.ticked = Some(on);
        item
    };
    let items = Signal::derive(move || {
        let filter = list.filter.get();
        let labels = list.stores.labels.with(|labels| labels.view.clone());
        let favourites = labels.favourites.to_string();
        let mut items = vec![item(
            words.fill("models.favouritesOnly", &[("n", &favourites)]),
            "favourite-only".to_owned(),
            filter.favourite,
            |filter, _| filter.favourite = !filter.favourite,
        )];
        items.extend(labels.tags.iter().take(MOST_TAGS).map(|tag| {
            let on = filter.tags.contains(&tag.tag);
            let label = format!("#{} · {}", tag.tag, tag.models);
            item(label, format!("tag-{}", tag.tag), on, |filter, tag| flip(&mut filter.tags, tag))
        }));
        items.extend(CAPABILITIES.iter().map(|word| {
            let on = filter.capabilities.iter().any(|each| each == word);
            let label = words.get(&format!("capability.{word}"));
            item(label, format!("can-{word}"), on, |filter, word| {
                flip(&mut filter.capabilities, word);
            })
        }));
        items.extend(Origin::ALL.iter().map(|origin| {
            let word = origin.as_str();
            let origin_of = words.get(&format!("origin.{word}"));
            let label = words.fill("models.fromOrigin", &[("from", &origin_of)]);
            item(label, format!("from-{word}"), filter.from.contains(origin), |filter, word| {
                if let Some(origin) = Origin::parse(word) {
                    if filter.from.contains(&origin) {
                        filter.from.retain(|each| *each != origin);
                    } else {
                        filter.from.push(origin);
                    }
                }
            })
        }));
        items
    });
    let place = NodeRef::<html::Span>::new();
    let open = move |()| {
        if let Some(chip) = place.get_untracked().map(|chip| chip.get_bounding_client_rect()) {
            menu.open(chip.left(), chip.bottom() + 4.0, words.get("models.filters"), items);
        }
    };
    let label = Signal::derive(move || {
        let filter = list.filter.get();
        let mut chosen: Vec<String> = Vec::new();
        if filter.favourite {
            chosen.push(words.get("models.favourites"));
        }
        chosen.extend(filter.tags.iter().map(|tag| format!("#{tag}")));
        chosen.extend(
            filter.capabilities.iter().map(|word| words.get(&format!("capability.{word}"))),
        );
        chosen
            .extend(filter.from.iter().map(|from| words.get(&format!("origin.{}", from.as_str()))));
        match chosen.len() {
            0 => words.get("models.filters"),
            count if count <= NAMED => chosen.join(", "),
            count => format!("{} +{}", chosen[..NAMED].join(", "), count - NAMED),
        }
    });
    view! {
        <span node_ref=place>
            <Chip
                icon=icondata::LuListFilter
                label=label
                on=Signal::derive(move || list.filter.with(Filter::chosen))
                on_press=open
                on_clear=move |()| list.filter.update(Filter::choose_nothing)
                attr:data-testid="filter-menu"
            />
        </span>
    }
}

fn flip(words: &mut Vec<String>, word: &str) {
    if words.iter().any(|each| each == word) {
        words.retain(|each| each != word);
    } else {
        words.push(word.to_owned());
    }
}
