use corral_contract::{
    WireError,
    models::{HistoryEntry, HistoryRequest, call},
};
use leptos::prelude::*;

use super::paging::{FEW, PagedList, Paging};
use crate::{components::Glyph, format, ipc, pages::cause, state::use_stores, words::use_words};

async fn ask(before: Option<i64>, limit: u32) -> Result<(Vec<HistoryEntry>, bool), WireError> {
    let request = HistoryRequest { model: None, before, limit };
    ipc::call::<call::History>(request).await.map(|page| (page.items, page.more))
}

/// Every change of state with its cause, newest first.
#[component]
pub(super) fn History() -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let paging = Paging::<HistoryEntry>::new();
    // The counts change whenever a model's state does.
    let counted = Memo::new(move |_| stores.models.with(|models| models.counted));
    Effect::new(move |_| {
        counted.with(|_| ());
        untrack(|| paging.first(ask(None, paging.shown())));
    });
    let more = move |()| {
        let last = paging.items.with_untracked(|items| items.last().map(|entry| entry.id));
        paging.next(ask(last, FEW));
    };
    let row = move |entry: HistoryEntry| {
        let several = stores.instances.with(|all| all.all().len() > 1);
        let instance = stores
            .instances
            .with(|all| all.get(entry.instance).filter(|_| several).map(|each| each.name.clone()));
        let word = |status: corral_contract::status::Status| {
            words.get(&format!("status.{}", status.as_str()))
        };
        let from = entry.from.map_or_else(|| words.get("activity.firstSeen"), word);
        let (cause, note) = cause::in_words(words, &entry);
        let title = note.clone();
        view! {
            <tr data-testid=format!("history-row-{}", entry.id)>
                <td class="num dim">{format::moment(entry.at)}</td>
                <td><span class="cut">{entry.name}</span></td>
                <td class="dim">{instance}</td>
                <td>
                    <span class="activity__change">
                        <span class="dim">{from}</span>
                        <Glyph icon=icondata::LuArrowRight />
                        {word(entry.to)}
                    </span>
                </td>
                <td>{cause}</td>
                <td class="dim" title=title>{note}</td>
            </tr>
        }
    };
    view! {
        <PagedList
            paging
            empty=words.signal("activity.noHistory")
            icon=icondata::LuHistory
            on_more=more
        >
            <table class="activity__table">
                <thead>
                    <tr>
                        <th class="activity__when">{words.signal("activity.when")}</th>
                        <th>{words.signal("activity.model")}</th>
                        <th>{words.signal("top.instance")}</th>
                        <th>{words.signal("activity.change")}</th>
                        <th>{words.signal("activity.cause")}</th>
                        <th>{words.signal("activity.note")}</th>
                    </tr>
                </thead>
                <tbody>{move || paging.items.get().into_iter().map(row).collect_view()}</tbody>
            </table>
        </PagedList>
    }
}
