//! Models out of a file.

use corral_contract::{
    ErrorCode, WireError,
    bundles::{BundleItem, BundleView, ImportItem, ImportModels, InspectBundle, There, Way, call},
    desktop::FileKind,
    size,
};
use leptos::prelude::*;

use super::{
    super::list::use_list,
    parts::{Place, PlaceField, Rebuild, ServerField, Trouble, fate, weight},
    running::{Progress, Running},
    shell::{Begin, MovingDialog},
};
use crate::{
    components::Select,
    pages::sending::Sending,
    words::{Words, use_words},
};

/// What is to be done with one model of the file.
#[derive(Clone)]
struct Choice {
    item: BundleItem,
    /// `bring`, `replace`, `rename` or `skip`.
    what: RwSignal<&'static str>,
    rename: RwSignal<String>,
}

impl Choice {
    fn of(item: BundleItem) -> Choice {
        let what = match item.there {
            There::Same | There::Other => "skip",
            There::Nothing | There::Unknown => "bring",
        };
        let what = if item.problem.is_some() { "skip" } else { what };
        Choice { item, what: RwSignal::new(what), rename: RwSignal::new(String::new()) }
    }

    fn options(&self) -> &'static [&'static str] {
        match self.item.there {
            There::Same => &["skip"],
            There::Other => &["skip", "replace", "rename"],
            There::Nothing | There::Unknown => &["bring", "rename", "skip"],
        }
    }

    fn wish(&self) -> Option<ImportItem> {
        let what = self.what.get();
        (what != "skip").then(|| ImportItem {
            name: self.item.name.clone(),
            rename: (what == "rename").then(|| self.rename.get()),
            overwrite: what == "replace",
        })
    }

    /// Whether the server would make it anew.
    fn is_rebuilt(&self, direct: bool) -> bool {
        match self.what.get() {
            "skip" => false,
            "rename" => !direct,
            _ => self.item.way == Way::Rebuild,
        }
    }
}

/// The dialog.
#[component]
pub(crate) fn ImportDialog() -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let sending = Sending::here();
    let running = Running::new(list, words, sending);
    let place = Place::there(FileKind::Bundle);
    let failure = place.failure;
    let chosen = RwSignal::new(list.scope.target.get_untracked());
    let seen = RwSignal::new(None::<(BundleView, Vec<Choice>)>);
    let rebuild = RwSignal::new(false);
    let forget = move |()| {
        seen.set(None);
        failure.set(None);
    };
    let look = move |()| {
        let Some(instance) = chosen.get_untracked() else { return };
        forget(());
        let path = place.path.get_untracked();
        let request = InspectBundle { path: path.clone(), instance };
        sending.ask::<call::Inspect>("look", request, move |answer| {
            if place.path.get_untracked() != path || chosen.get_untracked() != Some(instance) {
                return;
            }
            match answer {
                Ok(view) => {
                    let choices = view.items.iter().cloned().map(Choice::of).collect();
                    seen.set(Some((view, choices)));
                }
                Err(error) => failure.set(Some(error)),
            }
        });
    };
    let wishes = Signal::derive(move || {
        seen.with(|seen| {
            let choices = seen.iter().flat_map(|(_, choices)| choices);
            choices.filter_map(Choice::wish).collect::<Vec<_>>()
        })
    });
    let anew = Memo::new(move |_| {
        seen.with(|seen| {
            let seen = seen.as_ref();
            seen.is_some_and(|(view, all)| all.iter().any(|each| each.is_rebuilt(view.direct)))
        })
    });
    let bring = move |()| {
        let Some(instance) = chosen.get_untracked() else { return };
        failure.set(None);
        let request = ImportModels {
            path: place.path.get_untracked(),
            instance,
            items: wishes.get_untracked(),
            rebuild: rebuild.get_untracked(),
        };
        sending.ask::<call::Import>("begin", request, move |answer| match answer {
            Ok(begun) => running.task.set(Some(begun.task)),
            Err(error) => failure.set(Some(error)),
        });
    };
    let submit = move |()| {
        if seen.with_untracked(Option::is_some) { bring(()) } else { look(()) }
    };
    let reason = Signal::derive(move || {
        if chosen.with(Option::is_none) {
            words.get("top.noInstance")
        } else if seen.with(Option::is_none) {
            String::new()
        } else if wishes.with(Vec::is_empty) {
            words.get("moving.noneChosen")
        } else if anew.get() && !rebuild.get() {
            words.get("moving.sayRebuild")
        } else {
            String::new()
        }
    });
    let pending =
        Signal::derive(move || sending.pending("begin").get() || sending.pending("look").get());
    let items = move || {
        let (view, choices) = seen.get()?;
        let wrong = move |name: String| {
            Signal::derive(move || failure.with(|error| about(words, error.as_ref(), &name)))
        };
        let lines = choices
            .into_iter()
            .enumerate()
            .map(|(place, choice)| {
                let wrong = wrong(choice.item.name.clone());
                view! { <Line place choice wrong words /> }
            })
            .collect_view();
        let total = weight(words, view.missing, view.free);
        Some(view! {
            <ul class="result-list" data-testid="moving-preview">{lines}</ul>
            <p class="dim num" data-testid="moving-weight">{total}</p>
        })
    };
    let form = move || {
        view! {
            <PlaceField place sending words changed=forget />
            <ServerField list words label=words.signal("moving.into") chosen changed=forget />
            {items}
            <Rebuild words anew=anew.into() ticked=rebuild />
            <Trouble failure=failure shown=&["path", "rename"] />
        }
    };
    let begin = Begin {
        label: Signal::derive(move || {
            words.get(if seen.with(Option::is_some) { "moving.import" } else { "moving.look" })
        }),
        icon: icondata::LuFileUp,
        pending,
        reason,
        run: Callback::new(submit),
    };
    view! {
        <MovingDialog
            title="moving.importTitle"
            testid="dialog-import"
            begin
            begun=running.begun()
            form
            after=move || view! { <Progress running /> }
            buttons=move || running.footer()
        />
    }
}

/// What is wrong with the other name of a model.
fn about(words: Words, error: Option<&WireError>, name: &str) -> String {
    let error = error.filter(|error| {
        error.code == ErrorCode::InvalidInput
            && error.params.get("field").is_some_and(|field| field == "rename")
            && error.params.get("name").is_some_and(|named| named == name)
    });
    let reason = error.and_then(|error| error.params.get("reason"));
    reason.map(|reason| words.get_or(&format!("reason.{reason}"), reason)).unwrap_or_default()
}

/// One model of the file, with what is to be done with it.
#[component]
fn Line(place: usize, choice: Choice, wrong: Signal<String>, words: Words) -> impl IntoView {
    let Choice { what, rename, .. } = choice;
    let known = choice.options();
    let options = Signal::derive(move || {
        let option = |what: &&str| ((*what).to_owned(), words.get(&format!("moving.do.{what}")));
        known.iter().map(option).collect::<Vec<_>>()
    });
    let fate = fate(words, &choice.item);
    let name = choice.item.name.clone();
    let able = choice.item.problem.is_none() && known.len() > 1;
    let named = Signal::stored(name.clone());
    view! {
        <li class="result-list__item moving__line">
            <span class="cut mono">{name}</span>
            <span class="num">{size::format(choice.item.bytes)}</span>
            <small class="result-list__why">{fate}</small>
            {able.then(|| view! {
                <Select
                    id=format!("moving-what-{place}")
                    options=options
                    value=Signal::derive(move || what.get().to_owned())
                    label=named
                    on_change=move |value: String| {
                        if let Some(value) = known.iter().find(|each| **each == value) {
                            what.set(value);
                        }
                    }
                    attr:data-testid=format!("moving-what-{place}")
                />
            })}
            <Show when=move || what.get() == "rename">
                <input
                    class="text-input text-input--mono"
                    data-testid=format!("moving-rename-{place}")
                    type="text"
                    spellcheck="false"
                    autocomplete="off"
                    placeholder=words.signal("create.example")
                    aria-label=words.signal("moving.newName")
                    aria-invalid=move || (!wrong.get().is_empty()).then_some("true")
                    prop:value=rename
                    on:input=move |event| rename.set(event_target_value(&event))
                />
                <small class="moving__wrong" aria-live="polite">{wrong}</small>
            </Show>
        </li>
    }
}
