//! Saved views: filter, order, scope and columns under a name.

use std::collections::BTreeMap;

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    labels::{SaveView, SavedView, ViewRef, call},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    columns,
    filter::Filter,
    list::{List, Open, use_list},
};
use crate::{
    components::{
        Button, ButtonKind, Dialog, DialogFoot, EmptyState, Field, IconButton, MenuItem, TextInput,
        use_menu,
    },
    pages::{advice, sending::Sending},
    words::{Words, use_words},
};

/// What a view keeps.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Kept {
    filter: Filter,
    instance: Option<InstanceId>,
    columns: BTreeMap<String, bool>,
}

impl Kept {
    fn of(list: List) -> Kept {
        Kept {
            filter: list.filter.get(),
            instance: list.scope.chosen.get(),
            columns: columns::chosen(list.preferences),
        }
    }

    /// The kept form; a view of another version shows everything.
    fn read(view: &SavedView) -> Kept {
        serde_json::from_value(view.filter.clone()).unwrap_or_default()
    }

    fn show(self, list: List) {
        list.scope.choose(self.instance);
        columns::choose(list.preferences, &self.columns);
        list.filter.set(self.filter);
    }
}

/// The button whose menu has the views.
#[component]
pub(super) fn ViewsButton() -> impl IntoView {
    let (words, list, menu) = (use_words(), use_list(), use_menu());
    let items = Signal::derive(move || items(words, list));
    view! {
        <IconButton
            icon=icondata::LuBookmark
            label=words.signal("views.title")
            popup=true
            on_press=move |event: web_sys::MouseEvent| {
                menu.open_under(&event, words.get("views.title"), items);
            }
            attr:data-testid="views"
        />
    }
}

fn items(words: Words, list: List) -> Vec<MenuItem> {
    let now = Kept::of(list);
    let views = list.stores.labels.with(|labels| labels.view.views.clone());
    let any = !views.is_empty();
    let mut items: Vec<MenuItem> = views
        .into_iter()
        .map(|view| {
            let kept = Kept::read(&view);
            let mut item = MenuItem::new(view.name.clone(), &format!("view-{}", view.id), {
                let kept = kept.clone();
                move || kept.clone().show(list)
            });
            item.icon = Some(if kept == now { icondata::LuCheck } else { icondata::LuBookmark });
            item
        })
        .collect();
    let mut save = MenuItem::new(words.get("views.save"), "view-save", move || {
        list.open.set(Open::SaveView);
    });
    save.icon = Some(icondata::LuPlus);
    items.push(save);
    if any {
        let mut manage = MenuItem::new(words.get("views.manage"), "view-manage", move || {
            list.open.set(Open::Views);
        });
        manage.icon = Some(icondata::LuPencil);
        items.push(manage);
    }
    items
}

/// Asks for the name of a new view.
#[component]
pub(super) fn SaveViewDialog() -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let sending = Sending::here();
    let name = RwSignal::new(String::new());
    let failure = RwSignal::new(None::<WireError>);
    let pending = sending.pending("view");
    let close = move |()| list.close();
    let submit = move |()| {
        failure.set(None);
        let filter = serde_json::to_value(untrack(|| Kept::of(list))).unwrap_or_default();
        let request = SaveView { id: None, name: name.get_untracked(), filter };
        sending.ask::<call::KeepView>("view", request, move |answer| match answer {
            Ok(_) => {
                let shown = name.with_untracked(|name| name.trim().to_owned());
                sending.good(words.fill("views.saved", &[("name", &shown)]));
                list.close();
            }
            Err(error) => failure.set(Some(error)),
        });
    };
    let wrong = Signal::derive(move || match failure.get() {
        Some(error) if error.code == ErrorCode::AlreadyExists => words.get("views.taken"),
        Some(error) => advice::reason(words, &error, "name"),
        None => String::new(),
    });
    let footer = move || {
        view! {
            <DialogFoot
                cancel="view-cancel"
                submit="view-submit"
                go=words.signal("common.save")
                pending=pending
                on_go=submit
                on_close=close
            />
        }
    };
    view! {
        <Dialog
            title=words.signal("views.saveTitle")
            on_close=close
            footer=footer
            narrow=true
            attr:data-testid="dialog-view"
        >
            <form
                on:submit=move |event| {
                    event.prevent_default();
                    submit(());
                }
            >
                <Field
                    id="view-name"
                    label=words.signal("field.name")
                    hint=words.signal("views.hint")
                    error=wrong
                >
                    <TextInput id="view-name" value=name autofocus=true />
                </Field>
            </form>
        </Dialog>
    }
}

/// The views, to be forgotten or replaced by what shows now.
#[component]
pub(super) fn ViewsDialog() -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let sending = Sending::here();
    let close = move |()| list.close();
    let views = move || list.stores.labels.with(|labels| labels.view.views.clone());
    // Forgetting one is taken back by keeping it again.
    let gone = RwSignal::new(None::<SavedView>);
    let forget = move |id: i64| {
        sending.then::<call::DropView>(&format!("drop-{id}"), ViewRef { id }, move |view| {
            gone.set(Some(view));
        });
    };
    let back = move |()| {
        if let Some(view) = gone.get_untracked() {
            let request = SaveView { id: None, name: view.name, filter: view.filter };
            sending.then::<call::KeepView>("back", request, move |_| gone.set(None));
        }
    };
    let replace = move |view: SavedView| {
        let filter = serde_json::to_value(untrack(|| Kept::of(list))).unwrap_or_default();
        let request = SaveView { id: Some(view.id), name: view.name.clone(), filter };
        sending.then::<call::KeepView>(&format!("keep-{}", view.id), request, move |_| {
            sending.good(untrack(|| words.fill("views.saved", &[("name", &view.name)])));
        });
    };
    let footer = move || {
        view! {
            <Button on_press=close autofocus=true>{words.signal("common.close")}</Button>
        }
    };
    view! {
        <Dialog
            title=words.signal("views.title")
            on_close=close
            footer=footer
            narrow=true
            attr:data-testid="dialog-views"
        >
            <Show
                when=move || !views().is_empty()
                fallback=move || {
                    view! {
                        <EmptyState icon=icondata::LuBookmark title=words.signal("views.none") />
                    }
                }
            >
                <ul class="result-list">
                    <For each=views key=|view| (view.id, view.name.clone()) let:view>
                        {
                            let id = view.id;
                            let name = view.name.clone();
                            let label = move |key: &'static str| {
                                let name = name.clone();
                                Signal::derive(move || words.fill(key, &[("name", &name)]))
                            };
                            view! {
                                <li class="result-list__item">
                                    <span class="cut">{view.name.clone()}</span>
                                    <span class="views__acts">
                                        <IconButton
                                            icon=icondata::LuSave
                                            label=label("views.replace")
                                            on_press={
                                                let view = view.clone();
                                                move |_| replace(view.clone())
                                            }
                                            attr:data-testid=format!("view-replace-{id}")
                                        />
                                        <IconButton
                                            icon=icondata::LuTrash2
                                            label=label("views.forget")
                                            on_press=move |_| forget(id)
                                            attr:data-testid=format!("view-forget-{id}")
                                        />
                                    </span>
                                </li>
                            }
                        }
                    </For>
                </ul>
            </Show>
            {move || {
                gone.get().map(|view| {
                    view! {
                        <p class="dim">
                            {words.fill("views.gone", &[("name", &view.name)])} " "
                            <Button
                                small=true
                                kind=ButtonKind::Ghost
                                on_press=back
                                attr:data-testid="view-back"
                            >
                                {words.signal("common.undo")}
                            </Button>
                        </p>
                    }
                })
            }}
        </Dialog>
    }
}
