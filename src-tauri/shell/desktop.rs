//! The `desktop` domain: what only this shell can do, under the same guard and audit as the rest.

use corral_contract::{
    Command, ErrorCode, WireError,
    audit::Actor,
    command::Nothing,
    desktop::{
        Autostart, ChosenFile, CloseAnswer, DOMAIN, DesktopFacts, Folder, FolderRef, TextFile, call,
    },
    settings::{self, CloseButton},
};
use corral_core::{Core, Result};
use serde_json::Value;
use tauri::{AppHandle, Manager, Runtime, Webview};
use tauri_plugin_dialog::DialogExt;
use tauri_plugin_opener::OpenerExt;

use crate::{
    autostart, commands, events, language::SystemLanguage, painted::Painted, preferences, quit,
    tray::Host, window,
};

/// Answers one command of the domain with its reply as JSON.
///
/// # Errors
/// `INVALID_INPUT` for a request of another shape; `NOT_FOUND` for an unknown command; whatever
/// the command itself answers.
pub async fn answer<R: Runtime>(
    webview: &Webview<R>,
    core: &Core,
    name: &str,
    request: Value,
) -> Result<String> {
    let app = webview.app_handle();
    match name {
        call::Subscribe::NAME => {
            run::<call::Subscribe, _>(core, request, |request| async move {
                events::subscribe(webview, core.bus.listen(), &request).map(|()| Nothing {})
            })
            .await
        }
        call::Painted::NAME => {
            run::<call::Painted, _>(core, request, |_| async move {
                app.state::<Painted>().tell();
                Ok(Nothing {})
            })
            .await
        }
        call::Facts::NAME => run::<call::Facts, _>(core, request, |_| facts(app, core)).await,
        call::SetAutostart::NAME => {
            run::<call::SetAutostart, _>(core, request, |Autostart { on }| async move {
                autostart::set(app, on).await?;
                facts(app, core).await
            })
            .await
        }
        call::CloseChoice::NAME => {
            run::<call::CloseChoice, _>(core, request, |answer| close(app, core, answer)).await
        }
        call::Reveal::NAME => {
            run::<call::Reveal, _>(core, request, |folder| reveal(app, core, folder)).await
        }
        call::ChooseFile::NAME => {
            run::<call::ChooseFile, _>(core, request, |_| choose_file(app)).await
        }
        call::ChooseFolder::NAME => {
            run::<call::ChooseFolder, _>(core, request, |_| choose_folder(app)).await
        }
        call::SaveText::NAME => {
            run::<call::SaveText, _>(core, request, |text| save_text(app, text)).await
        }
        call::SavePreferences::NAME => {
            run::<call::SavePreferences, _>(core, request, |values| async move {
                preferences::save(app, values).map(|()| Nothing {})
            })
            .await
        }
        call::LoadPreferences::NAME => {
            run::<call::LoadPreferences, _>(
                core,
                request,
                |_| async move { preferences::load(app) },
            )
            .await
        }
        _ => Err(commands::unknown(DOMAIN.name, name)),
    }
}

async fn run<C, F>(
    core: &Core,
    request: Value,
    work: impl FnOnce(C::Request) -> F,
) -> Result<String>
where
    C: Command,
    F: Future<Output = Result<C::Reply>>,
{
    let request = serde_json::from_value::<C::Request>(request)
        .map_err(|error| WireError::field("request", "malformed").detail(error.to_string()))?;
    let reply = core.guarded::<C, _>(Actor::Window, request, work).await?;
    serde_json::to_string(&reply)
        .map_err(|error| WireError::new(ErrorCode::StructTransform).detail(error.to_string()))
}

async fn facts<R: Runtime>(app: &AppHandle<R>, core: &Core) -> Result<DesktopFacts> {
    let (autostart, autostart_problem) = autostart::state(app).await;
    Ok(DesktopFacts {
        tray: app.state::<Host>().there(),
        autostart,
        autostart_problem,
        system: std::env::consts::OS.to_owned(),
        log_folder: core.config.log_dir.display().to_string(),
        data_folder: core.config.data_dir.display().to_string(),
        system_language: app.state::<SystemLanguage>().locale().as_str().to_owned(),
    })
}

/// Does what the user chose when the window asked; `ask` means that he went back.
async fn close<R: Runtime>(
    app: &AppHandle<R>,
    core: &Core,
    answer: CloseAnswer,
) -> Result<Nothing> {
    if answer.remember {
        let settings = settings::Settings { close_button: answer.choice, ..core.settings() };
        core.run::<settings::call::Update>(Actor::Window, settings).await?;
    }
    match answer.choice {
        CloseButton::Ask => {}
        CloseButton::Tray => window::put_away(app),
        CloseButton::Quit => quit::begin(app),
    }
    Ok(Nothing {})
}

async fn reveal<R: Runtime>(app: &AppHandle<R>, core: &Core, folder: FolderRef) -> Result<Nothing> {
    let path = match folder.folder {
        Folder::Logs => core.config.log_dir.clone(),
        Folder::Data => core.config.data_dir.clone(),
        Folder::Backups => core.config.data_dir.join("backups"),
    };
    let app = app.clone();
    let failed =
        |error: String| WireError::new(ErrorCode::FileSystem).with("what", "open").detail(error);
    // It starts a program and waits until the system has accepted that.
    tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&path).map_err(|error| error.to_string())?;
        let path = path.display().to_string();
        app.opener().open_path(path, None::<&str>).map_err(|error| error.to_string())
    })
    .await
    .map_err(|error| failed(error.to_string()))?
    .map_err(failed)?;
    Ok(Nothing {})
}

/// Waits as long as the user takes; closing the window of the question chooses nothing.
async fn choose_file<R: Runtime>(app: &AppHandle<R>) -> Result<ChosenFile> {
    let (told, answer) = tokio::sync::oneshot::channel();
    app.dialog().file().add_filter("GGUF", &["gguf", "bin"]).add_filter("*", &["*"]).pick_file(
        move |file| {
            // The page may have gone meanwhile.
            let _ = told.send(file);
        },
    );
    let file = answer.await.ok().flatten();
    let path = file.and_then(|file| file.into_path().ok());
    Ok(ChosenFile { path: path.map(|path| path.display().to_string()) })
}

/// As [`choose_file`], for a folder.
async fn choose_folder<R: Runtime>(app: &AppHandle<R>) -> Result<ChosenFile> {
    let (told, answer) = tokio::sync::oneshot::channel();
    app.dialog().file().pick_folder(move |folder| {
        // The page may have gone meanwhile.
        let _ = told.send(folder);
    });
    let folder = answer.await.ok().flatten();
    let path = folder.and_then(|folder| folder.into_path().ok());
    Ok(ChosenFile { path: path.map(|path| path.display().to_string()) })
}

/// Writes where the user says; the system has asked before anything is replaced.
async fn save_text<R: Runtime>(app: &AppHandle<R>, text: TextFile) -> Result<ChosenFile> {
    let (told, answer) = tokio::sync::oneshot::channel();
    app.dialog().file().set_file_name(text.name).save_file(move |file| {
        // The page may have gone meanwhile.
        let _ = told.send(file);
    });
    let file = answer.await.ok().flatten().and_then(|file| file.into_path().ok());
    let Some(path) = file else { return Ok(ChosenFile { path: None }) };
    let failed = |error: String| WireError::new(ErrorCode::FileSystem).detail(error);
    let shown = path.display().to_string();
    tokio::task::spawn_blocking(move || std::fs::write(&path, text.text))
        .await
        .map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))?;
    Ok(ChosenFile { path: Some(shown) })
}
