//! How servers are over time, and what is done when they are gone.

mod recovery;
mod report;
mod watch;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use corral_contract::{
    ErrorCode, InstanceId, WireError,
    app::{NoticeKind, SnapshotView, Visible, call as app},
    command::Nothing,
    health::{Configure, HealthReport, Reach, Rules, call},
    instances::{self, InstanceRef},
};
use corral_core::{
    config::SeedInstance,
    steering::{Changes, LogSource, Powers, ServiceControl, Stand, Verb},
};
use corral_testbed::FakeOllama;
use tokio::sync::Mutex;

use crate::{
    played::Played,
    support::{Bench, until},
};

/// Starts the fake server, or refuses.
struct Starter {
    server: Mutex<FakeOllama>,
    reach: Reach,
    refuses: AtomicBool,
    starts: AtomicUsize,
}

/// It is what runs every server.
struct Only(Arc<Starter>);

impl Stand for Only {
    fn control(&self, _: InstanceId) -> Option<Arc<dyn ServiceControl>> {
        Some(self.0.clone())
    }
}

#[async_trait]
impl ServiceControl for Starter {
    fn powers(&self) -> Powers {
        let (start, ours) = (self.reach != Reach::Never, self.reach == Reach::Ours);
        Powers { start, ours, ..Powers::default() }
    }

    fn equivalent(&self, _: Verb) -> Vec<String> {
        Vec::new()
    }

    async fn act(&self, _: Verb) -> Result<(), WireError> {
        self.starts.fetch_add(1, Ordering::SeqCst);
        if self.refuses.load(Ordering::SeqCst) {
            return Err(WireError::new(ErrorCode::ServiceRefused).detail("unit is masked"));
        }
        self.server.lock().await.restart_same_port().await.expect("it starts");
        Ok(())
    }

    async fn environment(&self) -> Result<BTreeMap<String, String>, WireError> {
        Ok(BTreeMap::new())
    }

    async fn preview_environment(&self, _: &Changes) -> Result<(String, String), WireError> {
        Err(WireError::new(ErrorCode::ServiceMissing))
    }

    async fn set_environment(&self, _: &Changes) -> Result<Changes, WireError> {
        Err(WireError::new(ErrorCode::ServiceMissing))
    }

    async fn autostart(&self) -> Result<Option<bool>, WireError> {
        Ok(None)
    }

    async fn set_autostart(&self, _: bool) -> Result<(), WireError> {
        Err(WireError::new(ErrorCode::ServiceMissing))
    }

    fn log(&self) -> LogSource {
        LogSource::Nowhere
    }
}

/// A core with one server that it may start, everything running.
struct Ward {
    bench: Bench,
    id: InstanceId,
    hands: Arc<Starter>,
    played: Played,
}

impl Ward {
    async fn new(reach: Reach) -> Ward {
        Ward::on(FakeOllama::builder().start().await.expect("a fake server"), reach).await
    }

    async fn on(server: FakeOllama, reach: Reach) -> Ward {
        let url = server.url();
        let played = Played::with_server(server.address());
        let hands = Arc::new(Starter {
            server: Mutex::new(server),
            reach,
            refuses: AtomicBool::new(false),
            starts: AtomicUsize::new(0),
        });
        let (given, machine) = (hands.clone(), played.clone());
        let bench = Bench::with(|config| {
            config.seed = vec![SeedInstance { name: "lab".to_owned(), url }];
            config.stand = Some(Arc::new(Only(given)));
            config.machine = Arc::new(machine);
        })
        .await;
        let list = bench.ask::<instances::call::List>(Nothing {}).await.expect("the list");
        let id = list.items[0].id;
        let ward = Ward { bench, id, hands, played };
        ward.online(true).await;
        ward
    }

    async fn online(&self, wanted: bool) {
        until(&self.bench.core, "the state of the server", async || {
            let list = self.bench.ask::<instances::call::List>(Nothing {}).await.expect("a list");
            let up = list.items[0].api.state == instances::ApiState::Ok;
            (up == wanted).then_some(())
        })
        .await;
    }

    /// The server goes, and its poller looks.
    async fn dies(&self) {
        self.hands.server.lock().await.stop().await;
        self.look().await;
    }

    async fn look(&self) {
        let visible = Visible { visible: true };
        self.bench.ask::<app::SetVisible>(visible).await.expect("told");
    }

    async fn set(&self, rules: Rules) -> Result<HealthReport, WireError> {
        self.bench.ask::<call::Set>(Configure { instance: self.id, rules }).await
    }

    async fn report(&self) -> HealthReport {
        self.bench.ask::<call::Report>(InstanceRef { id: self.id }).await.expect("a report")
    }

    async fn until(&self, what: &str, wanted: impl Fn(&HealthReport) -> bool) -> HealthReport {
        until(&self.bench.core, what, async || {
            let report = self.report().await;
            wanted(&report).then_some(report)
        })
        .await
    }

    async fn notices(&self) -> Vec<(NoticeKind, Option<WireError>)> {
        let notices = snapshot(&self.bench).await.notices;
        notices.into_iter().rev().map(|notice| (notice.kind, notice.problem)).collect()
    }

    fn starts(&self) -> usize {
        self.hands.starts.load(Ordering::SeqCst)
    }
}

async fn snapshot(bench: &Bench) -> SnapshotView {
    bench.ask::<app::Snapshot>(Nothing {}).await.expect("a snapshot")
}
