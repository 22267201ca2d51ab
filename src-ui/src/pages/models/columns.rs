//! The columns of the list: which show, and how wide.

use std::collections::BTreeMap;

use corral_contract::models::SortKey;
use leptos::prelude::*;

use crate::{
    components::{Align, Column, MenuItem},
    frame::media::Narrow,
    preferences::Preferences,
    words::Words,
};

struct Known {
    key: &'static str,
    width: f64,
    align: Align,
    sort: Option<SortKey>,
    /// Shows unless the user chose otherwise.
    usual: bool,
    /// Does not show in a narrow window unless the user chose it.
    wide: bool,
}

const fn known(key: &'static str, width: f64) -> Known {
    Known { key, width, align: Align::Start, sort: None, usual: true, wide: false }
}

const fn more(key: &'static str, width: f64) -> Known {
    Known { usual: false, ..known(key, width) }
}

const KNOWN: &[Known] = &[
    known("select", 42.0),
    Known { sort: Some(SortKey::Status), ..known("status", 148.0) },
    Known { sort: Some(SortKey::Name), ..known("name", 140.0) },
    more("instance", 96.0),
    Known { align: Align::End, sort: Some(SortKey::Size), ..known("size", 76.0) },
    Known { wide: true, ..known("quantization", 72.0) },
    Known { wide: true, ..known("from", 64.0) },
    known("memory", 218.0),
    Known { align: Align::End, ..known("unloads", 62.0) },
    Known {
        wide: true,
        align: Align::End,
        sort: Some(SortKey::CreatedAt),
        ..known("created", 68.0)
    },
    more("tags", 140.0),
    more("note", 180.0),
    more("parameters", 84.0),
    more("family", 90.0),
    more("context", 84.0),
    more("preload", 70.0),
    more("id", 60.0),
    more("message", 180.0),
    more("log", 56.0),
    more("digest", 116.0),
    more("modified", 130.0),
    more("lastUsed", 110.0),
    more("capabilities", 170.0),
    known("actions", 156.0),
];

/// Columns that always show.
const FIXED: &[&str] = &["select", "status", "name", "actions"];

const SHOWN: &str = "models-columns";
const WIDTHS: &str = "models-widths";

/// The columns that show, with their widths.
#[must_use]
pub fn columns(words: Words, preferences: Preferences, narrow: Narrow) -> Signal<Vec<Column>> {
    let memo = Memo::new(move |_| {
        let widths: BTreeMap<String, f64> = preferences.get(WIDTHS).unwrap_or_default();
        KNOWN
            .iter()
            .filter(|column| shows(preferences, column, narrow))
            .map(|column| Column {
                key: column.key,
                label: match column.key {
                    "select" | "actions" => String::new(),
                    key => words.get(&format!("column.{key}")),
                },
                width: widths.get(column.key).copied().unwrap_or(column.width),
                grows: column.key == "name",
                align: column.align,
                sortable: column.sort.is_some(),
                pinned: column.key == "actions",
            })
            .collect::<Vec<_>>()
    });
    memo.into()
}

fn shows(preferences: Preferences, column: &Known, narrow: Narrow) -> bool {
    let chosen: BTreeMap<String, bool> = preferences.get(SHOWN).unwrap_or_default();
    FIXED.contains(&column.key)
        || chosen
            .get(column.key)
            .copied()
            .unwrap_or(column.usual && !(column.wide && narrow.0.get()))
}

/// The order that a head line stands for.
#[must_use]
pub fn sort_key(key: &str) -> Option<SortKey> {
    KNOWN.iter().find(|column| column.key == key).and_then(|column| column.sort)
}

/// The head line of an order.
#[must_use]
pub fn sorted_column(by: SortKey) -> Option<&'static str> {
    KNOWN.iter().find(|column| column.sort == Some(by)).map(|column| column.key)
}

/// Keeps the width of a column.
pub fn resize(preferences: Preferences, key: &str, width: f64) {
    let mut widths: BTreeMap<String, f64> = untrack(|| preferences.get(WIDTHS)).unwrap_or_default();
    widths.insert(key.to_owned(), width);
    preferences.set(WIDTHS, &widths);
}

/// The choice of columns that differs from the usual one.
#[must_use]
pub fn chosen(preferences: Preferences) -> BTreeMap<String, bool> {
    preferences.get(SHOWN).unwrap_or_default()
}

/// Shows another choice of columns.
pub fn choose(preferences: Preferences, chosen: &BTreeMap<String, bool>) {
    preferences.set(SHOWN, chosen);
}

/// The keys of the columns that show now and can be written into a file.
#[must_use]
pub fn shown(preferences: Preferences, narrow: Narrow) -> Vec<&'static str> {
    KNOWN
        .iter()
        .filter(|column| shows(preferences, column, narrow))
        .map(|column| column.key)
        .collect()
}

/// The entries of the column chooser.
#[must_use]
pub fn chooser(words: Words, preferences: Preferences, narrow: Narrow) -> Vec<MenuItem> {
    let mut items: Vec<MenuItem> = KNOWN
        .iter()
        .filter(|column| !FIXED.contains(&column.key))
        .map(|column| {
            let on = shows(preferences, column, narrow);
            let label = words.get(&format!("column.{}", column.key));
            let mut item = MenuItem::new(label, &format!("column-{}", column.key), move || {
                let mut chosen: BTreeMap<String, bool> =
                    untrack(|| preferences.get(SHOWN)).unwrap_or_default();
                chosen.insert(column.key.to_owned(), !on);
                preferences.set(SHOWN, &chosen);
            });
            item.ticked = Some(on);
            item
        })
        .collect();
    let mut reset = MenuItem::new(words.get("column.reset"), "column-reset", move || {
        preferences.set(SHOWN, &BTreeMap::<String, bool>::new());
        preferences.set(WIDTHS, &BTreeMap::<String, f64>::new());
    });
    reset.icon = Some(icondata::LuRotateCcw);
    items.push(reset);
    items
}
