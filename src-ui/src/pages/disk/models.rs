//! The models by the room they take, and when they were last used.

use corral_contract::{ModelId, disk::DiskModel, size};
use leptos::prelude::*;

use super::Disk;
use crate::{
    components::{Glyph, Note},
    format,
    state::use_stores,
    words::use_words,
};

/// The table.
#[component]
pub(super) fn Models(disk: Disk, on_model: Callback<ModelId>) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let watched = move || {
        disk.view.with(|view| {
            let view = view.as_ref()?;
            Some(match view.watched_since {
                None => words.get("disk.notWatched"),
                Some(since) => {
                    let time = format::time_and_day(words, since, stores.now.get_untracked());
                    let n = view.never_seen.to_string();
                    words.fill("disk.watched", &[("time", &time), ("n", &n)])
                }
            })
        })
    };
    let rows = move || {
        let models = disk.view.with(|view| view.as_ref().map(|view| view.models.clone()));
        let row = |model: DiskModel| view! { <Row model on_model /> };
        models.unwrap_or_default().into_iter().map(row).collect_view()
    };
    let more = move || {
        disk.view.with(|view| view.as_ref().map(|view| view.more)).filter(|more| more.count > 0)
    };
    view! {
        <Note>{watched}</Note>
        <table class="disk__table" data-testid="disk-models">
            <thead>
                <tr>
                    <th>{words.signal("disk.colModel")}</th>
                    <th class="num">{words.signal("disk.colOwn")}</th>
                    <th class="num">{words.signal("disk.colShared")}</th>
                    <th class="num">{words.signal("disk.colUsed")}</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        {move || {
            more().map(|more| {
                let (n, bytes) = (more.count.to_string(), size::format(more.bytes));
                let text = words.fill("disk.moreModels", &[("n", &n), ("bytes", &bytes)]);
                view! { <p class="dim num">{text}</p> }
            })
        }}
    }
}

#[component]
fn Row(model: DiskModel, on_model: Callback<ModelId>) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let DiskModel { id, name, exclusive, shared, bytes, last_used, pinned } = model;
    let amount = move |bytes: Option<u64>| {
        move || bytes.map_or_else(|| words.get("common.none"), size::format)
    };
    let used = move || match last_used {
        Some(at) => format::age(words, at, stores.now.get()),
        None => words.get("disk.neverSeen"),
    };
    let title = name.clone();
    let label = Signal::derive(move || words.fill("disk.openModel", &[("name", &title)]));
    view! {
        <tr>
            <td>
                {match id {
                    // Being deleted, or not in the list yet: there is nothing to open.
                    None => view! { <span>{name}</span> }.into_any(),
                    Some(id) => {
                        view! {
                            <button
                                type="button"
                                class="disk__part"
                                title=label
                                data-testid="disk-model"
                                on:click=move |_| on_model.run(id)
                            >
                                {name}
                                {pinned.then(|| view! { <Glyph icon=icondata::LuPin /> })}
                            </button>
                        }
                            .into_any()
                    }
                }}
            </td>
            <td class="num">{amount(exclusive.or(shared.is_none().then_some(bytes)))}</td>
            <td class="num dim">{amount(shared)}</td>
            <td class="num dim">{used}</td>
        </tr>
    }
}
