//! The model list: counts, and the part of the list that a view has loaded.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use corral_contract::{
    ModelId, Timestamp,
    event::AppEvent,
    models::{ModelCounts, ModelPage, ModelRow, ModelSearchRequest, SortKey},
    status::{Origin, Status},
};

/// Rows per page asked from the core.
pub const PAGE: usize = 50;

/// The list as far as it was loaded. Its order is the core's.
#[derive(Debug, Clone, Default)]
pub struct Models {
    /// Of all instances.
    pub counts: ModelCounts,
    /// Of the chosen instance; `None` while all are shown or nobody answered yet.
    pub chosen: Option<ModelCounts>,
    /// Rises with each change of the counts, so that those of one instance are asked anew.
    pub counted: u64,
    /// What the order below answers.
    query: ModelSearchRequest,
    /// A place for every match; `None` where nothing was loaded.
    order: Vec<Option<ModelId>>,
    rows: HashMap<ModelId, Arc<ModelRow>>,
    /// What decides about the places of rows that were never loaded, as far as events told.
    elsewhere: HashMap<ModelId, Deciding>,
    /// The event that last changed a row, so that an older page does not undo it.
    changed: HashMap<ModelId, u64>,
    /// Bytes of all matches.
    bytes: u64,
    /// Rises when what is loaded may no longer be what the core would answer.
    stale: u64,
    /// `stale` of the last pages that came in.
    fresh: u64,
    /// The last event that the snapshot knew: no earlier one will be heard of.
    since: u64,
    answered: bool,
    selected: HashSet<ModelId>,
    /// The place from which Shift selects.
    anchor: usize,
}

impl Models {
    /// A snapshot has no rows: keeps what shows, asks for it anew.
    pub fn load(&mut self, seq: u64, counts: &ModelCounts) {
        self.counts = counts.clone();
        self.counted += 1;
        self.changed.clear();
        self.elsewhere.clear();
        self.since = seq;
        self.stale += 1;
    }

    /// Applies an event; whether anything changed.
    pub fn apply(&mut self, seq: u64, event: &AppEvent) -> bool {
        match event {
            AppEvent::Models(rows) => {
                for row in rows {
                    self.put(seq, row);
                }
            }
            AppEvent::ModelsRemoved(ids) => {
                let ids: HashSet<_> = ids.iter().copied().collect();
                self.order.retain(|place| place.is_none_or(|id| !ids.contains(&id)));
                for id in &ids {
                    self.rows.remove(id);
                    self.elsewhere.remove(id);
                    self.selected.remove(id);
                    self.changed.insert(*id, seq);
                }
                self.stale += 1;
            }
            AppEvent::ModelsReload(_) => self.stale += 1,
            AppEvent::Counts(counts) => {
                self.counts = counts.clone();
                self.counted += 1;
            }
            AppEvent::Progress(figures) => {
                let mut any = false;
                for progress in figures {
                    if let Some(row) = self.rows.get_mut(&progress.model) {
                        Arc::make_mut(row).progress = Some(progress.clone());
                        any = true;
                    }
                }
                return any;
            }
            _ => return false,
        }
        true
    }

    fn put(&mut self, seq: u64, row: &ModelRow) {
        self.changed.insert(row.id, seq);
        let now = Deciding::of(row);
        let moved = match self.rows.get(&row.id) {
            Some(old) => {
                let moved = now.moves(&self.query, &Deciding::of(old));
                if **old != *row {
                    self.rows.insert(row.id, Arc::new(row.clone()));
                }
                moved
            }
            // It may be new, or belong to a part that was never loaded.
            None => {
                let before = self.elsewhere.insert(row.id, now.clone());
                before.is_none_or(|before| now.moves(&self.query, &before))
            }
        };
        self.stale += u64::from(moved);
    }

    /// Starts another list. What shows stays until the first page of the new one is there.
    pub fn ask(&mut self, query: ModelSearchRequest) {
        if self.query != query {
            if self.query.instance_id != query.instance_id {
                self.chosen = None;
                self.counted += 1;
            }
            self.query = query;
            self.stale += 1;
        }
    }

    /// What the list answers.
    #[must_use]
    pub fn query(&self) -> &ModelSearchRequest {
        &self.query
    }

    /// Puts pages in place. `stale` is the value of [`Models::stale`] when they were asked for;
    /// `false` when the query has changed since.
    pub fn fill(&mut self, query: &ModelSearchRequest, stale: u64, pages: &[ModelPage]) -> bool {
        let Some(last) = pages.last() else {
            return false;
        };
        if self.query != *query {
            return false;
        }
        let total = usize::try_from(last.total).unwrap_or(usize::MAX);
        if stale > self.fresh || !self.answered {
            // The first pages since a change: nothing else can be trusted to be in its place.
            self.order.clear();
            self.fresh = stale;
        }
        self.order.resize(total, None);
        self.answered = true;
        self.bytes = last.bytes;
        for page in pages {
            self.place(page);
        }
        if pages.iter().any(|page| page.seq < self.since) {
            // Asked at the same time as the snapshot, but answered before it: what happened in
            // between was told to neither, and no event will say it again.
            self.stale += 1;
        }
        true
    }

    fn place(&mut self, page: &ModelPage) {
        let start = (page.page.max(1) as usize - 1) * PAGE;
        for (place, row) in page.items.iter().enumerate() {
            let newer = self.changed.get(&row.id).is_some_and(|seq| *seq > page.seq);
            if newer && !self.rows.contains_key(&row.id) {
                // Removed by an event that the page did not know yet.
                continue;
            }
            if !newer && self.rows.get(&row.id).is_none_or(|known| **known != *row) {
                self.rows.insert(row.id, Arc::new(row.clone()));
            }
            if let Some(slot) = self.order.get_mut(start + place) {
                *slot = Some(row.id);
            }
        }
    }

    /// The pages, from 1, that a view of these places lacks or that are stale.
    #[must_use]
    pub fn missing(&self, first: usize, end: usize) -> Vec<u32> {
        let last = end.saturating_sub(1).max(first) / PAGE;
        (first / PAGE..=last)
            .filter(|page| {
                let start = (page * PAGE).min(self.order.len());
                let end = (start + PAGE).min(self.order.len());
                let lacking = !self.answered || self.order[start..end].iter().any(Option::is_none);
                lacking || self.stale > self.fresh
            })
            .map(|page| u32::try_from(page + 1).unwrap_or(u32::MAX))
            .collect()
    }

    /// See [`Models::fill`].
    #[must_use]
    pub fn stale(&self) -> u64 {
        self.stale
    }

    /// Whether any answer came yet.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.answered
    }

    /// Matches in all.
    #[must_use]
    pub fn total(&self) -> usize {
        self.order.len()
    }

    /// Bytes of all matches.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The row at a place, if it was loaded.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&Arc<ModelRow>> {
        self.order.get(place).copied().flatten().and_then(|id| self.rows.get(&id))
    }

    /// A row by its id, if it was loaded.
    #[must_use]
    pub fn get(&self, id: ModelId) -> Option<&Arc<ModelRow>> {
        self.rows.get(&id)
    }

    /// The loaded ids between two places, both included.
    pub fn between(&self, one: usize, other: usize) -> impl Iterator<Item = ModelId> + '_ {
        let (first, last) = (one.min(other), one.max(other));
        let end = (last + 1).min(self.order.len());
        self.order[first.min(end)..end].iter().copied().flatten()
    }

    /// All loaded ids.
    pub fn loaded(&self) -> impl Iterator<Item = ModelId> + '_ {
        self.order.iter().copied().flatten()
    }
}

/// The selection: it outlives scrolling, other pages and a new order of the list.
impl Models {
    /// The selected ids.
    #[must_use]
    pub fn selected(&self) -> &HashSet<ModelId> {
        &self.selected
    }

    /// Whether the row at a place is selected.
    #[must_use]
    pub fn is_selected(&self, place: usize) -> bool {
        let id = self.order.get(place).copied().flatten();
        id.is_some_and(|id| self.selected.contains(&id))
    }

    /// Selects the row at a place, or not any more; Shift goes on from here.
    pub fn toggle(&mut self, place: usize) {
        self.anchor = place;
        if let Some(id) = self.order.get(place).copied().flatten()
            && !self.selected.remove(&id)
        {
            self.selected.insert(id);
        }
    }

    /// Selects everything from the row last toggled to this one.
    pub fn extend(&mut self, place: usize) {
        let ids: Vec<_> = self.between(self.anchor, place).collect();
        self.selected.extend(ids);
    }

    /// Selects what is loaded of these places.
    pub fn select_range(&mut self, first: usize, end: usize) {
        if end > first {
            let ids: Vec<_> = self.between(first, end - 1).collect();
            self.selected.extend(ids);
        }
    }

    /// Selects rows of a page that may not be in view.
    pub fn select_rows(&mut self, rows: &[ModelRow]) {
        for row in rows {
            self.rows.entry(row.id).or_insert_with(|| Arc::new(row.clone()));
            self.selected.insert(row.id);
        }
    }

    /// Selects exactly these, such as those kept over a reload.
    pub fn select_only(&mut self, ids: impl IntoIterator<Item = ModelId>) {
        self.selected = ids.into_iter().collect();
    }

    /// Selects none.
    pub fn select_none(&mut self) {
        self.selected.clear();
    }

    /// The selected rows as far as they were loaded, by name.
    #[must_use]
    pub fn selected_rows(&self) -> Vec<Arc<ModelRow>> {
        let rows = self.selected.iter().filter_map(|id| self.rows.get(id).cloned());
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by(|one, other| one.name.cmp(&other.name));
        rows
    }
}

/// What of a row decides about its place in a list, or whether it is in it.
#[derive(Debug, Clone, PartialEq)]
struct Deciding {
    name: String,
    bytes: Option<u64>,
    created_at: Timestamp,
    status: Status,
    from: Origin,
}

impl Deciding {
    fn of(row: &ModelRow) -> Deciding {
        Deciding {
            name: row.name.clone(),
            bytes: row.bytes,
            created_at: row.created_at,
            status: row.status,
            from: row.from,
        }
    }

    /// Whether the change may move the row in the list, or into or out of it.
    fn moves(&self, query: &ModelSearchRequest, before: &Deciding) -> bool {
        let sorted = match query.sort_by {
            Some(SortKey::Name) => before.name != self.name,
            Some(SortKey::Size) => before.bytes != self.bytes,
            Some(SortKey::CreatedAt) => before.created_at != self.created_at,
            Some(SortKey::Status) => before.status != self.status,
            None => false,
        };
        let sized = query.min_size.is_some() || query.max_size.is_some();
        sorted
            || (!query.status.is_empty() && before.status != self.status)
            || (!query.from.is_empty() && before.from != self.from)
            || (sized && before.bytes != self.bytes)
    }
}

#[cfg(test)]
mod tests;
