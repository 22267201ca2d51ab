//! Everything about one server, in a drawer over the page.

use corral_contract::InstanceId;
use leptos::prelude::*;

use crate::{
    components::{Drawer, Tabs},
    navigation::{Page, use_navigation},
    pages::sending::Sending,
    preferences::use_preferences,
    state::use_stores,
    words::use_words,
};

mod environment;
mod health;
mod log;
mod overview;
mod storage;

use environment::Environment;
use health::HealthTab;
use log::LogTab;
use overview::Overview;
use storage::Storage;

/// Where the width is kept.
const WIDTH: &str = "instances-drawer";

/// The drawer. Each tab is a file of its own and a place in the address.
#[component]
pub(super) fn Detail(
    id: InstanceId,
    tab: &'static str,
    sending: Sending,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let (words, stores, preferences) = (use_words(), use_stores(), use_preferences());
    let navigation = use_navigation();
    let name = Memo::new(move |_| {
        stores.instances.with(|all| all.get(id).map(|view| view.name.clone()).unwrap_or_default())
    });
    let tabs = Signal::derive(move || {
        vec![
            ("details", words.get("instances.tabOverview")),
            ("environment", words.get("instances.tabEnvironment")),
            ("log", words.get("serverlogs.tab")),
            ("health", words.get("healthTab.tab")),
            ("storage", words.get("stores.tab")),
        ]
    });
    let head = move || {
        view! {
            <div class="server-detail__title">
                <h2>{name}</h2>
                <Tabs
                    label=name
                    tabs=tabs
                    value=Signal::stored(tab)
                    prefix="instance-tab"
                    on_change=move |to: &'static str| {
                        navigation.open_place(Page::Instances, &format!("{to}/{id}"));
                    }
                />
            </div>
        }
    };
    view! {
        <Drawer
            label=name
            width=Signal::derive(move || preferences.get::<f64>(WIDTH).unwrap_or(720.0))
            on_resize=move |width: f64| preferences.set(WIDTH, &width)
            on_close=on_close
            head=head
            attr:data-testid="instance-detail"
        >
            {match tab {
                "environment" => {
                    view! {
                        <div class="detail__body server-detail__body" role="tabpanel" tabindex="0">
                            <Environment id sending />
                        </div>
                    }
                        .into_any()
                }
                "log" => view! { <LogTab id /> }.into_any(),
                "health" => view! { <HealthTab id /> }.into_any(),
                "storage" => {
                    view! {
                        <div class="detail__body server-detail__body" role="tabpanel" tabindex="0">
                            <Storage id sending />
                        </div>
                    }
                        .into_any()
                }
                _ => {
                    view! {
                        <div class="detail__body server-detail__body" role="tabpanel" tabindex="0">
                            <Overview id sending />
                        </div>
                    }
                        .into_any()
                }
            }}
        </Drawer>
    }
}
