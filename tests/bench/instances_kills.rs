//! Corral killed without a word at twenty moments of installing, updating and restarting. After
//! each: one server at most; at the end one server, whole versions only, and every byte of a model.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use corral_contract::{
    installs::{InstallOllama, ServerPhase, UpdateOllama, call::Update},
    instances::call::Install,
};
use corral_core::config::Workers;
use corral_testbed::{archive, serve::Behaviour};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, UpdateKind};

use super::{
    Outcome,
    instances_site::{Site, ask, core, ended, until, view},
    rows::Rows,
};

const KILLS: u64 = 20;
const MODEL: &[u8] = b"every byte of a model";

pub(crate) async fn measure(rows: &mut Rows) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let blob = data.join("ollama").join("models").join("blobs").join("sha256-kept");
    std::fs::create_dir_all(blob.parent().ok_or("a folder")?)?;
    std::fs::write(&blob, MODEL)?;
    let packed = |version: &str| -> Outcome<_> {
        let file = folder.path().join(format!("archive-{version}"));
        std::fs::write(&file, archive::release(&Behaviour::version(version))?)?;
        Ok(file)
    };
    let (first, second) = (packed("0.40.0")?, packed("0.41.0")?);
    let (mut several, mut broken) = (0, 0);
    // The first half of the lives installs, the second updates.
    let mut site = Site::start("0.40.0", &first)?;
    for round in 0..KILLS {
        if round == KILLS / 2 {
            site = Site::start("0.41.0", &second)?;
        }
        let mut child = Command::new(std::env::current_exe()?)
            .arg("corral")
            .arg(&data)
            .arg(&site.downloads)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        // Another moment each time, from the first look at the site to a server that runs.
        tokio::time::sleep(Duration::from_millis(40 + round % (KILLS / 2) * 90)).await;
        child.kill()?;
        child.wait()?;
        if servers(&data) > 1 {
            several += 1;
        }
    }
    let core = core(&data, &site.downloads, Workers::All).await?;
    let last = until(&core, |view| {
        let runs = view.server.as_ref().is_some_and(|it| it.phase == ServerPhase::Running);
        runs && view.task.is_none()
    })
    .await?;
    let task = ask::<Update>(&core, UpdateOllama::default()).await?.task;
    ended(&core, task).await?;
    let after = view(&core).await?;
    let folders = std::fs::read_dir(&last.folder)?.count();
    if folders != after.versions.len() || after.server.is_none_or(|it| it.version != "0.41.0") {
        broken += 1;
    }
    let running = servers(&data);
    core.shutdown().await;
    let left = servers(&data);
    let lost = u32::from(std::fs::read(&blob).ok().as_deref() != Some(MODEL));
    let kills = KILLS as usize;
    rows.limit("kill -9: lives that left more than one server", f64::from(several), "", 0.0, kills);
    rows.limit("kill -9: servers at the end besides the one", running as f64 - 1.0, "", 0.0, kills);
    rows.limit("kill -9: versions that are not whole", f64::from(broken), "", 0.0, kills);
    rows.limit("kill -9: models that lost a byte", f64::from(lost), "", 0.0, kills);
    rows.limit("servers left by an orderly end", left as f64, "", 0.0, 1);
    Ok(())
}

/// A Corral that installs, or updates, until it is killed.
pub(crate) async fn corral(folder: &str, downloads: &str) -> Outcome<()> {
    let core = core(Path::new(folder), downloads, Workers::All).await?;
    if view(&core).await?.server.is_none() {
        // An earlier life may have begun it: then it goes on by itself.
        let _ = ask::<Install>(&core, InstallOllama::default()).await;
    } else {
        let _ = ask::<Update>(&core, UpdateOllama::default()).await;
    }
    std::future::pending().await
}

/// Servers whose program lies below a folder.
fn servers(folder: &Path) -> usize {
    let folder = dunce::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let Ok(mut system) = sysinfo::System::new() else { return 0 };
    let kind =
        ProcessRefreshKind::nothing().with_exe(UpdateKind::Always).with_cmd(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
    let serves = |process: &&sysinfo::Process| {
        process.thread_kind().is_none()
            && process.exe().is_some_and(|program| program.starts_with(&folder))
            && process.cmd().get(1).is_some_and(|word| word == "serve")
    };
    system.processes().values().filter(serves).count()
}
