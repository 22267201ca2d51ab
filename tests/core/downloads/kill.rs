//! A process of its own does the main job and is killed without a word; then the core is opened
//! again on what it left.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use corral_contract::{
    command::Nothing,
    downloads::{self, JobState, call::List},
    models::{self, CreateModel, DeleteModels, ModelSearchRequest, StartModel},
    progress::Progress,
    status::{Install, Status},
    sync::SyncRequest,
};
use corral_core::{Core, CoreConfig};
use corral_testbed::{
    ollama::{Control, Name, Pace},
    patience::DEADLINE,
};
use futures_util::StreamExt;
use rand::{RngExt, SeedableRng, rngs::SmallRng};

use super::stage::{WEIGHTS, ask, fake, online, seed, until, until_job, wish};

const NAMES: [&str; 6] = ["m0", "m1", "m2", "m3", "m4", "m5"];
const FOLDER: &str = "CORRAL_TEST_KILL_FOLDER";
const SERVER: &str = "CORRAL_TEST_KILL_SERVER";
const KILLS: u64 = 20;
/// Pieces in which the server hands out the weights.
const PIECES: u64 = 40;
