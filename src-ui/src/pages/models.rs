//! The models of an instance, or of all: the page Corral is for.

use leptos::prelude::*;

use crate::{
    components::{Button, ButtonKind, IconButton, MenuItem, use_menu},
    format,
    frame::{
        drops::use_dropped,
        scope::use_scope,
        shortcuts::{Wish, use_keyboard},
        toasts::use_toasts,
    },
    preferences::use_preferences,
    state::use_stores,
    words::use_words,
};

mod actions;
mod batch_bar;
mod cells;
mod check_file;
mod columns;
mod confirm;
mod create;
mod delete;
mod detail;
mod filter;
mod list;
mod make;
mod size_filter;
mod states;
mod sync_button;
mod table;
mod toolbar;

use actions::Actions;
use batch_bar::BatchBar;
use check_file::CheckFileDialog;
use confirm::{ConfirmBatch, ConfirmRecreate};
use create::CreateDialog;
use delete::DeleteDialog;
use detail::Detail;
use list::{List, Open};
use make::{ExportDialog, ImportDialog, MakeDialog, NameDialog};
use sync_button::{SyncButton, sync_chosen};
use table::ModelTable;
use toolbar::Toolbar;

/// The Models page.
#[component]
pub fn ModelsPage() -> impl IntoView {
    let (stores, words, toasts) = (use_stores(), use_words(), use_toasts());
    let (scope, preferences, keyboard) = (use_scope(), use_preferences(), use_keyboard());
    let menu = use_menu();
    let list = List::provide(stores, scope, preferences);
    let actions = Actions { list, toasts, words };
    // Files that were dropped onto the window, here or on another page.
    let dropped = use_dropped();
    Effect::new(move |_| {
        if let Some(paths) = dropped.get() {
            dropped.set(None);
            list.open.set(Open::Import(paths));
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
    keyboard.on_wish(move |wish| match wish {
        Wish::New => list.open.set(Open::Create(String::new())),
        Wish::Find => toolbar::focus_search(),
        Wish::Sync => sync_chosen(list, toasts, words),
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
                        vec![MenuItem::new(words.get("checks.fileButton"), "check-file", open)]
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
        <ModelTable actions />
        {move || {
            list.detail.get().map(|id| view! { <Detail id actions /> })
        }}
        {move || match list.open.get() {
            Open::Nothing => None,
            Open::Create(name) => Some(view! { <CreateDialog name /> }.into_any()),
            Open::Delete(ids) => Some(view! { <DeleteDialog ids /> }.into_any()),
            Open::Batch(op) => Some(view! { <ConfirmBatch op /> }.into_any()),
            Open::CheckFile => Some(view! { <CheckFileDialog /> }.into_any()),
            Open::Make(beginning) => Some(view! { <MakeDialog beginning /> }.into_any()),
            Open::Import(paths) => Some(view! { <ImportDialog paths /> }.into_any()),
            Open::Export(id) => Some(view! { <ExportDialog id /> }.into_any()),
            Open::Name(id, naming) => Some(view! { <NameDialog id naming /> }.into_any()),
            Open::Recreate(id) => Some(view! { <ConfirmRecreate id actions /> }.into_any()),
        }}
    }
}
