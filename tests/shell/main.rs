//! The desktop shell without a desktop: Tauri's mock runtime around a real core, and the rules of
//! window, tray and notifications as the pure functions they are.

mod close;
mod commands;
mod desk;
mod desktop;
mod events;
mod gl;
mod notify;
mod place;
mod preferences;
mod single;
mod startup;
mod taskbar;
mod tray;
mod webkit;
