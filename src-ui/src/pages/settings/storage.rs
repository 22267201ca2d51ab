use corral_contract::{
    command::Nothing,
    desktop::{self, Folder, FolderRef},
    size,
    storage::{BackupFile, RestoreBackup, call},
};
use leptos::prelude::*;

use super::{Row, Section};
use crate::{
    components::{Button, ButtonKind, Confirm, ErrorCard, Note, Tone},
    format,
    frame::scope::use_scope,
    navigation::{Page, use_navigation},
    pages::{advice, sending::Sending},
    state::use_stores,
    words::use_words,
};

/// Corral's own database: how it is, and its backups.
#[component]
pub(super) fn Storage() -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let (scope, navigation) = (use_scope(), use_navigation());
    let sending = Sending::here();
    let status = Memo::new(move |_| stores.system.with(|system| system.storage.clone()));
    let asking = RwSignal::new(None::<BackupFile>);
    let back_up = move |()| {
        sending.then::<call::Backup>("backup", Nothing {}, move |file| {
            sending.good(words.fill("settings.backedUp", &[("name", &file.name)]));
        });
    };
    let reveal = move |()| {
        let folder = FolderRef { folder: Folder::Backups };
        sending.send::<desktop::call::Reveal>("reveal backups", folder);
    };
    let place = Signal::derive(move || {
        status.with(|status| {
            status
                .as_ref()
                .map_or_else(String::new, |it| format!("{} · {}", it.path, size::format(it.bytes)))
        })
    });
    let backups = Memo::new(move |_| {
        status.with(|status| status.as_ref().map(|it| it.backups.clone()).unwrap_or_default())
    });
    view! {
        <Section title=words.signal("settings.storage")>
            <Trouble />
            <Row label=words.signal("settings.database") hint=place>
                <Button
                    small=true
                    icon=icondata::LuSave
                    pending=sending.pending("backup")
                    on_press=back_up
                    attr:data-testid="settings-backup"
                >
                    {words.signal("settings.backUp")}
                </Button>
                <Button
                    small=true
                    icon=icondata::LuFolderOpen
                    pending=sending.pending("reveal backups")
                    on_press=reveal
                    attr:data-testid="settings-folder-backups"
                >
                    {words.signal("folder.backups")}
                </Button>
            </Row>
            <Row
                label=words.signal("checks.leftovers")
                hint=words.signal("checks.leftoversHint")
            >
                <Button
                    small=true
                    icon=icondata::LuSearch
                    reason=Signal::derive(move || {
                        if scope.target.get().is_none() { words.get("top.noInstance") } else { String::new() }
                    })
                    on_press=move |()| navigation.open(Page::Disk)
                    attr:data-testid="settings-leftovers"
                >
                    {words.signal("checks.look")}
                </Button>
            </Row>
            <Show
                when=move || backups.with(|all| !all.is_empty())
                fallback=move || {
                    view! { <p class="settings__remark">{words.signal("settings.noBackups")}</p> }
                }
            >
                <ul class="backups">
                    <For each=move || backups.get() key=|file| file.name.clone() let:file>
                        <Backup file asking />
                    </For>
                </ul>
            </Show>
        </Section>
        {move || {
            asking.get().map(|file| {
                view! { <RestoreQuestion file sending on_close=move |()| asking.set(None) /> }
            })
        }}
    }
}

/// What is not well with the database.
#[component]
fn Trouble() -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let status = Memo::new(move |_| stores.system.with(|system| system.storage.clone()));
    move || {
        status.get().map(|status| {
            let problem = status.problem.map(advice::textual);
            view! {
                {problem.map(|problem| view! { <ErrorCard error=Signal::stored(problem) /> })}
                {status.read_only.then(|| view! {
                    <Note tone=Tone::Warning>{words.signal("banner.readOnly")}</Note>
                })}
                {status.set_aside.map(|path| view! {
                    <Note tone=Tone::Warning>
                        {move || words.fill("banner.setAside", &[("path", &path)])}
                    </Note>
                })}
                {status.restore_pending.map(|name| view! {
                    <Note>{move || words.fill("settings.restorePending", &[("name", &name)])}</Note>
                })}
            }
        })
    }
}

#[component]
fn Backup(file: BackupFile, asking: RwSignal<Option<BackupFile>>) -> impl IntoView {
    let words = use_words();
    let BackupFile { name, at, bytes } = file.clone();
    let testid = format!("settings-restore-{name}");
    view! {
        <li class="backups__file">
            <span class="num">{format::moment(at)}</span>
            <span class="faint mono cut">{name}</span>
            <span class="num dim">{size::format(bytes)}</span>
            <Button
                small=true
                kind=ButtonKind::Ghost
                on_press=move |()| asking.set(Some(file.clone()))
                attr:data-testid=testid
            >
                {words.signal("settings.restore")}
            </Button>
        </li>
    }
}

#[component]
fn RestoreQuestion(
    file: BackupFile,
    sending: Sending,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let when = format::moment(file.at);
    let title = Signal::derive(move || words.fill("settings.restoreTitle", &[("time", &when)]));
    let restore = Callback::new(move |()| {
        let request = RestoreBackup { name: file.name.clone() };
        sending.then::<call::Restore>("restore", request, move |status| {
            stores.system.update(|system| system.storage = Some(status));
        });
    });
    view! {
        <Confirm
            title=title
            go=words.signal("settings.restore")
            keep=words.signal("common.cancel")
            name="settings-restore"
            on_go=restore
            on_close=on_close
            attr:data-testid="dialog-restore"
        >
            <p>{words.signal("settings.restoreText")}</p>
            <p class="dim">{words.signal("settings.restoreKept")}</p>
        </Confirm>
    }
}
