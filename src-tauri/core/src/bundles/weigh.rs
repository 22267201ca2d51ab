//! What bringing models somewhere would take, found out before anything moves.

use std::{collections::BTreeMap, path::Path};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    bundles::{BundleItem, There, Way},
    name::ModelName,
};
use futures_util::{StreamExt, stream};

use super::{
    index::Package,
    stage,
    target::{Listed, Target},
};
use crate::{Core, Result, models, registry::Blob};

/// Models that a registry is asked about at once.
const AT_ONCE: usize = 8;
const MEGABYTE: u64 = 1_000_000;

/// A model under the name it is to have.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) package: Package,
    pub(super) name: ModelName,
    /// What is there may be replaced.
    pub(super) overwrite: bool,
}

/// The result.
pub(super) struct Weighed {
    /// One for each wanted model, in the same order.
    pub(super) items: Vec<BundleItem>,
    /// Bytes that have to move; shared layers count once.
    pub(super) missing: u64,
    pub(super) free: Option<u64>,
    pub(super) target: Target,
}

/// Compares models with what an instance has.
///
/// # Errors
/// `NOT_FOUND`; a server that does not answer is told with each model instead.
pub(super) async fn weigh(core: &Core, instance: InstanceId, all: &[Wanted]) -> Result<Weighed> {
    let (target, free) = Target::of(core, instance).await?;
    let listed = target.listed().await;
    let blobs: BTreeMap<&str, &Blob> = all
        .iter()
        .flat_map(|wanted| &wanted.package.manifest.blobs)
        .map(|blob| (blob.digest.as_str(), blob))
        .collect();
    let blobs: Vec<Blob> = blobs.into_values().cloned().collect();
    let asked = match &listed {
        Ok(_) => target.has(&blobs).await,
        Err(error) => Err(error.clone()),
    };
    let there: BTreeMap<&str, bool> = match &asked {
        Ok(there) => blobs.iter().map(|blob| blob.digest.as_str()).zip(there.clone()).collect(),
        Err(_) => BTreeMap::new(),
    };
    let trouble = listed.as_ref().err().or(asked.as_ref().err()).cloned();
    let nothing = Listed::new();
    let listed = listed.as_ref().unwrap_or(&nothing);
    let item = |wanted: &Wanted| {
        let (wanted, target, trouble, there) =
            (wanted.clone(), &target, trouble.clone(), there.clone());
        async move {
            let manifest = &wanted.package.manifest;
            let missing = manifest.blobs.iter().map(|blob| {
                there.get(blob.digest.as_str()).map(|there| if *there { 0 } else { blob.size })
            });
            let renamed = wanted.name.key() != wanted.package.name.key();
            let known = match trouble {
                Some(_) => There::Unknown,
                None => target.there(listed, &wanted.name, &manifest.digest).await,
            };
            let way = if known == There::Same {
                // Nothing has to be found out.
                if matches!(target, Target::Store { .. }) { Way::Store } else { Way::Registry }
            } else {
                target.way(core, instance, &wanted.package, renamed).await
            };
            BundleItem {
                name: wanted.name.display(),
                digest: manifest.digest.clone(),
                bytes: manifest.total(),
                missing: missing.sum(),
                there: known,
                way,
                problem: trouble,
            }
        }
    };
    let items = stream::iter(all.iter().map(item)).buffered(AT_ONCE).collect::<Vec<_>>().await;
    let missing = blobs.iter().filter(|blob| there.get(blob.digest.as_str()) == Some(&false));
    let missing = missing.map(|blob| blob.size).sum();
    Ok(Weighed { items, missing, free, target })
}

impl Weighed {
    /// Whether it may begin.
    ///
    /// # Errors
    /// The problem of a model; `ALREADY_EXISTS` naming one that would replace another; `BUSY` for one
    /// that is being deleted; `ONLY_REBUILD`; `DISK_SHORT`.
    pub(super) async fn admit(
        &self,
        core: &Core,
        instance: InstanceId,
        all: &[Wanted],
        rebuild: bool,
        links: bool,
    ) -> Result<()> {
        for (wanted, item) in all.iter().zip(&self.items) {
            if let Some(problem) = &item.problem {
                return Err(problem.clone());
            }
            if item.there == There::Other && !wanted.overwrite {
                return Err(WireError::new(ErrorCode::AlreadyExists).with("name", &item.name));
            }
            if item.way == Way::Rebuild && !rebuild {
                return Err(WireError::new(ErrorCode::OnlyRebuild).with("name", &item.name));
            }
            let known = models::find(core, instance, &wanted.name).await?;
            if known.is_some_and(|model| model.hidden_until.is_some()) {
                let busy = WireError::new(ErrorCode::Busy).with("operation", "delete");
                return Err(busy.with("name", &item.name));
            }
        }
        if let (Target::Store { models }, Some(free), false) = (&self.target, self.free, links) {
            let reserve = u64::from(core.settings().disk_reserve_mb) * MEGABYTE;
            let needed = self.missing.saturating_sub(begun(models, all));
            if needed > 0 && free < needed.saturating_add(reserve) {
                return Err(WireError::new(ErrorCode::DiskShort)
                    .with("needed", needed)
                    .with("free", free)
                    .with("reserve", reserve)
                    .with("missing", needed.saturating_add(reserve) - free));
            }
        }
        Ok(())
    }
}

/// Bytes that an earlier attempt left, which have their room already.
fn begun(models: &Path, all: &[Wanted]) -> u64 {
    let staging = models.join("blobs").join(".corral");
    let blobs = all.iter().flat_map(|wanted| &wanted.package.manifest.blobs);
    let mut digests: Vec<&str> = blobs.map(|blob| blob.digest.as_str()).collect();
    digests.sort_unstable();
    digests.dedup();
    let file = |digest: &str| {
        staging.join(format!("{}.{}", digest.trim_start_matches("sha256:"), stage::MOVED))
    };
    let length = |digest: &str| std::fs::metadata(file(digest)).map_or(0, |facts| facts.len());
    digests.into_iter().map(length).sum()
}
