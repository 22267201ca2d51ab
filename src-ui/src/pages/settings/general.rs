use corral_contract::settings::{FetchWay, Language, NotifySettings, Settings, UpdateCheck};
use leptos::prelude::*;

use super::{Row, Section, moments::Moments, number::NumberRow, saving::Saving};
use crate::{
    components::{Segmented, Select, Switch},
    frame::theme,
    preferences::use_preferences,
    words::use_words,
};

/// Language and theme.
#[component]
pub(super) fn Appearance(saving: Saving) -> impl IntoView {
    let (words, preferences) = (use_words(), use_preferences());
    let languages = Signal::derive(move || {
        let option =
            |each: &Language| (each.as_str(), words.get(&format!("language.{}", each.as_str())));
        Language::ALL.iter().map(option).collect::<Vec<_>>()
    });
    let themes = Signal::derive(move || {
        ["system", "light", "dark"].map(|each| (each, words.get(&format!("theme.{each}")))).to_vec()
    });
    let theme_now = Signal::derive(move || {
        preferences.get::<String>(theme::KEY).unwrap_or_else(|| "system".to_owned())
    });
    let speak = move |to: &'static str| {
        if let Some(language) = Language::parse(to) {
            saving.save(|settings| settings.language = language);
        }
    };
    view! {
        <Section title=words.signal("settings.appearance")>
            <Row label=words.signal("top.language") hint=words.signal("settings.languageHint")>
                <Segmented
                    label=words.signal("top.language")
                    options=languages
                    value=Signal::derive(move || saving.read(|it| it.language.as_str().to_owned()))
                    on_change=speak
                    attr:data-testid="lang-select"
                />
            </Row>
            <Row label=words.signal("top.theme")>
                <Segmented
                    label=words.signal("top.theme")
                    options=themes
                    value=theme_now
                    on_change=move |to: &'static str| preferences.set(theme::KEY, &to)
                    attr:data-testid="theme-select"
                />
            </Row>
        </Section>
    }
}

/// The download queue.
#[component]
pub(super) fn Downloads(saving: Saving) -> impl IntoView {
    let words = use_words();
    view! {
        <Section title=words.signal("nav.downloads")>
            <NumberRow
                saving
                field="parallelDownloads"
                range=1..=16
                read=|it| it.parallel_downloads
                write=|it, to| it.parallel_downloads = to
            />
            <NumberRow
                saving
                field="parallelInAll"
                range=1..=64
                read=|it| it.parallel_in_all
                write=|it, to| it.parallel_in_all = to
            />
            <NumberRow
                saving
                field="connections"
                range=1..=16
                read=|it| it.connections
                write=|it, to| it.connections = to
            />
            <NumberRow
                saving
                field="maxAttempts"
                range=1..=20
                read=|it| it.max_attempts
                write=|it, to| it.max_attempts = to
            />
            <NumberRow
                saving
                field="bandwidthKb"
                range=0..=10_000_000
                unit="settings.unitKilobytes"
                read=|it| it.bandwidth_kb
                write=|it, to| it.bandwidth_kb = to
            />
            <FetchWayRow saving />
            <UpdateCheckRow saving />
            <SwitchRow
                saving
                field="smokeTest"
                read=|it| it.smoke_test
                write=|it, on| it.smoke_test = on
            />
            <NumberRow
                saving
                field="diskReserveMb"
                range=0..=1_000_000
                unit="settings.unitMegabytes"
                read=|it| it.disk_reserve_mb
                write=|it, to| it.disk_reserve_mb = to
            />
            <SwitchRow
                saving
                field="resumeOnStart"
                read=|it| it.resume_on_start
                write=|it, on| it.resume_on_start = on
            />
            <Moments saving />
        </Section>
    }
}

/// How closely servers are followed, and how long is waited for them.
#[component]
pub(super) fn Watching(saving: Saving) -> impl IntoView {
    let words = use_words();
    view! {
        <Section title=words.signal("settings.watching")>
            <NumberRow
                saving
                field="syncMinutes"
                range=0..=1440
                unit="settings.unitMinutes"
                read=|it| it.sync_minutes
                write=|it, to| it.sync_minutes = to
            />
            <NumberRow
                saving
                field="syncFailures"
                range=1..=20
                unit="settings.unitFailures"
                read=|it| it.sync_failures
                write=|it, to| it.sync_failures = to
            />
            <NumberRow
                saving
                field="syncKeepDays"
                range=1..=3650
                unit="settings.unitDays"
                read=|it| it.sync_keep_days
                write=|it, to| it.sync_keep_days = to
            />
            <NumberRow
                saving
                field="syncKeepReports"
                range=10..=100_000
                unit="settings.unitReports"
                read=|it| it.sync_keep_reports
                write=|it, to| it.sync_keep_reports = to
            />
            <NumberRow
                saving
                field="pollVisibleSeconds"
                range=1..=60
                unit="settings.unitSeconds"
                read=|it| it.poll_visible_seconds
                write=|it, to| it.poll_visible_seconds = to
            />
            <NumberRow
                saving
                field="pollHiddenSeconds"
                range=5..=600
                unit="settings.unitSeconds"
                read=|it| it.poll_hidden_seconds
                write=|it, to| it.poll_hidden_seconds = to
            />
            <NumberRow
                saving
                field="undoSeconds"
                range=0..=60
                unit="settings.unitSeconds"
                read=|it| it.undo_seconds
                write=|it, to| it.undo_seconds = to
            />
            <NumberRow
                saving
                field="loadTimeoutSeconds"
                range=30..=7200
                unit="settings.unitSeconds"
                read=|it| it.load_timeout_seconds
                write=|it, to| it.load_timeout_seconds = to
            />
        </Section>
    }
}

/// Which notifications the system shows.
#[component]
pub(super) fn Notifications(saving: Saving) -> impl IntoView {
    let words = use_words();
    view! {
        <Section title=words.signal("settings.notifications")>
            <p class="settings__remark">{words.signal("settings.notificationsHint")}</p>
            <NotifyRow saving field="notifyDownloadDone" read=|it| it.download_done write=|it, on| it.download_done = on />
            <NotifyRow saving field="notifyFailed" read=|it| it.failed write=|it, on| it.failed = on />
            <NotifyRow saving field="notifyInstanceDown" read=|it| it.instance_down write=|it, on| it.instance_down = on />
            <NotifyRow saving field="notifyModelCrashed" read=|it| it.model_crashed write=|it, on| it.model_crashed = on />
        </Section>
    }
}

/// Who moves the bytes.
#[component]
fn FetchWayRow(saving: Saving) -> impl IntoView {
    let words = use_words();
    let ways = Signal::derive(move || {
        let option = |each: &FetchWay| {
            (each.as_str().to_owned(), words.get(&format!("fetchWay.{}", each.as_str())))
        };
        FetchWay::ALL.iter().map(option).collect::<Vec<_>>()
    });
    let set = move |to: String| {
        if let Some(way) = FetchWay::parse(&to) {
            saving.save(|settings| settings.fetch_way = way);
        }
    };
    view! {
        <Row label=words.signal("settings.fetchWay") hint=words.signal("settings.fetchWayHint")>
            <Select
                id="settings-fetchWay"
                label=words.signal("settings.fetchWay")
                options=ways
                value=Signal::derive(move || saving.read(|it| it.fetch_way.as_str().to_owned()))
                on_change=set
                attr:data-testid="settings-fetchWay"
            />
        </Row>
    }
}

/// How often registries are asked for newer versions.
#[component]
fn UpdateCheckRow(saving: Saving) -> impl IntoView {
    let words = use_words();
    let often = Signal::derive(move || {
        let option = |each: &UpdateCheck| {
            (each.as_str(), words.get(&format!("updateCheck.{}", each.as_str())))
        };
        UpdateCheck::ALL.iter().map(option).collect::<Vec<_>>()
    });
    view! {
        <Row label=words.signal("settings.updateCheck") hint=words.signal("settings.updateCheckHint")>
            <Segmented
                label=words.signal("settings.updateCheck")
                options=often
                value=Signal::derive(move || saving.read(|it| it.update_check.as_str().to_owned()))
                on_change=move |to: &'static str| saving.save(|settings| {
                    settings.update_check = UpdateCheck::parse(to).unwrap_or(settings.update_check);
                })
                attr:data-testid="settings-updateCheck"
            />
        </Row>
    }
}

#[component]
pub(super) fn SwitchRow(
    saving: Saving,
    /// Its name in the texts and in tests.
    field: &'static str,
    read: fn(&Settings) -> bool,
    write: fn(&mut Settings, bool),
) -> impl IntoView {
    let words = use_words();
    view! {
        <div class="setting setting--switch">
            <Switch
                on=Signal::derive(move || saving.read(read))
                label=words.signal_of(format!("settings.{field}"))
                hint=words.signal_of(format!("settings.{field}Hint"))
                on_change=move |on| saving.save(|settings| write(settings, on))
                attr:data-testid=format!("settings-{field}")
            />
        </div>
    }
}

#[component]
fn NotifyRow(
    saving: Saving,
    field: &'static str,
    read: fn(&NotifySettings) -> bool,
    write: fn(&mut NotifySettings, bool),
) -> impl IntoView {
    let words = use_words();
    view! {
        <div class="setting setting--switch">
            <Switch
                on=Signal::derive(move || saving.read(|settings| read(&settings.notify)))
                label=words.signal_of(format!("settings.{field}"))
                on_change=move |on| saving.save(|settings| write(&mut settings.notify, on))
                attr:data-testid=format!("settings-{field}")
            />
        </div>
    }
}
