//! The system's notifications: only for what matters, only while nobody looks at the window. All
//! of it also stands in the window's activity list, so that a machine without a notification
//! service loses nothing.

use corral_contract::{
    WireError,
    app::{Notice, NoticeKind},
    event::AppEvent,
    settings::NotifySettings,
};
use corral_core::Core;
use corral_locale::{Locale, lookup, text};
use tauri::{AppHandle, Manager, Runtime, async_runtime};
use tauri_plugin_notification::NotificationExt;
use tokio::time::{Instant, sleep_until};

pub mod group;

use crate::{language::SystemLanguage, ready::Ready, window};
use group::Group;

/// Lines that one notification about several things shows.
const LINES: usize = 4;

/// What a notification says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub title: String,
    pub body: String,
}

/// Starts telling as soon as the core runs.
pub fn start<R: Runtime>(app: &AppHandle<R>) {
    let clicked = app.clone();
    // Where the system reports a click, it opens the window.
    if let Err(error) = app.notification().on_action(move |_| window::present(&clicked)) {
        tracing::warn!(%error, "clicks on notifications will not be heard");
    }
    let app = app.clone();
    async_runtime::spawn(async move {
        // Without a core a dialog has said why already.
        let Ok(core) = app.state::<Ready>().core().await else { return };
        listen(&app, &core).await;
    });
}

async fn listen<R: Runtime>(app: &AppHandle<R>, core: &Core) {
    let mut listener = core.bus.listen();
    let mut group = Group::default();
    loop {
        let due = group.due();
        let ripe = tokio::select! {
            event = listener.next() => {
                let Some(envelope) = event else { return };
                let AppEvent::Notice(notice) = &envelope.event else { continue };
                let wanted = wanted(notice.kind, core.settings().notify);
                if !wanted || window::attended(app) {
                    continue;
                }
                group.add(notice.clone(), Instant::now())
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                group.ripe(Instant::now())
            }
        };
        if !ripe.is_empty() {
            let locale = app.state::<SystemLanguage>().chosen(core.settings().language);
            show(app, message(&ripe, locale));
        }
    }
}

/// Says that a command of the tray was refused; there may be no window to say it.
pub(crate) fn refused<R: Runtime>(app: &AppHandle<R>, error: &WireError) {
    tracing::warn!(%error, "a command of the tray was refused");
    let setting = app.state::<Ready>().now().map(|core| core.settings().language);
    let system = app.state::<SystemLanguage>();
    let locale = setting.map_or(system.locale(), |setting| system.chosen(setting));
    show(app, Message { title: title_of(error, locale), body: cause_of(error, locale) });
}

/// Whether the user wants to hear of such things.
#[must_use]
pub fn wanted(kind: NoticeKind, switches: NotifySettings) -> bool {
    match kind {
        NoticeKind::DownloadDone => switches.download_done,
        NoticeKind::DownloadFailed
        | NoticeKind::OperationFailed
        | NoticeKind::SyncFailing
        | NoticeKind::ResourceCritical => switches.failed,
        NoticeKind::InstanceDown
        | NoticeKind::InstanceBack
        | NoticeKind::InstanceRestarted
        | NoticeKind::InstanceCritical => switches.instance_down,
        NoticeKind::ModelCrashed | NoticeKind::GpuLost => switches.model_crashed,
        // It concerns what Corral itself knows; there is no switch to miss it.
        NoticeKind::DatabaseRestored => true,
        // They wait under the bell: nobody has to be called for them.
        NoticeKind::CleanupProposed
        | NoticeKind::CleanedUp
        | NoticeKind::ModelsRestored
        | NoticeKind::ModelSlower
        | NoticeKind::ResourceWell => false,
    }
}

/// One message about one thing or about several.
#[must_use]
pub fn message(notices: &[Notice], locale: Locale) -> Message {
    if let [notice] = notices {
        let body = notice.problem.as_ref().map(|error| title_of(error, locale));
        return Message { title: headline(notice, locale), body: body.unwrap_or_default() };
    }
    let count = notices.len().to_string();
    let mut lines: Vec<String> =
        notices.iter().take(LINES).map(|notice| headline(notice, locale)).collect();
    if notices.len() > LINES {
        let left = (notices.len() - LINES).to_string();
        lines.push(text(locale, "notify.more", &[("count", &left)]));
    }
    Message { title: text(locale, "notify.several", &[("count", &count)]), body: lines.join("\n") }
}

fn headline(notice: &Notice, locale: Locale) -> String {
    text(locale, &format!("notice.{}", notice.kind.as_str()), &[("subject", &notice.subject)])
}

fn title_of(error: &WireError, locale: Locale) -> String {
    of_error(error, "title", locale).unwrap_or_else(|| error.code.as_str().to_owned())
}

fn cause_of(error: &WireError, locale: Locale) -> String {
    of_error(error, "cause", locale).unwrap_or_default()
}

fn of_error(error: &WireError, part: &str, locale: Locale) -> Option<String> {
    let values: Vec<(&str, &str)> =
        error.params.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    lookup(locale, &format!("error.{}.{part}", error.code.as_str()), &values)
}

fn show<R: Runtime>(app: &AppHandle<R>, message: Message) {
    let shown = app.notification().builder().title(message.title).body(message.body).show();
    if let Err(error) = shown {
        tracing::info!(%error, "notification not shown");
    }
}
