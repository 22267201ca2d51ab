//! What was found, what is chosen of it, and the names that it gets.

use std::collections::BTreeMap;

use corral_contract::{
    ErrorCode, WireError,
    checks::Structure,
    makes::{FileKind, FoundFile, MakeCheck},
    modelfile,
    name::ModelName,
};
use leptos::prelude::*;

use super::checked::{about, cost};
use crate::{components::Checkbox, problem, words::Words};

/// What is chosen of the files that were found.
#[derive(Clone, Copy)]
pub(super) struct Chosen {
    pub(super) found: RwSignal<Vec<FoundFile>>,
    /// The new model's name, by path.
    pub(super) names: RwSignal<BTreeMap<String, String>>,
    pub(super) ticked: RwSignal<Vec<String>>,
    /// What making each would do.
    pub(super) checks: RwSignal<BTreeMap<String, Result<MakeCheck, WireError>>>,
}

impl Chosen {
    /// Adds what was found.
    pub(super) fn take(self, items: Vec<FoundFile>) {
        for item in &items {
            self.names.update(|names| {
                names.entry(item.path.clone()).or_insert_with(|| item.name.clone());
            });
        }
        // One alone is what was meant.
        if let [only] = items.as_slice()
            && importable(only)
        {
            self.ticked.update(|ticked| {
                if !ticked.contains(&only.path) {
                    ticked.push(only.path.clone());
                }
            });
        }
        self.found.update(|found| {
            for item in items {
                if !found.iter().any(|known| known.path == item.path) {
                    found.push(item);
                }
            }
        });
    }

    /// The Modelfile of one: itself, and what lets it see when that is ticked in the same folder.
    pub(super) fn modelfile(self, file: &FoundFile) -> String {
        let folder = |path: &str| path.rsplit_once(['/', '\\']).map(|(it, _)| it.to_owned());
        let mut text = format!("FROM {}\n", modelfile::quoted(&file.path));
        let eyes = self.found.with_untracked(|found| {
            let beside = |it: &&FoundFile| {
                it.kind == FileKind::Projector
                    && folder(&it.path) == folder(&file.path)
                    && self.ticked.with_untracked(|ticked| ticked.contains(&it.path))
            };
            found.iter().find(beside).map(|it| it.path.clone())
        });
        if let Some(eyes) = eyes {
            text.push_str(&format!("FROM {}\n", modelfile::quoted(&eyes)));
        }
        text
    }
}

/// Whether it can become a model by itself.
pub(super) fn importable(file: &FoundFile) -> bool {
    file.structure != Structure::Broken
        && matches!(file.kind, FileKind::Gguf | FileKind::Safetensors)
}

/// One that was found, with the name that it gets.
#[component]
pub(super) fn Item(file: FoundFile, chosen: Chosen, words: Words) -> impl IntoView {
    let path = file.path.clone();
    let usable = importable(&file) || file.kind == FileKind::Projector;
    let short = path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let ticked = {
        let path = path.clone();
        Signal::derive(move || chosen.ticked.with(|ticked| ticked.contains(&path)))
    };
    let toggle = {
        let path = path.clone();
        move |_| {
            chosen.ticked.update(|ticked| match ticked.iter().position(|it| *it == path) {
                Some(at) => drop(ticked.remove(at)),
                None => ticked.push(path.clone()),
            });
        }
    };
    let (reads, writes, costs) = (path.clone(), path.clone(), path.clone());
    let name = Signal::derive(move || {
        chosen.names.with(|names| names.get(&reads).cloned().unwrap_or_default())
    });
    let wrong = move || ModelName::parse(name.get().trim()).is_err();
    let is_model = importable(&file);
    let mentioned = about(words, &file);
    let outcome = move || {
        let check = chosen.checks.with(|checks| checks.get(&costs).cloned())?;
        let (text, bad) = match check {
            Ok(MakeCheck { refusal: Some(error), .. }) | Err(error) => {
                let card = matches!(error.code, ErrorCode::InvalidInput);
                let text = if card {
                    problem::describe(words, &error).cause
                } else {
                    problem::line(words, &error)
                };
                (text, true)
            }
            Ok(check) => (cost(words, &check), false),
        };
        Some(view! { <small class:make__wrong=bad data-testid="import-cost">{text}</small> })
    };
    view! {
        <li class="make__item" title=path.clone()>
            {if usable {
                view! {
                    <Checkbox
                        ticked=Signal::derive(move || ticked.get().into())
                        label=Signal::stored(short.clone())
                        bare=true
                        on_toggle=toggle
                        attr:data-testid=format!("import-tick-{short}")
                    />
                }
                    .into_any()
            } else {
                view! { <span></span> }.into_any()
            }}
            <span class="cut mono">{short.clone()}</span>
            {is_model.then(|| {
                view! {
                    <input
                        class="text-input text-input--mono"
                        aria-label=words.signal("make.name")
                        aria-invalid=move || wrong().then_some("true")
                        spellcheck="false"
                        prop:value=name
                        data-testid=format!("import-name-{short}")
                        on:input=move |event| {
                            let text = event_target_value(&event);
                            chosen.names.update(|names| {
                                names.insert(writes.clone(), text);
                            });
                            chosen.checks.update(|checks| {
                                // A refusal of the last try was about the old name.
                                checks.retain(|path, check| *path != writes || check.is_ok());
                            });
                        }
                    />
                }
            })}
            <small class="num">{mentioned}</small>
            {outcome}
        </li>
    }
}
