//! The logs of servers, read from files that tests write and a journal that they play.

mod faults;
mod follow;
#[cfg(unix)]
mod journal;
mod page;
mod search;

use std::path::{Path, PathBuf};

use corral_contract::{
    InstanceId, WireError,
    command::Nothing,
    instances,
    serverlogs::{LineLevel, LinePage, PageRequest, SetFile, call},
};
use corral_core::config::{SeedInstance, Workers};

use crate::support::Bench;

/// A core with one server on this machine, whose log is a file of the test's folder.
struct Desk {
    bench: Bench,
    id: InstanceId,
    file: PathBuf,
}

impl Desk {
    async fn new() -> Desk {
        let bench = Bench::with(|config| {
            config.workers = Workers::None;
            let url = "http://127.0.0.1:9".to_owned();
            config.seed = vec![SeedInstance { name: "lab".to_owned(), url }];
        })
        .await;
        let list = bench.ask::<instances::call::List>(Nothing {}).await.expect("the list");
        let id = list.items[0].id;
        let file = bench.folder.path().join("server.log");
        let desk = Desk { bench, id, file };
        desk.choose(Some(&desk.file)).await.expect("the file is taken");
        desk
    }

    async fn choose(&self, path: Option<&Path>) -> Result<(), WireError> {
        let path = path.map(|path| path.display().to_string());
        self.bench.ask::<call::ChooseFile>(SetFile { instance: self.id, path }).await.map(|_| ())
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        std::fs::write(&self.file, text).expect("the log is written");
    }

    fn append(&self, text: impl AsRef<[u8]>) {
        use std::io::Write;
        let file = std::fs::File::options().append(true).create(true).open(&self.file);
        file.expect("the log opens").write_all(text.as_ref()).expect("the log grows");
    }

    /// What a rotation at the server's start does.
    fn rotate(&self) {
        std::fs::rename(&self.file, self.rotated()).expect("the log is rotated");
    }

    fn rotated(&self) -> PathBuf {
        self.file.with_file_name("server-1.log")
    }

    fn asks(&self) -> PageRequest {
        PageRequest {
            instance: self.id,
            before: None,
            after: None,
            from: None,
            least: LineLevel::Debug,
            limit: 0,
        }
    }

    async fn page(&self, request: PageRequest) -> LinePage {
        self.bench.ask::<call::Page>(request).await.expect("a page")
    }
}

/// Line `n` of a log: one each second.
fn line(n: u64) -> String {
    let (minute, second) = (n / 60 % 60, n % 60);
    let hour = n / 3600;
    format!(
        "time=2026-11-27T{hour:02}:{minute:02}:{second:02}Z level=INFO source=x.go:1 msg=\"line {n}\"\n"
    )
}

fn lines(range: std::ops::Range<u64>) -> String {
    range.map(line).collect()
}

fn texts(page: &LinePage) -> Vec<&str> {
    page.lines.iter().map(|line| line.text.as_str()).collect()
}
