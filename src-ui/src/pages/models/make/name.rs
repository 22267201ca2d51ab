//! A second name for a model, or another one.

use corral_contract::{
    ErrorCode, ModelId, WireError,
    makes::{
        NewName,
        call::{Copy, Rename},
    },
    name::ModelName,
    status::Run,
};
use leptos::prelude::*;

use super::Naming;
use crate::{
    components::{Checkbox, Dialog, DialogFoot, ErrorCard, Field, Note, TextInput, Tone},
    pages::{advice, models::list::use_list, sending::Sending},
    words::use_words,
};

/// The dialog.
#[component]
pub(in crate::pages::models) fn NameDialog(id: ModelId, naming: Naming) -> impl IntoView {
    let (words, list, sending) = (use_words(), use_list(), Sending::here());
    let row = list.stores.models.with_untracked(|models| models.get(id).cloned());
    let old = row.as_ref().map(|row| row.name.clone()).unwrap_or_default();
    let running = row.is_some_and(|row| matches!(row.run, Run::Running | Run::Starting));
    let name = RwSignal::new(old.clone());
    let touched = RwSignal::new(false);
    let overwrite = RwSignal::new(false);
    let failure = RwSignal::new(None::<WireError>);
    let wrong = Signal::derive(move || {
        if let Err(why) = name.with(|name| ModelName::parse(name.trim()))
            && touched.get()
        {
            return words.get(&format!("reason.{}", why.as_str()));
        }
        let refused = failure.get().filter(|error| error.code == ErrorCode::InvalidInput);
        refused
            .and_then(|error| {
                let reason = error.params.get("reason")?;
                let what = error.params.get("what").map(String::as_str).unwrap_or_default();
                Some(words.fill(&format!("reason.{reason}"), &[("what", what)]))
            })
            .unwrap_or_default()
    });
    let taken = Memo::new(move |_| {
        failure.with(|error| error.as_ref().is_some_and(|it| it.code == ErrorCode::AlreadyExists))
    });
    let hint = Signal::derive(move || match name.with(|name| ModelName::parse(name.trim())) {
        Ok(name) => words.fill("make.willBe", &[("name", &name.display())]),
        Err(_) => String::new(),
    });
    let submit = move |()| {
        touched.set(true);
        if name.with_untracked(|name| ModelName::parse(name.trim()).is_err()) {
            return;
        }
        let request =
            NewName { id, name: name.get_untracked(), overwrite: overwrite.get_untracked() };
        let answered = move |answer: Result<_, WireError>| match answer {
            Ok(_) => list.close(),
            Err(error) => failure.set(Some(error)),
        };
        match naming {
            Naming::Copy => sending.ask::<Copy>("name", request, answered),
            Naming::Rename => sending.ask::<Rename>("name", request, answered),
        }
    };
    let close = move |()| list.close();
    let (title, button) = match naming {
        Naming::Copy => ("make.copyTitle", "make.copySubmit"),
        Naming::Rename => ("make.renameTitle", "make.renameSubmit"),
    };
    let footer = move || {
        view! {
            <DialogFoot
                cancel="name-cancel"
                submit="name-submit"
                go=words.signal(button)
                pending=sending.pending("name")
                reason=Signal::derive(move || {
                    if taken.get() && !overwrite.get() {
                        words.get("make.tickFirst")
                    } else {
                        String::new()
                    }
                })
                on_go=submit
                on_close=close
            />
        }
    };
    view! {
        <Dialog
            title=Signal::derive(move || words.fill(title, &[("name", &old)]))
            on_close=close
            narrow=true
            footer=footer
            attr:data-testid="dialog-name"
        >
            <form
                class="create"
                on:submit=move |event| {
                    event.prevent_default();
                    submit(());
                }
            >
                <Field id="model-name" label=words.signal("make.name") hint error=wrong>
                    <TextInput
                        id="model-name"
                        value=name
                        mono=true
                        autofocus=true
                        invalid=Signal::derive(move || !wrong.get().is_empty())
                        on_change=move |_| {
                            touched.set(true);
                            failure.set(None);
                            overwrite.set(false);
                        }
                        attr:data-testid="name-input"
                    />
                </Field>
                {(naming == Naming::Copy).then(|| view! { <p class="dim">{words.signal("make.copyHint")}</p> })}
                {(naming == Naming::Rename && running).then(|| {
                    view! {
                        <Note tone=Tone::Warning>
                            <span data-testid="name-running">{words.signal("make.renameRunning")}</span>
                        </Note>
                    }
                })}
                <Show when=move || taken.get()>
                    <Note tone=Tone::Warning>
                        <span>{words.signal("make.taken")}</span>
                        <Checkbox
                            ticked=Signal::derive(move || overwrite.get().into())
                            label=words.signal("make.overwrite")
                            on_toggle=move |_| overwrite.update(|on| *on = !*on)
                            attr:data-testid="name-overwrite"
                        />
                    </Note>
                </Show>
                // Enter anywhere in the form submits it.
                <button type="submit" class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
            </form>
            {move || {
                let other = |error: &WireError| {
                    !matches!(error.code, ErrorCode::InvalidInput | ErrorCode::AlreadyExists)
                };
                let error = failure.get().filter(other).map(advice::textual);
                error.map(|error| view! { <ErrorCard error=Signal::stored(error) /> })
            }}
        </Dialog>
    }
}
