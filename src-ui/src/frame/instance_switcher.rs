//! The chosen instance with its two facts, the others beside it.

use corral_contract::{
    InstanceId,
    instances::{ApiState, InstanceView, ServiceState},
};
use leptos::prelude::*;

use super::scope::use_scope;
use crate::{
    components::{Glyph, MenuItem, use_menu},
    navigation::{Page, use_navigation},
    problem,
    state::{Link, use_stores},
    words::{Words, use_words},
};

/// Opens the list of instances.
#[component]
pub(super) fn InstanceSwitcher() -> impl IntoView {
    let (stores, words, scope) = (use_stores(), use_words(), use_scope());
    let (menu, navigation) = (use_menu(), use_navigation());
    let entries = Signal::derive(move || {
        let all = stores.instances.with(|instances| instances.all().to_vec());
        let chosen = scope.chosen.get();
        let mut items = Vec::new();
        if all.len() > 1 {
            let mut item =
                MenuItem::new(words.get("top.allInstances"), "instance-all", move || {
                    scope.choose(None);
                });
            item.ticked = Some(chosen.is_none());
            items.push(item);
        }
        for view in all {
            let id = view.id;
            let label = match api_reason(words, &view) {
                Some(reason) => format!("{} · {reason}", view.name),
                None => view.name.clone(),
            };
            let run = move || scope.choose(Some(id));
            let mut item = MenuItem::new(label, &format!("instance-{id}"), run);
            item.ticked = Some(chosen == Some(id));
            items.push(item);
        }
        let mut add = MenuItem::new(words.get("top.addInstance"), "instance-add", move || {
            navigation.open_place(Page::Instances, "add");
        });
        add.icon = Some(icondata::LuPlus);
        items.push(add);
        items
    });
    let others = Memo::new(move |_| {
        let chosen = scope.chosen.get();
        stores.instances.with(|instances| {
            let others = instances.all().iter().filter(|each| Some(each.id) != chosen);
            others
                .map(|each| {
                    (each.id, each.name.clone(), api_class(each.api.state), api_reason(words, each))
                })
                .collect::<Vec<_>>()
        })
    });
    let chosen = Memo::new(move |_| scope.view());
    view! {
        <button
            type="button"
            class="instance-switcher"
            aria-haspopup="true"
            data-testid="instance-chip"
            on:click=move |event| menu.open_under(&event, words.get("top.instance"), entries)
        >
            {move || match chosen.get() {
                Some(view) => view! { <Facts view /> }.into_any(),
                None => {
                    let none = stores.instances.with(|instances| instances.all().is_empty());
                    let key = match (none, stores.link.with(|link| *link == Link::Live)) {
                        (true, false) => "top.connecting",
                        (true, true) => "top.noInstance",
                        (false, _) => "top.allInstances",
                    };
                    view! { <strong>{words.get(key)}</strong> }.into_any()
                }
            }}
            <Glyph icon=icondata::LuChevronDown />
        </button>
        <span class="instance-switcher__others narrow-hide">
            <For each=move || others.get() key=|other| other.clone() let:other>
                <Other id=other.0 name=other.1 class=other.2 reason=other.3 />
            </For>
        </span>
    }
}

#[component]
fn Facts(view: InstanceView) -> impl IntoView {
    let words = use_words();
    let service = match view.service.state {
        ServiceState::Running => "dot",
        ServiceState::Stopped => "dot dot--bad",
        ServiceState::Unknown => "dot dot--off",
    };
    let state = view.service.state;
    let api = view.api.state;
    let figures = match (&view.api.version, view.api.latency_ms) {
        (Some(version), Some(latency)) if api != ApiState::Down => {
            Some((version.clone(), latency.to_string()))
        }
        _ => None,
    };
    let reason = view.clone();
    view! {
        <strong class="cut">{view.name.clone()}</strong>
        <span
            class="fact"
            title=move || words.get(&format!("serviceState.{}", state.as_str()))
        >
            <span class=service aria-hidden="true"></span>
            {words.signal("top.service")}
            <span class="visually-hidden">
                {move || words.get(&format!("serviceState.{}", state.as_str()))}
            </span>
        </span>
        <span class="fact" title=move || words.get(&format!("apiState.{}", api.as_str()))>
            <span class=api_class(api) aria-hidden="true"></span>
            {words.signal("top.api")}
            <span class="visually-hidden">
                {move || words.get(&format!("apiState.{}", api.as_str()))}
            </span>
            {figures.map(|(version, latency)| {
                view! {
                    <span class="faint num">
                        {version} " · "
                        {move || words.fill("top.latency", &[("ms", &latency)])}
                    </span>
                }
            })}
            {move || api_reason(words, &reason).map(|text| view! { <span class="fact__why">{text}</span> })}
        </span>
    }
}

#[component]
fn Other(
    id: InstanceId,
    name: String,
    class: &'static str,
    reason: Option<String>,
) -> impl IntoView {
    let scope = use_scope();
    view! {
        <button
            type="button"
            class="fact fact--button"
            data-testid=format!("instance-other-{id}")
            on:click=move |_| scope.choose(Some(id))
        >
            <span class=class aria-hidden="true"></span>
            <span class="fact__name">{name}</span>
            {reason.map(|reason| view! { <span class="fact__why">{reason}</span> })}
        </button>
    }
}

fn api_class(state: ApiState) -> &'static str {
    match state {
        ApiState::Ok => "dot",
        ApiState::Limited => "dot dot--warn",
        ApiState::Down => "dot dot--bad",
        ApiState::Checking => "dot dot--off",
    }
}

/// Why the API is not well, in one line.
fn api_reason(words: Words, view: &InstanceView) -> Option<String> {
    match view.api.state {
        ApiState::Ok => None,
        ApiState::Checking => Some(words.get("apiState.checking")),
        ApiState::Limited | ApiState::Down => Some(match &view.api.problem {
            Some(error) => problem::line(words, error),
            None => words.get(&format!("apiState.{}", view.api.state.as_str())),
        }),
    }
}
