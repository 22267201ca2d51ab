//! The system's own questions for a file. Each waits as long as the user takes; closing the window of
//! the question chooses nothing.

use corral_contract::{
    ErrorCode, WireError,
    desktop::{ChooseKind, ChosenFile, FileKind, NewFile, TextFile},
};
use corral_core::Result;
use tauri::{AppHandle, Runtime};
use tauri_plugin_dialog::{DialogExt, FileDialogBuilder, FilePath};

/// A model file.
pub(crate) async fn model_file<R: Runtime>(app: &AppHandle<R>) -> Result<ChosenFile> {
    let dialog = app.dialog().file().add_filter("GGUF", &["gguf", "bin"]).add_filter("*", &["*"]);
    chosen(|told| dialog.pick_file(told)).await
}

/// A folder.
pub(crate) async fn folder<R: Runtime>(app: &AppHandle<R>) -> Result<ChosenFile> {
    let dialog = app.dialog().file();
    chosen(|told| dialog.pick_folder(told)).await
}

/// Writes a text where the user says; the system has asked before anything is replaced.
pub(crate) async fn save_text<R: Runtime>(
    app: &AppHandle<R>,
    asked: TextFile,
) -> Result<ChosenFile> {
    let dialog = app.dialog().file().set_file_name(asked.name);
    let file = chosen(|told| dialog.save_file(told)).await?;
    let Some(path) = file.path.clone() else { return Ok(file) };
    let failed = |error: String| WireError::new(ErrorCode::FileSystem).detail(error);
    tokio::task::spawn_blocking(move || std::fs::write(&path, asked.text))
        .await
        .map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))?;
    Ok(file)
}

/// A file of models, or a list of them.
pub(crate) async fn open<R: Runtime>(app: &AppHandle<R>, asked: ChooseKind) -> Result<ChosenFile> {
    let dialog = filtered(app, asked.kind);
    chosen(|told| dialog.pick_file(told)).await
}

/// Where such a file is to be.
pub(crate) async fn save<R: Runtime>(app: &AppHandle<R>, asked: NewFile) -> Result<ChosenFile> {
    let dialog = filtered(app, asked.kind).set_file_name(asked.name);
    chosen(|told| dialog.save_file(told)).await
}

fn filtered<R: Runtime>(app: &AppHandle<R>, kind: FileKind) -> FileDialogBuilder<R> {
    let dialog = app.dialog().file();
    match kind {
        FileKind::Bundle => dialog.add_filter("Corral", &["tar"]),
        FileKind::List | FileKind::Json => dialog.add_filter("JSON", &["json"]),
        FileKind::Log => dialog.add_filter("Log", &["log", "txt"]),
        FileKind::Csv => dialog.add_filter("CSV", &["csv"]),
    }
    .add_filter("*", &["*"])
}

async fn chosen(
    ask: impl FnOnce(Box<dyn FnOnce(Option<FilePath>) + Send + 'static>),
) -> Result<ChosenFile> {
    let (told, answer) = tokio::sync::oneshot::channel();
    ask(Box::new(move |file| {
        // The page may have gone meanwhile.
        let _ = told.send(file);
    }));
    let path = answer.await.ok().flatten().and_then(|file| file.into_path().ok());
    Ok(ChosenFile { path: path.map(|path| path.display().to_string()) })
}
