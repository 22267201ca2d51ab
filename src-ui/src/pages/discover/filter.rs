//! Which models of the list show, and in which order.

use corral_contract::{catalogue::CatalogueModel, downloads::Fit};
use leptos::{ev, html, prelude::*};

use super::Discover;
use crate::{
    components::{Chip, Glyph, Select},
    words::use_words,
};

/// Capabilities that can be asked for.
const CAPABILITIES: [&str; 5] = ["tools", "vision", "thinking", "embedding", "insert"];
/// Largest sizes that can be asked for, in bytes.
const SIZES: [u64; 4] = [2_000_000_000, 5_000_000_000, 10_000_000_000, 25_000_000_000];

/// What was chosen.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Filter {
    pub(crate) text: String,
    capability: Option<&'static str>,
    /// At least one tag has at most so many bytes.
    most: Option<u64>,
    /// At least one tag runs on this machine now.
    fits: bool,
    order: Order,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Listed,
    Name,
    Size,
}

impl Order {
    const ALL: [Order; 3] = [Order::Listed, Order::Name, Order::Size];

    fn as_str(self) -> &'static str {
        match self {
            Order::Listed => "listed",
            Order::Name => "name",
            Order::Size => "size",
        }
    }
}

impl Filter {
    pub(super) fn apply(&self, items: &[CatalogueModel]) -> Vec<CatalogueModel> {
        let text = self.text.trim().to_lowercase();
        let mut shown: Vec<&CatalogueModel> =
            items.iter().filter(|it| self.wants(it, &text)).collect();
        let smallest = |it: &CatalogueModel| it.tags.iter().filter_map(|tag| tag.bytes).min();
        match self.order {
            Order::Listed => {
                // A name that begins like what was typed is meant more than a word in a line.
                shown.sort_by_key(|it| !it.name.to_lowercase().starts_with(&text));
            }
            Order::Name => shown.sort_by(|one, other| one.name.cmp(&other.name)),
            Order::Size => shown.sort_by_key(|it| smallest(it).unwrap_or(u64::MAX)),
        }
        shown.into_iter().cloned().collect()
    }

    fn wants(&self, model: &CatalogueModel, text: &str) -> bool {
        let holds = |line: &str| line.to_lowercase().contains(text);
        let named = text.is_empty()
            || holds(&model.name)
            || holds(&model.about.en)
            || holds(&model.about.zh);
        let can =
            self.capability.is_none_or(|wanted| model.capabilities.iter().any(|it| it == wanted));
        let small = self.most.is_none_or(|most| {
            model.tags.iter().any(|tag| tag.bytes.is_some_and(|bytes| bytes <= most))
        });
        let fits = !self.fits
            || model.tags.iter().any(|tag| matches!(tag.fit, Fit::Gpu | Fit::Split | Fit::Cpu));
        named && can && small && fits
    }
}

/// The bar above the list.
#[component]
pub(super) fn Filters(
    page: Discover,
    search: NodeRef<html::Input>,
    /// Enter in the field.
    #[prop(into)]
    on_hub: Callback<()>,
) -> impl IntoView {
    let words = use_words();
    let filter = page.filter;
    let sizes = Signal::derive(move || {
        let any = ("0".to_owned(), words.get("discover.anySize"));
        let most = SIZES.map(|bytes| {
            let text = corral_contract::size::format(bytes);
            (bytes.to_string(), words.fill("discover.upTo", &[("bytes", &text)]))
        });
        std::iter::once(any).chain(most).collect::<Vec<_>>()
    });
    let orders = Signal::derive(move || {
        let order = |each: Order| {
            (each.as_str().to_owned(), words.get(&format!("discover.order.{}", each.as_str())))
        };
        Order::ALL.map(order).to_vec()
    });
    view! {
        <div class="page__bar discover__bar" role="search">
            <label class="models__search discover__search">
                <Glyph icon=icondata::LuSearch />
                <input
                    node_ref=search
                    type="search"
                    autocomplete="off"
                    spellcheck="false"
                    aria-label=words.signal("discover.search")
                    placeholder=words.signal("discover.search")
                    prop:value=move || filter.with(|filter| filter.text.clone())
                    on:input=move |event| filter.update(|filter| filter.text = event_target_value(&event))
                    on:keydown=move |event: ev::KeyboardEvent| {
                        if event.key() == "Enter" && !event.is_composing() {
                            on_hub.run(());
                        }
                    }
                    data-testid="discover-search"
                />
                <kbd>"/"</kbd>
            </label>
            <div class="models__chips">
                {CAPABILITIES
                    .map(|word| {
                        view! {
                            <Chip
                                label=words.signal_of(format!("capability.{word}"))
                                on=Signal::derive(move || filter.with(|it| it.capability == Some(word)))
                                on_press=move |()| filter.update(|it| {
                                    it.capability = (it.capability != Some(word)).then_some(word);
                                })
                                attr:data-testid=format!("discover-can-{word}")
                            />
                        }
                    })
                    .collect_view()}
                <Chip
                    icon=icondata::LuCircleCheck
                    label=words.signal("discover.fits")
                    on=Signal::derive(move || filter.with(|it| it.fits))
                    on_press=move |()| filter.update(|it| it.fits = !it.fits)
                    attr:data-testid="discover-fits"
                />
            </div>
            <Select
                id="discover-size"
                label=words.signal("discover.size")
                options=sizes
                value=Signal::derive(move || filter.with(|it| it.most.unwrap_or(0).to_string()))
                on_change=move |value: String| filter.update(|it| {
                    it.most = value.parse().ok().filter(|bytes| *bytes > 0);
                })
            />
            <Select
                id="discover-order"
                label=words.signal("discover.sort")
                options=orders
                value=Signal::derive(move || filter.with(|it| it.order.as_str().to_owned()))
                on_change=move |value: String| filter.update(|it| {
                    it.order = Order::ALL.into_iter().find(|each| each.as_str() == value).unwrap_or_default();
                })
            />
        </div>
    }
}
