//! What stands in place of rows: nothing yet, no match, no instance, a failure.

use corral_contract::{Advice, WireError, name::ModelName};
use leptos::prelude::*;

use super::list::{Open, use_list};
use crate::{
    components::{Button, ButtonKind, EmptyState, ErrorCard},
    navigation::{Page, use_navigation},
    pages::advice,
    words::use_words,
};

/// The model offered to somebody who has none.
const FIRST: &str = "llama3.2:3b";

/// The list is empty: nothing is there, or nothing matches.
#[component]
pub(super) fn Empty() -> impl IntoView {
    let (words, list, navigation) = (use_words(), use_list(), use_navigation());
    let create = move |name: String| move |()| list.open.set(Open::Create(name.clone()));
    move || {
        let none = list.stores.instances.with(|instances| instances.all().is_empty());
        let restricts = list.filter.with(|filter| filter.restricts());
        if none {
            return view! {
                <EmptyState
                    icon=icondata::LuServer
                    title=words.signal("models.noInstance")
                    text=words.signal("models.noInstanceText")
                    attr:data-testid="models-no-instance"
                >
                    <Button
                        kind=ButtonKind::Primary
                        on_press=move |()| navigation.open_place(Page::Instances, "add")
                    >
                        {words.signal("top.addInstance")}
                    </Button>
                </EmptyState>
            }
            .into_any();
        }
        if !restricts {
            return view! {
                <EmptyState
                    icon=icondata::LuBox
                    title=words.signal("models.none")
                    text=words.signal("models.noneText")
                    attr:data-testid="models-empty"
                >
                    <Button
                        kind=ButtonKind::Primary
                        icon=icondata::LuDownload
                        on_press=create(FIRST.to_owned())
                    >
                        {move || words.fill("models.getNamed", &[("name", FIRST)])}
                    </Button>
                </EmptyState>
            }
            .into_any();
        }
        let name = list.filter.with(|filter| filter.name.trim().to_owned());
        let getable = ModelName::parse_loose(&name).ok().map(|_| name.clone());
        let title = if name.is_empty() {
            words.signal("models.noMatch")
        } else {
            Signal::derive(move || words.fill("models.noMatchNamed", &[("name", &name)]))
        };
        view! {
            <EmptyState icon=icondata::LuSearch title=title attr:data-testid="models-no-match">
                <Button
                    on_press=move |()| list.filter.update(|filter| filter.clear())
                    attr:data-testid="filters-clear"
                >
                    {words.signal("models.clearFilters")}
                </Button>
                {getable.map(|name| {
                    let label = name.clone();
                    view! {
                        <Button
                            kind=ButtonKind::Primary
                            icon=icondata::LuDownload
                            on_press=create(name)
                            attr:data-testid="get-named"
                        >
                            {move || words.fill("models.getNamed", &[("name", &label)])}
                        </Button>
                    }
                })}
            </EmptyState>
        }
        .into_any()
    }
}

/// The list could not be loaded.
#[component]
pub(super) fn Failure(error: WireError) -> impl IntoView {
    let (list, navigation) = (use_list(), use_navigation());
    let on_advice = move |advice: Advice| match advice {
        Advice::Retry | Advice::Refresh | Advice::TryNow => list.load(),
        other => advice::follow(other, navigation, None, None),
    };
    view! {
        <div class="models__error" data-testid="models-error">
            <ErrorCard error=Signal::stored(advice::followable(error)) on_advice=on_advice />
        </div>
    }
}
