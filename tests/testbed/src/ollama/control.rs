//! The knobs a test turns while the server runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::catalogue::Catalogue;
use super::disk::Disk;
use super::downloads::{Active, Pace};
use super::fault::Fault;
use super::keep_alive::KeepAlive;
use super::list;
use super::model::Model;
use super::name::Name;
use super::scheduler::Machine;
use super::shared::{Knobs, Recorded, Shared};
use super::store::Store;
use super::version::Version;
use crate::clock::Clock;
use crate::patience::lock;

/// A cloneable handle on a running fake server.
#[derive(Clone, Debug)]
pub struct Control(pub(crate) Arc<Shared>);

impl Control {
    fn turn(&self, change: impl FnOnce(&mut Knobs)) {
        change(&mut lock(&self.0.knobs));
        list::forget(&self.0);
        self.0.changes.note();
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The models folder that `/api/show` names.
    pub fn models_dir(&self) -> PathBuf {
        lock(&self.0.models_dir).clone()
    }

    /// The server starts anew with this models folder and what lies in it; loaded models are gone.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn rehome(&self, folder: &Path) -> Result<()> {
        let mut store = Store::on_disk(Disk::create(folder)?);
        store.take_up(self.0.clock.now());
        *lock(&self.0.store) = store;
        *lock(&self.0.models_dir) = folder.to_owned();
        list::forget(&self.0);
        self.expire_now();
        Ok(())
    }

    /// Every answer of `route` (for example `/api/tags`) takes this long; zero = none.
    pub fn latency(&self, route: &str, time: Duration) {
        self.turn(|knobs| {
            knobs.latency.insert(route.to_owned(), time);
        });
    }

    /// Every request of `route` (`*` = any) goes wrong until [`Control::heal`].
    pub fn fault(&self, route: &str, fault: Fault) {
        self.turn(|knobs| knobs.faults.plan(route, fault, false));
    }

    /// The next request of `route` goes wrong.
    pub fn fault_once(&self, route: &str, fault: Fault) {
        self.turn(|knobs| knobs.faults.plan(route, fault, true));
    }

    /// As [`Control::fault`], after so many requests of the route that go well.
    pub fn fault_after(&self, route: &str, passes: u32, fault: Fault) {
        self.turn(|knobs| knobs.faults.plan_after(route, passes, fault));
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.turn(|knobs| knobs.faults.clear());
    }

    /// Resets every connection, open and new; `false` serves again on the same port.
    pub fn offline(&self, offline: bool) {
        self.0.switch.set_offline(offline);
    }

    /// The version it reports and behaves as.
    pub fn version(&self, version: &str) {
        self.turn(|knobs| knobs.version = Version::new(version));
    }

    /// A proxy in front wants exactly this `Authorization` header; `None` = no proxy.
    pub fn require_authorization(&self, value: Option<&str>) {
        self.turn(|knobs| knobs.authorization = value.map(str::to_owned));
    }

    /// Each model appears twice in `/api/tags`.
    pub fn duplicate_in_tags(&self, on: bool) {
        self.turn(|knobs| knobs.duplicate_in_tags = on);
    }

    /// List items carry a field nobody knows.
    pub fn unknown_fields(&self, on: bool) {
        self.turn(|knobs| knobs.unknown_fields = on);
    }

    /// List items lack these fields.
    pub fn missing_fields(&self, fields: &[&str]) {
        self.turn(|knobs| knobs.missing_fields = fields.iter().map(|&f| f.to_owned()).collect());
    }

    /// After a cancelled download the next pull of that blob ends with `context canceled`.
    pub fn linger_after_cancel(&self, on: bool) {
        self.turn(|knobs| knobs.linger_after_cancel = on);
    }

    /// Bytes that a cancelled download loses.
    pub fn lost_on_cancel(&self, bytes: u64) {
        self.turn(|knobs| knobs.lost_on_cancel = bytes);
    }

    /// Keeps layers that a newer manifest no longer uses.
    pub fn no_prune(&self, on: bool) {
        self.turn(|knobs| knobs.no_prune = on);
    }

    /// The account of `/api/me`; `None` = offline (503).
    pub fn account(&self, account: Option<Value>) {
        self.turn(|knobs| knobs.account = account);
    }

    /// Changes memory, limits and speed of the machine.
    pub fn machine(&self, change: impl FnOnce(&mut Machine)) {
        change(&mut lock(&self.0.scheduler.machine));
    }

    /// How fast blobs arrive from now on.
    pub fn pace(&self, pace: Pace) {
        self.0.downloads.set_pace(pace);
    }

    /// With [`Pace::Gated`]: lets this many more bytes arrive, of whatever is waiting.
    pub fn release(&self, bytes: u64) {
        self.0.downloads.release(bytes);
    }

    /// Takes back bytes of all running downloads, so that `completed` decreases.
    pub fn roll_back(&self, bytes: u64) {
        self.0.downloads.roll_back(bytes);
    }

    /// Running downloads.
    pub fn downloads(&self) -> Vec<Active> {
        self.0.downloads.active()
    }

    /// While held, loads do not finish.
    pub fn hold_loads(&self, hold: bool) {
        self.0.scheduler.set_hold(hold);
    }

    /// While held, streamed answers stop before their next word.
    pub fn hold_words(&self, hold: bool) {
        self.0.scheduler.set_hold_words(hold);
    }

    /// How many streamed answers this model is giving.
    pub fn answering(&self, name: &str) -> usize {
        let weights = self.find(name).map(|stored| stored.model.weights.digest.clone());
        weights.map_or(0, |weights| self.0.scheduler.answering(&weights))
    }

    /// Names being loaded.
    pub fn loading(&self) -> Vec<String> {
        self.0.scheduler.loading()
    }

    /// Names loaded, the longest to stay first.
    pub fn loaded(&self) -> Vec<String> {
        self.0.scheduler.loaded(&self.0).into_iter().map(|runner| runner.name).collect()
    }

    /// The runner of this model dies; false when it is not loaded.
    pub fn crash_model(&self, name: &str) -> bool {
        let stored = self.find(name);
        stored.is_some_and(|stored| self.0.scheduler.crash(&stored.model.weights.digest))
    }

    /// Somebody else loads a model with its default context; false when it is not installed.
    pub fn external_load(&self, name: &str, keep: KeepAlive) -> bool {
        let Some(stored) = self.find(name) else { return false };
        let context = lock(&self.0.scheduler.machine).default_context;
        self.0.scheduler.place(&self.0, &stored, context, keep);
        self.0.changes.note();
        true
    }

    /// Every idle model is unloaded at once.
    pub fn expire_now(&self) {
        self.0.scheduler.expire_all();
        self.0.changes.note();
    }

    /// Installs a model behind the back of the API.
    pub fn install(&self, model: Model) {
        lock(&self.0.store).install(model, self.0.clock.now());
        self.0.changes.note();
    }

    /// Removes all models and blobs.
    pub fn wipe(&self) {
        lock(&self.0.store).wipe();
        self.0.scheduler.expire_all();
        self.0.changes.note();
    }

    /// Looks into (or reaches into) the store.
    pub fn store<T>(&self, look: impl FnOnce(&mut Store) -> T) -> T {
        look(&mut lock(&self.0.store))
    }

    /// Changes what can be pulled.
    pub fn catalogue(&self, change: impl FnOnce(&mut Catalogue)) {
        change(&mut lock(&self.0.catalogue));
    }

    /// Every request so far, oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.0.knobs).requests.clone()
    }

    /// Requests of one route.
    pub fn requests_to(&self, method: &str, path: &str) -> Vec<Recorded> {
        let fits = |one: &Recorded| one.method == method && one.path == path;
        self.requests().into_iter().filter(fits).collect()
    }

    pub fn forget_requests(&self) {
        lock(&self.0.knobs).requests.clear();
    }

    /// Waits until `condition` holds, looking again after every request and change.
    ///
    /// # Errors
    /// After [`crate::patience::DEADLINE`], naming `what` was waited for.
    pub async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) -> Result<()> {
        self.0.changes.until(what, || condition(self)).await
    }

    fn find(&self, name: &str) -> Option<Arc<super::store::Stored>> {
        lock(&self.0.store).find(&Name::parse(name)?)
    }
}
