//! One variable: its field, what it is now, and who set it.

use corral_contract::{
    environment::{Form, SetBy, Spec, Variable},
    instances::Gpu,
};
use leptos::prelude::*;

use super::Draft;
use crate::{
    components::{Button, Checkbox, Field, Segmented, Select, Tag, TextInput, Ticked},
    words::use_words,
};

/// The row.
#[component]
pub(super) fn Row(
    spec: &'static Spec,
    variable: Variable,
    gpus: Vec<Gpu>,
    draft: Draft,
    /// Nothing can be written.
    locked: bool,
) -> impl IntoView {
    let words = use_words();
    let next = variable.next.clone();
    let drafted = draft.values.with_untracked(|values| values.get(spec.name).cloned());
    let begin = match drafted {
        Some(value) => value.unwrap_or_default(),
        None => next.clone().unwrap_or_default(),
    };
    let value = RwSignal::new(begin);
    let wrong = draft.wrong.with_untracked(|wrong| wrong.get(spec.name).copied());
    let error = wrong.map(str::to_owned).or_else(|| variable.problem.clone());
    let error = RwSignal::new(error.unwrap_or_default());
    let by_corral = variable.set_by == SetBy::Corral;
    let take = Callback::new(move |text: String| {
        if value.with_untracked(|old| *old != text) {
            value.set(text.clone());
        }
        let text = text.trim().to_owned();
        let wrong = if text.is_empty() { None } else { spec.form.read(&text).err() };
        error.set(wrong.unwrap_or_default().to_owned());
        draft.wrong.update(|all| match wrong {
            Some(reason) => drop(all.insert(spec.name, reason)),
            None => drop(all.remove(spec.name)),
        });
        let same = next.as_deref().unwrap_or_default() == text;
        draft.values.update(|values| {
            if same || (text.is_empty() && !by_corral) {
                values.remove(spec.name);
            } else {
                let set = (!text.is_empty()).then_some(text);
                values.insert(spec.name.to_owned(), set);
            }
        });
    });
    let changed = Memo::new(move |_| draft.values.with(|all| all.contains_key(spec.name)));
    let help = words.signal_of(format!("variable.{}", spec.name));
    let fixed = variable.fixed.then(|| variable.place.clone()).flatten();
    let hint = Signal::derive(move || match &fixed {
        Some(place) => {
            format!("{} {}", help.get(), words.fill("environment.fixed", &[("place", place)]))
        }
        None => help.get(),
    });
    let error_text = Signal::derive(move || match error.get().as_str() {
        "" => String::new(),
        reason => words.get(&format!("reason.{reason}")),
    });
    let reset = move |_| take.run(String::new());
    view! {
        <div class="variable" class:variable--changed=changed data-testid=format!("variable-{}", spec.name)>
            <Field id=spec.name label=Signal::stored(spec.name.to_owned()) hint=hint error=error_text>
                {if locked {
                    let text = value.get_untracked();
                    let text = if text.is_empty() { words.get("common.none") } else { text };
                    view! { <output id=spec.name class="num">{text}</output> }.into_any()
                } else {
                    view! { <Control spec value gpus take /> }.into_any()
                }}
            </Field>
            <p class="variable__facts num">
                <Facts spec variable />
                <Show when=move || changed.get()>
                    <Tag>{words.signal("environment.changed")}</Tag>
                </Show>
                <Show when=move || {
                    !locked && by_corral && value.with(|text| !text.is_empty())
                }>
                    <Button
                        small=true
                        icon=icondata::LuUndo2
                        on_press=reset
                        attr:data-testid=format!("reset-{}", spec.name)
                    >
                        {words.fill("environment.reset", &[("name", spec.name)])}
                    </Button>
                </Show>
            </p>
        </div>
    }
}

/// `Default 5m · Now 5m · Next start 1h`, and who set it.
#[component]
fn Facts(spec: &'static Spec, variable: Variable) -> impl IntoView {
    let words = use_words();
    let Variable { current, next, set_by, .. } = variable;
    let text = move || {
        let fact = |key: &str, value: &str| words.fill(key, &[("value", value)]);
        let mut facts = Vec::new();
        if !spec.default.is_empty() {
            facts.push(fact("environment.default", spec.default));
        }
        facts.extend(current.as_deref().map(|value| fact("environment.current", value)));
        facts.extend(next.as_deref().map(|value| fact("environment.next", value)));
        facts.join(" · ")
    };
    view! {
        <span>{text}</span>
        {(set_by != SetBy::Nobody)
            .then(|| {
                let key = format!("environment.setBy.{}", set_by.as_str());
                view! { <Tag>{words.signal_of(key)}</Tag> }
            })}
    }
}

/// The field that fits the form of the value.
#[component]
fn Control(
    spec: &'static Spec,
    value: RwSignal<String>,
    gpus: Vec<Gpu>,
    take: Callback<String>,
) -> impl IntoView {
    let words = use_words();
    match spec.form {
        Form::Flag | Form::TriState => {
            let options = Signal::derive(move || {
                vec![
                    ("", words.get("environment.server")),
                    ("1", words.get("environment.on")),
                    ("0", words.get("environment.off")),
                ]
            });
            // However it was written by hand.
            let chosen =
                Signal::derive(move || value.with(|text| spec.form.read(text).unwrap_or_default()));
            view! {
                <Segmented
                    label=Signal::stored(spec.name.to_owned())
                    options=options
                    value=chosen
                    on_change=move |to: &'static str| take.run(to.to_owned())
                    attr:id=spec.name
                />
            }
            .into_any()
        }
        Form::Choice(all) => {
            let options = Signal::derive(move || {
                let none = (String::new(), words.get("environment.server"));
                let of = all.iter().map(|one| ((*one).to_owned(), (*one).to_owned()));
                std::iter::once(none).chain(of).collect()
            });
            view! { <Select id=spec.name options=options value=value on_change=take /> }.into_any()
        }
        _ => {
            let fits = gpus.into_iter().enumerate().filter(|(_, gpu)| may_be(spec.name, gpu));
            let cards: Vec<_> = if spec.form == Form::Devices {
                fits.enumerate().map(|(number, (_, gpu))| (number, gpu.name)).collect()
            } else {
                Vec::new()
            };
            view! {
                <TextInput
                    id=spec.name
                    value=value
                    placeholder=Signal::stored(spec.default.to_owned())
                    mono=true
                    on_change=take
                />
                <Cards cards value take />
            }
            .into_any()
        }
    }
}

/// Whether a variable speaks of cards like this one.
fn may_be(name: &str, gpu: &Gpu) -> bool {
    let vendor = format!("{} {}", gpu.vendor, gpu.name).to_lowercase();
    match name {
        "CUDA_VISIBLE_DEVICES" => vendor.contains("nvidia"),
        "GGML_VK_VISIBLE_DEVICES" => true,
        _ => vendor.contains("amd") || vendor.contains("radeon"),
    }
}

/// The cards of this machine, to be ticked.
#[component]
fn Cards(
    cards: Vec<(usize, String)>,
    value: RwSignal<String>,
    take: Callback<String>,
) -> impl IntoView {
    let words = use_words();
    let toggle = move |number: usize| {
        let number = number.to_string();
        let mut chosen: Vec<String> = value.with_untracked(|text| {
            text.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
        });
        match chosen.iter().position(|one| *one == number) {
            Some(at) => drop(chosen.remove(at)),
            None => {
                chosen.retain(|one| one != "-1");
                chosen.push(number);
                chosen.sort_by_key(|one| one.parse::<u32>().unwrap_or(u32::MAX));
            }
        }
        take.run(chosen.join(","));
    };
    (!cards.is_empty()).then(|| {
        let boxes: Vec<_> = cards
            .into_iter()
            .map(|(number, name)| {
                let on = Signal::derive(move || {
                    let number = number.to_string();
                    value.with(|text| text.split(',').any(|one| one.trim() == number))
                });
                view! {
                    <Checkbox
                        ticked=Signal::derive(move || Ticked::from(on.get()))
                        label=Signal::stored(format!("{number}: {name}"))
                        on_toggle=move |_| toggle(number)
                    />
                }
            })
            .collect();
        view! {
            <div class="variable__cards" role="group" aria-label=words.signal("environment.cards")>
                {boxes}
            </div>
        }
    })
}
