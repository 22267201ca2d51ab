//! Loaded models: loading, keeping, evicting, crashing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::watch;

use super::keep_alive::KeepAlive;
use super::model::Loading;
use super::respond::Refusal;
use super::shared::Shared;
use super::store::Stored;
use crate::patience::lock;

/// What the machine of the fake server has, and how it treats loads.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Bytes of video memory; 0 = everything runs on the processor.
    pub vram: u64,
    /// Bytes that all loaded models may take together.
    pub memory: u64,
    pub max_loaded: usize,
    pub default_keep_alive: KeepAlive,
    pub default_context: u64,
    /// Real time a load takes.
    pub load_time: Duration,
    /// The queue is full: every request that needs a runner is refused with 503.
    pub busy: bool,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            vram: 24 << 30,
            memory: 96 << 30,
            max_loaded: 3,
            default_keep_alive: KeepAlive::For(Duration::from_secs(300)),
            default_context: 4096,
            load_time: Duration::ZERO,
            busy: false,
        }
    }
}

/// A row of `/api/ps`.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) name: String,
    pub(crate) digest: String,
    pub(crate) details: Value,
    pub(crate) size: u64,
    pub(crate) size_vram: u64,
    pub(crate) context_length: u64,
    pub(crate) expires_at: DateTime<Utc>,
    keep: KeepAlive,
    active: usize,
    crashed: bool,
}

/// Runners by weights digest: names with the same weights share one.
#[derive(Debug)]
pub(crate) struct Scheduler {
    pub(crate) machine: Mutex<Machine>,
    runners: Mutex<HashMap<String, Loaded>>,
    /// Loads wait while this is true.
    hold: watch::Sender<bool>,
    /// Answers stop before their next word while this is true.
    hold_words: watch::Sender<bool>,
    one_at_a_time: tokio::sync::Mutex<()>,
    loading: Mutex<Vec<String>>,
}

impl Scheduler {
    pub(crate) fn new(machine: Machine) -> Self {
        Self {
            machine: Mutex::new(machine),
            runners: Mutex::default(),
            hold: watch::Sender::new(false),
            hold_words: watch::Sender::new(false),
            one_at_a_time: tokio::sync::Mutex::default(),
            loading: Mutex::default(),
        }
    }

    pub(crate) fn set_hold(&self, hold: bool) {
        self.hold.send_modify(|held| *held = hold);
    }

    pub(crate) fn set_hold_words(&self, hold: bool) {
        self.hold_words.send_modify(|held| *held = hold);
    }

    /// Waits until answers may go on.
    pub(crate) async fn next_word(&self) {
        // The sender lives as long as this scheduler, so the wait cannot fail.
        let _ = self.hold_words.subscribe().wait_for(|held| !held).await;
    }

    /// How many requests the runner of these weights is answering.
    pub(crate) fn answering(&self, weights: &str) -> usize {
        lock(&self.runners).get(weights).map_or(0, |runner| runner.active)
    }

    /// Names whose load has begun and not ended.
    pub(crate) fn loading(&self) -> Vec<String> {
        lock(&self.loading).clone()
    }

    /// Rows of `/api/ps`, the longest to stay first.
    pub(crate) fn loaded(&self, shared: &Shared) -> Vec<Loaded> {
        self.expire(shared.clock.now());
        let mut rows: Vec<Loaded> = lock(&self.runners).values().cloned().collect();
        rows.sort_by(|a, b| b.expires_at.cmp(&a.expires_at).then_with(|| a.name.cmp(&b.name)));
        rows
    }

    fn expire(&self, now: DateTime<Utc>) {
        lock(&self.runners).retain(|_, runner| runner.active > 0 || runner.expires_at > now);
    }

    /// Unloads every idle runner at once.
    pub(crate) fn expire_all(&self) {
        lock(&self.runners).retain(|_, runner| runner.active > 0);
    }

    /// The runner process of these weights dies; the next request finds out.
    pub(crate) fn crash(&self, weights: &str) -> bool {
        let mut runners = lock(&self.runners);
        let Some(runner) = runners.get_mut(weights) else { return false };
        runner.crashed = true;
        true
    }

    pub(crate) fn crashed(&self, weights: &str) -> bool {
        lock(&self.runners).get(weights).is_none_or(|runner| runner.crashed)
    }

    pub(crate) fn forget(&self, weights: &str) {
        lock(&self.runners).remove(weights);
    }

    /// Ends a runner: at once when idle, else when its last request is done.
    pub(crate) fn unload(&self, shared: &Shared, weights: &str) {
        if let Some(runner) = lock(&self.runners).get_mut(weights) {
            runner.keep = KeepAlive::For(Duration::ZERO);
            runner.expires_at = shared.clock.now();
        }
        self.expire(shared.clock.now());
        shared.changes.note();
    }

    /// Loads a model or renews its time. Dropping the future aborts the load.
    pub(crate) async fn load(
        &self,
        shared: &Arc<Shared>,
        stored: &Stored,
        context: Option<u64>,
        keep: Option<KeepAlive>,
    ) -> Result<(), Refusal> {
        let machine = lock(&self.machine).clone();
        if machine.busy {
            return Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "server busy, please try again.  maximum pending requests exceeded",
            ));
        }
        let model = &stored.model;
        let wanted =
            context.unwrap_or(machine.default_context).clamp(4, model.context_length.max(4));
        self.expire(shared.clock.now());
        if self.renew(shared, stored, wanted, keep) {
            return Ok(());
        }
        let _turn = self.one_at_a_time.lock().await;
        let _loading = LoadingMark::new(shared, model.name.to_string());
        if self.hold.subscribe().wait_for(|held| !held).await.is_err() {
            return Err(Refusal::internal("the server is going away"));
        }
        if !machine.load_time.is_zero() {
            tokio::time::sleep(machine.load_time).await;
        }
        match &model.loading {
            Loading::Works => {}
            Loading::Fails(text) => return Err(Refusal::internal(text.clone())),
            Loading::OutOfMemory => {
                return Err(Refusal::internal(
                    "llama-server reported out-of-memory during startup: cudaMalloc failed: out of memory",
                ));
            }
        }
        self.place(shared, stored, wanted, keep.unwrap_or(machine.default_keep_alive));
        shared.changes.note();
        Ok(())
    }

    fn renew(
        &self,
        shared: &Shared,
        stored: &Stored,
        context: u64,
        keep: Option<KeepAlive>,
    ) -> bool {
        let mut runners = lock(&self.runners);
        let fitting = runners
            .get_mut(&stored.model.weights.digest)
            .filter(|runner| runner.context_length == context && !runner.crashed);
        let Some(runner) = fitting else { return false };
        runner.keep = keep.unwrap_or(runner.keep);
        runner.expires_at = after(shared.clock.now(), runner.keep);
        drop(runners);
        shared.changes.note();
        true
    }

    pub(crate) fn place(&self, shared: &Shared, stored: &Stored, context: u64, keep: KeepAlive) {
        let machine = lock(&self.machine).clone();
        let model = &stored.model;
        let size = model.memory(context);
        let mut runners = lock(&self.runners);
        runners.remove(&model.weights.digest);
        while !runners.is_empty() {
            let taken: u64 = runners.values().map(|runner| runner.size).sum();
            if runners.len() < machine.max_loaded && taken + size <= machine.memory {
                break;
            }
            let idle = runners.iter().filter(|(_, runner)| runner.active == 0);
            let shortest =
                idle.min_by_key(|(weights, runner)| (runner.keep.delta(), (*weights).clone()));
            let Some(weights) = shortest.map(|(weights, _)| weights.clone()) else { break };
            runners.remove(&weights);
        }
        let vram_taken: u64 = runners.values().map(|runner| runner.size_vram).sum();
        let runner = Loaded {
            name: model.name.to_string(),
            digest: stored.digest.clone(),
            details: model.details(),
            size,
            size_vram: size.min(machine.vram.saturating_sub(vram_taken)),
            context_length: context,
            expires_at: after(shared.clock.now(), keep),
            keep,
            active: 0,
            crashed: false,
        };
        runners.insert(model.weights.digest.clone(), runner);
    }

    /// Marks a request as running until the guard is dropped.
    pub(crate) fn using(shared: &Arc<Shared>, weights: &str) -> Using {
        if let Some(runner) = lock(&shared.scheduler.runners).get_mut(weights) {
            runner.active += 1;
        }
        shared.changes.note();
        Using { shared: Arc::clone(shared), weights: weights.to_owned() }
    }
}

fn after(now: DateTime<Utc>, keep: KeepAlive) -> DateTime<Utc> {
    now.checked_add_signed(keep.delta()).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A request in progress; its end starts the keep-alive time anew.
pub(crate) struct Using {
    shared: Arc<Shared>,
    weights: String,
}

impl Drop for Using {
    fn drop(&mut self) {
        let now = self.shared.clock.now();
        if let Some(runner) = lock(&self.shared.scheduler.runners).get_mut(&self.weights) {
            runner.active = runner.active.saturating_sub(1);
            runner.expires_at = after(now, runner.keep);
        }
        self.shared.scheduler.expire(now);
        self.shared.changes.note();
    }
}

struct LoadingMark {
    shared: Arc<Shared>,
    name: String,
}

impl LoadingMark {
    fn new(shared: &Arc<Shared>, name: String) -> Self {
        lock(&shared.scheduler.loading).push(name.clone());
        shared.changes.note();
        Self { shared: Arc::clone(shared), name }
    }
}

impl Drop for LoadingMark {
    fn drop(&mut self) {
        let mut loading = lock(&self.shared.scheduler.loading);
        if let Some(at) = loading.iter().position(|name| *name == self.name) {
            loading.remove(at);
        }
        drop(loading);
        self.shared.changes.note();
    }
}
