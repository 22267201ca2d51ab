//! What a person sees and does, by name; the scenarios speak in these words.

mod dialogs;
mod models;
mod top;

pub(crate) use dialogs::{Create, Delete, batch_result, focused, some_report_names};
pub(crate) use models::Models;
pub(crate) use top::Top;
