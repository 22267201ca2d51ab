//! The five pages.

pub mod activity;
pub mod downloads;
pub mod instances;
pub mod models;
pub mod settings;
