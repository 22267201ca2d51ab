//! What a person sees and does, by name; the scenarios speak in these words.

mod dialogs;
mod models;
mod top;

pub use dialogs::{Create, Delete, SyncReport, batch_result, focused};
pub use models::Models;
pub use top::Top;
