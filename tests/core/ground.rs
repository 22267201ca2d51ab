//! What everything stands on: commands, audit, events, workers, database, logs.

mod audit;
mod bus;
mod database;
mod disk;
mod logs;
mod router;
mod settings;
mod supervisor;
mod work;
