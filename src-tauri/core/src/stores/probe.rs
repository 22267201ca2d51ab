//! Whether a server answers, from which folder, and with what.

use std::{fs, path::Path, time::Duration};

use corral_contract::{ErrorCode, InstanceId, WireError, name::ModelName};
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    store::Listed,
    tree::{Sort, Tree},
};
use crate::{Core, Result, bundles, bundles::stage, instances};

/// How long a server may take to answer after it was started.
const COMES_WITHIN: Duration = Duration::from_secs(60);
/// Between two questions.
const EVERY: Duration = Duration::from_millis(200);
/// Looks at the folder that it uses, before it counts as another one.
const TRIES: u32 = 5;
/// How long one question may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Whether it answers now.
pub(super) async fn up(core: &Core, id: InstanceId) -> bool {
    let Ok(client) = instances::client(core, id) else { return false };
    matches!(timeout(LIMIT, client.version()).await, Ok(Ok(_)))
}

/// Waits until it answers.
///
/// # Errors
/// `TIMED_OUT`, `CANCELLED`.
pub(super) async fn answers(core: &Core, id: InstanceId, token: &CancellationToken) -> Result<()> {
    let comes = async {
        while !up(core, id).await {
            tokio::time::sleep(EVERY).await;
        }
    };
    tokio::select! {
        () = token.cancelled() => Err(WireError::new(ErrorCode::Cancelled)),
        came = timeout(COMES_WITHIN, comes) => {
            instances::suspect(core, id);
            came.map_err(|_| {
                let error = WireError::new(ErrorCode::TimedOut);
                error.with("seconds", COMES_WITHIN.as_secs()).detail("the server does not answer")
            })
        }
    }
}

/// What it lists: digests by key.
///
/// # Errors
/// What became of the question.
pub(super) async fn listed(core: &Core, id: InstanceId) -> Result<Listed> {
    let client = instances::client(core, id)?;
    match timeout(LIMIT, bundles::by_key(&*client)).await {
        Ok(listed) => listed,
        Err(_) => Err(WireError::new(ErrorCode::TimedOut).with("seconds", LIMIT.as_secs())),
    }
}

/// What a server would list of a folder. Blocks.
///
/// # Errors
/// `STORE_PERMISSION`, `FILE_SYSTEM`.
pub(super) fn by_files(folder: &Path) -> Result<Listed> {
    let mut listed = Listed::new();
    for item in Tree::read(folder)?.items {
        if item.sort() != Sort::Manifest {
            continue;
        }
        let path = item.path.trim_start_matches("manifests/");
        let Some((name, tag)) = path.rsplit_once('/') else { continue };
        let Ok(name) = ModelName::parse(&format!("{name}:{tag}")) else { continue };
        let bytes = fs::read(item.at(folder)).map_err(|error| stage::refused(&error))?;
        let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        listed.insert(name.key(), Some(sum));
    }
    Ok(listed)
}

/// Whether it lists what it listed before, and out of that folder.
///
/// # Errors
/// `BAD_ANSWER` saying what is different; what became of the questions.
pub(super) async fn same(
    core: &Core,
    id: InstanceId,
    wanted: &Listed,
    folder: &Path,
) -> Result<()> {
    let now = listed(core, id).await?;
    let bad = |text: String| Err(WireError::new(ErrorCode::BadAnswer).detail(text));
    if let Some(lost) = wanted.iter().find(|(key, digest)| now.get(*key) != Some(*digest)) {
        return bad(format!("{} is not listed as it was before", lost.0));
    }
    let real = |path: &Path| dunce::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut left = TRIES;
    loop {
        instances::forget_place(core, id).await;
        left -= 1;
        // A list of nothing is the same everywhere.
        match instances::store_seen(core, id).path {
            Some(path) if !wanted.is_empty() && real(Path::new(&path)) != real(folder) => {
                if left == 0 {
                    return bad(format!("it still uses {path}"));
                }
            }
            _ => return Ok(()),
        }
        // Somebody may just have written down what he asked for before.
        tokio::time::sleep(EVERY).await;
    }
}
