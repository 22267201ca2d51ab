//! Choosing a model: a list of well-known ones, what registries really offer, what hf.co finds.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, TaskId, Timestamp, WireError, commands, downloads::Fit, instances::InstanceRef,
    models::OpRef, status::words,
};

commands! { "catalogue";
    /// Every model of the list, the user's own ones among them, with what is installed and what
    /// fits on one instance.
    read List = list(InstanceRef) -> CatalogueView,
    /// The tags of one model: of the list, or the quantisations of a repository on hf.co.
    read Tags = tags(TagsOf) -> TagList,
    /// Names that begin like or are about what is being typed; asks nobody.
    read Suggest = suggest(SuggestFor) -> Suggestions,
    /// Repositories of GGUF files on hf.co; answers from the cache for an hour.
    read Hub = hub(SearchHub) -> HubAnswer,
    /// Asks the registry for the manifest of every tag; follow it as a task.
    write Refresh = refresh(InstanceRef) -> OpRef,
    /// Uses another file as the user's own list.
    write SetFile = set_file(OwnFile) -> OwnFileView,
}

/// The list as it is known now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogueView {
    pub items: Vec<CatalogueModel>,
    /// The day of the list that came with Corral, in its words: `2026-11-20`.
    pub listed_on: String,
    /// When registries were last asked about all of it.
    pub refreshed_at: Option<Timestamp>,
    /// The task that asks them now.
    pub refreshing: Option<TaskId>,
    /// Why the last round of questions did not get through.
    pub problem: Option<WireError>,
    pub own: OwnFileView,
}

/// A model with its tags.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CatalogueModel {
    /// Without a tag, as Ollama displays it.
    pub name: String,
    /// What it is good for, in one line of each language.
    pub about: About,
    pub capabilities: Vec<String>,
    /// Name of the licence.
    pub license: Option<String>,
    /// Longest context that it was made for, in tokens.
    pub context_length: Option<u64>,
    pub tags: Vec<CatalogueTag>,
    /// From the user's own file.
    pub own: bool,
}

/// One line in each language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    pub en: String,
    pub zh: String,
}

words! {
    /// What the size of a tag rests on.
    SizeBasis {
        /// Stands in the list, about right.
        Listed = "listed",
        /// The registry's manifest says so.
        Manifest = "manifest",
        /// The list of files says so.
        Files = "files",
    }
}

/// One tag of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogueTag {
    pub tag: String,
    /// With it, as Ollama displays it.
    pub name: String,
    /// Such as `3.2B`.
    pub parameters: Option<String>,
    /// Such as `Q4_K_M`.
    pub quantization: Option<String>,
    pub bytes: Option<u64>,
    pub basis: SizeBasis,
    /// When the registry was asked.
    pub checked_at: Option<Timestamp>,
    /// 64 hex digits of the manifest that it had then.
    pub digest: Option<String>,
    /// It said that there is no such tag.
    pub gone: bool,
    /// The instance has it.
    pub installed: bool,
    pub fit: Fit,
    /// Ollama cannot fetch it: it is cut into several files.
    #[serde(default)]
    pub split: bool,
}

/// Asks for the tags of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagsOf {
    pub instance: InstanceId,
    /// Any form of name that is understood; its tag does not matter.
    pub name: String,
}

/// Tags, from the smallest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TagList {
    /// Without a tag.
    pub name: String,
    pub tags: Vec<CatalogueTag>,
    /// The tag that suits the instance best: the largest one that runs on the GPU as a whole, else
    /// the largest that does so partly, else the largest that fits into memory. Full precision
    /// only where there is nothing else.
    pub best: Option<String>,
    /// What the tags are known from is of this time; `None` = the list.
    pub as_of: Option<Timestamp>,
    /// Why nothing newer could be had.
    pub problem: Option<WireError>,
}

/// Asks for names like this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestFor {
    pub instance: InstanceId,
    pub text: String,
}

/// Names that may be meant, the best first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestions {
    pub items: Vec<Suggestion>,
}

words! {
    /// Where a suggestion comes from.
    SuggestedBy {
        Catalogue = "catalogue",
        /// It was downloaded before.
        Recent = "recent",
        Hub = "hub",
    }
}

/// A name that may be meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    pub name: String,
    pub by: SuggestedBy,
    pub about: About,
    pub installed: bool,
}

/// Searches hf.co.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchHub {
    /// 2 to 100 characters.
    pub text: String,
}

/// What hf.co found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HubAnswer {
    pub items: Vec<HubModel>,
    /// When hf.co said so.
    pub at: Option<Timestamp>,
    /// Why nothing newer could be had.
    pub problem: Option<WireError>,
}

/// A repository on hf.co.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HubModel {
    /// As Ollama wants it, without a tag: `hf.co/user/repository`.
    pub name: String,
    pub downloads: Option<u64>,
    pub likes: Option<u64>,
    /// Its files are given out to those who agreed to something.
    pub gated: bool,
}

/// Names the user's own list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnFile {
    /// Full path of a JSON file; `None` = `catalogue.json` in Corral's data folder.
    pub path: Option<String>,
}

/// The user's own list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnFileView {
    pub path: String,
    /// It is the one in the data folder.
    pub usual: bool,
    pub exists: bool,
    /// Models that were taken from it.
    pub models: u32,
    /// What could not be understood; the rest of the file holds.
    pub problems: Vec<FileProblem>,
}

/// Something in a file that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileProblem {
    /// From 1; `None` = the file as a whole.
    pub line: Option<u64>,
    /// The key that it is about.
    pub field: Option<String>,
    pub why: FileFault,
    /// The parser's own words.
    pub detail: String,
}

words! {
    /// What is wrong in a file.
    FileFault {
        /// It cannot be read.
        Unreadable = "unreadable",
        /// Above a megabyte, or more than 2000 models.
        TooLarge = "tooLarge",
        /// It is no JSON.
        Syntax = "syntax",
        /// A value of another kind than wanted, or one that is missing.
        Shape = "shape",
        /// A name or tag that Ollama would refuse.
        Name = "name",
        /// The same name stands there twice; the first one holds.
        Twice = "twice",
    }
}
