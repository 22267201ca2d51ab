//! Everything about one model, in a drawer over the list.

use std::sync::Arc;

use corral_contract::{
    ModelId, WireError,
    models::{ModelDetail, ModelRef, ModelRow, call::LoadDetail},
};
use leptos::{prelude::*, task::spawn_local};

use super::{
    actions::{Actions, icon, label, next_step, why_not},
    cells::{Row, StatusCell, split},
    list::use_list,
};
use crate::{
    components::{Button, Drawer, ErrorCard, IconButton, Note, Skeleton, Tabs, Tone, use_menu},
    format, ipc,
    pages::advice,
    words::use_words,
};

mod files;
mod history;
mod log;
mod newer;
mod overview;
mod run;
mod template;

use history::History;
use log::Log;
use overview::Overview;
use run::RunForm;
use template::{Licence, Template};

const WIDTH: &str = "models-drawer";

/// The drawer about one model. It follows the row; the rest is loaded when it opens and again when
/// the model's files or state change.
#[component]
pub(super) fn Detail(id: ModelId, actions: Actions) -> impl IntoView {
    let (words, list, menu) = (use_words(), use_list(), use_menu());
    let models = list.stores.models;
    let detail = RwSignal::new(None::<Arc<ModelDetail>>);
    let failure = RwSignal::new(None::<WireError>);
    let followed: Row = Memo::new(move |_| models.with(|models| models.get(id).cloned()));
    let row: Row = Memo::new(move |_| {
        followed.get().or_else(|| {
            detail.with(|detail| detail.as_ref().map(|detail| Arc::new(detail.row.clone())))
        })
    });
    let version = Memo::new(move |_| {
        followed.with(|row| {
            row.as_ref().map(|row| {
                let files = (row.digest.clone(), row.checked, row.operation);
                (row.status, files, row.online, row.last_task)
            })
        })
    });
    Effect::new(move |_| {
        version.with(|_| ());
        spawn_local(async move {
            match ipc::call::<LoadDetail>(ModelRef { id }).await {
                Ok(answer) => {
                    failure.try_set(None);
                    detail.try_set(Some(Arc::new(answer)));
                }
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
        });
    });
    // A model that was deleted has no details any more.
    Effect::new(move |known: Option<bool>| {
        let there = followed.with(Option::is_some);
        if known == Some(true) && !there {
            list.detail.set(None);
        }
        there
    });
    let name = Memo::new(move |_| {
        row.with(|row| row.as_ref().map(|row| row.name.clone()).unwrap_or_default())
    });
    let tabs = Signal::derive(move || {
        ["overview", "run", "template", "licence", "history", "log"]
            .map(|key| (key, words.get(&format!("tab.{key}"))))
            .to_vec()
    });
    let step = Memo::new(move |_| row.with(|row| next(row.as_deref())));
    let items = Signal::derive(move || {
        row.with(|row| row.as_deref().map(|row| actions.menu(row)).unwrap_or_default())
    });
    let head = move || {
        view! {
            <div class="detail__title">
                <h2 class="cut" title=name>
                    {move || split(&name.get()).0}
                    <span class="faint">{move || split(&name.get()).1}</span>
                </h2>
                <StatusCell row />
            </div>
            {move || {
                step.get().map(|action| {
                    let status = row.with_untracked(|row| row.as_ref().map(|row| row.status));
                    let key = status.map_or("common.more", |status| label(action, status));
                    view! {
                        <Button
                            icon=icon(action)
                            reason=Signal::derive(move || {
                                row.with(|row| {
                                    row.as_deref().and_then(|row| why_not(words, action, row))
                                })
                                    .unwrap_or_default()
                            })
                            on_press=move |()| {
                                if let Some(row) = row.get_untracked() {
                                    actions.act(action, &row);
                                }
                            }
                            attr:data-testid=format!("detail-action-{}", action.as_str())
                        >
                            {words.signal(key)}
                        </Button>
                    }
                })
            }}
            <IconButton
                icon=icondata::LuEllipsis
                label=words.signal("common.more")
                popup=true
                on_press=move |event: web_sys::MouseEvent| {
                    menu.open_under(&event, name.get_untracked(), items);
                }
                attr:data-testid="detail-menu"
            />
        }
    };
    let body = move |tab: &'static str| match (detail.get(), failure.get()) {
        (Some(detail), _) => match tab {
            "run" => view! { <RunForm row actions /> }.into_any(),
            "template" => view! { <Template detail /> }.into_any(),
            "licence" => view! { <Licence detail /> }.into_any(),
            "history" => view! { <History detail /> }.into_any(),
            "log" => view! { <Log row /> }.into_any(),
            _ => view! { <Overview row detail actions /> }.into_any(),
        },
        (None, Some(error)) => {
            view! { <div class="detail__section"><ErrorCard error=Signal::stored(error) /></div> }
                .into_any()
        }
        (None, None) => view! { <Skeleton rows=6 /> }.into_any(),
    };
    view! {
        <Drawer
            label=name
            width=Signal::derive(move || {
                list.preferences.get::<f64>(WIDTH).unwrap_or(500.0)
            })
            on_resize=move |width: f64| list.preferences.set(WIDTH, &width)
            on_close=move |()| list.detail.set(None)
            head=head
            attr:data-testid="detail"
        >
            <Tabs
                label=name
                tabs=tabs
                value=list.tab
                on_change=move |tab: &'static str| list.tab.set(tab)
            />
            <div class="detail__body" role="tabpanel" tabindex="0">
                {move || {
                    let told = detail.with(|detail| {
                        let detail = detail.as_ref().filter(|detail| detail.row.online)?;
                        detail.problem.clone()
                    });
                    told.map(|problem| {
                        let problem = advice::textual(problem);
                        view! {
                            <div class="detail__section">
                                <ErrorCard error=Signal::stored(problem) />
                            </div>
                        }
                    })
                }}
                {move || {
                    let copy = detail.with(|detail| {
                        let detail = detail.as_ref()?;
                        Some((detail.cached_at?, detail.row.online))
                    });
                    copy.map(|(at, online)| {
                        let key = if online { "detail.copyOf" } else { "detail.cached" };
                        let time = format::moment(at);
                        let text = move || {
                            let age = format::age(words, at, list.stores.now.get());
                            words.fill(key, &[("time", &time), ("age", &age)])
                        };
                        view! {
                            <div data-testid="detail-cached">
                                <Note tone=Tone::Warning icon=icondata::LuWifiOff>{text}</Note>
                            </div>
                        }
                    })
                }}
                {move || body(list.tab.get())}
            </div>
        </Drawer>
    }
}

fn next(row: Option<&ModelRow>) -> Option<corral_contract::status::Action> {
    next_step(row?)
}
