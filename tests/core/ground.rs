//! What everything stands on: commands, audit, events, workers, database, logs.

mod audit;
mod bus;
mod database;
mod disk;
mod router;
mod settings;
mod supervisor;
mod work;
