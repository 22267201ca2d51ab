//! Bringing models to an instance, one after the other: layers first, each hashed, the manifest last,
//! and then a look whether the server lists what was brought.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    bundles::{MoveState, There},
    name::ModelName,
};

use super::{
    board::Board,
    names,
    pour::{Source, Way},
    server, stage,
    target::{Target, by_key, internal},
    weigh::Wanted,
};
use crate::{Core, Result, downloads::direct, instances, signal::Signal, tasks::Task, transfers};

/// What is to be brought, and from where.
pub(super) struct Delivery {
    pub(super) instance: InstanceId,
    pub(super) wanted: Vec<Wanted>,
    /// By digest.
    pub(super) sources: BTreeMap<String, Source>,
    /// Models may be made anew where nothing else goes.
    pub(super) rebuild: bool,
    /// Layers may become further names of the files they come from.
    pub(super) link: bool,
}

impl Delivery {
    /// Bytes of all layers, each once.
    pub(super) fn total(&self) -> u64 {
        self.digests()
            .into_iter()
            .filter_map(|digest| self.sources.get(digest))
            .map(|it| it.size)
            .sum()
    }

    fn digests(&self) -> BTreeSet<&str> {
        let blobs = self.wanted.iter().flat_map(|wanted| &wanted.package.manifest.blobs);
        blobs.map(|blob| blob.digest.as_str()).collect()
    }

    /// Brings everything. A model that fails does not keep the others from coming.
    ///
    /// # Errors
    /// `CANCELLED`; else that of the first model that failed.
    pub(super) async fn run(
        self,
        core: &Core,
        board: &Board,
        task: &Task,
        done: &Arc<AtomicU64>,
    ) -> Result<()> {
        let (target, _) = Target::of(core, self.instance).await?;
        let mut first = None;
        let mut placed = BTreeSet::new();
        for (place, wanted) in self.wanted.iter().enumerate() {
            let brought = if task.token().is_cancelled() {
                Err(WireError::new(ErrorCode::Cancelled))
            } else {
                self.one(core, &target, wanted, &mut placed, task, done).await
            };
            match brought {
                Ok(state) => board.set(core, place, state, None).await,
                Err(error) if error.code == ErrorCode::Cancelled => {
                    self.clear(core, &target).await;
                    return Err(error);
                }
                Err(error) => {
                    task.note(format!("{}: {error}", wanted.name.display()));
                    board.set(core, place, MoveState::Failed, Some(error.clone())).await;
                    let name = wanted.name.display();
                    first.get_or_insert_with(|| match error.params.contains_key("name") {
                        true => error,
                        false => error.with("name", name),
                    });
                }
            }
        }
        if first.is_none() {
            self.clear(core, &target).await;
        }
        core.signals.send(Signal::Operated(self.instance));
        first.map_or(Ok(()), Err)
    }

    /// What was begun goes, unless Corral itself ends: then the next start goes on with it.
    async fn clear(&self, core: &Core, target: &Target) {
        let Target::Store { models } = target else { return };
        if core.supervisor.token().is_cancelled() {
            return;
        }
        let blobs = models.join("blobs");
        let digests: Vec<String> = self.digests().into_iter().map(str::to_owned).collect();
        let sweep = move || stage::sweep(&blobs, digests.iter().map(String::as_str));
        // A panic in there would have been logged; what stays is offered for clean-up.
        let _ = tokio::task::spawn_blocking(sweep).await;
    }

    async fn one(
        &self,
        core: &Core,
        target: &Target,
        wanted: &Wanted,
        placed: &mut BTreeSet<String>,
        task: &Task,
        done: &Arc<AtomicU64>,
    ) -> Result<MoveState> {
        task.note(wanted.name.display());
        let there = self.there(target, wanted).await?;
        match target {
            Target::Store { models } => {
                task.phase("moving");
                let present = self.place(models, wanted, placed, task, done).await?;
                task.phase("confirming");
                self.confirm(core, wanted, task).await?;
                Ok(if present { MoveState::Present } else { MoveState::Done })
            }
            // It says of itself that it has exactly this one.
            Target::Server { .. } if there == There::Same => Ok(MoveState::Present),
            Target::Server { api } => {
                server::bring(core, self, &**api, wanted, placed, task, done).await
            }
        }
    }

    /// What is there under the name by now.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` when somebody took it since it was looked at.
    async fn there(&self, target: &Target, wanted: &Wanted) -> Result<There> {
        let listed = target.listed().await?;
        let there = target.there(&listed, &wanted.name, &wanted.package.manifest.digest).await;
        if there == There::Other && !wanted.overwrite {
            let name = wanted.name.display();
            return Err(WireError::new(ErrorCode::AlreadyExists).with("name", name));
        }
        Ok(there)
    }

    /// `true` when nothing had to be changed.
    async fn place(
        &self,
        models: &Path,
        wanted: &Wanted,
        placed: &mut BTreeSet<String>,
        task: &Task,
        done: &Arc<AtomicU64>,
    ) -> Result<bool> {
        let blobs: Vec<(String, Source)> = wanted
            .package
            .manifest
            .blobs
            .iter()
            .filter(|blob| !placed.contains(&blob.digest))
            .filter_map(|blob| Some((blob.digest.clone(), self.sources.get(&blob.digest)?.clone())))
            .collect();
        let digests: Vec<String> = blobs.iter().map(|(digest, _)| digest.clone()).collect();
        let work = Work {
            models: models.to_owned(),
            blobs,
            link: self.link,
            name: wanted.name.clone(),
            manifest: wanted.package.manifest.bytes.clone(),
            all: wanted.package.manifest.blobs.iter().map(|blob| blob.digest.clone()).collect(),
            overwrite: wanted.overwrite,
        };
        let (token, done) = (task.token(), done.clone());
        let work = move || work.run(&Way { token: &token, done: &done });
        let present = tokio::task::spawn_blocking(work).await.map_err(internal)??;
        placed.extend(digests);
        Ok(present)
    }

    /// Whether the server lists the model. One that does not answer says nothing.
    async fn confirm(&self, core: &Core, wanted: &Wanted, task: &Task) -> Result<()> {
        let api = instances::client(core, self.instance)?;
        let listed = match by_key(&*api).await {
            Ok(listed) => listed,
            Err(error) => {
                task.note(format!("the server was not asked whether it lists it: {error}"));
                return Ok(());
            }
        };
        let digest = &wanted.package.manifest.digest;
        match listed.get(&wanted.name.key()) {
            Some(Some(there)) if there == digest => {}
            Some(None) => {}
            _ => {
                let error = WireError::new(ErrorCode::BadAnswer);
                return Err(error.detail("the server does not list it"));
            }
        }
        api.show(&wanted.name.display()).await.map(|_| ())
    }
}

/// One model into a models folder. Blocks.
struct Work {
    models: PathBuf,
    blobs: Vec<(String, Source)>,
    link: bool,
    name: ModelName,
    manifest: Vec<u8>,
    /// Digests of all its layers.
    all: Vec<String>,
    overwrite: bool,
}

impl Work {
    fn run(self, way: &Way<'_>) -> Result<bool> {
        let folder = self.models.join("blobs");
        let mut staged = Vec::new();
        for (digest, source) in &self.blobs {
            match stage::bring(&folder, digest, source, self.link, way) {
                Ok(brought) => staged.extend(brought),
                Err(error) => {
                    // What cannot become a model is not kept; what can be gone on with is.
                    if error.code == ErrorCode::DigestMismatch {
                        let digests = self.blobs.iter().map(|(digest, _)| digest.as_str());
                        stage::sweep(&folder, digests);
                    }
                    return Err(error);
                }
            }
        }
        let file = names::manifest_file(&self.models, &self.name);
        let before = std::fs::read(&file).ok();
        let same = before.as_ref() == Some(&self.manifest);
        if before.is_some() && !same && !self.overwrite {
            staged.iter().for_each(stage::Staged::discard);
            let name = self.name.display();
            return Err(WireError::new(ErrorCode::AlreadyExists).with("name", name));
        }
        for layer in &staged {
            layer.publish()?;
        }
        if !staged.is_empty() {
            transfers::settle(&folder).map_err(|failed| failed.error)?;
        }
        if !same {
            let name = names::spelled(&self.models, &self.name);
            let written = direct::write_manifest(&self.models, &name, &self.manifest);
            written.map_err(|error| stage::refused(&error))?;
        }
        // A delete of another model may just have taken a layer that it shared.
        let gone = self.all.iter().find(|digest| !folder.join(digest.replace(':', "-")).is_file());
        if let Some(digest) = gone {
            let error = WireError::new(ErrorCode::LayersDamaged).with("n", 1);
            return Err(error.detail(format!("{digest} was removed meanwhile")));
        }
        Ok(same && staged.is_empty())
    }
}

/// Adds to what is done.
pub(super) fn count(done: &AtomicU64, bytes: u64) {
    done.fetch_add(bytes, Ordering::Relaxed);
}
