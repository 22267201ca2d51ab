//! From what was typed to the lines that show.

use corral_contract::models::{ModelRow, ModelSearchRequest, SortKey, call::Search};
use leptos::prelude::*;

use super::{
    act::{self, Reading},
    commands,
    entry::{Doing, Entry, Section},
};
use crate::ipc;

/// Lines of a section at most.
const MOST: usize = 7;
/// Rows asked for: more than show, because not each allows the action that was named.
const ASKED: u32 = 30;

/// What the core found for a question.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    /// Models that the whole question names.
    named: Vec<ModelRow>,
    /// Models that what follows an action names.
    acted: Vec<ModelRow>,
}

/// Asks the core for the models that a question may mean.
pub(super) async fn rows(doing: Doing, question: &str) -> Rows {
    let reading = untrack(|| Reading::of(doing, question));
    let acted = match reading.name() {
        Some(name) => search(name).await,
        None => Vec::new(),
    };
    let named = if question.is_empty() { Vec::new() } else { search(question).await };
    Rows { named, acted }
}

/// A failure shows no models; the page behind says why.
async fn search(name: &str) -> Vec<ModelRow> {
    // The core looks for one part of a name; the others are looked for here.
    let parts: Vec<&str> = name.split_whitespace().collect();
    let longest = parts.iter().max_by_key(|part| part.len()).copied().unwrap_or_default();
    let request = ModelSearchRequest {
        name: longest.to_owned(),
        page_size: ASKED,
        sort_by: Some(SortKey::Name),
        ..ModelSearchRequest::default()
    };
    let page = ipc::call::<Search>(request).await.map(|page| page.items).unwrap_or_default();
    let fits = |row: &ModelRow| {
        let name = row.name.to_lowercase();
        parts.iter().all(|part| name.contains(*part))
    };
    page.into_iter().filter(fits).collect()
}

/// The lines for a question, section by section, the best first.
pub(super) fn lines(doing: Doing, question: &str, rows: &Rows) -> Vec<Entry> {
    let mut all = act::of_selection(doing, question);
    all.extend(Reading::of(doing, question).entries(doing, &rows.acted));
    all.extend(commands::fitting(doing, question));
    all.extend(rows.named.iter().map(|row| act::model(doing, question, row)));
    // Settings only show once they are looked for.
    all.retain(|entry| entry.section != Section::Settings || !question.is_empty());
    // The section with the best line comes first; what is selected always does.
    let best = |section: Section| {
        let of = all.iter().filter(|entry| entry.section == section);
        (section == Section::Selection, of.map(|entry| entry.score).max())
    };
    let mut sections = Section::ALL;
    sections.sort_by_key(|section| std::cmp::Reverse(best(*section)));
    let mut lines = Vec::new();
    for section in sections {
        let mut of: Vec<Entry> =
            all.iter().filter(|entry| entry.section == section).cloned().collect();
        of.sort_by_key(|entry| std::cmp::Reverse(entry.score));
        lines.extend(of.into_iter().take(MOST));
    }
    lines
}
