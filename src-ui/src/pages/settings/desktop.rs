use corral_contract::{
    command::Nothing,
    desktop::{Autostart, Folder, FolderRef, StartHidden, call},
    settings::{CloseButton, LogLevel},
};
use leptos::{prelude::*, task::spawn_local};

use super::{Row, Section, general::SwitchRow, saving::Saving};
use crate::{
    app::Desktop,
    components::{Button, Segmented, Select, Switch},
    ipc,
    pages::sending::Sending,
    state::use_stores,
    words::use_words,
};

/// The window's close button and starting with the system.
#[component]
pub(super) fn WindowSection(saving: Saving) -> impl IntoView {
    let words = use_words();
    let desktop: Desktop = expect_context();
    let sending = Sending::here();
    spawn_local(async move {
        // The switch shows the true state of the system, which others can change too.
        if let Ok(facts) = ipc::call::<call::Facts>(Nothing {}).await {
            desktop.0.set(Some(facts));
        }
    });
    let no_tray = Memo::new(move |_| desktop.0.with(|it| it.as_ref().is_some_and(|it| !it.tray)));
    let options = Signal::derive(move || {
        let option = |each: &CloseButton| {
            (each.as_str(), words.get(&format!("closeButton.{}", each.as_str())))
        };
        let fits = |each: &&CloseButton| **each != CloseButton::Tray || !no_tray.get();
        CloseButton::ALL.iter().filter(fits).map(option).collect::<Vec<_>>()
    });
    let close_hint = Signal::derive(move || {
        words.get(if no_tray.get() { "settings.noTray" } else { "settings.closeHint" })
    });
    let choose = move |to: &'static str| {
        if let Some(button) = CloseButton::parse(to) {
            saving.save(|settings| settings.close_button = button);
        }
    };
    let reason = Signal::derive(move || {
        desktop.0.with(|facts| match facts {
            None => words.get("common.loading"),
            Some(facts) => facts.autostart_problem.as_ref().map_or_else(String::new, |why| {
                words.fill("settings.autostartProblem", &[("reason", why)])
            }),
        })
    });
    let start = move |on| {
        sending.then::<call::SetAutostart>("autostart", Autostart { on }, move |facts| {
            desktop.0.set(Some(facts));
        });
    };
    let hide = move |on| {
        sending.then::<call::SetStartHidden>("start hidden", StartHidden { on }, move |facts| {
            desktop.0.set(Some(facts));
        });
    };
    let loading = Signal::derive(move || {
        if desktop.0.with(Option::is_none) { words.get("common.loading") } else { String::new() }
    });
    view! {
        <Section title=words.signal("settings.window")>
            <Row label=words.signal("settings.closeButton") hint=close_hint>
                <Segmented
                    label=words.signal("settings.closeButton")
                    options=options
                    value=Signal::derive(move || saving.read(|it| it.close_button.as_str().to_owned()))
                    on_change=choose
                    attr:data-testid="settings-closeButton"
                />
            </Row>
            <div class="setting setting--switch">
                <Switch
                    on=Signal::derive(move || desktop.0.with(|it| it.as_ref().is_some_and(|it| it.autostart)))
                    label=words.signal("settings.autostart")
                    hint=words.signal("settings.autostartHint")
                    reason=reason
                    on_change=start
                    attr:data-testid="settings-autostart"
                />
            </div>
            <div class="setting setting--switch">
                <Switch
                    on=Signal::derive(move || {
                        desktop.0.with(|it| it.as_ref().is_some_and(|it| it.start_hidden))
                    })
                    label=words.signal("settings.startHidden")
                    hint=words.signal("settings.startHiddenHint")
                    reason=loading
                    on_change=hide
                    attr:data-testid="settings-startHidden"
                />
            </div>
            <SwitchRow
                saving
                field="stopOllama"
                read=|it| it.stop_ollama_on_quit
                write=|it, on| it.stop_ollama_on_quit = on
            />
            <SwitchRow
                saving
                field="ollamaCheck"
                read=|it| it.ollama_check
                write=|it, on| it.ollama_check = on
            />
            <SwitchRow
                saving
                field="restoreRunning"
                read=|it| it.restore_running
                write=|it, on| it.restore_running = on
            />
        </Section>
    }
}

/// Logs, folders and the version.
#[component]
pub(super) fn About(saving: Saving) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let desktop: Desktop = expect_context();
    let sending = Sending::here();
    let levels = Signal::derive(move || {
        let option = |each: &LogLevel| {
            (each.as_str().to_owned(), words.get(&format!("logLevel.{}", each.as_str())))
        };
        LogLevel::ALL.iter().map(option).collect::<Vec<_>>()
    });
    let set_level = move |to: String| {
        if let Some(level) = LogLevel::parse(&to) {
            saving.save(|settings| settings.log_level = level);
        }
    };
    let path = move |folder: Folder| {
        Signal::derive(move || {
            desktop.0.with(|facts| {
                facts.as_ref().map_or_else(String::new, |facts| match folder {
                    Folder::Logs => facts.log_folder.clone(),
                    Folder::Data | Folder::Backups => facts.data_folder.clone(),
                })
            })
        })
    };
    let folder = move |folder: Folder| {
        let key = format!("reveal {}", folder.as_str());
        let testid = format!("settings-folder-{}", folder.as_str());
        let reveal = move |()| {
            let key = format!("reveal {}", folder.as_str());
            sending.send::<call::Reveal>(&key, FolderRef { folder });
        };
        view! {
            <Row label=words.signal_of(format!("folder.{}", folder.as_str())) hint=path(folder)>
                <Button
                    small=true
                    icon=icondata::LuFolderOpen
                    pending=sending.pending(&key)
                    on_press=reveal
                    attr:data-testid=testid
                >
                    {words.signal("settings.open")}
                </Button>
            </Row>
        }
    };
    view! {
        <Section title=words.signal("settings.about")>
            <Row label=words.signal("settings.logLevel") hint=words.signal("settings.logLevelHint")>
                <Select
                    id="settings-logLevel"
                    label=words.signal("settings.logLevel")
                    options=levels
                    value=Signal::derive(move || saving.read(|it| it.log_level.as_str().to_owned()))
                    on_change=set_level
                    attr:data-testid="settings-logLevel"
                />
            </Row>
            {folder(Folder::Logs)}
            {folder(Folder::Data)}
            <Row label=words.signal("settings.version")>
                <span class="num dim" data-testid="settings-version">
                    {move || stores.system.with(|system| system.version.clone())}
                </span>
            </Row>
        </Section>
    }
}
