//! What the log of a server says about its cards and about what is wrong.

use corral_contract::{
    InstanceId,
    health::{Compute, Finding},
    serverlogs::LogLine,
};

use super::{causes, changed, store};
use crate::{Core, instances, serverlogs};

/// The last lines that are looked through for something wrong.
const TAIL: u32 = 300;
/// What is older says nothing about now, in ms.
const OLD: i64 = 24 * 60 * 60 * 1000;
/// Cards of one start.
const CARDS: usize = 16;

/// Reads it in the background.
pub(super) fn read(core: &Core, id: InstanceId) {
    if !instances::is_local(core, id) {
        return;
    }
    let owner = core.clone();
    core.supervisor.run("reading what a server says", async move {
        if let Err(error) = look(&owner, id).await {
            tracing::debug!(instance = %id, %error, "the log of a server says nothing");
        }
    });
}

/// Reads it now.
///
/// # Errors
/// As a page of the log.
pub(super) async fn look(core: &Core, id: InstanceId) -> crate::Result<()> {
    if !instances::is_local(core, id) {
        return Ok(());
    }
    let cards = serverlogs::newest_with(core, id, "inference compute", CARDS).await?;
    let compute = newest_start(&cards);
    let lines = serverlogs::tail(core, id, TAIL).await?;
    let now = core.now();
    let mut fresh = false;
    for line in &lines {
        let Some(kind) = causes::of(line) else { continue };
        let Some(at) = line.at.filter(|at| now.since(*at) < OLD) else { continue };
        let finding = Finding {
            kind,
            at,
            subject: None,
            line: Some(serverlogs::written(line)),
            now: None,
            before: None,
        };
        fresh |= store::find(&core.db, id, &finding).await?;
    }
    let other = {
        let mut lives = core.health.lock();
        let Some(live) = lives.get_mut(&id) else { return Ok(()) };
        let other = live.compute != compute;
        live.compute = compute;
        other
    };
    if fresh || other {
        changed(core, id);
    }
    Ok(())
}

/// The cards of the last start; the lines are newest first and stand close together.
fn newest_start(lines: &[LogLine]) -> Vec<Compute> {
    const TOGETHER: i64 = 10_000;
    let newest = lines.first().and_then(|line| line.at);
    let close = |line: &&LogLine| match (newest, line.at) {
        (Some(newest), Some(at)) => newest.since(at).abs() < TOGETHER,
        _ => true,
    };
    let mut cards: Vec<Compute> =
        lines.iter().take_while(close).filter_map(causes::compute).collect();
    cards.reverse();
    cards
}
