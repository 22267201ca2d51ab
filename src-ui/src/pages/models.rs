//! The models of an instance, or of all: the page Corral is for.

use corral_contract::{
    ModelId,
    running::{StopAll, call::Stop},
    status::Status,
};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    components::{Button, ButtonKind, IconButton, MenuItem, use_menu},
    format,
    frame::{
        scope::use_scope,
        shortcuts::{Wish, use_keyboard},
        toasts::{Toasts, use_toasts},
    },
    ipc,
    navigation::{Page, use_navigation},
    preferences::use_preferences,
    state::use_stores,
    words::{Words, use_words},
};

pub(crate) mod actions;
mod batch_bar;
mod cells;
mod check_file;
mod columns;
mod confirm;
mod create;
mod delete;
mod detail;
mod export;
mod filter;
mod filter_menu;
pub mod fit;
mod labels;
mod list;
mod make_room;
mod radar;
mod size_filter;
mod states;
mod sync_button;
mod table;
mod toolbar;
mod update_item;
mod views;

use actions::Actions;
use batch_bar::BatchBar;
use check_file::CheckFileDialog;
use confirm::{ConfirmBatch, ConfirmRecreate};
use create::CreateDialog;
use delete::DeleteDialog;
use detail::Detail;
use export::ExportDialog;
use labels::LabelsDialog;
use list::{List, Open};
use make_room::MakeRoomDialog;
use radar::{RadarLine, UpdatesDialog};
use sync_button::{SyncButton, sync_chosen};
use table::ModelTable;
use toolbar::Toolbar;
use views::{SaveViewDialog, ViewsDialog};

/// The Models page.
#[component]
pub fn ModelsPage() -> impl IntoView {
    let (stores, words, toasts) = (use_stores(), use_words(), use_toasts());
    let (scope, preferences, keyboard) = (use_scope(), use_preferences(), use_keyboard());
    let (menu, navigation) = (use_menu(), use_navigation());
    let list = List::provide(stores, scope, preferences);
    // Other pages send here what is to be opened.
    Effect::new(move |_| {
        let place = navigation.place.get();
        let open = match place.split_once('/') {
            Some(("get", name)) => Open::Create(name.to_owned()),
            _ => return,
        };
        list.open.set(open);
        navigation.open(Page::Models);
    });
    let actions = Actions { list, toasts, words };
    let selecting = Memo::new(move |_| stores.models.with(|models| !models.selected().is_empty()));
    let sub = Memo::new(move |_| {
        stores.models.with(|models| {
            models.answered().then(|| {
                let total = format::count(models.total() as u64);
                format!("{total} · {}", corral_contract::size::format(models.bytes()))
            })
        })
    });
    // Another page asked for a model.
    let navigation = use_navigation();
    Effect::new(move |_| {
        let asked = navigation
            .place
            .with(|place| place.strip_prefix("model/").and_then(|id| id.parse().ok()).map(ModelId));
        if asked.is_some() {
            list.detail.set(asked);
        }
    });
    keyboard.on_wish(move |wish| match wish {
        Wish::New => list.open.set(Open::Create(String::new())),
        Wish::Find => toolbar::focus_search(),
        Wish::Sync => sync_chosen(list, toasts, words),
        Wish::All => table::select_view(list.range.get(), stores.models),
        Wish::Batch(op) => list.open.set(Open::Batch(op)),
        Wish::Details(id) => list.detail.set(Some(id)),
        Wish::DeleteModel(id) => list.open.set(Open::Delete(vec![id])),
        Wish::Recreate(id) => list.open.set(Open::Recreate(id)),
        Wish::Delete => {
            let ids: Vec<_> =
                stores.models.with(|models| models.selected().iter().copied().collect());
            if !ids.is_empty() {
                list.open.set(Open::Delete(ids));
            }
        }
        Wish::Escape => {
            if list.detail.get().is_some() {
                list.detail.set(None);
            } else {
                stores.models.update(|models| models.select_none());
            }
        }
    });
    view! {
        <div class="page__head">
            <h1 class="page__title">{words.signal("nav.models")}</h1>
            <span class="page__sub" data-testid="models-count">{sub}</span>
            <span class="page__gap"></span>
            <SyncButton />
            <IconButton
                icon=icondata::LuEllipsis
                label=words.signal("common.more")
                popup=true
                on_press=move |event: web_sys::MouseEvent| {
                    let items = Signal::derive(move || {
                        let open = move || list.open.set(Open::CheckFile);
                        let export = move || list.open.set(Open::Export);
                        let updates = move || list.open.set(Open::Updates);
                        let mut stop = MenuItem::new(words.get("run.stopAll"), "stop-all", move || {
                            stop_all(list, toasts, words);
                        });
                        stop.icon = Some(icondata::LuSquare);
                        let loaded = list.stores.models.with(|models| {
                            models.counts.of(Status::Running) + models.counts.of(Status::Starting)
                        });
                        stop.reason = (loaded == 0).then(|| words.get("run.nothingRuns"));
                        vec![
                            stop,
                            MenuItem::new(words.get("export.button"), "export", export),
                            MenuItem::new(words.get("updates.button"), "updates", updates),
                            MenuItem::new(words.get("checks.fileButton"), "check-file", open),
                        ]
                    });
                    menu.open_under(&event, words.get("common.more"), items);
                }
                attr:data-testid="models-menu"
            />
            <Button
                kind=ButtonKind::Primary
                icon=icondata::LuPlus
                on_press=move |()| list.open.set(Open::Create(String::new()))
                attr:data-testid="models-new"
            >
                {words.signal("models.get")}
                <kbd>"N"</kbd>
            </Button>
        </div>
        <Show when=move || selecting.get() fallback=|| view! { <Toolbar /> }>
            <BatchBar />
        </Show>
        <RadarLine />
        <ModelTable actions />
        {move || {
            list.detail.get().map(|id| view! { <Detail id actions /> })
        }}
        {move || match list.open.get() {
            Open::Nothing => None,
            Open::Create(name) => Some(view! { <CreateDialog name /> }.into_any()),
            Open::Delete(ids) => Some(view! { <DeleteDialog ids /> }.into_any()),
            Open::Batch(op) => Some(view! { <ConfirmBatch op /> }.into_any()),
            Open::Updates => Some(view! { <UpdatesDialog /> }.into_any()),
            Open::CheckFile => Some(view! { <CheckFileDialog /> }.into_any()),
            Open::Labels(ids) => Some(view! { <LabelsDialog ids /> }.into_any()),
            Open::SaveView => Some(view! { <SaveViewDialog /> }.into_any()),
            Open::Views => Some(view! { <ViewsDialog /> }.into_any()),
            Open::Export => Some(view! { <ExportDialog /> }.into_any()),
            Open::MakeRoom(asked) => {
                Some(view! { <MakeRoomDialog asked=*asked /> }.into_any())
            }
            Open::Recreate(id) => Some(view! { <ConfirmRecreate id actions /> }.into_any()),
        }}
    }
}

/// Unloads everything of the instances that show; each model is an item of one batch.
fn stop_all(list: List, toasts: Toasts, words: Words) {
    let request = StopAll { instance: list.scope.chosen.get_untracked() };
    spawn_local(async move {
        if let Err(error) = ipc::call::<Stop>(request).await {
            toasts.error(words.get("batch.failed"), error);
        }
    });
}
