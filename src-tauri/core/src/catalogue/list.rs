//! The list of models as a file: the one that comes with Corral and the user's own have one form.

use std::collections::HashSet;

use corral_contract::{
    catalogue::{About, FileFault, FileProblem},
    name::ModelName,
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Largest file that is read, in bytes.
pub(super) const LARGEST: u64 = 1 << 20;
/// Most models of a file, and tags of a model.
const MOST_MODELS: usize = 2000;
const MOST_TAGS: usize = 500;
/// Problems that are told.
const MOST_PROBLEMS: usize = 50;
/// Longest line about a model, in characters.
const LINE: usize = 200;

const SHIPPED: &str = include_str!("shipped.json");

/// What a file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct List {
    pub(super) listed_on: String,
    pub(super) models: Vec<Entry>,
    pub(super) problems: Vec<FileProblem>,
}

/// A model of a list.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) name: String,
    #[serde(default)]
    pub(super) about: About,
    #[serde(default)]
    pub(super) capabilities: Vec<String>,
    #[serde(default)]
    pub(super) license: Option<String>,
    #[serde(default)]
    pub(super) context_length: Option<u64>,
    #[serde(default)]
    pub(super) tags: Vec<EntryTag>,
}

/// A tag of a list.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(super) struct EntryTag {
    pub(super) tag: String,
    #[serde(default)]
    pub(super) parameters: Option<String>,
    #[serde(default)]
    pub(super) quantization: Option<String>,
    #[serde(default)]
    pub(super) bytes: Option<u64>,
}

impl Entry {
    /// The complete name of a tag; `None` for what is no name.
    pub(super) fn name_of(&self, tag: &str) -> Option<ModelName> {
        ModelName::parse(&format!("{}:{tag}", self.name)).ok()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    #[serde(default)]
    listed_on: String,
    #[serde(borrow)]
    models: Vec<&'a RawValue>,
}

/// The list that comes with Corral.
pub(super) fn shipped() -> List {
    read(SHIPPED)
}

/// Reads a list. What cannot be understood is told with its line and left out; the rest holds.
pub(super) fn read(text: &str) -> List {
    let text = text.trim_start_matches('\u{feff}');
    let mut list = List::default();
    let written: Written<'_> = match serde_json::from_str(text) {
        Ok(written) => written,
        Err(error) => {
            let why = if error.is_data() { FileFault::Shape } else { FileFault::Syntax };
            list.problems.push(problem(&error, why, text, 0));
            return list;
        }
    };
    list.listed_on = written.listed_on;
    let mut seen = HashSet::new();
    for raw in written.models {
        // It is a part of the text.
        let offset = (raw.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let line = text.get(..offset).map_or(0, |before| before.matches('\n').count() as u64);
        let at = |why, field: &str, detail: String| FileProblem {
            line: Some(line + 1),
            field: Some(field.to_owned()),
            why,
            detail,
        };
        let found = if list.models.len() >= MOST_MODELS {
            Err(at(FileFault::TooLarge, "models", format!("more than {MOST_MODELS}")))
        } else {
            match serde_json::from_str::<Entry>(raw.get()) {
                Ok(entry) => checked(entry, &mut seen, at),
                Err(error) => Err(problem(&error, FileFault::Shape, raw.get(), line)),
            }
        };
        match found {
            Ok(entry) => list.models.push(entry),
            Err(problem) => {
                let enough = problem.why == FileFault::TooLarge;
                list.problems.push(problem);
                if enough || list.problems.len() >= MOST_PROBLEMS {
                    break;
                }
            }
        }
    }
    list
}

/// What was read as a model, if it can be one.
fn checked(
    mut entry: Entry,
    seen: &mut HashSet<String>,
    at: impl Fn(FileFault, &str, String) -> FileProblem,
) -> Result<Entry, FileProblem> {
    let name = ModelName::parse(&entry.name);
    let name = name.map_err(|why| at(FileFault::Name, "name", why.as_str().to_owned()))?;
    if format!("{}:latest", entry.name) != name.display() {
        let detail = format!("{:?}: without a tag and as Ollama shows it", entry.name);
        return Err(at(FileFault::Name, "name", detail));
    }
    if !seen.insert(name.key()) {
        return Err(at(FileFault::Twice, "name", entry.name));
    }
    if entry.tags.len() > MOST_TAGS {
        return Err(at(FileFault::TooLarge, "tags", format!("more than {MOST_TAGS}")));
    }
    if let Some(bad) = entry.tags.iter().find(|each| entry.name_of(&each.tag).is_none()) {
        return Err(at(FileFault::Name, "tag", format!("{:?}", bad.tag)));
    }
    let mut tags = HashSet::new();
    entry.tags.retain(|each| tags.insert(each.tag.to_ascii_lowercase()));
    for text in [&mut entry.about.en, &mut entry.about.zh] {
        if text.chars().count() > LINE {
            *text = text.chars().take(LINE).collect();
        }
    }
    Ok(entry)
}

/// `before` lines come before `text`, in which the parser stopped.
fn problem(error: &serde_json::Error, why: FileFault, text: &str, before: u64) -> FileProblem {
    let detail = error.to_string();
    // A missing field is named by the parser itself; of a wrong value only the place is known.
    let named = detail.split('`').nth(1).filter(|_| detail.starts_with("missing field"));
    let field = named.map(str::to_owned).or_else(|| key_before(text, error.line(), error.column()));
    let detail = detail.split(" at line ").next().unwrap_or_default().to_owned();
    FileProblem { line: Some(before + error.line().max(1) as u64), field, why, detail }
}

/// The last key that stands before a place.
fn key_before(text: &str, line: usize, column: usize) -> Option<String> {
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let end = (start + column).min(text.len());
    let before = text.get(..end).or_else(|| text.get(..start))?;
    before.rmatch_indices(':').find_map(|(place, _)| {
        let key = before[..place].trim_end().strip_suffix('"')?;
        let key = &key[key.rfind('"')? + 1..];
        let plain = |char: char| char.is_ascii_alphanumeric() || char == '_';
        (!key.is_empty() && key.chars().all(plain)).then(|| key.to_owned())
    })
}

/// `own` over `base`: a model of the same name is completed by it, its tags by theirs.
pub(super) fn merged(base: Vec<Entry>, own: Vec<Entry>) -> Vec<(Entry, bool)> {
    let mut all: Vec<(Entry, bool)> = base.into_iter().map(|entry| (entry, false)).collect();
    for mine in own {
        let same = |(entry, _): &&mut (Entry, bool)| entry.name.eq_ignore_ascii_case(&mine.name);
        match all.iter_mut().find(same) {
            Some((entry, own)) => {
                *own = true;
                over(entry, mine);
            }
            None => all.push((mine, true)),
        }
    }
    all
}

fn over(entry: &mut Entry, mine: Entry) {
    let text = |mine: String, old: &mut String| {
        if !mine.is_empty() {
            *old = mine;
        }
    };
    text(mine.about.en, &mut entry.about.en);
    text(mine.about.zh, &mut entry.about.zh);
    if !mine.capabilities.is_empty() {
        entry.capabilities = mine.capabilities;
    }
    entry.license = mine.license.or(entry.license.take());
    entry.context_length = mine.context_length.or(entry.context_length);
    for tag in mine.tags {
        match entry.tags.iter_mut().find(|each| each.tag.eq_ignore_ascii_case(&tag.tag)) {
            Some(each) => *each = tag,
            None => entry.tags.push(tag),
        }
    }
}

#[cfg(test)]
#[path = "list_test.rs"]
mod tests;
