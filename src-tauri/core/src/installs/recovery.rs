//! What an earlier Corral left: a server that still runs, files that are half there, work that is
//! not over.

use std::{fs, path::Path, sync::Arc};

use super::{
    child::{self, Places, blocking},
    job, platform, processes,
    record::{self, Record},
    run,
    store::{self, Server, Version},
};
use crate::{Core, Result};

/// Brings folder, rows and process together. A server of the active version that still runs is
/// taken over, any other of ours is ended; nobody else's is looked at.
///
/// # Errors
/// Database errors.
pub(crate) async fn recover(core: &Core) -> Result<()> {
    let places = Places::of(core);
    let there = places.root.clone();
    if !blocking(move || Ok(there.exists())).await? {
        return Ok(());
    }
    let server = store::server(&core.db).await?;
    take_over(core, &places, server.as_ref()).await?;
    let rows = store::versions(&core.db).await?;
    let folder = places.clone();
    let gone = blocking(move || Ok(tidy(&folder, &rows))).await?;
    for version in gone {
        store::drop_version(&core.db, &version).await?;
    }
    if store::job(&core.db).await?.is_none() {
        job::drop_unused(core).await?;
    }
    Ok(())
}

/// Finds the process that was written down.
async fn take_over(core: &Core, places: &Places, server: Option<&Server>) -> Result<()> {
    let folder = places.clone();
    let looked = blocking(move || {
        let note = record::read(&folder.root);
        let seen = note.as_ref().map(|_| processes::below(&folder.versions()));
        Ok(note.map(|note| (note, seen.unwrap_or_default())))
    });
    let Some((note, seen)) = looked.await? else { return Ok(()) };
    let ours = |seen: &&processes::Seen| {
        let same = note.pid.is_none_or(|pid| pid == seen.pid);
        seen.serves && same && seen.is(&note.token, note.started)
    };
    let found = seen.iter().find(ours);
    let wanted = server.filter(|server| server.active == note.version && server.port == note.port);
    if let (Some(found), Some(_)) = (found, wanted) {
        tracing::info!(
            pid = found.pid,
            "a server of an earlier Corral still runs and is taken over"
        );
        let kept = Record { pid: Some(found.pid), started: Some(found.started), ..note.clone() };
        let root = places.root.clone();
        let _ = blocking(move || record::write(&root, &kept).map_err(super::unpack::of_disk)).await;
        let child = Arc::new(child::adopt(core, &note, found.pid, found.started));
        run::settle(core, &child);
        return Ok(());
    }
    if let Some(found) = found {
        tracing::info!(pid = found.pid, "a server that is not wanted any more is ended");
        child::adopt(core, &note, found.pid, found.started).end(core, child::GRACE).await;
    } else {
        // Itself gone, it may have left what it started.
        let (folder, token) = (places.clone(), note.token.clone());
        blocking(move || {
            processes::sweep(&folder.versions(), &token);
            record::remove(&folder.root);
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Removes folders without a row; answers the rows without a server in their folder. Blocks.
fn tidy(places: &Places, rows: &[Version]) -> Vec<String> {
    for entry in fs::read_dir(places.versions()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !rows.iter().any(|row| name.to_str() == Some(&row.version)) {
            discard(&entry.path());
        }
    }
    let gone = |row: &&Version| platform::executable(&places.version(&row.version)).is_none();
    rows.iter().filter(gone).map(|row| row.version.clone()).collect()
}

/// How often, and after which pause, a folder is tried again on Windows.
const TRIES: u32 = 30;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// Removes a folder. What cannot be removed is left to the next start. Blocks, on Windows up to
/// three seconds: a program that has just ended, or that a virus scanner looks at, is still held
/// by the system for a moment and cannot be deleted until then.
pub(super) fn discard(folder: &Path) {
    let mut tries = if cfg!(windows) { TRIES } else { 1 };
    while let Err(error) = fs::remove_dir_all(folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tries -= 1;
        if tries == 0 {
            tracing::warn!(%error, "a folder of a version was not removed");
            return;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Starts the server that starts with Corral, and goes on with what was interrupted.
pub(super) fn start(core: &Core) {
    let owner = core.clone();
    core.supervisor.run("managed server", async move {
        let stop = owner.supervisor.token();
        let work = async {
            if let Some((wish, version)) = store::job(&owner.db).await? {
                job::again(&owner, wish, version).await?;
                return Ok(());
            }
            let server = store::server(&owner.db).await?;
            if server.is_some_and(|server| server.autostart) {
                run::start(&owner).await?;
            }
            Result::Ok(())
        };
        tokio::select! {
            () = stop.cancelled() => {}
            done = work => if let Err(error) = done {
                tracing::warn!(%error, "the server was not started");
            }
        }
    });
}
