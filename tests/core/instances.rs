//! Servers: reaching them, knowing how they are, finding them.

mod commands;
mod detect;
mod faults;
mod health;
mod machine;
mod place;
mod wire;

use std::time::Duration;

use corral_contract::{
    InstanceId,
    command::Nothing,
    instances::{InstanceDraft, InstanceView, call},
};
use corral_core::{bus::Listener, ollama::HttpOllama};
use corral_testbed::FakeOllama;
use url::Url;

use crate::support::Bench;

/// How long a wait for a condition may take before the test fails.
const DEADLINE: Duration = Duration::from_secs(30);

/// A fake server without models.
async fn fake() -> FakeOllama {
    FakeOllama::builder().start().await.expect("a fake server")
}

/// A client of an address.
fn client(url: &str) -> HttpOllama {
    let url = Url::parse(url).expect("an address");
    HttpOllama::new(&url, &[], None).expect("a client")
}

fn draft(url: &str) -> InstanceDraft {
    InstanceDraft { url: url.to_owned(), ..InstanceDraft::default() }
}

/// Registers a server and answers its id.
async fn add(bench: &Bench, url: &str) -> InstanceId {
    let draft = InstanceDraft { force: true, ..draft(url) };
    bench.ask::<call::Add>(draft).await.expect("added").id
}

/// One instance as the window sees it.
async fn seen(bench: &Bench, id: InstanceId) -> InstanceView {
    let list = bench.ask::<call::List>(Nothing {}).await.expect("a list");
    list.items.into_iter().find(|view| view.id == id).expect("a known instance")
}

/// Waits until an instance is as wanted, looking again after every event.
async fn until(
    bench: &Bench,
    events: &mut Listener,
    id: InstanceId,
    what: &str,
    wanted: impl Fn(&InstanceView) -> bool,
) -> InstanceView {
    let wait = async {
        loop {
            let view = seen(bench, id).await;
            if wanted(&view) {
                return view;
            }
            events.next().await.expect("the core runs");
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("waited for {what}"))
}
