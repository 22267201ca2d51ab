//! Making models: from Modelfiles, from files, under other names.

mod create;
mod faults;
mod import;
mod names;
mod recase;

use std::path::Path;

use corral_contract::{
    WireError,
    makes::{MakeCheck, MakeModel, NewName, call},
    tasks::TaskView,
};
use corral_testbed::{
    gguf::Gguf,
    ollama::{FakeOllama, library},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::stage::{Stage, clock};

const BASE: &str = "smollm2:135m";

/// A server whose store is a folder of this machine, with one model in it.
async fn beside() -> (Stage, TempDir) {
    let store = tempfile::tempdir().expect("a folder");
    let builder = FakeOllama::builder().clock(clock()).folder(store.path());
    let server = builder.models([library::pick(BASE)]).start().await.expect("it starts");
    let stage = Stage::on(server, |config| {
        config.workers = corral_core::config::Workers::None;
    });
    (stage.await, store)
}

impl Stage {
    fn making(&self, name: &str, modelfile: &str) -> MakeModel {
        MakeModel {
            instance: self.instance,
            name: name.to_owned(),
            modelfile: modelfile.to_owned(),
            base: None,
            quantize: None,
            overwrite: false,
        }
    }

    async fn make(&self, request: MakeModel) -> Result<TaskView, WireError> {
        let task = self.bench.ask::<call::Create>(request).await?.task;
        Ok(self.ended(task).await)
    }

    async fn look_before(&self, request: MakeModel) -> MakeCheck {
        self.bench.ask::<call::Check>(request).await.expect("it is looked at")
    }

    async fn name_it(&self, from: &str, name: &str, overwrite: bool) -> NewName {
        NewName { id: self.id(from).await, name: name.to_owned(), overwrite }
    }

    async fn rename(&self, from: &str, name: &str, overwrite: bool) -> Result<TaskView, WireError> {
        let request = self.name_it(from, name, overwrite).await;
        let task = self.bench.ask::<call::Rename>(request).await?.task;
        Ok(self.ended(task).await)
    }

    async fn copy(&self, from: &str, name: &str, overwrite: bool) -> Result<TaskView, WireError> {
        let request = self.name_it(from, name, overwrite).await;
        let task = self.bench.ask::<call::Copy>(request).await?.task;
        Ok(self.ended(task).await)
    }

    /// The names that the server has.
    fn has(&self) -> Vec<String> {
        let names = self.server.store(|store| {
            let all = store.newest_first().into_iter();
            all.map(|stored| stored.model.name.to_string()).collect::<Vec<_>>()
        });
        let mut names = names;
        names.sort();
        names
    }

    /// What the last create asked for.
    fn asked(&self) -> Value {
        let requests = self.server.requests_to("POST", "/api/create");
        let last = requests.last().expect("something was asked for");
        serde_json::from_str(&last.body).expect("it is JSON")
    }

    async fn log(&self, task: &TaskView) -> String {
        let request = corral_contract::tasks::LogRequest { id: task.id, offset: 0, before: None };
        let page = self.bench.ask::<corral_contract::tasks::call::Log>(request).await;
        page.expect("a log").text
    }
}

/// A small model file.
fn weights(folder: &Path, name: &str) -> std::path::PathBuf {
    let file = folder.join(name);
    std::fs::create_dir_all(file.parent().expect("it is in a folder")).expect("made");
    std::fs::write(&file, Gguf::tiny().bytes()).expect("written");
    file
}

fn reason(error: &WireError) -> (&str, &str) {
    let value = |key: &str| error.params.get(key).map_or("", String::as_str);
    (value("field"), value("reason"))
}
