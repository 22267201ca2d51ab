//! The list as a file: what is shown, as CSV or JSON.

use std::{
    collections::HashSet,
    io::{self, Write},
    path::{Path, PathBuf},
};

use corral_contract::{
    ErrorCode, ModelId, WireError,
    models::{LIST_COLUMNS, ListExport, ListFormat, ModelRow, ModelSearchRequest, OpRef, call},
    tasks::{Figures, TaskKind},
};
use futures_util::{StreamExt, stream};

use super::{detail, store};
use crate::{
    Core, Result, instances,
    router::Handle,
    tasks::{self, NewTask, Task},
};

mod cells;

use cells::{MODELFILE, cell};

/// Rows read at once.
const PAGE: u32 = 500;
/// Servers are asked for so many Modelfiles at once.
const ASKED_AT_ONCE: usize = 4;

impl Handle<call::ExportTable> for Core {
    async fn handle(&self, request: ListExport) -> Result<OpRef> {
        let columns = columns(&request)?;
        let path = target(&request)?;
        // A search that is refused is refused before there is a task.
        let probe = ModelSearchRequest { page: 1, page_size: 1, ..request.search.clone() };
        store::search::search(self, &probe).await?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let new = NewTask {
            kind: TaskKind::TableExport,
            instance: None,
            model: None,
            target: name,
            can_cancel: true,
        };
        let task = tasks::begin(self, new).await?;
        let id = task.id();
        let core = self.clone();
        self.supervisor.run("table", async move {
            let token = task.token();
            let done = tokio::select! {
                () = token.cancelled() => Err(WireError::new(ErrorCode::Cancelled)),
                done = export(&core, &request, &columns, &path, &task) => done,
            };
            task.finish(&done).await;
        });
        Ok(OpRef { task: id })
    }
}

/// The columns that are written.
fn columns(request: &ListExport) -> Result<Vec<&'static str>> {
    if request.columns.is_empty() {
        return Ok(LIST_COLUMNS.iter().copied().filter(|name| *name != MODELFILE).collect());
    }
    let known = |wanted: &String| {
        LIST_COLUMNS
            .iter()
            .copied()
            .find(|name| name == wanted)
            .ok_or_else(|| WireError::field("columns", "unknown").with("value", wanted))
    };
    request.columns.iter().map(known).collect()
}

/// The file that is written. Blocks for as long as looking at it takes.
fn target(request: &ListExport) -> Result<PathBuf> {
    let path = PathBuf::from(request.path.trim());
    let wrong = |reason: &str| WireError::field("path", reason).with("path", path.display());
    if path.as_os_str().is_empty() {
        return Err(wrong("empty"));
    }
    if !path.is_absolute() {
        return Err(wrong("notAbsolute"));
    }
    if path.is_dir() {
        return Err(wrong("isFolder"));
    }
    if !path.parent().is_some_and(Path::is_dir) {
        return Err(wrong("noSuchFolder"));
    }
    if path.exists() && !request.overwrite {
        return Err(WireError::new(ErrorCode::AlreadyExists).with("name", path.display()));
    }
    Ok(path)
}

async fn export(
    core: &Core,
    request: &ListExport,
    columns: &[&'static str],
    path: &Path,
    task: &Task,
) -> Result<()> {
    task.phase("reading");
    let rows = rows(core, request).await?;
    let names = instance_names(core).await?;
    let modelfiles =
        if columns.contains(&MODELFILE) { modelfiles(core, &rows, task).await } else { Vec::new() };
    task.phase("writing");
    let mut table = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        let modelfile = modelfiles.get(place).cloned().flatten();
        let instance = names.iter().find(|(id, _)| *id == row.instance);
        let instance = instance.map_or("", |(_, name)| name.as_str());
        let cells = columns.iter().map(|name| cell(name, row, instance, modelfile.as_deref()));
        table.push(cells.collect::<Vec<_>>());
    }
    let (heads, format, path) = (columns.to_vec(), request.format, path.to_path_buf());
    let count = table.len();
    let at = core.now();
    let written = tokio::task::spawn_blocking(move || {
        let bytes = match format {
            ListFormat::Csv => cells::csv(&heads, &table)?,
            ListFormat::Json => cells::json(&heads, table, at)?,
        };
        put(&path, &bytes)
    });
    let written = written
        .await
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?;
    let bytes = written.map_err(refused)?;
    task.note(format!("{count} models, {bytes} bytes"));
    Ok(())
}

/// Everything that matches, in its order; or of it, what was chosen.
async fn rows(core: &Core, request: &ListExport) -> Result<Vec<ModelRow>> {
    let chosen: HashSet<ModelId> = request.ids.iter().copied().collect();
    let mut rows = Vec::new();
    for page in 1.. {
        let search = ModelSearchRequest { page, page_size: PAGE, ..request.search.clone() };
        let found = store::search::search(core, &search).await?;
        // Past the end the last page would come again.
        if found.page != page {
            break;
        }
        let over = u64::from(page) * u64::from(PAGE) >= found.total;
        let wanted = |row: &ModelRow| chosen.is_empty() || chosen.contains(&row.id);
        rows.extend(found.items.into_iter().filter(wanted));
        if over {
            break;
        }
    }
    Ok(rows)
}

async fn instance_names(core: &Core) -> Result<Vec<(corral_contract::InstanceId, String)>> {
    let views = instances::views(core).await?;
    Ok(views.into_iter().map(|view| (view.id, view.name)).collect())
}

/// The Modelfile of each row, as the server tells it now or told it last.
async fn modelfiles(core: &Core, rows: &[ModelRow], task: &Task) -> Vec<Option<String>> {
    let total = rows.len() as u64;
    let mut found = Vec::with_capacity(rows.len());
    let ids: Vec<ModelId> = rows.iter().map(|row| row.id).collect();
    let mut asked = stream::iter(ids)
        .map(|id| async move { detail::modelfile(core, id).await.ok().flatten() })
        .buffered(ASKED_AT_ONCE);
    while let Some(modelfile) = asked.next().await {
        found.push(modelfile);
        let done = found.len() as u64;
        if done.is_multiple_of(25) || done == total {
            task.figures(Figures { done, total, speed: None });
        }
    }
    found
}

/// Writes beside the file and then takes its place, so that there is never half a list.
fn put(path: &Path, bytes: &[u8]) -> io::Result<usize> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(bytes.len())
}

fn refused(error: io::Error) -> WireError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => WireError::field("path", "noWritePermission"),
        io::ErrorKind::StorageFull => WireError::new(ErrorCode::DiskFull),
        _ => WireError::new(ErrorCode::FileSystem),
    }
    .detail(error.to_string())
}
