//! What a core does by itself before somebody has seen the first picture, and after.

use corral_contract::{instances, models};
use corral_core::config::{SeedInstance, Workers};
use corral_testbed::ollama::{FakeOllama, library};

use crate::support::{Bench, until};

#[tokio::test]
async fn servers_are_asked_at_once_and_everything_else_waits_for_the_first_picture() {
    let model = library::pick("llama3.2:3b");
    let server = FakeOllama::builder().models([model]).start().await.expect("a server");
    let url = server.url();
    let bench = Bench::with(|config| {
        config.seed = vec![SeedInstance { name: "lab".to_owned(), url }];
        config.workers = Workers::First;
    })
    .await;
    until(&bench.core, "the server's version", async || {
        let list = bench.ask::<instances::call::List>(Default::default()).await.expect("a list");
        list.items[0].api.version.clone()
    })
    .await;
    assert_eq!(rows(&bench).await, 0, "nobody has compared the list yet");

    bench.core.go_to_work();
    bench.core.go_to_work();
    until(&bench.core, "its model", async || (rows(&bench).await == 1).then_some(())).await;
}

async fn rows(bench: &Bench) -> u64 {
    let page = bench.ask::<models::call::Search>(Default::default()).await.expect("a page");
    page.total
}
