//! The user's own list: where it is, and what in it could not be understood.

use corral_contract::{
    WireError,
    catalogue::{FileProblem, OwnFile, call::SetFile},
};
use leptos::prelude::*;

use super::Discover;
use crate::{
    components::{Button, ButtonKind, Dialog, ErrorCard, Field, Note, TextInput, Tone},
    frame::scope::use_scope,
    words::use_words,
};

/// The dialog.
#[component]
pub(super) fn OwnListDialog(page: Discover) -> impl IntoView {
    let (words, scope) = (use_words(), use_scope());
    let own = Memo::new(move |_| page.view.with(|view| view.as_ref().map(|view| view.own.clone())));
    let at = own.with_untracked(|own| own.as_ref().map(|own| own.path.clone()).unwrap_or_default());
    let path = RwSignal::new(at);
    let failure = RwSignal::new(None::<WireError>);
    let pending = page.sending.pending("own");
    let close = move |()| page.own.set(false);
    let set = move |path: Option<String>| {
        page.sending.ask::<SetFile>("own", OwnFile { path }, move |answer| match answer {
            Ok(_) => {
                failure.try_set(None);
                if let Some(id) = scope.target.get_untracked() {
                    page.reload(id);
                }
            }
            Err(error) => {
                failure.try_set(Some(error));
            }
        });
    };
    let usual = Memo::new(move |_| own.with(|own| own.as_ref().is_none_or(|own| own.usual)));
    let footer = move || {
        view! {
            <Button on_press=close autofocus=true attr:data-testid="own-close">
                {words.signal("common.close")}
            </Button>
            <Show when=move || !usual.get()>
                <Button on_press=move |()| set(None)>{words.signal("discover.ownUsual")}</Button>
            </Show>
            <Button
                kind=ButtonKind::Primary
                pending=pending
                on_press=move |()| set(Some(path.get_untracked()))
                attr:data-testid="own-set"
            >
                {words.signal("discover.ownSet")}
            </Button>
        }
    };
    view! {
        <Dialog title=words.signal("discover.ownTitle") on_close=close footer=footer attr:data-testid="dialog-own">
            <p class="dim">{words.signal("discover.ownText")}</p>
            <Field id="own-path" label=words.signal("field.path") hint=words.signal("checks.filePathHint")>
                <TextInput id="own-path" value=path mono=true attr:data-testid="own-path" />
            </Field>
            {move || failure.get().map(|error| view! { <ErrorCard error=Signal::stored(error) /> })}
            {move || {
                own.get().map(|own| {
                    let count = own.models.to_string();
                    let key = if own.exists { "discover.ownCount" } else { "discover.ownNone" };
                    view! {
                        <p data-testid="own-count">{words.fill(key, &[("n", &count)])}</p>
                        {(!own.problems.is_empty()).then(|| view! {
                            <Note tone=Tone::Warning>{words.signal("discover.ownProblems")}</Note>
                            <ul class="result-list" data-testid="own-problems">
                                {own.problems.into_iter().map(|it| view! { <li class="result-list__item">{line(words, &it)}</li> }).collect_view()}
                            </ul>
                        })}
                    }
                })
            }}
        </Dialog>
    }
}

fn line(words: crate::words::Words, problem: &FileProblem) -> String {
    let why = words.get(&format!("fileFault.{}", problem.why.as_str()));
    let FileProblem { line, field, detail, .. } = problem;
    let field = field.clone().unwrap_or_default();
    match line {
        Some(line) => words.fill(
            "discover.ownLine",
            &[("line", &line.to_string()), ("field", &field), ("why", &why), ("detail", detail)],
        ),
        None => words.fill("discover.ownWhole", &[("why", &why), ("detail", detail)]),
    }
}
