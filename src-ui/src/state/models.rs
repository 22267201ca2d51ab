//! The model list: counts, and the part of the list that a view has loaded.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use corral_contract::{
    ModelId,
    app::SnapshotView,
    event::AppEvent,
    models::{ModelCounts, ModelPage, ModelRow, ModelSearchRequest, SortKey},
};

/// Rows per page asked from the core.
pub const PAGE: usize = 100;

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
    /// The event that last changed a row, so that an older page does not undo it.
    changed: HashMap<ModelId, u64>,
    /// Bytes of all matches.
    bytes: u64,
    /// Rises when what is loaded may no longer be what the core would answer.
    stale: u64,
    /// `stale` of the last pages that came in.
    fresh: u64,
    answered: bool,
}

impl Models {
    /// A snapshot has no rows: keeps what shows, asks for it anew.
    pub fn load(&mut self, snapshot: &SnapshotView) {
        self.counts = snapshot.counts.clone();
        self.counted += 1;
        self.changed.clear();
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
        match self.rows.get(&row.id) {
            Some(old) => {
                if moves(&self.query, old, row) {
                    self.stale += 1;
                }
                self.rows.insert(row.id, Arc::new(row.clone()));
            }
            // It may be new, or belong to a part that was never loaded.
            None => self.stale += 1,
        }
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

/// Whether a change of a row may move it in the list, or out of it.
fn moves(query: &ModelSearchRequest, old: &ModelRow, new: &ModelRow) -> bool {
    let sorted = match query.sort_by {
        Some(SortKey::Name) => old.name != new.name,
        Some(SortKey::Size) => old.bytes != new.bytes,
        Some(SortKey::CreatedAt) => old.created_at != new.created_at,
        Some(SortKey::Status) => old.status != new.status,
        None => false,
    };
    let sized = query.min_size.is_some() || query.max_size.is_some();
    sorted
        || (!query.status.is_empty() && old.status != new.status)
        || (!query.from.is_empty() && old.from != new.from)
        || (sized && old.bytes != new.bytes)
}

#[cfg(test)]
mod tests;
