//! Making models: from a Modelfile, from files, under second and other names.

use corral_contract::{models::ModelRow, status::Install};
use leptos::prelude::*;

use super::list::{List, Open, use_list};
use crate::{
    components::{MenuItem, Segmented},
    words::{Words, use_words},
};

mod checked;
mod complete;
mod diff;
mod drafts;
mod editor;
mod export;
mod found;
mod import;
mod name;
mod shown;

pub(super) use editor::MakeDialog;
pub(super) use export::ModelfileDialog;
pub(super) use import::ImportFilesDialog;
pub(super) use name::NameDialog;

/// What the editor begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    pub text: String,
    /// The folder that relative paths start from; empty = none.
    pub base: String,
    /// The model whose Modelfile it is.
    pub of: Option<String>,
}

/// Which kind of name a model is to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    Copy,
    Rename,
}

/// The ways to a new model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Pull,
    Modelfile,
    Import,
}

impl Way {
    const ALL: [(Way, &'static str, &'static str); 3] = [
        (Way::Pull, "pull", "make.wayPull"),
        (Way::Modelfile, "modelfile", "make.wayModelfile"),
        (Way::Import, "import", "make.wayImport"),
    ];
}

/// The choice of the way, at the top of each of its dialogs.
#[component]
pub(super) fn Ways(way: Way) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let options =
        Signal::derive(move || Way::ALL.map(|(_, name, key)| (name, words.get(key))).to_vec());
    let name = Way::ALL.iter().find(|(each, ..)| *each == way).map_or("", |(_, name, _)| *name);
    view! {
        <Segmented
            label=words.signal("make.ways")
            options
            value=Signal::stored(name.to_owned())
            on_change=move |chosen: &'static str| {
                if chosen != name {
                    list.open.set(match chosen {
                        "modelfile" => Open::Make(None),
                        "import" => Open::ImportFiles(Vec::new()),
                        _ => Open::Create(String::new()),
                    });
                }
            }
        />
    }
}

/// What the menu of a row offers, those that are not available with their reason.
pub(super) fn menu(list: List, words: Words, row: &ModelRow) -> Vec<MenuItem> {
    let id = row.id;
    let entry = |key: &str, testid: &str, icon, naming| {
        let open = move || list.open.set(Open::Name(id, naming));
        let mut item = MenuItem::new(words.get(key), testid, open);
        item.icon = Some(icon);
        item.reason = why_not(words, row);
        item
    };
    let mut items = vec![
        entry("make.copy", "row-action-copy-model", icondata::LuCopyPlus, Naming::Copy),
        entry("make.rename", "row-action-rename", icondata::LuPencil, Naming::Rename),
    ];
    items.extend(modelfile_items(list, words, row));
    items
}

/// What can be done with the Modelfile of a model.
pub(super) fn modelfile_items(list: List, words: Words, row: &ModelRow) -> Vec<MenuItem> {
    let (id, name) = (row.id, row.name.clone());
    let edit = move || export::edit_as_new(list, words, id, name.clone());
    let mut edit = MenuItem::new(words.get("make.edit"), "row-action-edit", edit);
    edit.icon = Some(icondata::LuFilePen);
    let keep = move || list.open.set(Open::Modelfile(id));
    let mut keep = MenuItem::new(words.get("make.export"), "row-action-modelfile", keep);
    keep.icon = Some(icondata::LuFileOutput);
    let unknown = (row.install != Install::Ready && row.digest.is_none()).then(|| {
        let status = words.get(&format!("status.{}", row.status.as_str()));
        words.fill("why.status", &[("status", &status)])
    });
    edit.reason.clone_from(&unknown);
    keep.reason = unknown;
    vec![edit, keep]
}

fn why_not(words: Words, row: &ModelRow) -> Option<String> {
    if !row.online {
        return Some(words.get("why.offline"));
    }
    if row.operation.is_some() || matches!(row.install, Install::Ready | Install::Failed) {
        return row.operation.is_some().then(|| words.get("make.busy"));
    }
    let status = words.get(&format!("status.{}", row.status.as_str()));
    Some(words.fill("why.status", &[("status", &status)]))
}
