//! The command palette: everything that can be done or opened, found by a few letters, by pinyin or
//! its initials, in either language.

mod act;
mod commands;
mod entry;
mod find;
mod matching;
mod settings;
mod view;

pub(super) use view::PaletteHost;
