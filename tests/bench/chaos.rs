//! A hundred downloads that everything happens to: `cargo xtask bench chaos`.
//!
//! Each round is a store, a server, a registry and a Corral of its own, all of them new. Corral is
//! a process that is killed without a word at moments that follow from the round's number; between
//! its lives the files it left are damaged; registry and server misbehave all the while. At the end
//! every model has to lie in the store byte for byte, listed, with nothing left in staging.

mod chaos_round;
mod rows;

use std::time::{Duration, Instant};

use corral_contract::{
    audit::Actor,
    downloads::{self, JobIds, JobState},
    instances,
    models::{self, CreateModel},
    settings::{self, Settings},
};
use corral_core::{Core, CoreConfig, config::SeedInstance, registry::RegistryConfig};
use futures_util::{StreamExt, stream};
use rows::Rows;

use chaos_round::{Ended, NAMES, round};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const ROUNDS: u64 = 100;
/// Rounds at once.
const AT_ONCE: usize = 3;
/// When no further round is begun.
const LIMIT: Duration = Duration::from_secs(540);

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["corral", folder, server, registry] => runtime.block_on(corral(folder, server, registry)),
        // One round alone, by its number, to look into what went wrong.
        [number] => {
            let ended = runtime.block_on(round(number.parse()?));
            eprintln!("{ended:?}");
            Ok(())
        }
        _ => runtime.block_on(all()),
    }
}

async fn all() -> Outcome<()> {
    let began = Instant::now();
    let rounds = (0..ROUNDS).take_while(|_| began.elapsed() < LIMIT).map(round);
    let ended: Vec<Ended> = stream::iter(rounds).buffer_unordered(AT_ONCE).collect().await;
    let mut rows = Rows::default();
    let count = ended.len();
    let sum = |read: fn(&Ended) -> u64| ended.iter().map(read).sum::<u64>() as f64;
    for bad in ended.iter().filter(|ended| ended.wrong.is_some()) {
        eprintln!("round {}: {}", bad.number, bad.wrong.as_deref().unwrap_or_default());
    }
    let wrong = ended.iter().filter(|ended| ended.wrong.is_some()).count();
    rows.limit(
        "rounds that were not begun in time",
        (ROUNDS as usize - count) as f64,
        "",
        0.0,
        count,
    );
    rows.limit("rounds that ended wrong", wrong as f64, "", 0.0, count);
    rows.fact("kill -9", sum(|ended| ended.kills), "", count);
    rows.fact("damages to what was left", sum(|ended| ended.damages), "", count);
    rows.fact("troubles of registry and server", sum(|ended| ended.troubles), "", count);
    rows.fact("bytes sent / bytes of the models", sum(|e| e.sent) / sum(|e| e.size), "x", count);
    let share = began.elapsed().as_secs_f64() / 600.0;
    rows.ratio("all rounds / ten minutes", share, 1.0, 1);
    rows.write("chaos").map_err(|error| error.to_string())?;
    Ok(())
}

/// Plays Corral until every model is there: what failed for good is tried again, as a person would.
async fn corral(folder: &str, server: &str, registry: &str) -> Outcome<()> {
    let mut config = CoreConfig::in_folder(folder);
    config.seed = vec![SeedInstance { name: "chaos".to_owned(), url: server.to_owned() }];
    let mirrors = [("registry.ollama.ai".to_owned(), vec![registry.parse()?])].into();
    config.registry = RegistryConfig { mirrors, mirrors_only: true, ..RegistryConfig::default() };
    let core = Core::start(config).await?;
    let all = core.run::<instances::call::List>(Actor::Window, Default::default()).await?;
    let instance = all.items.first().ok_or("no instance")?.id;
    let wanted = Settings { max_attempts: 20, ..Settings::default() };
    core.run::<settings::call::Update>(Actor::Window, wanted).await?;
    let mut events = core.bus.listen();
    let mut done = 0;
    while done < NAMES.len() {
        done = 0;
        let queue = core.run::<downloads::call::List>(Actor::Window, Default::default()).await?;
        for name in NAMES {
            let shown = format!("{name}:latest");
            match queue.jobs.iter().find(|job| job.name == shown) {
                Some(job) if job.state == JobState::Done => done += 1,
                Some(job) if job.state == JobState::Failed => {
                    let ids = JobIds { ids: vec![job.id] };
                    core.run::<downloads::call::Resume>(Actor::Window, ids).await?;
                }
                Some(_) => {}
                None => {
                    let wish = CreateModel {
                        instance,
                        name: name.to_owned(),
                        priority: Default::default(),
                        start_when_done: false,
                        update: true,
                        insecure: false,
                        force: true,
                    };
                    // The registry may be in a bad mood; the next look asks again.
                    let _ = core.run::<models::call::Create>(Actor::Window, wish).await;
                }
            }
        }
        let _ = tokio::time::timeout(Duration::from_millis(200), events.next()).await;
    }
    core.shutdown().await;
    println!("done");
    Ok(())
}
