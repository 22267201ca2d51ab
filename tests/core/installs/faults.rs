//! What the machine itself does not allow: programs that may not be run, disks that are full, ports
//! that somebody takes in the last moment, models folders that are gone.

use std::{
    net::TcpListener,
    path::Path,
    sync::{Arc, atomic::AtomicU64},
};

use corral_contract::{
    ErrorCode,
    installs::{InstallOllama, ServerPhase},
    instances::{self, InstanceRef, InstanceView},
    models::OpRef,
    tasks::TaskState,
};
use corral_testbed::{
    archive::{self, Entry, Packing, carry, entries, pack},
    serve::Behaviour,
};

use super::{Home, processes, servers, told};
use crate::{played::Played, support::until};

impl Home {
    /// Its only server.
    async fn instance(&self) -> InstanceView {
        self.instances().await.remove(0)
    }

    /// Starts or stops it as a person would; answers why not.
    async fn steer(&self, start: bool) -> Option<corral_contract::WireError> {
        let it = InstanceRef { id: self.instance().await.id };
        let OpRef { task } = if start {
            self.bench.ask::<instances::call::Start>(it).await.expect("it begins")
        } else {
            self.bench.ask::<instances::call::Stop>(it).await.expect("it begins")
        };
        self.ended(task).await.problem
    }
}

// Only Unix knows a right to run a file.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_may_not_be_run_is_not_kept() {
    let home = Home::new().await;
    let mut all = entries(&Behaviour::version("0.40.0")).expect("entries");
    let Entry::File(name, mode, _) = &mut all[0] else { panic!("the program comes first") };
    assert_eq!(name, archive::program_path());
    *mode = 0o644;
    let folder = tempfile::tempdir().expect("a folder");
    let path = carry(folder.path(), &pack(Packing::usual(), &all).expect("packed"));
    let error = home.refuses(&path.expect("written")).await;
    assert_eq!(told(&error), (ErrorCode::ServerNotStarted, "notExecutable"), "{error}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_no_program_may_be_run_from_says_so() {
    let Some(disk) = crate::small_disk::SmallDisk::of("size=1g") else { return };
    disk.remount("noexec");
    let home = Home::with(|config| config.data_dir = disk.place().to_owned()).await;
    home.site.publish(&Behaviour::version("0.40.0")).expect("published");
    let task = home.install(InstallOllama::default()).await;
    let problem = task.problem.expect("a reason");
    assert_eq!(told(&problem), (ErrorCode::ServerNotStarted, "notExecutable"), "{problem}");
    home.is_empty().await;
    assert!(processes(disk.place()).is_empty());
    home.bench.core.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_no_room_for_is_refused_with_the_figures() {
    let free = Arc::new(AtomicU64::new(1_000_000));
    let machine = Played::with_room(&free);
    let home = Home::with(|config| config.machine = Arc::new(machine)).await;
    home.site.publish(&Behaviour::version("0.40.0")).expect("published");
    let problem = home.install(InstallOllama::default()).await.problem.expect("no room");
    assert_eq!(problem.code, ErrorCode::DiskShort);
    let figure = |name: &str| problem.params[name].parse::<u64>().expect("bytes");
    assert_eq!(figure("free"), 1_000_000);
    assert_eq!(figure("missing"), figure("needed") - 1_000_000);
    let asked = home.site.requests();
    assert!(asked.iter().filter(|path| path.starts_with("/assets/")).count() <= 1, "{asked:?}");
    home.is_empty().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_while_it_is_unpacked_leaves_nothing() {
    let Some(disk) = crate::small_disk::SmallDisk::of("size=12m") else { return };
    let home = Home::with(|config| config.data_dir = disk.place().to_owned()).await;
    // Small as an archive, and far more than there is room for.
    let zeros = vec![Entry::File("lib/ollama/large".to_owned(), 0o644, vec![0; 64 << 20])];
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("archive");
    std::fs::write(&path, pack(Packing::usual(), &zeros).expect("packed")).expect("written");
    let error = home.refuses(&path).await;
    assert_eq!(error.code, ErrorCode::DiskFull, "{error}");
    home.bench.core.shutdown().await;
}

/// A version that listens only once the file is there.
fn waits(file: &Path) -> Behaviour {
    Behaviour { waits_for: Some(file.to_owned()), ..Behaviour::version("0.40.0") }
}

/// Waits until the process of the server was begun, takes its port, and lets it go on.
async fn steal(home: &Home, port: u16, file: &Path) -> TcpListener {
    let begun = async || (!servers(home.bench.folder.path()).is_empty()).then_some(());
    until(&home.bench.core, "the process of the server", begun).await;
    let thief = TcpListener::bind(("127.0.0.1", port)).expect("nobody listens yet");
    std::fs::write(file, "").expect("written");
    thief
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_between_check_and_start_is_given_up_for_another_one() {
    let yard = tempfile::tempdir().expect("a folder");
    let file = yard.path().join("go on");
    let home = Home::new().await;
    let usual = home.bench.core.config.server_port;
    home.site.publish(&waits(&file)).expect("published");
    let task = home.begin(InstallOllama::default()).await.expect("it begins");
    let _thief = steal(&home, usual, &file).await;
    let ended = home.ended(task).await;
    assert_eq!(ended.state, TaskState::Done, "{ended:#?}");
    let server = home.view().await.server.expect("a server");
    assert_ne!(server.port, usual, "that one is somebody else's now");
    assert_eq!(processes(home.bench.folder.path()).len(), 1, "the one that lost it is gone");
    home.bench.core.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_was_named_and_is_taken_in_the_last_moment_is_told_and_not_replaced() {
    let yard = tempfile::tempdir().expect("a folder");
    let file = yard.path().join("go on");
    let home = Home::new().await;
    let port = home.bench.core.config.server_port;
    home.site.publish(&waits(&file)).expect("published");
    let request = InstallOllama { port: Some(port), ..InstallOllama::default() };
    let task = home.begin(request).await.expect("it is free now");
    let _thief = steal(&home, port, &file).await;
    let problem = home.ended(task).await.problem.expect("a reason");
    assert_eq!(problem.code, ErrorCode::PortTaken, "{problem}");
    assert_eq!(problem.params["port"], port.to_string());
    assert!(problem.detail.is_some_and(|lines| lines.contains("address already in use")));
    home.is_empty().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_never_answers_ends_and_leaves_no_process() {
    let home = Home::with(|config| {
        config.server_patience = std::time::Duration::from_millis(700);
    })
    .await;
    home.site.publish(&Behaviour::version("0.40.0")).expect("published");
    assert_eq!(home.install(InstallOllama::default()).await.state, TaskState::Done);
    assert_eq!(home.steer(false).await, None);
    home.behave(&Behaviour { hangs: true, ..Behaviour::version("0.40.0") });
    let problem = home.steer(true).await.expect("nobody answers");
    assert_eq!(told(&problem), (ErrorCode::ServerNotStarted, "silent"));
    assert!(processes(home.bench.folder.path()).is_empty());
    assert_eq!(home.phase().await, ServerPhase::Stopped);
    // And when it is well again, so is the server.
    home.behave(&Behaviour::version("0.40.0"));
    assert_eq!(home.steer(true).await, None);
    home.bench.core.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_on_a_drive_that_is_away_are_not_replaced_by_an_empty_folder() {
    let drive = tempfile::tempdir().expect("a drive");
    let models = drive.path().join("disk").join("models");
    let home = Home::new().await;
    home.site.publish(&Behaviour::version("0.40.0")).expect("published");
    let shown = models.display().to_string();
    let request = InstallOllama { models: Some(shown.clone()), ..InstallOllama::default() };
    assert_eq!(home.install(request).await.state, TaskState::Done);
    assert_eq!(home.steer(false).await, None);
    std::fs::write(models.join("kept"), "a model").expect("written");
    let (here, away) = (drive.path().join("disk"), drive.path().join("away"));
    std::fs::rename(&here, &away).expect("the drive goes");
    let problem = home.steer(true).await.expect("its models are gone");
    assert_eq!(problem.code, ErrorCode::FolderMissing);
    assert_eq!(problem.params["path"], shown);
    assert!(!here.exists(), "nothing was made in its place");
    let server = home.view().await.server.expect("a server");
    assert_eq!(server.problem.expect("shown on the card").code, ErrorCode::FolderMissing);
    assert!(processes(home.bench.folder.path()).is_empty());
    std::fs::rename(&away, &here).expect("the drive is back");
    assert_eq!(home.steer(true).await, None);
    assert!(models.join("kept").exists());
    // Corral's own folder is nobody's drive: it is made again.
    home.bench.core.shutdown().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_models_folder_that_cannot_be_written_is_refused_before_anything_is_fetched() {
    let Some(disk) = crate::small_disk::SmallDisk::mount() else { return };
    std::fs::create_dir(disk.place().join("models")).expect("a folder");
    disk.remount("ro");
    let home = Home::new().await;
    home.site.publish(&Behaviour::version("0.40.0")).expect("published");
    let models = Some(disk.place().join("models").display().to_string());
    let refused = home.begin(InstallOllama { models, ..InstallOllama::default() }).await;
    let refused = refused.expect_err("read only");
    assert_eq!(told(&refused), (ErrorCode::InvalidInput, "notWritable"));
    assert_eq!(refused.params["field"], "models");
    assert!(home.site.requests().is_empty());
    home.is_empty().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_of_one_machine_have_a_server_each() {
    let one = Home::running(Behaviour::version("0.40.0")).await;
    let usual = one.view().await.server.expect("a server").port;
    let other = Home::with(|config| config.server_port = usual).await;
    other.site.publish(&Behaviour::version("0.41.0")).expect("published");
    assert_eq!(other.install(InstallOllama::default()).await.state, TaskState::Done);
    let second = other.view().await.server.expect("a server");
    assert_ne!(second.port, usual, "it is in use");
    assert_ne!(second.models, one.view().await.server.expect("a server").models);
    for (home, version) in [(&one, "0.40.0"), (&other, "0.41.0")] {
        let instance = home.instance().await;
        assert_eq!(instance.api.version.as_deref(), Some(version));
        assert_eq!(instance.conflicts, [], "they share nothing");
    }
    // What one of them does is none of the other's business.
    let ours = one.pid().await;
    assert_eq!(other.steer(false).await, None);
    assert_eq!(processes(other.bench.folder.path()).len(), 0);
    assert_eq!(processes(one.bench.folder.path()), [ours]);
    assert_eq!(one.phase().await, ServerPhase::Running);
    other.bench.core.shutdown().await;
    one.bench.core.shutdown().await;
}
