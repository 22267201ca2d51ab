//! The pages.

pub mod activity;
pub mod advice;
pub mod authority;
pub mod cause;
pub mod discover;
pub mod disk;
pub mod downloads;
pub mod help;
pub mod instances;
pub mod loaded;
pub mod models;
pub mod sending;
pub mod settings;
