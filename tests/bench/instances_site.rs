//! A site of releases in a process of its own, and a core that knows it.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use corral_contract::{
    Command as Ask, WireError,
    audit::Actor,
    command::Nothing,
    installs::{InstallsView, call},
    tasks::{self, TaskListRequest, TaskState, TaskView},
};
use corral_core::{Core, CoreConfig, config::Workers, installs::ReleaseConfig, router::Handle};
use corral_testbed::releases::FakeReleases;

use super::Outcome;

/// Nothing may take longer.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK: Duration = Duration::from_millis(5);

/// Publishes a file until the input ends.
pub(crate) async fn serve(version: &str, archive: &str) -> Outcome<()> {
    let site = FakeReleases::start().await?;
    site.publish_bytes(version, tokio::fs::read(archive).await?);
    println!("{}", site.downloads());
    std::io::stdout().flush()?;
    tokio::task::spawn_blocking(|| {
        std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())
    })
    .await??;
    std::process::exit(0)
}

/// Such a process until dropped.
pub(crate) struct Site {
    child: Child,
    pub(crate) downloads: String,
}

impl Site {
    pub(crate) fn start(version: &str, archive: &Path) -> Outcome<Site> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["site", version])
            .arg(archive)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut downloads = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut downloads)?;
        Ok(Site { child, downloads: downloads.trim().to_owned() })
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Its input ends with it; this is for one that does not listen.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A core in a folder, without workers but with what the commands do.
pub(crate) async fn core(folder: &Path, downloads: &str, workers: Workers) -> Outcome<Core> {
    let mut config = CoreConfig::in_folder(folder);
    config.workers = workers;
    let site = downloads.rsplit_once('/').map_or(downloads, |(site, _)| site);
    config.releases =
        ReleaseConfig { downloads: downloads.to_owned(), descriptions: format!("{site}/api") };
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    config.server_port = listener.local_addr()?.port();
    drop(listener);
    Ok(Core::start(config).await?)
}

pub(crate) async fn ask<C: Ask>(core: &Core, request: C::Request) -> Result<C::Reply, WireError>
where
    Core: Handle<C>,
{
    core.run::<C>(Actor::Window, request).await
}

pub(crate) async fn view(core: &Core) -> Outcome<InstallsView> {
    Ok(ask::<call::List>(core, Nothing {}).await?)
}

/// Waits for something of the view.
pub(crate) async fn until(
    core: &Core,
    wanted: impl Fn(&InstallsView) -> bool,
) -> Outcome<InstallsView> {
    let began = Instant::now();
    loop {
        let view = view(core).await?;
        if wanted(&view) {
            return Ok(view);
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("waited in vain: {view:#?}").into());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits for the end of a task.
pub(crate) async fn ended(core: &Core, id: corral_contract::TaskId) -> Outcome<TaskView> {
    let began = Instant::now();
    loop {
        let list = ask::<tasks::call::List>(core, TaskListRequest::default()).await?;
        let task = list.items.into_iter().find(|task| task.id == id).ok_or("no such task")?;
        match task.state {
            TaskState::Running | TaskState::Waiting => {}
            TaskState::Done => return Ok(task),
            _ => return Err(format!("{task:#?}").into()),
        }
        if began.elapsed() > PATIENCE {
            return Err("the task does not end".into());
        }
        tokio::time::sleep(LOOK).await;
    }
}
