//! A machine whose home is a folder of the test, and programs that only write down what they were
//! asked.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use corral_contract::{ErrorCode, TaskId, Timestamp, WireError, tasks, tasks::TaskView};
use corral_core::{
    instances::{Machine, Process, Space, System, ThisMachine},
    steering::{Call, Output, Outside},
};

use crate::support::{Bench, until};

/// Clones share what they make up.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) system: System,
    pub(crate) home: PathBuf,
    pub(crate) servers: Arc<Mutex<Vec<Process>>>,
    /// Files that lie elsewhere than in the home.
    pub(crate) files: Arc<Mutex<BTreeMap<PathBuf, String>>>,
}

impl Desk {
    pub(crate) fn new(system: System, home: &Path) -> Desk {
        let (servers, files) = (Arc::default(), Arc::default());
        Desk { system, home: home.to_owned(), servers, files }
    }

    pub(crate) fn file(&self, path: impl Into<PathBuf>, text: &str) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(path.into(), text.to_owned());
    }

    /// A server that runs. Its process is the test's own, so that what it may do can be seen.
    pub(crate) fn server(&self, host: &str, change: impl FnOnce(&mut Process)) {
        let mut process = Process {
            pid: std::process::id(),
            environment: [("OLLAMA_HOST".to_owned(), host.to_owned())].into(),
            started: Some(Timestamp(1_000)),
            ..Process::default()
        };
        change(&mut process);
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).push(process);
    }

    pub(crate) fn gone(&self) {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Machine for Desk {
    fn system(&self) -> System {
        self.system
    }
    fn servers(&self) -> Vec<Process> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn runners(&self, _: u32) -> Option<Vec<PathBuf>> {
        None
    }
    fn variable(&self, name: &str) -> Option<String> {
        let home = self.home.to_string_lossy();
        match name {
            "HOME" | "USERPROFILE" => Some(home.into_owned()),
            "LOCALAPPDATA" => Some(r"C:\Users\me\AppData\Local".to_owned()),
            "APPDATA" => Some(r"C:\Users\me\AppData\Roaming".to_owned()),
            _ => None,
        }
    }
    fn head(&self, file: &Path) -> Option<String> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(file).cloned().or_else(|| ThisMachine.head(file))
    }
    fn entries(&self, folder: &Path) -> Vec<PathBuf> {
        if folder.starts_with(&self.home) { ThisMachine.entries(folder) } else { Vec::new() }
    }
    fn exists(&self, path: &Path) -> bool {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.contains_key(path) || ThisMachine.exists(path)
    }
    fn space(&self, path: &Path) -> Option<Space> {
        ThisMachine.space(path)
    }
    fn metered(&self) -> Option<bool> {
        None
    }
    fn idle(&self) -> Option<Duration> {
        None
    }
    fn writable(&self, folder: &Path) -> bool {
        ThisMachine.writable(folder)
    }
}

/// Writes down every call; answers what it was told to, else that all is well.
#[derive(Clone, Default)]
pub(crate) struct Programs {
    calls: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<BTreeMap<String, VecDeque<Output>>>>,
    missing: Arc<Mutex<Vec<String>>>,
    #[expect(clippy::type_complexity, reason = "what is done at an end")]
    at_end: Arc<Mutex<Option<Box<dyn Fn() + Send>>>>,
}

impl Programs {
    /// What calls that begin like this answer, one after the other; the last one stays.
    pub(crate) fn answer(&self, begin: &str, code: i32, said: &str) {
        let output = Output { code: Some(code), said: said.to_owned(), ..Output::default() };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.entry(begin.to_owned()).or_default().push_back(output);
    }

    pub(crate) fn without(&self, program: &str) {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).push(program.to_owned());
    }

    /// Done when a process is asked to end, or a program is run that ends one.
    pub(crate) fn at_end(&self, then: impl Fn() + Send + 'static) {
        *self.at_end.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(then));
    }

    /// What was called since the last look, one a line.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, line: String) {
        if ["end ", "taskkill", "osascript"].iter().any(|word| line.starts_with(word))
            && let Some(then) = &*self.at_end.lock().unwrap_or_else(PoisonError::into_inner)
        {
            then();
        }
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

#[async_trait]
impl Outside for Programs {
    async fn run(&self, call: &Call) -> Result<Output, WireError> {
        let line = format!("{} {}", call.program, call.arguments.join(" "));
        self.note(line.clone());
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if missing.contains(&call.program) {
            return Err(WireError::new(ErrorCode::NotFound));
        }
        drop(missing);
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let found = answers.iter_mut().find(|(begin, _)| line.starts_with(begin.as_str()));
        let answer = found.and_then(|(_, all)| match all.len() {
            0 | 1 => all.front().cloned(),
            _ => all.pop_front(),
        });
        Ok(answer.unwrap_or(Output { code: Some(0), ..Output::default() }))
    }

    async fn launch(&self, call: &Call) -> Result<(), WireError> {
        let set = call
            .environment
            .iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!(" {name}={value}")));
        self.note(format!(
            "launch {} {}{}",
            call.program,
            call.arguments.join(" "),
            set.collect::<String>()
        ));
        Ok(())
    }

    async fn end(&self, pid: u32, _started: Option<Timestamp>) -> Result<(), WireError> {
        let pid = if pid == std::process::id() { "own".to_owned() } else { pid.to_string() };
        self.note(format!("end {pid}"));
        Ok(())
    }
}

/// Waits for the end of a task.
pub(crate) async fn ended(bench: &Bench, id: TaskId) -> TaskView {
    until(&bench.core, "the end of a task", async || {
        let list = bench.ask::<tasks::call::List>(tasks::TaskListRequest::default()).await.ok()?;
        list.items.into_iter().find(|task| task.id == id && task.finished_at.is_some())
    })
    .await
}

/// The reason that an error names.
pub(crate) fn reason(error: &WireError) -> &str {
    error.params.get("reason").map_or("", String::as_str)
}
