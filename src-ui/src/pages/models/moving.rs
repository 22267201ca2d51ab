//! Taking models elsewhere: into a file and out of it, to another server, and as a list of names.

mod copy;
mod export;
mod import;
mod names;
mod parts;
mod running;
mod shell;

pub(super) use copy::CopyDialog;
pub(super) use export::ExportDialog;
pub(super) use import::ImportDialog;
pub(super) use names::{RestoreListDialog, SaveListDialog};
