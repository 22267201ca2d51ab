//! Favourite, own tags and a note of models.

use corral_contract::{
    ModelId, WireError,
    labels::{EditLabels, Label, ModelLabel, PutLabels, call},
};
use leptos::prelude::*;

use super::list::use_list;
use crate::{
    components::{Chip, Dialog, DialogFoot, ErrorCard, Field, Switch, TextArea, TextInput},
    pages::{advice, sending::Sending},
    words::use_words,
};

/// Tags that are offered.
const OFFERED: usize = 16;

/// The dialog about one model, or about what several have in common.
#[component]
pub(super) fn LabelsDialog(ids: Vec<ModelId>) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let sending = Sending::here();
    let rows = list.stores.models.with_untracked(|models| {
        ids.iter().filter_map(|id| models.get(*id).cloned()).collect::<Vec<_>>()
    });
    let single = ids.len() == 1;
    let before = rows.first().map(|row| row.label.clone()).unwrap_or_default();
    let common: Vec<String> = before
        .tags
        .iter()
        .filter(|tag| rows.iter().all(|row| row.label.tags.contains(tag)))
        .cloned()
        .collect();
    let all_favourites = !rows.is_empty() && rows.iter().all(|row| row.label.favourite);
    let favourite = RwSignal::new(all_favourites);
    let tags = RwSignal::new(common.clone());
    let typed = RwSignal::new(String::new());
    let note = RwSignal::new(if single { before.note.clone() } else { String::new() });
    let failure = RwSignal::new(None::<WireError>);
    let pending = sending.pending("labels");
    let title = {
        let name = rows.first().map(|row| row.name.clone()).unwrap_or_default();
        let count = ids.len().to_string();
        Signal::derive(move || {
            if single {
                words.fill("labels.titleOne", &[("name", &name)])
            } else {
                words.fill("labels.titleMany", &[("n", &count)])
            }
        })
    };
    let take = move || {
        let text = typed.get_untracked();
        let new = text.split([',', '，']).map(str::trim).filter(|tag| !tag.is_empty());
        tags.update(|tags| {
            for tag in new {
                if !tags.iter().any(|known| known.to_lowercase() == tag.to_lowercase()) {
                    tags.push(tag.to_owned());
                }
            }
        });
        typed.set(String::new());
    };
    let close = move |()| list.close();
    let done = move |answer: Result<corral_contract::labels::EditedLabels, WireError>| match answer
    {
        Ok(_) => list.close(),
        Err(error) => failure.set(Some(error)),
    };
    let submit = Callback::new(move |()| {
        take();
        failure.set(None);
        if single {
            let label = Label {
                favourite: favourite.get_untracked(),
                tags: tags.get_untracked(),
                note: note.get_untracked(),
            };
            let items = vec![ModelLabel { model: ids[0], label }];
            sending.ask::<call::Put>("labels", PutLabels { items }, done);
        } else {
            let chosen = tags.get_untracked();
            let star = favourite.get_untracked();
            let edit = EditLabels {
                ids: ids.clone(),
                favourite: (star != all_favourites).then_some(star),
                remove_tags: common.iter().filter(|tag| !chosen.contains(tag)).cloned().collect(),
                add_tags: chosen,
                note: None,
            };
            sending.ask::<call::Edit>("labels", edit, done);
        }
    });
    let wrong = move |field: &'static str| {
        Signal::derive(move || {
            failure.with(|error| {
                error.as_ref().map(|error| advice::reason(words, error, field)).unwrap_or_default()
            })
        })
    };
    let offered = move || {
        let chosen = tags.get();
        list.stores.labels.with(|labels| {
            let known = labels.view.tags.iter().map(|tag| tag.tag.clone());
            known.filter(|tag| !chosen.contains(tag)).take(OFFERED).collect::<Vec<_>>()
        })
    };
    let footer = move || {
        view! {
            <DialogFoot
                cancel="labels-cancel"
                submit="labels-submit"
                go=words.signal("common.save")
                pending=pending
                on_go=submit
                on_close=close
            />
        }
    };
    let other = move || {
        let card = |error: &WireError| !error.params.contains_key("field");
        failure.get().filter(card).map(advice::textual)
    };
    view! {
        <Dialog
            title=title
            on_close=close
            footer=footer
            narrow=true
            attr:data-testid="dialog-labels"
        >
            <form
                class="create"
                on:submit=move |event| {
                    event.prevent_default();
                    // Enter in a field with something typed adds it; in an empty one it saves.
                    if typed.with_untracked(|typed| typed.trim().is_empty()) {
                        submit.run(());
                    } else {
                        take();
                    }
                }
            >
                <Switch
                    on=favourite
                    label=words.signal("models.favourite")
                    on_change=move |on: bool| favourite.set(on)
                    attr:data-testid="labels-favourite"
                />
                <Field
                    id="labels-tags"
                    label=words.signal("labels.tags")
                    hint=words.signal("labels.tagsHint")
                    error=wrong("tags")
                >
                    <div class="labels__tags">
                        <For each=move || tags.get() key=|tag| tag.clone() let:tag>
                            {
                                let (text, gone) = (tag.clone(), tag.clone());
                                view! {
                                    <Chip
                                        label=Signal::stored(format!("#{text}"))
                                        on=true
                                        on_press=|()| {}
                                        on_clear=move |()| {
                                            tags.update(|tags| tags.retain(|each| *each != gone));
                                        }
                                    />
                                }
                            }
                        </For>
                    </div>
                    <TextInput id="labels-tags" value=typed autofocus=true />
                </Field>
                <Show when=move || !offered().is_empty()>
                    <div class="labels__tags" role="group" aria-label=words.signal("labels.known")>
                        <For each=offered key=|tag| tag.clone() let:tag>
                            {
                                let added = tag.clone();
                                view! {
                                    <Chip
                                        label=Signal::stored(format!("+ {tag}"))
                                        on=false
                                        on_press=move |()| {
                                            tags.update(|tags| tags.push(added.clone()));
                                        }
                                    />
                                }
                            }
                        </For>
                    </div>
                </Show>
                {single.then(|| {
                    view! {
                        <Field id="labels-note" label=words.signal("labels.note") error=wrong("note")>
                            <TextArea id="labels-note" value=note rows=4 />
                        </Field>
                    }
                })}
                <button type="submit" class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
            </form>
            {move || other().map(|error| view! { <ErrorCard error=Signal::stored(error) /> })}
        </Dialog>
    }
}
