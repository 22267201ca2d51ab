//! Fetching through a pull, seen from the seam.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use corral_contract::{
    ErrorCode, InstanceId, JobId,
    name::ModelName,
    progress::{LayerState, Phase},
};
use corral_core::{
    downloads::{
        fetch::{Class, Fetch, FetchFailure, FetchRequest, FetchSink, Fetched, LayerReport, Plan},
        pull::{Patience, PullFetch},
    },
    ollama::HttpOllama,
};
use corral_testbed::{
    chaos::Proxy,
    ollama::{Control, Fault, Pace},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::stage::{WEIGHTS, fake};

/// Writes down what a fetch says.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn say(&self, text: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl FetchSink for Heard {
    fn phase(&self, phase: Phase) {
        self.say(phase.as_str().to_owned());
    }

    fn layer(&self, report: LayerReport<'_>) {
        if let Some(state) = report.state.filter(|state| *state != LayerState::Fetching) {
            self.say(format!("{} {:?}", state.as_str(), report.there));
        }
    }

    fn note(&self, text: &str) {
        self.say(text.to_owned());
    }
}

async fn ended(
    url: &str,
    heard: &Heard,
    patience: Patience,
    token: &CancellationToken,
) -> Result<Fetched, FetchFailure> {
    let url = url.parse().expect("a url");
    let api = HttpOllama::new(&url, &[], None).expect("a client");
    let fetch = PullFetch::new(Arc::new(api), patience);
    let request = FetchRequest {
        job: JobId(1),
        instance: InstanceId(1),
        name: ModelName::parse("a").expect("a name"),
        insecure: false,
        known: Vec::new(),
    };
    let plan: Plan = fetch.prepare(request).await.expect("a plan");
    assert_eq!(plan.total(), None, "a pull knows its layers only when they come");
    fetch.fetch(&plan, heard, watch::channel(Default::default()).1, token.clone()).await
}

fn short() -> Patience {
    let moment = Duration::from_millis(200);
    Patience { manifest: moment, fetching: moment, ..Patience::default() }
}

// criterion: 2.3
#[tokio::test]
async fn says_what_happens_in_its_order() {
    let server = fake(&["a"], Pace::Rate(20_000_000)).await;
    let heard = Heard::default();
    let token = CancellationToken::new();
    ended(&server.url(), &heard, Patience::default(), &token).await.expect("it arrives");
    let weights = format!("fetched Some({WEIGHTS})");
    let wanted = ["manifest", "fetching", &weights, "verifying", "verified None", "registering"];
    let mut all = heard.all();
    all.dedup();
    assert_eq!(all[..4], wanted[..4]);
    assert!(all.contains(&"registering".to_owned()), "{all:?}");
    let again = Heard::default();
    ended(&server.url(), &again, Patience::default(), &token).await.expect("it is there");
    assert!(again.all().contains(&format!("present Some({WEIGHTS})")), "{:?}", again.all());
}

// criterion: 2.6
#[tokio::test]
async fn a_silent_server_is_not_waited_for_for_ever() {
    let token = CancellationToken::new();
    let stalled = fake(&["a"], Pace::Gated).await;
    let network = Proxy::start(stalled.address()).await.expect("a proxy");
    let url = network.url();
    let freeze = async {
        let running = |server: &Control| !server.downloads().is_empty();
        stalled.until("it runs", running).await.expect("it runs");
        network.weather(|weather| weather.black_hole = true);
    };
    let heard = Heard::default();
    let (ended, ()) = tokio::join!(self::ended(&url, &heard, short(), &token), freeze);
    let failure = ended.expect_err("stalls");
    assert_eq!((failure.class, failure.error.code), (Class::Retry, ErrorCode::TimedOut));
    let mute = fake(&["a"], Pace::Instant).await;
    mute.fault("/api/pull", Fault::Hang);
    let failure =
        self::ended(&mute.url(), &Heard::default(), short(), &token).await.expect_err("hangs");
    assert_eq!((failure.class, failure.error.code), (Class::Retry, ErrorCode::TimedOut));
}

// criterion: 2.6
#[tokio::test]
async fn stops_when_told_and_lets_go() {
    let server = fake(&["a"], Pace::Gated).await;
    let token = CancellationToken::new();
    let heard = Heard::default();
    let running = |server: &Control| !server.downloads().is_empty();
    let url = server.url();
    let stop = async {
        server.until("it runs", running).await.expect("it runs");
        token.cancel();
    };
    let (failure, ()) = tokio::join!(ended(&url, &heard, Patience::default(), &token), stop);
    assert_eq!(failure.expect_err("stopped").class, Class::Stopped);
    let idle = |server: &Control| server.downloads().is_empty();
    server.until("the connection is closed", idle).await.expect("let go");
}

// criterion: 2.6
#[tokio::test]
async fn a_server_that_winds_down_for_too_long_is_a_failure() {
    let server = fake(&["a"], Pace::Instant).await;
    let text = "context canceled".to_owned();
    server.fault("/api/pull", Fault::ErrorInStream { text, at: 0.0 });
    let patience = Patience {
        winding_down: Duration::from_millis(50),
        winding_down_pause: Duration::from_millis(20),
        ..Patience::default()
    };
    let token = CancellationToken::new();
    let failure =
        ended(&server.url(), &Heard::default(), patience, &token).await.expect_err("too long");
    assert_eq!((failure.class, failure.error.code), (Class::Retry, ErrorCode::CancelWindingDown));
}

// criterion: 2.6
#[tokio::test]
async fn foreign_answers_end_a_pull() {
    let server = fake(&["a"], Pace::Instant).await;
    let token = CancellationToken::new();
    for fault in [Fault::Html, Fault::RedirectLoop] {
        server.fault("/api/pull", fault.clone());
        let ended =
            self::ended(&server.url(), &Heard::default(), Patience::default(), &token).await;
        let failure = ended.expect_err("no pull");
        assert!(failure.class != Class::Stopped, "{fault:?}: {failure:?}");
    }
}
