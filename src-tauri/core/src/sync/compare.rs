//! What changed between two reports.

use std::collections::BTreeMap;

use corral_contract::{
    ModelId, WireError,
    sync::{Change, CompareReports, Comparison, FieldChange, SyncField, SyncItem},
};

use super::store::reports;
use crate::{Core, Result};

/// Puts together what all syncs after the earlier report changed, up to the later one.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_INPUT` for reports of two instances, or the same one twice.
pub(super) async fn compare(core: &Core, request: CompareReports) -> Result<Comparison> {
    let CompareReports { one, other } = request;
    if one == other {
        return Err(WireError::field("reports", "sameReport"));
    }
    let earlier = reports::past(core, one.min(other)).await?;
    let later = reports::past(core, one.max(other)).await?;
    if earlier.instance != later.instance {
        return Err(WireError::field("reports", "otherInstance"));
    }
    let between = reports::between(core, later.instance, earlier.id, later.id).await?;
    let whole = between
        .iter()
        .all(|report| report.items.len() as u32 == report.added + report.updated + report.removed);
    let mut models: BTreeMap<Key, Folded> = BTreeMap::new();
    for item in between.into_iter().flat_map(|report| report.items) {
        let key = match item.model {
            Some(id) => Key::Model(id),
            None => Key::Name(item.name.clone()),
        };
        models.entry(key).or_insert_with(|| Folded::before(&item)).take(item);
    }
    let mut items: Vec<SyncItem> = models
        .into_iter()
        .filter_map(|(key, folded)| {
            let model = match key {
                Key::Model(id) => Some(id),
                Key::Name(_) => None,
            };
            folded.item(model)
        })
        .collect();
    items.sort_by(|one, other| (one.change, &one.name).cmp(&(other.change, &other.name)));
    Ok(Comparison { earlier, later, items, whole })
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Model(ModelId),
    Name(String),
}

/// The changes of one model so far.
#[derive(Debug)]
struct Folded {
    name: String,
    was_there: bool,
    is_there: bool,
    /// Before the first change and after the last one.
    fields: BTreeMap<SyncField, (Option<String>, Option<String>)>,
}

impl Folded {
    fn before(first: &SyncItem) -> Folded {
        Folded {
            name: first.name.clone(),
            // One that came back is an update of a model that was away.
            was_there: first.change != Change::Added && !came_back(first),
            is_there: false,
            fields: BTreeMap::new(),
        }
    }

    fn take(&mut self, item: SyncItem) {
        self.is_there = item.change != Change::Removed;
        self.name = item.name;
        for FieldChange { field, before, after } in item.fields {
            if field == SyncField::Files {
                continue;
            }
            // What went away is remembered as it was, should it come back.
            let after = if item.change == Change::Removed { before.clone() } else { after };
            self.fields.entry(field).or_insert_with(|| (before, None)).1 = after;
        }
    }

    /// `None` for a model that is as it was.
    fn item(self, model: Option<ModelId>) -> Option<SyncItem> {
        let change = match (self.was_there, self.is_there) {
            (false, true) => Change::Added,
            (true, false) => Change::Removed,
            (true, true) => Change::Updated,
            (false, false) => return None,
        };
        let fields: Vec<FieldChange> = self
            .fields
            .into_iter()
            .map(|(field, (before, after))| match change {
                Change::Added => FieldChange { field, before: None, after },
                Change::Removed => FieldChange { field, before, after: None },
                Change::Updated => FieldChange { field, before, after },
            })
            .filter(|field| field.before != field.after)
            .collect();
        if change == Change::Updated && fields.is_empty() {
            return None;
        }
        Some(SyncItem { model, name: self.name, change, fields })
    }
}

fn came_back(item: &SyncItem) -> bool {
    item.fields.iter().any(|each| each.field == SyncField::Files && each.before.is_none())
}
