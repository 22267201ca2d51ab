//! The models of an instance, or of all: the page Corral is for.

use corral_contract::ModelId;
use leptos::prelude::*;

use crate::{
    components::{Button, ButtonKind, IconButton, use_menu},
    format,
    frame::{
        drops::use_dropped,
        scope::use_scope,
        shortcuts::{Wish, use_keyboard},
        toasts::use_toasts,
    },
    navigation::{Page, use_navigation},
    preferences::use_preferences,
    state::use_stores,
    words::use_words,
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
mod filter;
mod filter_menu;
pub mod fit;
mod labels;
mod list;
mod make;
mod make_room;
mod moving;
mod page_menu;
mod radar;
mod size_filter;
mod states;
mod sync_button;
mod table;
mod table_file;
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
use labels::LabelsDialog;
use list::{List, Open};
use make::{ImportFilesDialog, MakeDialog, ModelfileDialog, NameDialog};
use make_room::MakeRoomDialog;
use moving::{CopyDialog, ExportDialog, ImportDialog, RestoreListDialog, SaveListDialog};
use radar::{RadarLine, UpdatesDialog};
use sync_button::{SyncButton, sync_chosen};
use table::ModelTable;
use table_file::TableDialog;
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
    // Files that were dropped onto the window, here or on another page.
    let dropped = use_dropped();
    Effect::new(move |_| {
        if let Some(paths) = dropped.get() {
            dropped.set(None);
            list.open.set(Open::ImportFiles(paths));
        }
    });
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
                    let items = Signal::derive(move || page_menu::items(list, toasts, words));
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
            Open::Table => Some(view! { <TableDialog /> }.into_any()),
            Open::MakeRoom(asked) => {
                Some(view! { <MakeRoomDialog asked=*asked /> }.into_any())
            }
            Open::Export(ids) => Some(view! { <ExportDialog ids /> }.into_any()),
            Open::CopyTo(ids) => Some(view! { <CopyDialog ids /> }.into_any()),
            Open::Import => Some(view! { <ImportDialog /> }.into_any()),
            Open::SaveList => Some(view! { <SaveListDialog /> }.into_any()),
            Open::RestoreList => Some(view! { <RestoreListDialog /> }.into_any()),
            Open::Make(beginning) => Some(view! { <MakeDialog beginning /> }.into_any()),
            Open::ImportFiles(paths) => Some(view! { <ImportFilesDialog paths /> }.into_any()),
            Open::Modelfile(id) => Some(view! { <ModelfileDialog id /> }.into_any()),
            Open::Name(id, naming) => Some(view! { <NameDialog id naming /> }.into_any()),
            Open::Recreate(id) => Some(view! { <ConfirmRecreate id actions /> }.into_any()),
        }}
    }
}
