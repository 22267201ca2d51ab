//! The models that changed, each with what is different.

use corral_contract::{
    Timestamp, size,
    sync::{Change, FieldChange, SyncField, SyncItem},
};
use leptos::prelude::*;

use crate::{components::Glyph, format, words::Words};

/// Every model that changed, those of one kind together.
pub(super) fn changes(words: Words, items: &[SyncItem]) -> impl IntoView + use<> {
    let items = items.iter().map(|item| {
        let (key, icon) = match item.change {
            Change::Added => ("change.added", icondata::LuPlus),
            Change::Updated => ("change.updated", icondata::LuArrowDownUp),
            Change::Removed => ("change.removed", icondata::LuMinus),
        };
        let fields: Vec<_> = item.fields.iter().map(|field| line(words, field)).collect();
        view! {
            <li class="result-list__item sync-change">
                <Glyph icon=icon />
                <span class="cut" title=item.name.clone()>{item.name.clone()}</span>
                <span class="dim">{words.get(key)}</span>
                {(!fields.is_empty()).then(|| view! {
                    <ul class="sync-change__fields">{fields.collect_view()}</ul>
                })}
            </li>
        }
    });
    items.collect_view()
}

fn line(words: Words, change: &FieldChange) -> impl IntoView + use<> {
    let label = words.get(&format!("syncField.{}", change.field.as_str()));
    let before = change.before.as_deref().map(|text| shown(words, change.field, text));
    let after = change.after.as_deref().map(|text| shown(words, change.field, text));
    let whole = [&change.before, &change.after].into_iter().flatten().cloned();
    let title = whole.collect::<Vec<_>>().join(" → ");
    view! {
        <li title=title>
            <span class="faint">{label}</span>
            " "
            <span class="num">
                {match (before, after) {
                    (Some(before), Some(after)) => format!("{before} → {after}"),
                    (Some(one), None) | (None, Some(one)) => one,
                    (None, None) => String::new(),
                }}
            </span>
        </li>
    }
}

/// A value as it is shown: sizes in bytes and times in ms come as numbers.
fn shown(words: Words, field: SyncField, text: &str) -> String {
    let number = text.parse::<u64>().ok();
    match field {
        SyncField::Digest => format::short_digest(text).to_owned(),
        SyncField::Size => number.map_or_else(|| text.to_owned(), size::format),
        SyncField::Context => number.map_or_else(|| text.to_owned(), format::count),
        SyncField::Modified => {
            text.parse().map_or_else(|_| text.to_owned(), |at| format::moment(Timestamp(at)))
        }
        SyncField::Files => words.get("sync.thereAgain"),
        _ => text.to_owned(),
    }
}
