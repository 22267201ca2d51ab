//! What is accepted as a label or a view.

use corral_contract::{
    WireError,
    labels::{EditLabels, Label, MOST_TAGS, NOTE_LENGTH, SaveView, TAG_LENGTH, VIEW_NAME_LENGTH},
};

use crate::Result;

/// Longest filter of a view, in bytes of JSON.
const FILTER_LENGTH: usize = 8 * 1024;

/// A change that was checked.
pub(super) struct Edit<'a> {
    favourite: Option<bool>,
    add: Vec<String>,
    remove: &'a [String],
    note: Option<String>,
}

impl Edit<'_> {
    /// # Errors
    /// `INVALID_INPUT` when there would be too many tags.
    pub(super) fn apply(&self, label: &mut Label) -> Result<()> {
        if let Some(favourite) = self.favourite {
            label.favourite = favourite;
        }
        label.tags.retain(|tag| !self.remove.iter().any(|gone| same(gone, tag)));
        for tag in &self.add {
            if !label.tags.iter().any(|known| same(known, tag)) {
                label.tags.push(tag.clone());
            }
        }
        if label.tags.len() > MOST_TAGS {
            return Err(too_many());
        }
        if let Some(note) = &self.note {
            label.note.clone_from(note);
        }
        Ok(())
    }
}

/// # Errors
/// `INVALID_INPUT` naming the field.
pub(super) fn edit(request: &EditLabels) -> Result<Edit<'_>> {
    Ok(Edit {
        favourite: request.favourite,
        add: request.add_tags.iter().map(|text| tag(text)).collect::<Result<_>>()?,
        remove: &request.remove_tags,
        note: request.note.as_deref().map(note).transpose()?,
    })
}

/// # Errors
/// `INVALID_INPUT` naming the field.
pub(super) fn label(label: Label) -> Result<Label> {
    let mut tags: Vec<String> = Vec::new();
    for text in &label.tags {
        let tag = tag(text)?;
        if !tags.iter().any(|known| same(known, &tag)) {
            tags.push(tag);
        }
    }
    if tags.len() > MOST_TAGS {
        return Err(too_many());
    }
    Ok(Label { tags, note: note(&label.note)?, ..label })
}

/// A view that was checked.
pub(super) struct ViewDraft {
    pub(super) id: Option<i64>,
    pub(super) name: String,
    pub(super) filter: String,
}

/// # Errors
/// `INVALID_INPUT` naming the field.
pub(super) fn view(request: SaveView) -> Result<ViewDraft> {
    let name = line("name", &request.name, VIEW_NAME_LENGTH)?;
    if !request.filter.is_object() {
        return Err(WireError::field("filter", "malformed"));
    }
    let filter = request.filter.to_string();
    if filter.len() > FILTER_LENGTH {
        return Err(WireError::field("filter", "tooLong").with("max", FILTER_LENGTH));
    }
    Ok(ViewDraft { id: request.id, name, filter })
}

fn too_many() -> WireError {
    WireError::field("tags", "tooMany").with("max", MOST_TAGS)
}

/// Whether two tags are one.
fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn tag(text: &str) -> Result<String> {
    let tag = line("tags", text, TAG_LENGTH)?;
    // The window's field and the exported list separate tags by it.
    if tag.contains([',', '，']) {
        return Err(WireError::field("tags", "comma"));
    }
    Ok(tag)
}

fn note(text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > NOTE_LENGTH {
        return Err(WireError::field("note", "tooLong").with("max", NOTE_LENGTH));
    }
    let hides = |c: char| (c.is_control() && !matches!(c, '\n' | '\t' | '\r')) || turns(c);
    if text.chars().any(hides) {
        return Err(WireError::field("note", "controlCharacter"));
    }
    Ok(text.replace("\r\n", "\n"))
}

/// One line without anything that would not be seen.
fn line(field: &str, text: &str, most: usize) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(WireError::field(field, "empty"));
    }
    if text.chars().count() > most {
        return Err(WireError::field(field, "tooLong").with("max", most));
    }
    if text.chars().any(|c| c.is_control() || turns(c)) {
        return Err(WireError::field(field, "controlCharacter"));
    }
    Ok(text.to_owned())
}

/// Characters that change the direction of what follows.
fn turns(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
