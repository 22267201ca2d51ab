//! Models into one file: what it would hold, and the plan of it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use corral_contract::{
    ErrorCode, InstanceId, ModelId, WireError,
    bundles::{BUNDLE_ENDING, ExportItem, ExportModels, ExportPreview, call},
    models::{ModelRefs, OpRef},
};

use super::{
    index::{Index, MOST_MODELS, Package},
    job::{self, Ready, Wish, Work},
    names,
    pour::Source,
    read,
    target::{internal, manifest_of},
    write::{self, Plan},
};
use crate::{Core, Result, checks, models, router::Handle};

/// A model of ours with the folder that it lies in.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) instance: InstanceId,
    pub(crate) package: Package,
    pub(crate) models: PathBuf,
}

/// A model as its models folder has it.
///
/// # Errors
/// `NOT_FOUND`, `STORE_ELSEWHERE` when the folder cannot be seen, `LAYERS_DAMAGED` when layers are
/// missing, `INVALID_INPUT` for a name that no other system could keep.
pub(crate) async fn held(core: &Core, id: ModelId) -> Result<Held> {
    let model = models::get(core, id).await?;
    let folder = checks::store_of(core, model.instance).await?;
    let name = names::safe(&model.name).map_err(|reason| WireError::field("name", reason))?;
    let look = move || {
        let found = manifest_of(&folder, &name)?;
        let missing = || WireError::new(ErrorCode::NotFound).with("name", name.display());
        let (manifest, modified) = found.ok_or_else(missing)?;
        let package = Package { name: name.clone(), modified, manifest };
        let there = |source: &Source| {
            std::fs::metadata(&source.file).is_ok_and(|facts| facts.len() == source.size)
        };
        let sources = read::of_store(&folder, std::slice::from_ref(&package));
        let gone = sources.values().filter(|source| !there(source)).count();
        if gone > 0 {
            let damaged = WireError::new(ErrorCode::LayersDamaged);
            return Err(damaged.with("n", gone).with("name", name.display()));
        }
        Ok((package, folder))
    };
    let (package, models) = tokio::task::spawn_blocking(look).await.map_err(internal)??;
    Ok(Held { instance: model.instance, package, models })
}

impl Handle<call::PreviewExport> for Core {
    async fn handle(&self, ModelRefs { ids }: ModelRefs) -> Result<ExportPreview> {
        let mut items = Vec::new();
        let mut found = Vec::new();
        for id in some(&ids)? {
            let model = models::get(self, id).await?;
            let item = |bytes, problem| ExportItem { model: id, name: model.name, bytes, problem };
            match held(self, id).await {
                Ok(held) => {
                    items.push(item(Some(held.package.manifest.total()), None));
                    found.push(held);
                }
                Err(error) => items.push(item(model.bytes, Some(error))),
            }
        }
        let file_name = name_of_file(&items);
        let packages: Vec<Package> = found.into_iter().map(|held| held.package).collect();
        let index = Index::of(&packages)?;
        let plan = Plan::new(index, Vec::new(), PathBuf::new(), false)?;
        let bytes = if packages.is_empty() { 0 } else { plan.total() };
        Ok(ExportPreview { items, bytes, file_name })
    }
}

impl Handle<call::Export> for Core {
    async fn handle(&self, request: ExportModels) -> Result<OpRef> {
        job::begin(self, Wish::Export(request)).await
    }
}

/// The chosen models, each once.
///
/// # Errors
/// `INVALID_INPUT` when there are none, or too many.
pub(super) fn some(ids: &[ModelId]) -> Result<BTreeSet<ModelId>> {
    match ids.len() {
        0 => Err(WireError::field("ids", "empty")),
        count if count > MOST_MODELS => Err(WireError::field("ids", "tooMany")),
        _ => Ok(ids.iter().copied().collect()),
    }
}

/// What names one export at a time.
pub(super) fn key(wish: &ExportModels) -> String {
    format!("file {}", wish.path.trim())
}

/// Whether an export may begin, and what it writes.
///
/// # Errors
/// As [`held`]; `INVALID_INPUT` about `path` or `ids`; `DISK_SHORT`.
pub(super) async fn look(core: &Core, wish: &ExportModels) -> Result<Ready> {
    let target = PathBuf::from(wish.path.trim());
    write::place(&target, wish.overwrite)?;
    let mut all: Vec<Held> = Vec::new();
    for id in some(&wish.ids)? {
        let next = held(core, id).await?;
        let twin = all.iter().find(|held| held.package.name.key() == next.package.name.key());
        match twin {
            // The same model of two servers.
            Some(twin) if twin.package.manifest.digest == next.package.manifest.digest => {}
            Some(_) => {
                let twice = WireError::field("ids", "nameTwice");
                return Err(twice.with("name", next.package.name.display()));
            }
            None => all.push(next),
        }
    }
    let packages: Vec<Package> = all.iter().map(|held| held.package.clone()).collect();
    let mut sources = std::collections::BTreeMap::new();
    for held in &all {
        sources.extend(read::of_store(&held.models, std::slice::from_ref(&held.package)));
    }
    let index = Index::of(&packages)?;
    let in_order = index.blobs.iter().filter_map(|blob| sources.remove(&blob.digest)).collect();
    let plan = Plan::new(index, in_order, target.clone(), wish.overwrite)?;
    let machine = core.config.machine.clone();
    let checked = move || {
        let folder = plan.target.parent().unwrap_or(Path::new("/"));
        let free = machine.space(folder).map(|space| space.free);
        plan.check(free).map(|()| plan)
    };
    let plan = tokio::task::spawn_blocking(checked).await.map_err(internal)??;
    let one = (wish.ids.len() == 1).then(|| wish.ids.first().copied()).flatten();
    let file = target.file_name().unwrap_or(target.as_os_str()).to_string_lossy();
    Ok(Ready {
        target: file.into_owned(),
        instance: all.first().map(|held| held.instance).filter(|_| one.is_some()),
        model: one,
        names: packages.iter().map(|package| package.name.display()).collect(),
        key: key(wish),
        work: Work::Write { plan: Box::new(plan), keep_part: wish.keep_part },
    })
}

/// What the file may be called: after its model, or by their number.
fn name_of_file(items: &[ExportItem]) -> String {
    let plain = |text: &str| -> String {
        let keep = |each: char| {
            if each.is_ascii_alphanumeric() || matches!(each, '.' | '_' | '-') { each } else { '-' }
        };
        text.chars().map(keep).collect()
    };
    match items {
        [one] => format!("{}{BUNDLE_ENDING}", plain(&one.name)),
        several => format!("models-{}{BUNDLE_ENDING}", several.len()),
    }
}
