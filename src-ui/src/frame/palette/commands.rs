//! What can be done or opened without naming a model.

use corral_contract::{
    Command,
    command::Nothing,
    desktop::{Folder, FolderRef, call::Reveal},
    downloads::call::{PauseAll, ResumeAll},
    instances::InstanceRef,
    settings::{Language, call::Update},
    storage::call::Backup,
    sync::call::Run,
};
use corral_locale::Locale;
use leptos::{prelude::*, task::spawn_local};

use super::{
    entry::{Doing, Entry, Section},
    matching::score,
    settings,
};
use crate::{
    frame::{shortcuts::Wish, theme},
    ipc,
    navigation::Page,
};

/// Everything that fits.
pub(super) fn fitting(doing: Doing, question: &str) -> Vec<Entry> {
    let mut entries = commands(doing);
    entries.extend(pages(doing));
    entries.extend(settings::entries(doing));
    entries
        .into_iter()
        .filter_map(|entry| {
            let texts = texts(doing, &entry);
            Some(Entry { score: score(question, &texts)?, ..entry })
        })
        .collect()
}

/// Everything an entry is found by, in lower case: its label, and its words in both languages.
fn texts(doing: Doing, entry: &Entry) -> Vec<String> {
    let key = format!("palette.keys.{}", entry.name);
    let mut texts = vec![entry.label.to_lowercase()];
    for locale in Locale::ALL {
        texts.extend(corral_locale::lookup(*locale, &key, &[]));
    }
    // The label as the other language says it.
    let other = match doing.words.locale() {
        Locale::ZhCn => Locale::En,
        Locale::En => Locale::ZhCn,
    };
    for group in ["palette.do.", "nav.", "settings."] {
        let label = format!("{group}{}", entry.name);
        texts.extend(corral_locale::lookup(other, &label, &[]).map(|text| text.to_lowercase()));
    }
    texts
}

fn commands(doing: Doing) -> Vec<Entry> {
    let Doing { stores, words, navigation, keyboard, preferences, stop_all, .. } = doing;
    let entry = |name: &str, icon, shortcut: Option<&str>, run: Callback<()>| Entry {
        section: Section::Commands,
        name: name.to_owned(),
        icon,
        label: words.get(&format!("palette.do.{name}")),
        object: None,
        shortcut: shortcut.map(str::to_owned),
        score: 0,
        run,
    };
    let wish = |page: Option<Page>, wish: Wish| {
        Callback::new(move |()| {
            if let Some(page) = page {
                navigation.open(page);
            }
            doing.then(move || keyboard.ask(wish));
        })
    };
    let place = |page: Page, place: &'static str| {
        Callback::new(move |()| navigation.open_place(page, place))
    };
    let sync_all = Callback::new(move |()| {
        let ids: Vec<_> =
            stores.instances.with_untracked(|all| all.all().iter().map(|each| each.id).collect());
        for id in ids {
            // How it ended comes as a toast.
            send::<Run>(doing, InstanceRef { id });
        }
    });
    let theme = |to: &'static str| Callback::new(move |()| preferences.set(theme::KEY, &to));
    let folder = |folder| Callback::new(move |()| send::<Reveal>(doing, FolderRef { folder }));
    vec![
        entry("get", icondata::LuPlus, Some("N"), wish(Some(Page::Models), Wish::New)),
        entry("find", icondata::LuSearch, Some("/"), wish(Some(Page::Models), Wish::Find)),
        entry("syncAll", icondata::LuRefreshCw, Some("Ctrl R"), sync_all),
        entry(
            "stopAll",
            icondata::LuSquare,
            Some("Ctrl Shift ."),
            Callback::new(move |()| stop_all.set(true)),
        ),
        entry(
            "pauseAll",
            icondata::LuPause,
            None,
            Callback::new(move |()| send::<PauseAll>(doing, Nothing {})),
        ),
        entry(
            "resumeAll",
            icondata::LuPlay,
            None,
            Callback::new(move |()| send::<ResumeAll>(doing, Nothing {})),
        ),
        entry("addInstance", icondata::LuServer, None, place(Page::Instances, "add")),
        entry("detect", icondata::LuSearch, None, place(Page::Instances, "detect")),
        entry("tasks", icondata::LuListTodo, None, place(Page::Activity, "tasks")),
        entry("syncs", icondata::LuArrowDownUp, None, place(Page::Activity, "syncs")),
        entry("notices", icondata::LuBell, None, place(Page::Activity, "notices")),
        entry("audit", icondata::LuShieldCheck, None, place(Page::Activity, "audit")),
        entry(
            "backup",
            icondata::LuDatabaseBackup,
            None,
            Callback::new(move |()| {
                spawn_local(async move {
                    match ipc::call::<Backup>(Nothing {}).await {
                        Ok(_) => doing.toasts.good(doing.words.get("palette.backedUp")),
                        Err(error) => doing.failed(error),
                    }
                });
            }),
        ),
        entry("logFolder", icondata::LuFolderOpen, None, folder(Folder::Logs)),
        entry("dataFolder", icondata::LuFolderOpen, None, folder(Folder::Data)),
        entry("light", icondata::LuSun, None, theme("light")),
        entry("dark", icondata::LuMoon, None, theme("dark")),
        entry("systemTheme", icondata::LuMonitor, None, theme("system")),
        entry("chinese", icondata::LuLanguages, None, language(doing, Language::ZhCn)),
        entry("english", icondata::LuLanguages, None, language(doing, Language::En)),
        entry(
            "shortcuts",
            icondata::LuKeyboard,
            Some("?"),
            Callback::new(move |()| keyboard.list()),
        ),
    ]
}

fn pages(doing: Doing) -> impl Iterator<Item = Entry> {
    let Doing { words, navigation, .. } = doing;
    Page::ALL.iter().enumerate().map(move |(place, page)| Entry {
        section: Section::GoTo,
        name: page.as_str().to_owned(),
        icon: page.icon(),
        label: words.get(page.label()),
        object: None,
        shortcut: Some(match page {
            Page::Settings => "Ctrl ,".to_owned(),
            Page::Help => "F1".to_owned(),
            _ => format!("Ctrl {}", place + 1),
        }),
        score: 0,
        run: Callback::new(move |()| navigation.open(*page)),
    })
}

/// The language is the core's setting, because tray and notifications speak it too.
fn language(doing: Doing, language: Language) -> Callback<()> {
    Callback::new(move |()| {
        let mut settings = doing.stores.system.with_untracked(|system| system.settings.clone());
        settings.language = language;
        send::<Update>(doing, settings);
    })
}

/// Sends a command whose effect comes back as an event; a failure becomes a toast.
pub(super) fn send<C: Command>(doing: Doing, request: C::Request) {
    spawn_local(async move {
        if let Err(error) = ipc::call::<C>(request).await {
            doing.failed(error);
        }
    });
}

impl Doing {
    /// Says that a command failed.
    pub(super) fn failed(self, error: corral_contract::WireError) {
        if error.code != corral_contract::ErrorCode::Cancelled {
            self.toasts.error(untrack(|| self.words.get("sending.failed")), error);
        }
    }
}
