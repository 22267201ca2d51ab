//! A user's unit, and a double of systemd at the end of a real wire.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use corral_contract::{
    InstanceId,
    instances::{InstanceDraft, InstanceView, Runner, call},
};
use corral_core::{config::Workers, instances::System};
use corral_testbed::{FakeOllama, ollama::Builder, systemd::Systemd};
use tempfile::TempDir;

use super::desk::{Desk, Programs};
use crate::support::Bench;

const OF_USER: &str = "0::/user.slice/user@1000.service/app.slice/ollama.service\n";
const OF_SYSTEM: &str = "0::/system.slice/ollama.service\n";

/// A server that a unit of the user runs.
pub(crate) struct Units {
    pub(crate) bench: Bench,
    pub(crate) id: InstanceId,
    pub(crate) fake: FakeOllama,
    pub(crate) systemd: Systemd,
    pub(crate) programs: Programs,
    pub(crate) desk: Desk,
    pub(crate) unit: PathBuf,
    home: TempDir,
}

impl Units {
    pub(crate) async fn open(builder: Builder) -> Units {
        let fake = builder.start().await.expect("a fake server");
        let control = fake.control();
        Units::play(fake, move |_, on| {
            control.offline(!on);
            on
        })
        .await
    }

    /// `play` is told the unit's file and whether to start or to stop, and answers whether it runs.
    pub(crate) async fn play(
        fake: FakeOllama,
        play: impl Fn(&Path, bool) -> bool + Send + Sync + 'static,
    ) -> Units {
        Units::of(fake, true, play).await
    }

    /// Of the system: its drop-ins lie where only an administrator may write.
    pub(crate) async fn of_system() -> Units {
        let fake = FakeOllama::builder().start().await.expect("a fake server");
        Units::of(fake, false, |_, on| on).await
    }

    async fn of(
        fake: FakeOllama,
        user: bool,
        play: impl Fn(&Path, bool) -> bool + Send + Sync + 'static,
    ) -> Units {
        let home = tempfile::tempdir().expect("a home");
        let folder = home.path().join(".config/systemd/user");
        std::fs::create_dir_all(&folder).expect("a folder of units");
        let unit = folder.join("ollama.service");
        let text = format!("[Service]\nEnvironment=\"OLLAMA_HOST={}\"\n", fake.address());
        std::fs::write(&unit, text).expect("a unit");
        let told = unit.clone();
        let systemd = Systemd::new(&unit, move |on| play(&told, on));
        let address = systemd.listen(&home.path().join("private")).expect("a socket");
        let desk = Desk::new(System::Linux, home.path());
        let group = format!("/proc/{}/cgroup", std::process::id());
        desk.file(group, if user { OF_USER } else { OF_SYSTEM });
        desk.server(&fake.address().to_string(), |_| {});
        let programs = Programs::default();
        let (machine, outside) = (Arc::new(desk.clone()), Arc::new(programs.clone()));
        let bench = Bench::with(move |config| {
            config.workers = Workers::None;
            config.machine = machine;
            config.steering.outside = outside;
            config.steering.user_bus = Some(address.clone());
            config.steering.system_bus = Some(address);
            // Nobody makes folders there, not even who may do everything.
            config.steering.units = "/sys/kernel".into();
            config.steering.patience = Duration::from_secs(5);
        })
        .await;
        let draft = InstanceDraft {
            url: fake.url(),
            found: Some(Runner::Systemd),
            ..InstanceDraft::default()
        };
        let view: InstanceView = bench.ask::<call::Add>(draft).await.expect("added");
        Units { bench, id: view.id, fake, systemd, programs, desk, unit, home }
    }

    /// A drop-in of the unit.
    pub(crate) fn drop_in(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("{}.d", self.unit.display())).join(name)
    }

    /// A folder of the user.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.home.path().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }
}
