//! What differs between a server's list and the rows, in memory.

use std::{
    cell::LazyCell,
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use corral_contract::{
    ErrorCode, ModelId, WireError,
    name::{ModelName, NameError},
};

use super::store::Known;
use crate::{models, ollama::TagsModel, updates};

/// Errors that one report carries.
const MOST_ERRORS: usize = 100;

/// The differences.
#[derive(Debug, Default)]
pub(super) struct Diff<'a> {
    pub(super) added: Vec<(ModelName, &'a TagsModel, i64)>,
    pub(super) updated: Vec<(ModelId, &'a TagsModel, i64)>,
    /// Known, but no longer on the server.
    pub(super) missing: Vec<ModelId>,
    pub(super) unchanged: u32,
    pub(super) errors: Vec<WireError>,
}

/// Compares by normalised name. A name that is listed twice counts once, the first time.
///
/// Nearly every name is written as it was last time: such a name is found as it stands, and only
/// the others are taken apart.
///
/// `ours` are names that Corral made for itself, lower case. One of an earlier Corral, which nobody
/// knows any more, is a model like any other: it takes room and can be deleted.
pub(super) fn diff<'a>(
    listed: &'a [TagsModel],
    known: &[Known],
    ours: &HashSet<String>,
) -> Diff<'a> {
    let mut diff = Diff::default();
    let places = || known.iter().enumerate();
    let by_name: HashMap<&str, usize> =
        places().map(|(place, row)| (row.name.as_str(), place)).collect();
    let by_key = LazyCell::new(|| {
        let keyed =
            |(place, row): (usize, &Known)| Some((ModelName::parse(&row.name).ok()?.key(), place));
        places().filter_map(keyed).collect::<HashMap<String, usize>>()
    });
    let mut seen = vec![false; known.len()];
    let mut fresh: HashSet<String> = HashSet::new();
    let is_ours = |name: &str| {
        (updates::is_kept(name) || models::is_between(name))
            && ours.contains(&name.to_ascii_lowercase())
    };
    for item in listed.iter().filter(|item| !is_ours(&item.name)) {
        let mut place = by_name.get(item.name.as_str()).copied();
        if place.is_none() {
            let name = match ModelName::parse(&item.name) {
                Ok(name) => name,
                Err(reason) => {
                    diff.refuse(&item.name, reason);
                    continue;
                }
            };
            let key = name.key();
            place = by_key.get(&key).copied();
            if place.is_none() {
                if fresh.insert(key) {
                    diff.added.push((name, item, mark(item)));
                }
                continue;
            }
        }
        let Some(place) = place.filter(|place| !std::mem::replace(&mut seen[*place], true)) else {
            continue;
        };
        let (row, mark) = (&known[place], mark(item));
        if row.on_server && row.mark == Some(mark) {
            diff.unchanged += 1;
        } else {
            diff.updated.push((row.id, item, mark));
        }
    }
    let missing = known.iter().zip(seen).filter(|(row, seen)| row.on_server && !seen);
    diff.missing = missing.map(|(row, _)| row.id).collect();
    diff
}

impl Diff<'_> {
    fn refuse(&mut self, name: &str, reason: NameError) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(
                WireError::new(ErrorCode::BadAnswer)
                    .with("name", name.chars().take(200).collect::<String>())
                    .with("reason", reason.as_str()),
            );
        }
    }
}

/// A hash of everything that the list says about a model. Another version of the standard library
/// may hash differently: every row is then written once more.
fn mark(item: &TagsModel) -> i64 {
    let mut hasher = DefaultHasher::new();
    item.name.hash(&mut hasher);
    item.modified_at.hash(&mut hasher);
    item.size.hash(&mut hasher);
    item.digest.hash(&mut hasher);
    item.capabilities.hash(&mut hasher);
    item.remote_host.hash(&mut hasher);
    let details = &item.details;
    details.format.hash(&mut hasher);
    details.family.hash(&mut hasher);
    details.parameter_size.hash(&mut hasher);
    details.quantization.hash(&mut hasher);
    details.context_length.hash(&mut hasher);
    hasher.finish().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, digest: &str) -> TagsModel {
        TagsModel { name: name.to_owned(), digest: Some(digest.to_owned()), ..TagsModel::default() }
    }

    fn row(id: i64, name: &str, item: Option<&TagsModel>) -> Known {
        Known {
            name: name.to_owned(),
            id: ModelId(id),
            on_server: item.is_some(),
            hidden: false,
            mark: item.map(mark),
        }
    }

    #[test]
    fn tells_added_updated_missing_and_unchanged_apart() {
        let listed = [item("same:1", "a"), item("moved:1", "b"), item("new:1", "c")];
        let known = [
            row(1, "same:1", Some(&listed[0])),
            row(2, "moved:1", Some(&item("moved:1", "old"))),
            row(3, "gone:1", Some(&item("gone:1", "d"))),
            row(4, "queued:1", None),
        ];
        let diff = diff(&listed, &known, &HashSet::new());
        assert_eq!(diff.added.len(), 1);
        assert_eq!(diff.updated.iter().map(|each| each.0).collect::<Vec<_>>(), [ModelId(2)]);
        assert_eq!(diff.missing, [ModelId(3)]);
        assert_eq!(diff.unchanged, 1);
    }

    #[test]
    fn a_name_listed_twice_counts_once_whatever_its_case() {
        let listed =
            [item("foo", "a"), item("FOO:latest", "b"), item("bar:1", "c"), item("bar:1", "c")];
        let known = [row(1, "foo:latest", Some(&listed[0]))];
        let diff = diff(&listed, &known, &HashSet::new());
        assert_eq!((diff.added.len(), diff.unchanged, diff.updated.len()), (1, 1, 0));
    }

    #[test]
    fn a_name_that_is_none_is_reported_and_the_rest_goes_on() {
        let listed = [item("../x/y/z/w", "a"), item("good:1", "b")];
        let diff = diff(&listed, &[], &HashSet::new());
        assert_eq!((diff.added.len(), diff.errors.len()), (1, 1));
    }
    #[test]
    fn a_name_of_our_own_is_not_shown_unless_nobody_knows_it() {
        let listed = [
            item("Corral-Backup/herd-1:ab", "a"),
            item("corral-backup/herd-2:cd", "b"),
            item("corral-rename/3:task-4", "c"),
        ];
        let ours = ["corral-backup/herd-1:ab", "corral-rename/3:task-4"].map(str::to_owned).into();
        let diff = diff(&listed, &[], &ours);
        let names: Vec<_> = diff.added.iter().map(|each| each.0.display()).collect();
        assert_eq!(names, ["corral-backup/herd-2:cd"]);
    }
}
