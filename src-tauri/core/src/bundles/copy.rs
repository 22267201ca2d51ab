//! Models from one instance to another.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use corral_contract::{
    InstanceId, ModelId, WireError,
    bundles::{BundleItem, CopyItem, CopyModels, CopyPreview, CopyTarget, There, Way, call},
    models::OpRef,
};

use super::{
    deliver::Delivery,
    export::{Held, held, some},
    job::{self, Ready, Wish, Work},
    read,
    target::{Target, internal},
    weigh::{Wanted, weigh},
};
use crate::{Core, Result, instances, models, router::Handle};

impl Handle<call::PreviewCopy> for Core {
    async fn handle(&self, CopyTarget { ids, to }: CopyTarget) -> Result<CopyPreview> {
        instances::client(self, to)?;
        let mut found = Vec::new();
        let mut refused = Vec::new();
        for id in some(&ids)? {
            match held(self, id).await {
                Ok(held) => found.push((id, held)),
                Err(error) => refused.push((id, error)),
            }
        }
        let (target, _) = Target::of(self, to).await?;
        for (_, held) in &found {
            elsewhere(held, &target, to).await?;
        }
        let wanted = wanted(found.iter().map(|(_, held)| held), false);
        let weighed = weigh(self, to, &wanted).await?;
        let ids = found.iter().map(|(id, _)| *id);
        let mut items: Vec<CopyItem> =
            ids.zip(weighed.items).map(|(model, item)| CopyItem { model, item }).collect();
        for (model, problem) in refused {
            items.push(CopyItem { model, item: blank(self, model, problem).await? });
        }
        Ok(CopyPreview { items, missing: weighed.missing, free: weighed.free })
    }
}

impl Handle<call::Copy> for Core {
    async fn handle(&self, request: CopyModels) -> Result<OpRef> {
        job::begin(self, Wish::CopyTo(request)).await
    }
}

/// A model that cannot be copied, with what is known of it.
async fn blank(core: &Core, id: ModelId, problem: WireError) -> Result<BundleItem> {
    let model = models::get(core, id).await?;
    Ok(BundleItem {
        name: model.name,
        digest: model.digest.unwrap_or_default(),
        bytes: model.bytes.unwrap_or(0),
        missing: None,
        there: There::Unknown,
        way: Way::Store,
        problem: Some(problem),
    })
}

fn wanted<'a>(all: impl Iterator<Item = &'a Held>, overwrite: bool) -> Vec<Wanted> {
    let one = |held: &Held| Wanted {
        name: held.package.name.clone(),
        package: held.package.clone(),
        overwrite,
    };
    all.map(one).collect()
}

/// Whether a copy may begin, and what it brings.
///
/// # Errors
/// As [`held`] and [`super::weigh::Weighed::admit`]; `INVALID_INPUT` about `to` when both sides are
/// the same, and about `ids`.
pub(super) async fn look(core: &Core, wish: &CopyModels) -> Result<Ready> {
    instances::client(core, wish.to)?;
    let (target, _) = Target::of(core, wish.to).await?;
    let mut all: Vec<Held> = Vec::new();
    let mut sources = BTreeMap::new();
    let mut links = true;
    for id in some(&wish.ids)? {
        let held = held(core, id).await?;
        elsewhere(&held, &target, wish.to).await?;
        if all.iter().any(|other| other.package.name.key() == held.package.name.key()) {
            let twice = WireError::field("ids", "nameTwice");
            return Err(twice.with("name", held.package.name.display()));
        }
        links &= match &target {
            Target::Store { models } => one_disk(&held.models, models),
            Target::Server { .. } => false,
        };
        sources.extend(read::of_store(&held.models, std::slice::from_ref(&held.package)));
        all.push(held);
    }
    let wanted = wanted(all.iter(), wish.overwrite);
    let weighed = weigh(core, wish.to, &wanted).await?;
    weighed.admit(core, wish.to, &wanted, wish.rebuild, links).await?;
    let names: Vec<String> = wanted.iter().map(|wanted| wanted.name.display()).collect();
    Ok(Ready {
        target: job::named(&names),
        instance: Some(wish.to),
        model: None,
        key: weighed.target.key(wish.to),
        names,
        work: Work::Deliver(Delivery {
            instance: wish.to,
            wanted,
            sources,
            rebuild: wish.rebuild,
            link: true,
        }),
    })
}

/// Refuses two sides that are one.
async fn elsewhere(held: &Held, target: &Target, to: InstanceId) -> Result<()> {
    let same = match target {
        Target::Store { models } => {
            let (one, other) = (held.models.clone(), models.clone());
            tokio::task::spawn_blocking(move || real(&one) == real(&other))
                .await
                .map_err(internal)?
        }
        Target::Server { .. } => false,
    };
    if same || held.instance == to {
        return Err(WireError::field("to", "sameStore"));
    }
    Ok(())
}

fn real(folder: &Path) -> PathBuf {
    dunce::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

/// Whether a file of one folder can have another name in the other one: it then needs no room.
#[cfg(unix)]
fn one_disk(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let disk =
        |folder: &Path| std::fs::metadata(folder.join("blobs")).ok().map(|facts| facts.dev());
    disk(one).is_some_and(|it| Some(it) == disk(other))
}

/// Elsewhere nobody says it beforehand: room is asked for as if everything were copied.
#[cfg(not(unix))]
fn one_disk(_: &Path, _: &Path) -> bool {
    false
}
