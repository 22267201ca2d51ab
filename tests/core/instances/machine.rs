//! A machine that tests make up, of any system.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use corral_core::instances::{Machine, Process, Space, System};

/// What the machine is like; nothing is there but what a test puts there.
#[derive(Debug, Clone)]
pub(super) struct FakeMachine {
    pub(super) system: System,
    pub(super) servers: Vec<Process>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) files: BTreeMap<PathBuf, String>,
    pub(super) folders: Vec<PathBuf>,
    pub(super) writable: bool,
}

impl FakeMachine {
    pub(super) fn new(system: System) -> Self {
        let home = match system {
            System::Windows => ("USERPROFILE", r"C:\Users\me"),
            System::Linux => ("HOME", "/home/me"),
            System::MacOs => ("HOME", "/Users/me"),
        };
        let mut machine = FakeMachine {
            system,
            servers: Vec::new(),
            variables: BTreeMap::new(),
            files: BTreeMap::new(),
            folders: Vec::new(),
            writable: false,
        };
        machine.variables.insert(home.0.to_owned(), home.1.to_owned());
        if system == System::Windows {
            let local = r"C:\Users\me\AppData\Local".to_owned();
            machine.variables.insert("LOCALAPPDATA".to_owned(), local);
        }
        machine
    }

    pub(super) fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(PathBuf::from(path), text.to_owned());
        self
    }

    pub(super) fn folder(mut self, path: &str) -> Self {
        self.folders.push(PathBuf::from(path));
        self
    }

    /// A running server with these variables.
    pub(super) fn server(mut self, pid: u32, environment: &[(&str, &str)]) -> Self {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.servers.push(Process {
            pid,
            environment: environment.iter().map(pair).collect(),
            started: Some(corral_contract::Timestamp(1_000)),
            ..Process::default()
        });
        self
    }

    /// Changes the server added last.
    pub(super) fn which(mut self, change: impl FnOnce(&mut Process)) -> Self {
        change(self.servers.last_mut().expect("a server"));
        self
    }
}

impl Machine for FakeMachine {
    fn system(&self) -> System {
        self.system
    }

    fn servers(&self) -> Vec<Process> {
        self.servers.clone()
    }

    fn runners(&self, _: u32) -> Option<Vec<PathBuf>> {
        None
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn head(&self, file: &Path) -> Option<String> {
        self.files.get(file).cloned()
    }

    fn entries(&self, folder: &Path) -> Vec<PathBuf> {
        self.files.keys().filter(|file| file.parent() == Some(folder)).cloned().collect()
    }

    fn exists(&self, path: &Path) -> bool {
        self.files.contains_key(path) || self.folders.iter().any(|folder| folder == path)
    }

    fn space(&self, path: &Path) -> Option<Space> {
        self.exists(path).then_some(Space { free: 7, total: 9 })
    }

    fn metered(&self) -> Option<bool> {
        None
    }

    fn idle(&self) -> Option<std::time::Duration> {
        None
    }

    fn writable(&self, _: &Path) -> bool {
        self.writable
    }
}
