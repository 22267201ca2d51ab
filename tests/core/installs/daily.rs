//! The daily question for a newer version: told, never installed.

use corral_contract::{
    command::Nothing,
    installs::{InstallOllama, PinVersion, call},
    settings::{self, Settings},
    tasks::TaskState,
};
use corral_core::config::Workers;
use corral_testbed::serve::Behaviour;

use super::Home;

const HOUR: i64 = 3_600_000;

impl Home {
    /// How often it was asked which release is the newest.
    fn asked(&self) -> usize {
        let requests = self.site.requests();
        requests.iter().filter(|path| path.ends_with("/releases/latest")).count()
    }

    async fn set(&self, ollama_check: bool) {
        let now = self.bench.core.settings();
        let settings = Settings { ollama_check, ..now };
        self.bench.ask::<settings::call::Update>(settings).await.expect("kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_is_told_after_a_day_and_not_installed() {
    let home = Home::with(|config| config.workers = Workers::All).await;
    home.site.publish(&Behaviour::version("0.40.0")).expect("published");
    let task = home.install(InstallOllama::default()).await;
    assert_eq!(task.state, TaskState::Done, "{task:#?}");
    let first = home.asked();
    home.site.publish(&Behaviour::version("0.41.0")).expect("published");
    // Turned off: a day is no reason. What follows shows that nobody asked meanwhile.
    home.set(false).await;
    home.bench.clock.advance(27 * HOUR);
    home.set(false).await;
    home.set(true).await;
    let view = home.until("the offer", |view| view.offer().is_some()).await;
    assert_eq!(view.offer().expect("an offer").version, "0.41.0");
    assert_eq!(home.asked(), first + 1, "once");
    let server = view.server.expect("a server");
    assert_eq!((server.version.as_str(), view.task), ("0.40.0", None), "nothing was installed");
    assert_eq!(view.versions.len(), 1);

    // Not again on the same day, and not for one that is to stay what it is.
    home.bench.clock.advance(2 * HOUR);
    home.set(true).await;
    home.bench.ask::<call::Pin>(PinVersion { pinned: true }).await.expect("pinned");
    home.bench.clock.advance(30 * HOUR);
    home.set(true).await;
    home.site.publish(&Behaviour::version("0.42.0")).expect("published");
    home.bench.ask::<call::Pin>(PinVersion { pinned: false }).await.expect("unpinned");
    home.set(true).await;
    let newest = |version: &str| {
        let version = version.to_owned();
        move |view: &corral_contract::installs::InstallsView| {
            view.offer().is_some_and(|offer| offer.version == version)
        }
    };
    home.until("the newer offer", newest("0.42.0")).await;
    assert_eq!(home.asked(), first + 2);
    home.bench.core.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_where_nothing_is_installed() {
    let home = Home::with(|config| config.workers = Workers::All).await;
    home.site.publish(&Behaviour::version("0.40.0")).expect("published");
    home.bench.clock.advance(27 * HOUR);
    home.set(true).await;
    // A person's own question comes after it.
    home.bench.ask::<call::Check>(Nothing {}).await.expect("asked");
    assert_eq!(home.asked(), 1);
    home.bench.core.shutdown().await;
}
