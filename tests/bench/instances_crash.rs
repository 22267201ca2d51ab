//! A server that is killed: how soon that is seen, and how soon it answers again.

use std::time::{Duration, Instant};

use corral_contract::{
    installs::{InstallOllama, ServerPhase},
    instances::call::Install,
};
use corral_core::config::Workers;
use corral_testbed::{archive, serve::Behaviour};

use super::{
    Outcome,
    instances_site::{Site, ask, core, ended, until},
    rows::Rows,
};

/// Fewer than what makes Corral give up.
const CRASHES: usize = 5;
/// How long the fake server takes before it listens, as a real one does.
const START: Duration = Duration::from_millis(400);

pub(crate) async fn measure(rows: &mut Rows) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let behaviour = Behaviour {
        starts_after: u64::try_from(START.as_millis())?,
        ..Behaviour::version("0.40.0")
    };
    let packed = folder.path().join("archive");
    std::fs::write(&packed, archive::release(&behaviour)?)?;
    let site = Site::start("0.40.0", &packed)?;
    let core = core(folder.path(), &site.downloads, Workers::None).await?;
    let task = ask::<Install>(&core, InstallOllama::default()).await?.task;
    ended(&core, task).await?;
    let (mut seen, mut back) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..CRASHES {
        let view = until(&core, |view| {
            view.server.as_ref().is_some_and(|it| it.phase == ServerPhase::Running)
        })
        .await?;
        let pid = view.server.and_then(|server| server.pid).ok_or("it runs")?;
        std::process::Command::new("kill").args(["-9", &pid.to_string()]).status()?;
        let began = Instant::now();
        until(&core, |view| view.server.as_ref().is_some_and(|it| it.pid != Some(pid))).await?;
        seen = seen.max(began.elapsed());
        until(&core, |view| {
            let server = view.server.as_ref();
            server.is_some_and(|it| it.phase == ServerPhase::Running && it.pid != Some(pid))
        })
        .await?;
        back = back.max(began.elapsed());
    }
    core.shutdown().await;
    rows.limit("crash: until it is seen, longest", seen.as_secs_f64(), "s", 2.0, CRASHES);
    let above = back.saturating_sub(START).as_secs_f64();
    rows.limit("crash: until it answers, above its own start", above, "s", 2.0, CRASHES);
    Ok(())
}
