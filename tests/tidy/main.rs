//! The rules of the repository as tests: what a review would otherwise have to look for.

mod capability;
mod languages;
mod migrations;
mod motion;
mod repository;
mod shape;
mod spread;
mod words;
