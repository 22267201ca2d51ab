//! The dialog around each of these: a form until it begins, then what became of it.

use leptos::prelude::*;

use super::super::list::use_list;
use crate::{
    components::{Dialog, DialogFoot, StatusBadge},
    words::use_words,
};

/// The button that begins it.
#[derive(Clone, Copy)]
pub(super) struct Begin {
    pub(super) label: Signal<String>,
    pub(super) icon: icondata::Icon,
    pub(super) pending: Signal<bool>,
    /// Why it cannot begin; empty when it can.
    pub(super) reason: Signal<String>,
    pub(super) run: Callback<()>,
}

/// The dialog.
#[component]
pub(super) fn MovingDialog(
    title: &'static str,
    testid: &'static str,
    begin: Begin,
    /// It has begun: `after` and its buttons show.
    begun: Signal<bool>,
    #[prop(into)] form: ViewFn,
    #[prop(into)] after: ViewFn,
    #[prop(into)] buttons: ViewFn,
    /// The form has no field that takes the focus.
    #[prop(optional)]
    bare: bool,
) -> AnyView {
    let (words, list) = (use_words(), use_list());
    let close = Callback::new(move |()| list.close());
    let Begin { label, icon, pending, reason, run } = begin;
    let begins = move || {
        view! {
            <DialogFoot
                cancel="moving-cancel"
                submit="moving-submit"
                go=label
                icon=icon
                pending=pending
                reason=reason
                autofocus=bare
                on_close=close
                on_go=run
            />
        }
        .into_any()
    };
    let footer = move || {
        let (begins, buttons) = (begins, buttons.clone());
        (move || if begun.get() { buttons.run() } else { begins() }).into_any()
    };
    let filled = move || {
        view! {
            <form
                class="create"
                on:submit=move |event| {
                    event.prevent_default();
                    let waits = pending.get_untracked();
                    if !waits && reason.with_untracked(String::is_empty) {
                        run.run(());
                    }
                }
            >
                {form.run()}
                // Enter anywhere in the form submits it.
                <button type="submit" class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
            </form>
        }
        .into_any()
    };
    view! {
        <Dialog
            title=words.signal(title)
            on_close=close
            footer=footer
            attr:data-testid=testid
        >
            {move || if begun.get() { after.run() } else { filled() }}
        </Dialog>
    }
    .into_any()
}

/// One line of a list of models.
pub(super) struct Line {
    pub(super) name: String,
    /// What stands at its end: an icon with its tone, and a text.
    pub(super) look: Option<(icondata::Icon, &'static str)>,
    pub(super) end: String,
    pub(super) why: String,
    pub(super) faint: bool,
}

/// A list of models.
pub(super) fn lines(all: Vec<Line>, testid: &'static str) -> AnyView {
    let line = |line: Line| {
        let end = match line.look {
            Some((icon, tone)) => {
                let text = Signal::stored(line.end);
                view! { <StatusBadge icon=icon tone=tone text=text /> }.into_any()
            }
            None => view! { <span class="num">{line.end}</span> }.into_any(),
        };
        view! {
            <li class="result-list__item" class:faint=line.faint>
                <span class="cut mono">{line.name}</span>
                {end}
                <small class="result-list__why">{line.why}</small>
            </li>
        }
    };
    let all = all.into_iter().map(line).collect_view();
    view! { <ul class="result-list" data-testid=testid>{all}</ul> }.into_any()
}
