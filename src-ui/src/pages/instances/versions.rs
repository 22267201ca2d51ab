//! The server that Corral runs: its versions, newer ones, the way back, and the end of it.

use corral_contract::{
    InstanceId, WireError,
    command::Nothing,
    installs::{
        InstalledVersion, InstallsView, PinVersion, RemoveOllama, ServerPhase, UpdateOllama,
        call::{Check, Pin, Remove, RollBack, Update},
    },
    models::OpRef,
    size,
};
use leptos::prelude::*;

use super::install::{Progress, running_task};
use crate::{
    components::{
        Button, ButtonKind, Checkbox, Confirm, Dialog, ErrorCard, Note, Switch, Tag, Ticked, Tone,
    },
    format,
    navigation::{Page, use_navigation},
    pages::sending::Sending,
    problem,
    state::use_stores,
    words::use_words,
};

fn use_installs() -> Memo<InstallsView> {
    let stores = use_stores();
    Memo::new(move |_| stores.system.with(|system| system.installs.clone()))
}

/// What is worth saying on the card of Corral's own server: a newer version, or that it died.
#[component]
pub(super) fn ManagedNote(id: InstanceId) -> impl IntoView {
    let (words, navigation) = (use_words(), use_navigation());
    let known = use_installs();
    let mine = Memo::new(move |_| {
        known.with(|known| known.server.as_ref().is_some_and(|it| it.instance == Some(id)))
    });
    let offer = Memo::new(move |_| {
        let offer = known.with(|known| known.offer().map(|it| it.version.clone()));
        offer.filter(|_| mine.get())
    });
    let trouble = Memo::new(move |_| {
        known.with(|known| {
            let server = known.server.as_ref().filter(|_| mine.get())?;
            let down = matches!(server.phase, ServerPhase::Crashed | ServerPhase::GivenUp);
            (down || server.problem.is_some()).then(|| (server.phase, server.problem.clone()))
        })
    });
    let open = move |()| navigation.open_place(Page::Instances, "versions");
    let note = move |tone: Tone, text: String| {
        view! {
            <Note tone=tone>
                <span class="install__small">
                    <span>{text}</span>
                    <Button small=true on_press=open>{words.signal("banner.show")}</Button>
                </span>
            </Note>
        }
    };
    move || match (trouble.get(), offer.get()) {
        (Some((phase, problem)), _) => {
            let text = match problem {
                Some(problem) => problem::line(words, &problem),
                None => words.get(&format!("serverPhase.{}", phase.as_str())),
            };
            Some(note(Tone::Bad, text))
        }
        (None, Some(version)) => {
            Some(note(Tone::Info, words.fill("installs.offer", &[("version", &version)])))
        }
        (None, None) => None,
    }
}

/// Versions beside each other, and what can be done with them.
#[component]
pub(super) fn VersionsDialog(
    sending: Sending,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let words = use_words();
    let footer = move || {
        view! {
            <Button on_press=on_close autofocus=true>{words.signal("common.close")}</Button>
        }
    };
    view! {
        <Dialog
            title=words.signal("installs.title")
            on_close=on_close
            footer=footer
            attr:data-testid="dialog-versions"
        >
            <Versions sending />
        </Dialog>
    }
}

/// As the dialog shows them; knows nothing of where it stands.
#[component]
pub(super) fn Versions(sending: Sending) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let known = use_installs();
    let busy = {
        let task = running_task();
        Memo::new(move |_| task.with(Option::is_some))
    };
    // Whoever opens it wants to know.
    sending.ask::<Check>("check releases", Nothing {}, |_| {});
    let state = move || {
        known.with(|known| {
            let server = known.server.as_ref()?;
            let phase = words.get(&format!("serverPhase.{}", server.phase.as_str()));
            let (pid, port) = (server.pid.map(|pid| pid.to_string()), server.port.to_string());
            let mut values = vec![("phase", phase.as_str()), ("port", port.as_str())];
            values.extend(pid.as_deref().map(|pid| ("pid", pid)));
            Some(words.fill("installs.state", &values))
        })
    };
    let exit = move || {
        known.with(|known| {
            let exit = known.server.as_ref()?.last_exit.as_ref()?;
            let age = format::age(words, exit.at, stores.now.get());
            let (code, signal) =
                (exit.code.map(|it| it.to_string()), exit.signal.map(|it| it.to_string()));
            let mut values = vec![("age", age.as_str())];
            values.extend(code.as_deref().map(|code| ("code", code)));
            values.extend(signal.as_deref().map(|signal| ("signal", signal)));
            Some(words.fill("installs.exit", &values))
        })
    };
    let problem = Memo::new(move |_| {
        known.with(|known| known.server.as_ref().and_then(|server| server.problem.clone()))
    });
    let checked = move || {
        known.with(|known| match (&known.problem, &known.newest) {
            (Some(problem), _) => problem::line(words, problem),
            (None, Some(newest)) => {
                let age = format::age(words, newest.checked_at, stores.now.get());
                words.fill("installs.newest", &[("version", &newest.version), ("age", &age)])
            }
            (None, None) => words.get("installs.neverChecked"),
        })
    };
    let look = move |()| sending.send::<Check>("check releases", Nothing {});
    let pin = move |pinned| sending.send::<Pin>("pin", PinVersion { pinned });
    let pinned = Signal::derive(move || known.with(|known| known.pinned));
    view! {
        <div class="install" data-testid="versions">
            <p class="num" role="status" data-testid="versions-state">{state}</p>
            <p class="dim">{exit}</p>
            {move || problem.get().map(|problem: WireError| {
                view! { <ErrorCard error=Signal::stored(problem) /> }
            })}
            <Show when=move || busy.get()>
                <Progress sending />
            </Show>
            <Offer sending busy />
            <ul class="install__versions">
                <For
                    each=move || known.with(|known| known.versions.clone())
                    key=|version| (version.version.clone(), version.active, version.previous)
                    let:version
                >
                    <Line version sending busy />
                </For>
            </ul>
            <div class="install__foot">
                <span class="dim">{checked}</span>
                <Button
                    small=true
                    icon=icondata::LuRefreshCw
                    pending=sending.pending("check releases")
                    on_press=look
                    attr:data-testid="versions-check"
                >
                    {words.signal("installs.check")}
                </Button>
            </div>
            <Switch
                on=pinned
                label=words.signal("installs.pin")
                hint=words.signal("installs.pinHint")
                on_change=pin
                attr:data-testid="versions-pin"
            />
        </div>
    }
}

/// A newer version, with what its makers say about it.
#[component]
fn Offer(sending: Sending, busy: Memo<bool>) -> impl IntoView {
    let words = use_words();
    let known = use_installs();
    let offer = Memo::new(move |_| known.with(|known| known.offer().cloned()));
    move || {
        offer.get().filter(|_| !busy.get()).map(|offer| {
            let bytes = offer.size.map(size::format);
            let mut values = vec![("version", offer.version.as_str())];
            values.extend(bytes.as_deref().map(|bytes| ("size", bytes)));
            let title = words.fill("installs.offer", &values);
            let version = offer.version.clone();
            let press = move |()| {
                let request = UpdateOllama { version: Some(version.clone()), file: None };
                sending.then::<Update>("update ollama", request, |OpRef { .. }| {});
            };
            view! {
                <Note tone=Tone::Info attr:data-testid="versions-offer">
                    <div class="install">
                        <strong>{title}</strong>
                        <span class="dim">{words.signal("installs.updateHint")}</span>
                        {(!offer.notes.is_empty()).then(|| view! {
                            <details>
                                <summary>{words.signal("installs.notes")}</summary>
                                <pre class="install__notes">{offer.notes.clone()}</pre>
                            </details>
                        })}
                        <div>
                            <Button
                                kind=ButtonKind::Primary
                                small=true
                                pending=sending.pending("update ollama")
                                on_press=press
                                attr:data-testid="versions-update"
                            >
                                {words.signal("installs.update")}
                            </Button>
                        </div>
                    </div>
                </Note>
            }
        })
    }
}

/// One version on this machine.
#[component]
fn Line(version: InstalledVersion, sending: Sending, busy: Memo<bool>) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let InstalledVersion { version: name, size: bytes, digest, verified, installed_at, .. } =
        version;
    let (active, previous) = (version.active, version.previous);
    let text = move || {
        let check = words.get(if verified { "installs.verified" } else { "installs.unverified" });
        let (bytes, age) =
            (size::format(bytes), format::age(words, installed_at, stores.now.get()));
        words.fill("installs.line", &[("size", &bytes), ("age", &age), ("check", &check)])
    };
    let testid = format!("version-{name}");
    let back = {
        let name = name.clone();
        move || words.fill("installs.rollBack", &[("version", &name)])
    };
    let tag = match (active, previous) {
        (true, _) => Some("installs.active"),
        (_, true) => Some("installs.previous"),
        _ => None,
    };
    view! {
        <li class="install__version" data-testid=testid>
            <div>
                <p>
                    <strong class="num">{name}</strong>
                    " "
                    {tag.map(|key| view! { <Tag>{words.signal(key)}</Tag> })}
                </p>
                <p class="faint" title=digest>{text}</p>
            </div>
            {previous.then(|| view! {
                <Button
                    small=true
                    icon=icondata::LuHistory
                    pending=Signal::derive(move || busy.get())
                    on_press=move |()| {
                        sending.then::<RollBack>("roll back", Nothing {}, |OpRef { .. }| {});
                    }
                    attr:data-testid="versions-back"
                >
                    {back}
                </Button>
            })}
        </li>
    }
}

/// Asks before everything of it goes, and whether the models go, too.
#[component]
pub(super) fn Uninstall(sending: Sending, #[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let words = use_words();
    let known = use_installs();
    let models = RwSignal::new(false);
    let (version, folder, own) = known.with_untracked(|known| {
        let server = known.server.as_ref();
        let version = server.map(|server| server.version.clone()).unwrap_or_default();
        let folder = server.map(|server| server.models.clone()).unwrap_or_default();
        let own = folder == known.models_folder;
        (version, folder, own)
    });
    let title =
        Signal::derive(move || words.fill("installs.uninstallTitle", &[("version", &version)]));
    let label =
        Signal::derive(move || words.fill("installs.uninstallModels", &[("folder", &folder)]));
    let go = move |()| {
        let request = RemoveOllama { models: models.get_untracked() };
        sending.then::<Remove>("uninstall", request, |OpRef { .. }| {});
    };
    view! {
        <Confirm
            title=title
            go=words.signal("installs.uninstallGo")
            keep=words.signal("common.cancel")
            name="uninstall"
            on_go=go
            on_close=on_close
            attr:data-testid="dialog-uninstall"
        >
            <p>{words.signal("installs.uninstallText")}</p>
            {own.then(|| view! {
                <Checkbox
                    ticked=Signal::derive(move || Ticked::from(models.get()))
                    label=label
                    on_toggle=move |_| models.set(!models.get_untracked())
                />
            })}
        </Confirm>
    }
}
