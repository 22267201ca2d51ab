//! Importing files of this machine.

use corral_contract::{
    WireError,
    command::Nothing,
    desktop,
    makes::{
        FileRef, FoundFile, MakeModel,
        call::{Check, Create, Look, Places, Read},
    },
    modelfile,
    name::ModelName,
};
use leptos::{prelude::*, task::spawn_local};

use super::{
    Beginning, Way, Ways,
    found::{Chosen, Item, importable},
};
use crate::{
    components::{Button, Dialog, DialogFoot, ErrorCard, Field, TextInput},
    ipc,
    pages::{
        advice,
        models::list::{Open, use_list},
        sending::Sending,
    },
    words::use_words,
};

/// The dialog; it looks at `paths` at once.
#[component]
pub(in crate::pages::models) fn ImportFilesDialog(paths: Vec<String>) -> impl IntoView {
    let (words, list, sending) = (use_words(), use_list(), Sending::here());
    let chosen = Chosen {
        found: RwSignal::default(),
        names: RwSignal::default(),
        ticked: RwSignal::default(),
        checks: RwSignal::default(),
    };
    let path = RwSignal::new(paths.first().cloned().unwrap_or_default());
    let failure = RwSignal::new(None::<WireError>);
    let said = RwSignal::new(String::new());
    let looking = RwSignal::new(false);
    let places = RwSignal::new(Vec::new());
    sending.ask::<Places>("places", Nothing {}, move |answer| {
        places.set(answer.map(|it| it.items).unwrap_or_default());
    });
    let target = list.scope.target;
    let look = move |paths: Vec<String>| {
        failure.set(None);
        said.set(String::new());
        looking.set(true);
        spawn_local(async move {
            for path in paths {
                match ipc::call::<Look>(FileRef { path: path.clone() }).await {
                    Ok(answer) => {
                        if answer.items.is_empty() {
                            said.try_set(words.get("import.nothing"));
                        } else if answer.more {
                            said.try_set(words.get("import.more"));
                        }
                        if chosen.found.try_get_untracked().is_some() {
                            chosen.take(answer.items);
                        }
                    }
                    Err(error) => {
                        // Perhaps it is a Modelfile: then it is opened as one.
                        let text = ipc::call::<Read>(FileRef { path }).await.ok();
                        let from = text.filter(|it| modelfile::parse(&it.text).modelfile.is_some());
                        if let Some(read) = from {
                            let beginning =
                                Beginning { text: read.text, base: read.base, of: None };
                            list.open.set(Open::Make(Some(Box::new(beginning))));
                            return;
                        }
                        failure.try_set(Some(error));
                    }
                }
            }
            looking.try_set(false);
        });
    };
    if !paths.is_empty() {
        look(paths);
    }
    // What each would cost, asked when it is ticked.
    Effect::new(move |_| {
        let (ticked, Some(instance)) = (chosen.ticked.get(), target.get()) else { return };
        let found = chosen.found.get_untracked();
        for file in found.into_iter().filter(|it| ticked.contains(&it.path) && importable(it)) {
            if chosen.checks.with_untracked(|checks| checks.contains_key(&file.path)) {
                continue;
            }
            let request = MakeModel {
                instance,
                name: file.name.clone(),
                modelfile: format!("FROM {}\n", modelfile::quoted(&file.path)),
                base: None,
                quantize: None,
                overwrite: true,
            };
            spawn_local(async move {
                let answer = ipc::call::<Check>(request).await;
                chosen.checks.try_update(|checks| checks.insert(file.path, answer));
            });
        }
    });
    let choose_file = move |()| {
        sending.then::<desktop::call::ChooseFile>("file", Nothing {}, move |file| {
            if let Some(file) = file.path {
                path.set(file.clone());
                look(vec![file]);
            }
        });
    };
    let choose_folder = move |()| {
        sending.then::<desktop::call::ChooseFolder>("folder", Nothing {}, move |folder| {
            if let Some(folder) = folder.path {
                path.set(folder.clone());
                look(vec![folder]);
            }
        });
    };
    let making = RwSignal::new(false);
    let submit = move |()| {
        let Some(instance) = target.get_untracked() else { return };
        let ticked = chosen.ticked.get_untracked();
        let found = chosen.found.get_untracked();
        let names = chosen.names.get_untracked();
        let request = |file: FoundFile| {
            let request = MakeModel {
                instance,
                name: names.get(&file.path).cloned().unwrap_or_default(),
                modelfile: chosen.modelfile(&file),
                base: None,
                quantize: None,
                overwrite: false,
            };
            (file.path, request)
        };
        // Asked for now: while they are sent the dialog may be closed.
        let files: Vec<(String, MakeModel)> = found
            .into_iter()
            .filter(|it| ticked.contains(&it.path) && importable(it))
            .map(request)
            .collect();
        making.set(true);
        failure.set(None);
        spawn_local(async move {
            let mut begun = 0;
            for (path, request) in files {
                match ipc::call::<Create>(request).await {
                    Ok(_) => {
                        begun += 1;
                        chosen.ticked.try_update(|ticked| ticked.retain(|it| *it != path));
                    }
                    Err(error) => {
                        chosen.checks.try_update(|checks| checks.insert(path, Err(error)));
                        continue;
                    }
                }
            }
            making.try_set(false);
            if begun > 0 {
                sending.good(words.fill("import.begun", &[("n", &begun.to_string())]));
            }
            let left = chosen.ticked.try_get_untracked();
            if left.is_some_and(|left| left.is_empty()) {
                list.close();
            }
        });
    };
    let close = move |()| list.close();
    let reason = Signal::derive(move || {
        let (ticked, names) = (chosen.ticked.get(), chosen.names.get());
        let models = chosen.found.with(|found| {
            found.iter().filter(|it| importable(it) && ticked.contains(&it.path)).count()
        });
        let bad = ticked
            .iter()
            .any(|path| names.get(path).is_some_and(|name| ModelName::parse(name.trim()).is_err()));
        if target.get().is_none() {
            words.get("top.noInstance")
        } else if models == 0 {
            words.get("import.chooseFirst")
        } else if bad {
            words.get("import.nameFirst")
        } else {
            String::new()
        }
    });
    let footer = move || {
        view! {
            <DialogFoot
                cancel="import-cancel"
                submit="import-submit"
                go=words.signal("import.submit")
                icon=icondata::LuHardDriveUpload
                pending=making
                reason
                on_go=submit
                on_close=close
            />
        }
    };
    view! {
        <Dialog
            title=words.signal("models.get")
            on_close=close
            wide=true
            footer=footer
            attr:data-testid="dialog-import-files"
        >
            <Ways way=Way::Import />
            <form
                class="create"
                on:submit=move |event| {
                    event.prevent_default();
                    look(vec![path.get_untracked()]);
                }
            >
                <Field
                    id="import-path"
                    label=words.signal("import.path")
                    hint=words.signal("import.hint")
                >
                    <span class="make__bar">
                        <span class="import__path">
                            <TextInput
                                id="import-path"
                                value=path
                                mono=true
                                autofocus=true
                                attr:data-testid="import-path"
                            />
                        </span>
                        <Button submit=true pending=looking attr:data-testid="import-look">
                            {words.signal("import.look")}
                        </Button>
                        <Button pending=sending.pending("file") on_press=choose_file>
                            {words.signal("import.chooseFile")}
                        </Button>
                        <Button pending=sending.pending("folder") on_press=choose_folder>
                            {words.signal("make.chooseFolder")}
                        </Button>
                    </span>
                </Field>
                <div class="make__bar">
                    {move || {
                        places
                            .get()
                            .into_iter()
                            .map(|place| {
                                let tool = words.get(&format!("tool.{}", place.tool.as_str()));
                                let folder = place.path.clone();
                                view! {
                                    <Button
                                        small=true
                                        icon=icondata::LuFolder
                                        on_press=move |()| {
                                            path.set(folder.clone());
                                            look(vec![folder.clone()]);
                                        }
                                        attr:title=place.path
                                    >
                                        {tool}
                                    </Button>
                                }
                            })
                            .collect_view()
                    }}
                </div>
            </form>
            <ul class="make__found" data-testid="import-found">
                <For each=move || chosen.found.get() key=|file| file.path.clone() let:file>
                    <Item file chosen words />
                </For>
            </ul>
            <p class="dim" role="status">{said}</p>
            {move || {
                failure.get().map(advice::textual).map(|error| view! { <ErrorCard error=Signal::stored(error) /> })
            }}
        </Dialog>
    }
}
