//! What a person sees and does, by name; the scenarios speak in these words.

mod dialogs;
mod models;
mod top;

pub(crate) use dialogs::{Create, Delete, SyncReport, batch_result, focused};
pub(crate) use models::Models;
pub(crate) use top::Top;
