//! The catalogue: which models there are to choose from.
//!
//! A list comes with Corral; a file of the user's goes over it; registries are asked what the tags
//! really are, and what they said is kept. Repositories on hf.co are searched where it can be
//! reached. A size says what it rests on, so that nothing listed passes for something measured.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use corral_contract::{
    InstanceId, TaskId, WireError,
    catalogue::{
        CatalogueModel, CatalogueTag, CatalogueView, FileFault, FileProblem, OwnFile, OwnFileView,
        SizeBasis, call,
    },
    downloads::Fit,
    instances::InstanceRef,
    name::ModelName,
};

use crate::{Core, Result, fit, instances, router::Handle};

mod hub;
mod list;
mod refresh;
mod store;
mod suggest;
mod tags;

use list::{Entry, List};
use store::Said;

/// Name of the user's own list in the data folder.
const OWN: &str = "catalogue.json";

/// Owned by the core.
#[derive(Default)]
pub(crate) struct State {
    shipped: OnceLock<List>,
    /// The task that asks registries now.
    refreshing: Mutex<Option<TaskId>>,
}

impl State {
    fn shipped(&self) -> &List {
        self.shipped.get_or_init(list::shipped)
    }

    fn refreshing(&self) -> Option<TaskId> {
        *self.refreshing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both lists as one, and how the user's own file is.
async fn whole(core: &Core) -> Result<(Vec<(Entry, bool)>, OwnFileView)> {
    let (own, view) = own(core).await?;
    Ok((list::merged(core.catalogue.shipped().models.clone(), own), view))
}

async fn own(core: &Core) -> Result<(Vec<Entry>, OwnFileView)> {
    let usual = core.config.data_dir.join(OWN);
    let chosen = store::setup(core).await?.own_file.map(PathBuf::from);
    let is_usual = chosen.is_none();
    let path = chosen.unwrap_or(usual);
    let file = path.clone();
    let read = tokio::task::spawn_blocking(move || read_own(&file, is_usual));
    let (exists, list) = read.await.unwrap_or_default();
    let view = OwnFileView {
        path: path.display().to_string(),
        usual: is_usual,
        exists,
        models: u32::try_from(list.models.len()).unwrap_or(u32::MAX),
        problems: list.problems,
    };
    Ok((list.models, view))
}

/// Whether the file is there, and what it says.
fn read_own(file: &Path, usual: bool) -> (bool, List) {
    let failed = |why, detail: String| List {
        problems: vec![FileProblem { line: None, field: None, why, detail }],
        ..List::default()
    };
    let facts = match std::fs::metadata(file) {
        Ok(facts) => facts,
        // Nobody has to have one.
        Err(error) if usual && error.kind() == std::io::ErrorKind::NotFound => {
            return (false, List::default());
        }
        Err(error) => return (false, failed(FileFault::Unreadable, error.to_string())),
    };
    if facts.len() > list::LARGEST {
        return (true, failed(FileFault::TooLarge, format!("{} bytes", facts.len())));
    }
    match std::fs::read_to_string(file) {
        Ok(text) => (true, list::read(&text)),
        Err(error) => (true, failed(FileFault::Unreadable, error.to_string())),
    }
}

/// What is known beside the lists when tags are shown.
struct Known {
    said: HashMap<String, Said>,
    installed: HashSet<String>,
    instance: InstanceId,
}

impl Known {
    async fn of(core: &Core, instance: InstanceId) -> Result<Known> {
        Ok(Known {
            said: store::said(core).await?,
            installed: store::installed(core, instance).await?,
            instance,
        })
    }

    /// A tag as it is shown; `None` for what is no name.
    fn tag(&self, core: &Core, entry: &Entry, tag: &list::EntryTag) -> Option<CatalogueTag> {
        let name = entry.name_of(&tag.tag)?;
        Some(self.shown(core, &name, tag))
    }

    fn shown(&self, core: &Core, name: &ModelName, tag: &list::EntryTag) -> CatalogueTag {
        let said = self.said.get(&name.key());
        let measured = said.and_then(|said| said.bytes);
        let bytes = measured.or(tag.bytes);
        CatalogueTag {
            tag: name.tag.clone(),
            name: name.display(),
            parameters: tag.parameters.clone(),
            quantization: tag.quantization.clone(),
            bytes,
            basis: if measured.is_some() { SizeBasis::Manifest } else { SizeBasis::Listed },
            checked_at: said.map(|said| said.checked_at),
            digest: said.and_then(|said| said.digest.clone()),
            gone: said.is_some_and(|said| said.gone),
            installed: self.installed.contains(&name.key()),
            fit: bytes.map_or(Fit::Unknown, |bytes| fit::rough(core, self.instance, bytes)),
            split: false,
        }
    }
}

impl Handle<call::List> for Core {
    async fn handle(&self, InstanceRef { id }: InstanceRef) -> Result<CatalogueView> {
        instances::client(self, id)?;
        let (entries, own) = whole(self).await?;
        let known = Known::of(self, id).await?;
        let setup = store::setup(self).await?;
        let item = |(entry, own): (Entry, bool)| CatalogueModel {
            tags: entry.tags.iter().filter_map(|tag| known.tag(self, &entry, tag)).collect(),
            name: entry.name,
            about: entry.about,
            capabilities: entry.capabilities,
            license: entry.license,
            context_length: entry.context_length,
            own,
        };
        Ok(CatalogueView {
            items: entries.into_iter().map(item).collect(),
            listed_on: self.catalogue.shipped().listed_on.clone(),
            refreshed_at: setup.refreshed_at,
            refreshing: self.catalogue.refreshing(),
            problem: setup.problem,
            own,
        })
    }
}

impl Handle<call::SetFile> for Core {
    async fn handle(&self, OwnFile { path }: OwnFile) -> Result<OwnFileView> {
        let path = path.map(|path| path.trim().to_owned()).filter(|path| !path.is_empty());
        if let Some(path) = &path {
            if !Path::new(path).is_absolute() {
                return Err(WireError::field("path", "notAbsolute"));
            }
            let file = PathBuf::from(path);
            let kind = tokio::task::spawn_blocking(move || std::fs::metadata(file)).await;
            match kind {
                Ok(Ok(facts)) if facts.is_dir() => {
                    return Err(WireError::field("path", "isFolder"));
                }
                Ok(Ok(_)) => {}
                _ => return Err(WireError::field("path", "noSuchFile")),
            }
        }
        store::set_own_file(self, path.as_deref()).await?;
        Ok(own(self).await?.1)
    }
}
