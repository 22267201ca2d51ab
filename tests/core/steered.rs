//! A way of running a server that a test plays: what it is told happens to the fake one.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use corral_contract::{ErrorCode, InstanceId, WireError};
use corral_core::steering::{Changes, LogSource, Powers, ServiceControl, Stand, Verb};
use corral_testbed::ollama::Control;

/// The variable that says where the models are.
pub const MODELS: &str = "OLLAMA_MODELS";

type Before = Box<dyn FnMut(&str) -> Result<(), WireError> + Send>;

struct Inner {
    fake: Control,
    /// Where the models are without the variable.
    home: PathBuf,
    environment: Mutex<BTreeMap<String, String>>,
    /// What it was told.
    told: Mutex<Vec<String>>,
    /// Asked before each of them.
    before: Mutex<Option<Before>>,
    ours: bool,
    /// It does not look at the variable.
    deaf: AtomicBool,
}

/// Clones steer the same server.
#[derive(Clone)]
pub struct Steered(Arc<Inner>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Steered {
    /// A server whose models are where it has them now; `ours` = nobody else has to be asked.
    pub fn new(fake: Control, ours: bool) -> Steered {
        let home = fake.models_dir();
        Steered(Arc::new(Inner {
            fake,
            home,
            environment: Mutex::default(),
            told: Mutex::default(),
            before: Mutex::default(),
            ours,
            deaf: AtomicBool::new(false),
        }))
    }

    /// Asked before whatever it is told (`stop`, `start`, `set`); an error is its answer.
    pub fn before(&self, ask: impl FnMut(&str) -> Result<(), WireError> + Send + 'static) {
        *lock(&self.0.before) = Some(Box::new(ask));
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        *lock(&self.0.before) = None;
    }

    /// The server goes on with its usual folder, whatever is set.
    pub fn deaf(&self) {
        self.0.deaf.store(true, Ordering::SeqCst);
    }

    pub fn told(&self) -> Vec<String> {
        lock(&self.0.told).clone()
    }

    pub fn variable(&self) -> Option<String> {
        lock(&self.0.environment).get(MODELS).cloned()
    }

    fn tell(&self, what: &str) -> Result<(), WireError> {
        if let Some(ask) = lock(&self.0.before).as_mut() {
            ask(what)?;
        }
        lock(&self.0.told).push(what.to_owned());
        Ok(())
    }

    fn text(variables: &BTreeMap<String, String>) -> String {
        variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
    }

    fn changed(&self, changes: &Changes) -> BTreeMap<String, String> {
        let mut variables = lock(&self.0.environment).clone();
        for (name, value) in changes {
            match value {
                Some(value) => variables.insert(name.clone(), value.clone()),
                None => variables.remove(name),
            };
        }
        variables
    }
}

impl Stand for Steered {
    fn control(&self, _: InstanceId) -> Option<Arc<dyn ServiceControl>> {
        Some(Arc::new(self.clone()))
    }
}

#[async_trait]
impl ServiceControl for Steered {
    fn powers(&self) -> Powers {
        Powers {
            start: true,
            stop: true,
            environment: true,
            ours: self.0.ours,
            ..Powers::default()
        }
    }

    fn equivalent(&self, verb: Verb) -> Vec<String> {
        let word = match verb {
            Verb::Start => "start",
            Verb::Stop => "stop",
            Verb::Restart => "restart",
        };
        vec![format!("played {word}")]
    }

    async fn act(&self, verb: Verb) -> Result<(), WireError> {
        if matches!(verb, Verb::Stop | Verb::Restart) {
            self.tell("stop")?;
            self.0.fake.offline(true);
        }
        if matches!(verb, Verb::Start | Verb::Restart) {
            self.tell("start")?;
            let set = self.variable().filter(|_| !self.0.deaf.load(Ordering::SeqCst));
            let folder = set.map_or_else(|| self.0.home.clone(), PathBuf::from);
            self.0.fake.rehome(&folder).map_err(|error| {
                WireError::new(ErrorCode::ServiceRefused).detail(error.to_string())
            })?;
            self.0.fake.offline(false);
        }
        Ok(())
    }

    async fn environment(&self) -> Result<BTreeMap<String, String>, WireError> {
        Ok(lock(&self.0.environment).clone())
    }

    async fn preview_environment(&self, changes: &Changes) -> Result<(String, String), WireError> {
        let before = Steered::text(&lock(&self.0.environment));
        Ok((before, Steered::text(&self.changed(changes))))
    }

    async fn set_environment(&self, changes: &Changes) -> Result<Changes, WireError> {
        self.tell("set")?;
        let before = lock(&self.0.environment).clone();
        let undo = changes.keys().map(|name| (name.clone(), before.get(name).cloned())).collect();
        let after = self.changed(changes);
        *lock(&self.0.environment) = after;
        Ok(undo)
    }

    async fn autostart(&self) -> Result<Option<bool>, WireError> {
        Ok(None)
    }

    async fn set_autostart(&self, _: bool) -> Result<(), WireError> {
        Err(WireError::new(ErrorCode::Denied))
    }

    fn log(&self) -> LogSource {
        LogSource::Nowhere
    }
}
