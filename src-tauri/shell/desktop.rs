//! The `desktop` domain: what only this shell can do, under the same guard and audit as the rest.

use corral_contract::{
    Command, ErrorCode, WireError,
    audit::Actor,
    command::Nothing,
    desktop::{
        Autostart, CloseAnswer, DOMAIN, DesktopFacts, Folder, FolderRef, PageFault, StartHidden,
        call,
    },
    settings::{self, CloseButton},
};
use corral_core::{Core, Result};
use serde_json::Value;
use tauri::{AppHandle, Manager, Runtime, Webview};
use tauri_plugin_opener::OpenerExt;

use crate::{
    autostart, choose, commands, events, language::SystemLanguage, painted::Painted, preferences,
    quit, tray::Host, window,
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
                tracing::info!("the page has painted");
                app.state::<Painted>().tell();
                Ok(Nothing {})
            })
            .await
        }
        call::Fault::NAME => {
            run::<call::Fault, _>(core, request, |PageFault { text }| async move {
                let text: String = text.chars().take(PageFault::MOST).collect();
                tracing::error!(text, "a part of the page has ended");
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
        call::SetStartHidden::NAME => {
            run::<call::SetStartHidden, _>(core, request, |StartHidden { on }| async move {
                preferences::set_start_hidden(app, on)?;
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
            run::<call::ChooseFile, _>(core, request, |_| choose::model_file(app)).await
        }
        call::ChooseOpen::NAME => {
            run::<call::ChooseOpen, _>(core, request, |asked| choose::open(app, asked)).await
        }
        call::ChooseSave::NAME => {
            run::<call::ChooseSave, _>(core, request, |asked| choose::save(app, asked)).await
        }
        call::ChooseFolder::NAME => {
            run::<call::ChooseFolder, _>(core, request, |_| choose::folder(app)).await
        }
        call::SaveText::NAME => {
            run::<call::SaveText, _>(core, request, |text| choose::save_text(app, text)).await
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
        start_hidden: preferences::start_hidden(app),
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
