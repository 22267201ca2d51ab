//! From finished blobs to a model that the server lists.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use corral_contract::{ErrorCode, WireError, name::ModelName, progress::Phase};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        fetch::{
            Class, Fetch, FetchFailure, FetchSink, Fetched, LayerReport, Limits, Plan, PlannedLayer,
        },
        present, retry,
    },
    DirectFetch, LANDING, Landing, broken,
};
use crate::{
    checks,
    registry::Manifest,
    transfers::{self, Whole, readable_by_all},
};

impl DirectFetch {
    /// Moves or uploads the blobs, has the server write the manifest, and looks whether it lists
    /// the model.
    pub(super) async fn land(
        &self,
        plan: &Plan,
        manifest: &Arc<Manifest>,
        brought: Vec<(PlannedLayer, Arc<Whole>)>,
        sink: &dyn FetchSink,
    ) -> Result<Fetched, FetchFailure> {
        self.still_the_same(plan, manifest, &brought, sink).await?;
        let looked_at = self.model_files(&brought);
        let placed = brought.into_iter().map(|(layer, whole)| self.place(layer, whole));
        stream::iter(placed).buffer_unordered(LANDING).try_collect::<()>().await?;
        if let Landing::Store { models } = &self.landing {
            let blobs = models.join("blobs");
            let settled = tokio::task::spawn_blocking(move || transfers::settle(&blobs)).await;
            let settled = settled.map_err(|_| broken("settling a folder"))?;
            settled.map_err(|failed| FetchFailure::new(Class::Retry, failed.error))?;
        }
        let token = CancellationToken::new();
        let (_, limits) = watch::channel(Limits::default());
        let bare = Plan { layers: None, manifest: None, request: plan.request.clone() };
        let registered = self.pull.fetch(&bare, &Quiet(sink), limits, token).await;
        if let Err(failure) = registered {
            let Landing::Store { models } = &self.landing else { return Err(failure) };
            if !may_write_itself(failure.error.code) {
                return Err(failure);
            }
            sink.note(&format!(
                "the server cannot ask the registry ({}); Corral writes the manifest",
                failure.error
            ));
            let (models, name) = (models.clone(), plan.request.name.clone());
            let manifest = manifest.clone();
            let written =
                tokio::task::spawn_blocking(move || write(&models, &name, &manifest.bytes));
            written.await.map_err(|_| broken("writing a manifest"))?.map_err(refused)?;
        }
        let fetched = self.confirm(plan, manifest, sink).await?;
        examine(looked_at, sink).await?;
        Ok(fetched)
    }

    /// The files of the layers that came, where they can be read after they landed.
    fn model_files(&self, brought: &[(PlannedLayer, Arc<Whole>)]) -> Vec<(PlannedLayer, PathBuf)> {
        let Landing::Store { models } = &self.landing else { return Vec::new() };
        let blobs = models.join("blobs");
        let file = |layer: &PlannedLayer| present::file_of(&blobs, &layer.digest);
        brought.iter().map(|(layer, _)| (layer.clone(), file(layer))).collect()
    }

    /// Whether the registry still gives the manifest that was fetched for. If not, what the newer
    /// one does not list any more goes, and the rest is planned anew: otherwise the server would
    /// fetch the new layers by itself. A registry that does not answer now says nothing.
    async fn still_the_same(
        &self,
        plan: &Plan,
        manifest: &Manifest,
        brought: &[(PlannedLayer, Arc<Whole>)],
        sink: &dyn FetchSink,
    ) -> Result<(), FetchFailure> {
        let asked = self.registries.manifest(&self.repository(&plan.request)).await;
        let Some(newer) = asked.ok().filter(|asked| asked.digest != manifest.digest) else {
            return Ok(());
        };
        sink.note("the tag was moved while its layers came; the newer ones are fetched now");
        let old = brought
            .iter()
            .filter(|(layer, _)| !newer.blobs.iter().any(|blob| blob.digest == layer.digest))
            .map(|(_, whole)| whole.clone())
            .collect::<Vec<_>>();
        let gone =
            tokio::task::spawn_blocking(move || old.iter().for_each(|whole| whole.discard()));
        gone.await.map_err(|_| broken("removing old layers"))?;
        let moved = WireError::new(ErrorCode::DownloadInterrupted).detail("the tag was moved");
        Err(FetchFailure::new(Class::Retry, moved))
    }

    /// Puts one blob where the server looks for it.
    async fn place(&self, layer: PlannedLayer, whole: Arc<Whole>) -> Result<(), FetchFailure> {
        match &self.landing {
            Landing::Store { models } => {
                let place = present::file_of(&models.join("blobs"), &layer.digest);
                let moved = tokio::task::spawn_blocking(move || whole.publish(&place));
                let moved = moved.await.map_err(|_| broken("moving a blob"))?;
                moved.map_err(|failed| self.failure(failed, &layer))
            }
            Landing::Upload { .. } => {
                // Another job that shares it may have been quicker.
                if let Some(file) = whole.path()
                    && !self.api.has_blob(&layer.digest).await.map_err(retry::unreachable)?
                {
                    self.api.upload(&layer.digest, &file).await.map_err(retry::unreachable)?;
                }
                let gone = tokio::task::spawn_blocking(move || whole.discard());
                gone.await.map_err(|_| broken("removing a blob"))
            }
        }
    }

    /// Asks the server whether it lists the model and can describe it.
    async fn confirm(
        &self,
        plan: &Plan,
        manifest: &Manifest,
        sink: &dyn FetchSink,
    ) -> Result<Fetched, FetchFailure> {
        let key = plan.request.name.key();
        let tags = self.api.tags().await.map_err(retry::unreachable)?;
        let mine = |name: &str| ModelName::parse(name).is_ok_and(|name| name.key() == key);
        let Some(listed) = tags.models.into_iter().find(|model| mine(&model.name)) else {
            let error = WireError::new(ErrorCode::BadAnswer).detail("the server does not list it");
            return Err(FetchFailure::new(Class::Retry, error));
        };
        if listed.digest.as_deref().is_some_and(|digest| digest != manifest.digest) {
            sink.note("the tag was moved while its layers came; the server has the newer one");
        }
        let shown = self.api.show(&listed.name).await;
        shown.map_err(|error| FetchFailure::new(Class::Permanent, error))?;
        Ok(Fetched { digest: listed.digest })
    }
}

/// Looks whether the model files that came are whole in themselves: their bytes are those that were
/// ordered, but what was published may have been broken before.
async fn examine(
    files: Vec<(PlannedLayer, PathBuf)>,
    sink: &dyn FetchSink,
) -> Result<(), FetchFailure> {
    let look = move || {
        let broken = |(layer, file): (PlannedLayer, PathBuf)| {
            let kind = layer.kind.clone().unwrap_or_default();
            match checks::damage_of_structure(&file, &kind) {
                Ok(what) => what.map(|what| (layer, what)),
                // It was there a moment ago; what the server makes of it has been confirmed.
                Err(error) => {
                    tracing::warn!(%error, "the structure of a layer was not looked at");
                    None
                }
            }
        };
        files.into_iter().find_map(broken)
    };
    let found = tokio::task::spawn_blocking(look).await.map_err(|_| broken("looking at layers"))?;
    let Some((layer, what)) = found else { return Ok(()) };
    sink.note(&format!("{} is no whole GGUF file: {what}", layer.digest));
    let error = WireError::new(ErrorCode::ModelBroken).with("layer", &layer.digest).detail(what);
    Err(FetchFailure::new(Class::Permanent, error))
}

/// The server pulls only to write the manifest: what it says about layers that are there would
/// make the bar jump.
struct Quiet<'a>(&'a dyn FetchSink);

impl FetchSink for Quiet<'_> {
    fn phase(&self, _: Phase) {}
    fn layer(&self, _: LayerReport<'_>) {}
    fn note(&self, text: &str) {
        self.0.note(text);
    }
}

/// The server could not reach the registry; everything else that it refuses has its reason.
pub(crate) fn may_write_itself(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::RegistryUnreachable
            | ErrorCode::RegistryIncompatible
            | ErrorCode::RedirectBlocked
            | ErrorCode::RealmMismatch
            | ErrorCode::SignInNeeded
            | ErrorCode::ModelUnknown
    )
}

/// Writes a manifest to its place. Never a stray file beside it: the server would list that as a
/// tag of its own. Blocks.
///
/// # Errors
/// Whatever the file system says; what was there is then still there.
pub(crate) fn write(models: &Path, name: &ModelName, bytes: &[u8]) -> io::Result<()> {
    let ModelName { host, namespace, model, tag } = name;
    let folder = models.join("manifests").join(host).join(namespace).join(model);
    let mut file = tempfile::Builder::new().prefix(".corral-").tempfile_in(models)?;
    io::Write::write_all(&mut file, bytes)?;
    file.as_file().sync_all()?;
    readable_by_all(file.as_file())?;
    fs::create_dir_all(&folder)?;
    match file.persist(folder.join(tag)) {
        Ok(_) => Ok(()),
        // The server removes empty folders; it may just have done so.
        Err(refused) if refused.error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(&folder)?;
            refused.file.persist(folder.join(tag)).map(|_| ()).map_err(|refused| refused.error)
        }
        Err(refused) => Err(refused.error),
    }
}

fn refused(error: io::Error) -> FetchFailure {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorCode::DiskFull,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ErrorCode::StorePermission
        }
        _ => ErrorCode::FileSystem,
    };
    let class = if code == ErrorCode::FileSystem { Class::Retry } else { Class::Permanent };
    FetchFailure::new(class, WireError::new(code).detail(error.to_string()))
}
