//! Installing Ollama: by one button, or with other choices; and a first small model after it.

use corral_contract::{
    InstanceId, WireError,
    catalogue::{CatalogueView, call::List as Catalogue},
    command::Nothing,
    installs::{InstallOllama, InstallsView, call::Check},
    instances::{InstanceRef, Kind, call::Install},
    models::{CreateModel, OpRef, call::Create},
    size,
    tasks::{TaskKind, TaskRef, TaskState, TaskView, call::Cancel},
};
use leptos::prelude::*;

use super::first_run::Choice;
use crate::{
    components::{
        Button, ButtonKind, Dialog, ErrorCard, Field, Note, Part, ProgressBar, TextInput, Tone,
    },
    format,
    pages::{advice, sending::Sending},
    state::use_stores,
    words::{Words, use_words},
};

/// Models that run on any machine, the smallest first.
const SMALL: [&str; 3] = ["qwen3:0.6b", "gemma3:1b", "llama3.2:1b"];

/// What a first run offers besides servers that are there: one button, then how far it is.
#[component]
pub(super) fn FirstInstall(
    sending: Sending,
    #[prop(into)] on_options: Callback<()>,
) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let task = running_task();
    let busy = Memo::new(move |_| task.with(Option::is_some));
    let known = Memo::new(move |_| stores.system.with(|system| system.installs.clone()));
    let supported = Memo::new(move |_| known.with(|known| !known.archives.is_empty()));
    // The version and its size are worth knowing before anything is fetched.
    sending.ask::<Check>("check releases", Nothing {}, |_| {});
    let failed = Memo::new(move |_| {
        stores.tasks.with(|tasks| {
            let last = tasks.all().iter().find(|task| task.kind == TaskKind::Install)?;
            last.problem.clone().filter(|_| last.state == TaskState::Failed)
        })
    });
    let text = Signal::derive(move || {
        known.with(|known| {
            if known.archives.is_empty() {
                words.get("installs.unsupported")
            } else {
                about(words, known)
            }
        })
    });
    let press = move |()| {
        let request = InstallOllama { name: words.get("installs.name"), ..Default::default() };
        sending.then::<Install>("install", request, |OpRef { .. }| {});
    };
    view! {
        <Show
            when=move || busy.get()
            fallback=move || view! {
                {move || failed.get().map(|problem| view! { <ErrorCard error=Signal::stored(problem) /> })}
                <Show when=move || supported.get()>
                    <Choice
                        icon=icondata::LuDownload
                        title=words.signal("installs.install")
                        text=text
                        on_press=press
                        attr:data-testid="first-run-install"
                    />
                </Show>
                <div class="install__more">
                    <Button small=true on_press=on_options attr:data-testid="first-run-options">
                        {words.signal("installs.options")}
                    </Button>
                    <span class="faint">{words.signal("installs.licence")}</span>
                </div>
            }
        >
            <Progress sending />
        </Show>
    }
}

/// `Ollama 0.33.0 · 1.5 GB to fetch · MIT licence · into the folder`.
fn about(words: Words, known: &InstallsView) -> String {
    let newest = known.newest.as_ref();
    let bytes = newest.and_then(|newest| newest.size).map(size::format);
    let mut values = vec![("folder", known.folder.as_str())];
    values.extend(newest.map(|newest| ("version", newest.version.as_str())));
    values.extend(bytes.as_deref().map(|bytes| ("size", bytes)));
    words.fill("installs.installText", &values)
}

/// The task that installs, updates or removes now.
pub(super) fn running_task() -> Memo<Option<TaskView>> {
    let stores = use_stores();
    Memo::new(move |_| {
        let id = stores.system.with(|system| system.installs.task)?;
        stores.tasks.with(|tasks| tasks.get(id).cloned())
    })
}

/// While Ollama is being installed beside servers that are there already: how far that is, where it
/// was begun.
#[component]
pub(super) fn InstallPanel(sending: Sending) -> impl IntoView {
    let words = use_words();
    let task = running_task();
    let installs = Memo::new(move |_| {
        task.with(|task| task.as_ref().is_some_and(|task| task.kind == TaskKind::Install))
    });
    view! {
        <Show when=move || installs.get()>
            <section
                class="card instance"
                aria-label=words.signal("installs.optionsTitle")
                data-testid="install-panel"
            >
                <h2>{words.signal("installs.optionsTitle")}</h2>
                <Progress sending />
            </section>
        </Show>
    }
}

/// How far the task is, and a way to stop it.
#[component]
pub(super) fn Progress(sending: Sending) -> impl IntoView {
    let words = use_words();
    let task = running_task();
    let line = move || {
        task.with(|task| {
            let task = task.as_ref()?;
            Some(words.get_or(&format!("taskPhase.{}", task.phase), &task.target))
        })
    };
    let figures = move || {
        let figures = task.with(|task| task.as_ref()?.figures)?;
        let (done, total) = (size::format(figures.done), size::format(figures.total));
        let speed = figures.speed.map(format::speed);
        let mut values = vec![("done", done.as_str()), ("total", total.as_str())];
        values.extend(speed.as_deref().map(|speed| ("speed", speed)));
        Some(words.fill("installs.progress", &values))
    };
    let part = move || {
        let figures = task.with(|task| task.as_ref()?.figures);
        figures.map(|it| vec![Part::of(it.done, it.total, "busy")]).unwrap_or_default()
    };
    let can_stop = Memo::new(move |_| task.with(|it| it.as_ref().is_some_and(|it| it.can_cancel)));
    let stop = move |()| {
        if let Some(id) = task.with_untracked(|task| task.as_ref().map(|task| task.id)) {
            sending.then::<Cancel>("stop install", TaskRef { id }, move |_| {
                sending.good(words.get("installs.cancelled"));
            });
        }
    };
    view! {
        <div class="install" data-testid="install-progress">
            <p role="status">{line}</p>
            <ProgressBar
                parts=Signal::derive(part)
                label=Signal::derive(move || figures().unwrap_or_default())
                process=true
            />
            <div class="install__foot">
                <span class="dim num">{figures}</span>
                <Show when=move || can_stop.get()>
                    <Button small=true on_press=stop attr:data-testid="install-stop">
                        {words.signal("installs.stop")}
                    </Button>
                </Show>
            </div>
        </div>
    }
}

/// Installing from a file, into another folder, on another port, or another version.
#[component]
pub(super) fn InstallDialog(#[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let sending = Sending::here();
    let (stores, words) = (use_stores(), use_words());
    let [file, models, port, version] = [(); 4].map(|()| RwSignal::new(String::new()));
    let wrong = RwSignal::new(None::<WireError>);
    let other = move || {
        let wrong = wrong.get()?;
        let named = wrong.params.get("field").map(String::as_str);
        let shown = matches!(named, Some("file" | "models" | "port" | "version"));
        (!shown).then(|| view! { <ErrorCard error=Signal::stored(wrong) /> })
    };
    let own = stores.system.with_untracked(|system| system.installs.models_folder.clone());
    let go = move |()| {
        let given = |text: RwSignal<String>| {
            text.with_untracked(|text| Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
        };
        let number = given(port).map(|text| text.parse::<u16>().unwrap_or(0));
        let request = InstallOllama {
            file: given(file),
            version: given(version),
            models: given(models),
            port: number,
            name: words.get("installs.name"),
        };
        sending.ask::<Install>("install", request, move |answer| match answer {
            Ok(OpRef { .. }) => on_close.run(()),
            Err(problem) => wrong.set(Some(problem)),
        });
    };
    let footer = move || {
        view! {
            <Button on_press=on_close autofocus=true>{words.signal("common.cancel")}</Button>
            <Button
                kind=ButtonKind::Primary
                pending=sending.pending("install")
                on_press=go
                attr:data-testid="install-go"
            >
                {words.signal("installs.go")}
            </Button>
        }
    };
    let line = move |id: &'static str, field: &'static str, hint: Signal<String>, value| {
        let error = Signal::derive(move || {
            let wrong = wrong.get();
            wrong.map(|wrong| advice::reason(words, &wrong, field)).unwrap_or_default()
        });
        view! {
            <Field id=id label=words.signal_of(format!("installs.{field}")) hint=hint error=error>
                <TextInput id=id value=value mono=true attr:data-testid=id />
            </Field>
        }
    };
    let models_hint =
        Signal::derive(move || words.fill("installs.modelsHint", &[("folder", &own)]));
    view! {
        <Dialog
            title=words.signal("installs.optionsTitle")
            on_close=on_close
            footer=footer
            attr:data-testid="dialog-install"
        >
            <p class="dim">{words.signal("installs.licence")}</p>
            {other}
            {line("install-file", "file", words.signal("installs.fileHint"), file)}
            {line("install-version", "version", words.signal("installs.versionHint"), version)}
            {line("install-models", "models", models_hint, models)}
            {line("install-port", "port", words.signal("installs.portHint"), port)}
        </Dialog>
    }
}

/// A few small models to begin with, on the card of Corral's own server while it has none.
#[component]
pub(super) fn FirstModels(id: InstanceId, sending: Sending) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let empty = Memo::new(move |_| {
        let none = stores.instances.with(|all| {
            all.get(id).is_some_and(|it| it.kind == Kind::NativeManaged && it.models == 0)
        });
        none && stores
            .downloads
            .with(|downloads| !downloads.jobs().iter().any(|job| job.instance == id))
    });
    view! {
        <Show when=move || empty.get()>
            <Note tone=Tone::Info attr:data-testid="first-models">
                <span class="install__small">
                    <span>{words.signal("installs.small")}</span>
                    <Small id sending />
                </span>
            </Note>
        </Show>
    }
}

#[component]
fn Small(id: InstanceId, sending: Sending) -> impl IntoView {
    let words = use_words();
    let sizes = RwSignal::new(Vec::<(String, Option<u64>)>::new());
    sending.ask::<Catalogue>("small models", InstanceRef { id }, move |answer| {
        if let Ok(list) = answer {
            sizes.set(known(&list));
        }
    });
    let get = move |name: &str| {
        let request = CreateModel {
            instance: id,
            name: name.to_owned(),
            priority: Default::default(),
            start_when_done: true,
            update: false,
            insecure: false,
            force: false,
        };
        sending.send::<Create>(&format!("get {name}"), request);
    };
    move || {
        let known = sizes.get();
        let button = |name: &'static str| {
            let bytes = known.iter().find(|(it, _)| it == name).and_then(|(_, bytes)| *bytes);
            let label = match bytes.map(size::format) {
                Some(bytes) => words.fill("installs.get", &[("name", name), ("size", &bytes)]),
                None => name.to_owned(),
            };
            view! {
                <Button
                    small=true
                    pending=sending.pending(&format!("get {name}"))
                    on_press=move |()| get(name)
                    attr:data-testid=format!("first-model-{name}")
                >
                    {label}
                </Button>
            }
        };
        SMALL.map(button).collect_view()
    }
}

/// The small ones with their sizes, as far as the catalogue knows them.
fn known(list: &CatalogueView) -> Vec<(String, Option<u64>)> {
    let tags = list.items.iter().flat_map(|model| &model.tags);
    tags.filter(|tag| SMALL.contains(&tag.name.as_str()))
        .map(|tag| (tag.name.clone(), tag.bytes))
        .collect()
}
