//! The names of an instance's models as a file, and fetching what such a file names.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use corral_contract::{
    InstanceId, WireError,
    bundles::{
        ChosenNames, InspectBundle, ListItem, ListPreview, ListState, ListTarget, MoveState,
        MovedItem, RestoredList, SavedList, call,
    },
    downloads::Priority,
    models::{ModelSearchRequest, call::Search},
    name::ModelName,
    status::{Cause, Install},
};
use serde::{Deserialize, Serialize};

use super::{
    index::wrong,
    target::internal,
    write::{place, refused},
};
use crate::{
    Core, Result, checks,
    downloads::{self, Enqueue, JobOptions},
    instances, models,
    router::Handle,
};

/// What the file says of itself.
const FORMAT: &str = "corral-models";
/// The newest version that is understood, and the one that is written.
const VERSION: u32 = 1;
/// Largest file that is read, in bytes.
const LARGEST: u64 = 16 << 20;
/// Most names in it.
const MOST: usize = 50_000;
/// Rows that are asked for at once.
const PAGE: u32 = 500;

/// The file. What is not known here is left alone, so that a later version may say more.
#[derive(Debug, Serialize, Deserialize)]
struct Names {
    format: String,
    version: u32,
    models: Vec<Named>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Named {
    /// As Ollama displays it.
    name: String,
    /// 64 hex digits of its manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

impl Handle<call::SaveList> for Core {
    async fn handle(&self, request: ListTarget) -> Result<SavedList> {
        let ListTarget { path, instance, overwrite } = request;
        instances::client(self, instance)?;
        let target = PathBuf::from(path.trim());
        place(&target, overwrite)?;
        let mut all = Vec::new();
        let mut page = 1;
        loop {
            let request = ModelSearchRequest {
                page,
                page_size: PAGE,
                instance_id: Some(instance),
                ..Default::default()
            };
            let answer = Handle::<Search>::handle(self, request).await?;
            let over = u64::from(page) * u64::from(PAGE) >= answer.total || answer.items.is_empty();
            let there = answer.items.into_iter().filter(|row| row.install == Install::Ready);
            all.extend(there.map(|row| Named {
                name: row.name,
                digest: row.digest,
                bytes: row.bytes,
            }));
            if over {
                break;
            }
            page += 1;
        }
        let models = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let names = Names { format: FORMAT.to_owned(), version: VERSION, models: all };
        let write = move || write(&target, &names, overwrite);
        tokio::task::spawn_blocking(write).await.map_err(internal)??;
        Ok(SavedList { models })
    }
}

fn write(target: &Path, names: &Names, overwrite: bool) -> Result<()> {
    let mut text =
        serde_json::to_vec_pretty(names).map_err(|error| wrong("malformed", error.to_string()))?;
    text.push(b'\n');
    let folder = target.parent().unwrap_or(Path::new("/"));
    let written = (|| {
        let mut file = tempfile::Builder::new().prefix(".corral-").tempfile_in(folder)?;
        file.write_all(&text)?;
        file.as_file().sync_all()?;
        let kept = if overwrite { file.persist(target) } else { file.persist_noclobber(target) };
        kept.map(|_| ()).map_err(|error| error.error)
    })();
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => WireError::field("path", "fileExists"),
        _ => refused(&error),
    })
}

async fn read(path: &str) -> Result<Vec<Named>> {
    let path = PathBuf::from(path.trim());
    tokio::task::spawn_blocking(move || {
        let (file, bytes) = checks::open_file(&path)?;
        if bytes > LARGEST {
            return Err(wrong("notList", format!("{bytes} bytes")));
        }
        names_in(file)
    })
    .await
    .map_err(internal)?
}

fn names_in(file: File) -> Result<Vec<Named>> {
    #[derive(Deserialize)]
    struct Says {
        format: String,
        version: u32,
    }
    let mut text = Vec::new();
    let read = file.take(LARGEST).read_to_end(&mut text);
    read.map_err(|error| wrong("notList", error.to_string()))?;
    let not = |error: serde_json::Error| wrong("notList", error.to_string());
    let says: Says = serde_json::from_slice(&text).map_err(not)?;
    if says.format != FORMAT {
        return Err(wrong("notList", format!("format {:?}", says.format)));
    }
    if says.version == 0 || says.version > VERSION {
        return Err(wrong("listNewer", format!("version {}", says.version)));
    }
    let names: Names = serde_json::from_slice(&text).map_err(not)?;
    if names.models.len() > MOST {
        return Err(wrong("tooMany", format!("{} names", names.models.len())));
    }
    Ok(names.models)
}

impl Handle<call::PreviewList> for Core {
    async fn handle(&self, InspectBundle { path, instance }: InspectBundle) -> Result<ListPreview> {
        instances::client(self, instance)?;
        let mut seen = BTreeSet::new();
        let mut items = Vec::new();
        for named in read(&path).await? {
            match ModelName::parse_loose(&named.name) {
                Ok(name) => {
                    if seen.insert(name.key()) {
                        items.push(compared(self, instance, &name, &named).await?);
                    }
                }
                Err(reason) => items.push(ListItem {
                    name: named.name,
                    state: ListState::Invalid,
                    bytes: named.bytes,
                    reason: Some(reason.as_str().to_owned()),
                }),
            }
        }
        Ok(ListPreview { items })
    }
}

async fn compared(
    core: &Core,
    instance: InstanceId,
    name: &ModelName,
    named: &Named,
) -> Result<ListItem> {
    let known = models::find(core, instance, name).await?;
    let known = known.filter(|model| model.hidden_until.is_none());
    let there = known.as_ref().filter(|model| model.on_server);
    let state = match (there, &known) {
        (Some(there), _) => match (&there.digest, &named.digest) {
            (Some(one), Some(other)) if one != other => ListState::Differs,
            _ => ListState::Present,
        },
        (None, Some(model)) if downloads::live(core, model.id).is_some() => ListState::Queued,
        _ => ListState::Missing,
    };
    Ok(ListItem { name: name.display(), state, bytes: named.bytes, reason: None })
}

impl Handle<call::RestoreList> for Core {
    async fn handle(&self, request: ChosenNames) -> Result<RestoredList> {
        let ChosenNames { path, instance, names } = request;
        instances::client(self, instance)?;
        let listed = read(&path).await?;
        let mut wanted: BTreeSet<String> = BTreeSet::new();
        for name in &names {
            let name = ModelName::parse(name)
                .map_err(|reason| WireError::field("names", reason.as_str()))?;
            wanted.insert(name.key());
        }
        let mut restored = RestoredList { queued: 0, present: 0, failed: Vec::new() };
        for named in listed {
            let Ok(name) = ModelName::parse_loose(&named.name) else { continue };
            // Each once, however often it is in the list.
            if !wanted.remove(&name.key()) {
                continue;
            }
            match compared(self, instance, &name, &named).await?.state {
                ListState::Missing => {}
                _ => {
                    restored.present += 1;
                    continue;
                }
            }
            let wish = Enqueue {
                instance,
                name: name.clone(),
                priority: Priority::Normal,
                options: JobOptions::default(),
                cause: Cause::User,
            };
            match downloads::enqueue(self, wish).await {
                Ok(job) if job.existing => restored.present += 1,
                Ok(_) => restored.queued += 1,
                Err(error) => restored.failed.push(MovedItem {
                    name: name.display(),
                    state: MoveState::Failed,
                    problem: Some(error),
                }),
            }
        }
        Ok(restored)
    }
}
