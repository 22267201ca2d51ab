//! What a person adds to models: favourites, tags and notes of his own, and views of the list that
//! he keeps.
//!
//! A label belongs to a name on whatever server, and follows the content: a model that is deleted
//! and fetched again has it still, and one that is renamed or copied takes it along until it gets
//! one of its own.

use serde::{Deserialize, Serialize};

use crate::{ModelId, commands};

commands! { "labels";
    /// Changes labels of models; answers what they were, for taking it back.
    write Edit = edit(EditLabels) -> EditedLabels,
    /// Sets labels to exactly this.
    write Put = put(PutLabels) -> EditedLabels,
    /// Keeps a view, or changes one.
    write KeepView = save_view(SaveView) -> ViewRef,
    /// Forgets a view; answers it, for taking it back.
    write DropView = remove_view(ViewRef) -> SavedView,
}

/// Most tags of one model.
pub const MOST_TAGS: usize = 20;
/// Longest tag, in characters.
pub const TAG_LENGTH: usize = 40;
/// Longest note, in characters.
pub const NOTE_LENGTH: usize = 4_000;
/// Longest name of a view, in characters.
pub const VIEW_NAME_LENGTH: usize = 60;

/// What a person said about a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Label {
    pub favourite: bool,
    /// In the order they were given; each once, whatever its case.
    pub tags: Vec<String>,
    /// Empty = none.
    pub note: String,
}

impl Label {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Label::default()
    }
}

/// Changes to the labels of some models; what is `None` or empty stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EditLabels {
    pub ids: Vec<ModelId>,
    pub favourite: Option<bool>,
    pub add_tags: Vec<String>,
    pub remove_tags: Vec<String>,
    pub note: Option<String>,
}

/// The label of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelLabel {
    pub model: ModelId,
    pub label: Label,
}

/// Labels as they are to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutLabels {
    pub items: Vec<ModelLabel>,
}

/// What the labels were before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditedLabels {
    pub before: Vec<ModelLabel>,
}

/// Keeps the filter, order and scope of the list under a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SaveView {
    /// The view to change; `None` = a new one.
    #[serde(default)]
    pub id: Option<i64>,
    /// 1 to [`VIEW_NAME_LENGTH`] characters, unlike every other view's in any case.
    pub name: String,
    /// Whatever the window needs to show it again: an object of at most 8 KiB.
    pub filter: serde_json::Value,
}

/// Names a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewRef {
    pub id: i64,
}

/// A view as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedView {
    pub id: i64,
    pub name: String,
    pub filter: serde_json::Value,
}

/// A tag and how many models carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagCount {
    pub tag: String,
    pub models: u64,
}

/// Everything that the list can be filtered by.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LabelsView {
    /// By name.
    pub tags: Vec<TagCount>,
    /// Favourites among the models that are there.
    pub favourites: u64,
    /// In the order they were made.
    pub views: Vec<SavedView>,
}
