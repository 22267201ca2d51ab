use std::collections::BTreeSet;

use corral_contract::{
    InstanceId, ModelId, WireError,
    command::Nothing,
    desktop,
    models::{ModelSearchRequest, call::Search},
    size,
    stores::{AddCold, ArchiveModels, Archived, BringBack, ColdFolder, ColdRef, StoreView, call},
};
use leptos::prelude::*;

use crate::{
    components::{Button, ButtonKind, Checkbox, Dialog, ErrorCard, Field, Skeleton, TextInput},
    format,
    pages::{advice, sending::Sending},
    state::use_stores,
    words::use_words,
};

/// Most models that are offered at once.
const MOST: u32 = 500;

/// Folders for models that are seldom needed, and what is in them.
#[component]
pub(super) fn Cold(
    id: InstanceId,
    known: RwSignal<Option<StoreView>>,
    sending: Sending,
    look: Callback<()>,
) -> impl IntoView {
    let words = use_words();
    let folders = Memo::new(move |_| {
        known.with(|known| known.as_ref().map(|view| view.cold.clone()).unwrap_or_default())
    });
    let adding = RwSignal::new(false);
    let path = RwSignal::new(String::new());
    let failure = RwSignal::new(None::<WireError>);
    let add = move |()| {
        failure.set(None);
        let request = AddCold { instance: id, path: path.get_untracked() };
        sending.ask::<call::Cold>("add cold", request, move |answer| match answer {
            Ok(view) => {
                path.set(String::new());
                adding.set(false);
                known.set(Some(view));
            }
            Err(error) => failure.set(Some(error)),
        });
    };
    let choose = move |()| {
        sending.then::<desktop::call::ChooseFolder>("choose cold", Nothing {}, move |folder| {
            if let Some(chosen) = folder.path {
                path.set(chosen);
            }
        });
    };
    view! {
        <section class="storage__section" data-testid="storage-cold">
            <div class="storage__head">
                <h3>{words.signal("stores.cold")}</h3>
                <Button
                    small=true
                    icon=icondata::LuFolderPlus
                    on_press=move |()| adding.update(|it| *it = !*it)
                    attr:data-testid="cold-add"
                >
                    {words.signal("stores.addCold")}
                </Button>
            </div>
            <p class="dim">{words.signal("stores.coldHint")}</p>
            <Show when=move || adding.get()>
                <Field id="cold-path" label=words.signal("stores.coldPath")>
                    <div class="storage__choose">
                        <TextInput
                            id="cold-path"
                            value=path
                            mono=true
                            autofocus=true
                            attr:data-testid="cold-path"
                        />
                        <Button
                            icon=icondata::LuFolderOpen
                            on_press=choose
                            attr:data-testid="cold-choose"
                        >
                            {words.signal("stores.choose")}
                        </Button>
                        <Button
                            kind=ButtonKind::Primary
                            pending=sending.pending("add cold")
                            on_press=add
                            attr:data-testid="cold-keep"
                        >
                            {words.signal("stores.add")}
                        </Button>
                    </div>
                </Field>
            </Show>
            {move || {
                failure.get().map(|error| {
                    view! { <ErrorCard error=Signal::stored(advice::textual(error)) /> }
                })
            }}
            <Show when=move || folders.with(Vec::is_empty)>
                <p class="faint">{words.signal("stores.coldNone")}</p>
            </Show>
            {move || {
                folders
                    .get()
                    .into_iter()
                    .map(|folder| view! { <Folder id folder sending look /> })
                    .collect_view()
            }}
        </section>
    }
}

#[component]
fn Folder(
    id: InstanceId,
    folder: ColdFolder,
    sending: Sending,
    look: Callback<()>,
) -> impl IntoView {
    let words = use_words();
    let choosing = RwSignal::new(false);
    let ColdFolder { id: place, path, free, problem, items } = folder;
    let there = problem.is_none();
    let forget = move |()| {
        sending.then::<call::ForgetCold>("forget cold", ColdRef { id: place }, move |_| {
            look.try_run(());
        });
    };
    let free = free.map(size::format);
    let empty = items.is_empty();
    let shown = path.clone();
    view! {
        <div class="storage__cold" data-testid="cold-folder">
            <div class="storage__head">
                <p class="mono cut" title=path.clone()>{path.clone()}</p>
                <span class="num dim">
                    {move || free.as_ref().map(|free| words.fill("stores.free", &[("free", free)]))}
                </span>
                {there.then(|| view! {
                    <Button
                        small=true
                        icon=icondata::LuArchive
                        on_press=move |()| choosing.set(true)
                        attr:data-testid="cold-archive"
                    >
                        {words.signal("stores.archive")}
                    </Button>
                })}
                <Button small=true on_press=forget attr:data-testid="cold-forget">
                    {words.signal("stores.forget")}
                </Button>
            </div>
            {problem.map(|error| view! {
                <ErrorCard error=Signal::stored(advice::textual(error)) />
            })}
            {empty.then(|| view! { <p class="faint">{words.signal("stores.coldEmpty")}</p> })}
            <ul class="leftovers">
                {items
                    .into_iter()
                    .map(|item| view! { <Item id item there sending look /> })
                    .collect_view()}
            </ul>
            {move || {
                let path = shown.clone();
                choosing.get().then(|| view! {
                    <Choose id place path look on_close=move |()| choosing.set(false) />
                })
            }}
        </div>
    }
}

#[component]
fn Item(
    id: InstanceId,
    item: Archived,
    /// Its drive is there.
    there: bool,
    sending: Sending,
    look: Callback<()>,
) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let Archived { id: archived, name, bytes, at, .. } = item;
    let key = format!("bring back {archived}");
    let pending = sending.pending(&key);
    let bring = move |()| {
        let request = BringBack { instance: id, ids: vec![archived] };
        sending.then::<call::Return>(&key, request, move |_| {
            look.try_run(());
        });
    };
    view! {
        <li class="leftovers__line">
            <span>{name} " " <span class="num dim">{size::format(bytes)}</span></span>
            <span class="num faint">{move || format::age(words, at, stores.now.get())}</span>
            {there.then(|| view! {
                <Button small=true pending=pending on_press=bring attr:data-testid="cold-bring">
                    {words.signal("stores.bring")}
                </Button>
            })}
        </li>
    }
}

/// Which models go there.
#[component]
fn Choose(
    id: InstanceId,
    place: i64,
    path: String,
    look: Callback<()>,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let sending = Sending::here();
    let words = use_words();
    let rows = RwSignal::new(None::<Vec<(ModelId, String, Option<u64>)>>);
    let chosen = RwSignal::new(BTreeSet::<ModelId>::new());
    let failure = RwSignal::new(None);
    let request =
        ModelSearchRequest { instance_id: Some(id), page_size: MOST, ..Default::default() };
    sending.ask::<Search>("archive list", request, move |answer| match answer {
        Ok(page) => rows.set(Some(
            page.items
                .into_iter()
                .filter(|row| row.digest.is_some() && !row.cloud)
                .map(|row| (row.id, row.name, row.bytes))
                .collect(),
        )),
        Err(error) => failure.set(Some(error)),
    });
    let go = move |()| {
        let ids = chosen.with_untracked(|chosen| chosen.iter().copied().collect());
        let request = ArchiveModels { ids, folder: place };
        failure.set(None);
        sending.ask::<call::Archive>("archive", request, move |answer| match answer {
            Ok(_) => {
                look.run(());
                on_close.run(());
            }
            Err(error) => failure.set(Some(error)),
        });
    };
    let none = Signal::derive(move || {
        if chosen.with(BTreeSet::is_empty) {
            words.get("checks.cleanNothing")
        } else {
            String::new()
        }
    });
    let footer = move || {
        view! {
            <Button on_press=on_close autofocus=true>
                {words.signal("common.cancel")}
            </Button>
            <Button
                kind=ButtonKind::Primary
                pending=sending.pending("archive")
                reason=none
                on_press=go
                attr:data-testid="archive-confirm"
            >
                {words.signal("stores.archive")}
            </Button>
        }
    };
    view! {
        <Dialog
            title=words.signal("stores.archiveTitle")
            on_close=on_close
            footer=footer
            attr:data-testid="dialog-archive"
        >
            <p>{move || words.fill("stores.archiveText", &[("path", &path)])}</p>
            {move || {
                failure.get().map(|error| {
                    view! { <ErrorCard error=Signal::stored(advice::textual(error)) /> }
                })
            }}
            {move || match rows.get() {
                None => view! { <Skeleton rows=3 /> }.into_any(),
                Some(rows) => {
                    let line = |(id, name, bytes): (ModelId, String, Option<u64>)| {
                        view! {
                            <li class="leftovers__line">
                                <Checkbox
                                    ticked=Signal::derive(move || {
                                        chosen.with(|chosen| chosen.contains(&id)).into()
                                    })
                                    label=Signal::stored(name)
                                    on_toggle=move |_| {
                                        chosen.update(|chosen| {
                                            if !chosen.remove(&id) {
                                                chosen.insert(id);
                                            }
                                        });
                                    }
                                />
                                <span></span>
                                <span class="num">{bytes.map(size::format)}</span>
                            </li>
                        }
                    };
                    view! { <ul class="leftovers">{rows.into_iter().map(line).collect_view()}</ul> }
                        .into_any()
                }
            }}
        </Dialog>
    }
}
