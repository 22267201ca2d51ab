//! Models out of a file: what is in it, and what bringing some of it takes.

use std::{collections::BTreeSet, path::Path};

use corral_contract::{
    WireError,
    bundles::{BundleView, ImportModels, InspectBundle, call},
    models::OpRef,
    name::ModelName,
};

use super::{
    deliver::Delivery,
    job::{self, Ready, Wish, Work},
    names,
    read::Bundle,
    target::{Target, internal},
    weigh::{Wanted, weigh},
};
use crate::{Core, Result, instances, router::Handle};

async fn open(path: &str) -> Result<Bundle> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || Bundle::open(&path)).await.map_err(internal)?
}

impl Handle<call::Inspect> for Core {
    async fn handle(&self, InspectBundle { path, instance }: InspectBundle) -> Result<BundleView> {
        instances::client(self, instance)?;
        let bundle = open(&path).await?;
        let wanted = |package: super::index::Package| Wanted {
            name: package.name.clone(),
            package,
            overwrite: false,
        };
        let all: Vec<Wanted> = bundle.packages.into_iter().map(wanted).collect();
        let weighed = weigh(self, instance, &all).await?;
        Ok(BundleView {
            bytes: bundle.bytes,
            items: weighed.items,
            missing: weighed.missing,
            free: weighed.free,
            direct: matches!(weighed.target, Target::Store { .. }),
        })
    }
}

impl Handle<call::Import> for Core {
    async fn handle(&self, request: ImportModels) -> Result<OpRef> {
        job::begin(self, Wish::Unpack(request)).await
    }
}

/// Whether an import may begin, and what it brings.
///
/// # Errors
/// As [`Bundle::open`] and [`super::weigh::Weighed::admit`]; `INVALID_INPUT` about `items` and
/// `rename`.
pub(super) async fn look(core: &Core, wish: &ImportModels) -> Result<Ready> {
    instances::client(core, wish.instance)?;
    let bundle = open(&wish.path).await?;
    if wish.items.is_empty() {
        return Err(WireError::field("items", "empty"));
    }
    let mut keys = BTreeSet::new();
    let mut wanted = Vec::with_capacity(wish.items.len());
    for item in &wish.items {
        let unknown = || WireError::field("items", "unknown").with("name", &item.name);
        let key = ModelName::parse(&item.name).map_err(|_| unknown())?.key();
        let package = bundle.packages.iter().find(|package| package.name.key() == key);
        let package = package.ok_or_else(unknown)?.clone();
        let name = match item.rename.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            Some(rename) => names::safe(rename)
                .map_err(|reason| WireError::field("rename", reason).with("name", &item.name))?,
            None => package.name.clone(),
        };
        if !keys.insert(name.key()) {
            return Err(WireError::field("rename", "nameTwice").with("name", &item.name));
        }
        wanted.push(Wanted { package, name, overwrite: item.overwrite });
    }
    let weighed = weigh(core, wish.instance, &wanted).await?;
    weighed.admit(core, wish.instance, &wanted, wish.rebuild, false).await?;
    let file = Path::new(wish.path.trim()).file_name().unwrap_or_default();
    Ok(Ready {
        target: file.to_string_lossy().into_owned(),
        instance: Some(wish.instance),
        model: None,
        names: wanted.iter().map(|wanted| wanted.name.display()).collect(),
        key: weighed.target.key(wish.instance),
        work: Work::Deliver(Delivery {
            instance: wish.instance,
            wanted,
            sources: bundle.sources,
            rebuild: wish.rebuild,
            link: false,
        }),
    })
}
