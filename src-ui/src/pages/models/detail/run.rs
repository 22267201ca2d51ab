//! Running a model: what it does now, the options of a start, kept ones, and asking it something.

use corral_contract::{
    models::{ModelRef, StartModel, StartOptions},
    running::{PresetRef, RunView, SavePreset, SetPreload, call},
    status::Action,
};
use leptos::{prelude::*, task::spawn_local};

use super::super::{
    actions::{Actions, why_not},
    cells::Row,
    fit::FitControl,
};
use crate::{
    components::{Button, ButtonKind, Switch},
    ipc,
    pages::sending::Sending,
    words::use_words,
};

mod ask;
mod form;
mod now;
mod presets;

use ask::AskForm;
use form::{Form, FormFields};
use now::LoadedNow;
use presets::Presets;

/// Everything about running a model.
#[component]
pub(super) fn RunForm(row: Row, actions: Actions) -> impl IntoView {
    let words = use_words();
    let sending = Sending::here();
    let id = row.with_untracked(|row| row.as_ref().map(|row| row.id));
    let view = RwSignal::new(RunView::default());
    let form = Form::new();
    if let Some(id) = id {
        spawn_local(async move {
            if let Ok(found) = ipc::call::<call::OfModel>(ModelRef { id }).await {
                view.try_set(found);
            }
        });
    }
    let start = move |request: StartModel| {
        if let Some(row) = row.get_untracked() {
            spawn_local(async move {
                if let Err(error) = actions.start(&row, request).await {
                    let title = untrack(|| words.fill("failed.start", &[("name", &row.name)]));
                    actions.toasts.error(title, error);
                }
            });
        }
    };
    let go = move || {
        if let (Some(id), Some(options)) = (id, form.options()) {
            let plain = options == StartOptions::default();
            start(StartModel { plain, ..StartModel::with(id, options) });
        }
    };
    let reason = Signal::derive(move || {
        if form.wrong.get() {
            return words.get("run.wrong");
        }
        row.with(|row| row.as_deref().and_then(|row| why_not(words, Action::Start, row)))
            .unwrap_or_default()
    });
    let keep = move |preset: SavePreset| {
        sending.then::<call::Save>("preset", preset, move |found| view.set(found));
    };
    let forget = move |preset: i64| {
        if let Some(model) = id {
            let request = PresetRef { model, id: preset };
            sending.then::<call::Remove>("preset", request, move |found| view.set(found));
        }
    };
    let by_preset = move |preset: i64| {
        if let Some(id) = id {
            let preset = Some(preset);
            start(StartModel { preset, ..StartModel::with(id, StartOptions::default()) });
        }
    };
    let preload = move |on: bool| {
        if let Some(model) = id {
            let request = SetPreload { model, on };
            sending.then::<call::Preload>("preload", request, move |found| view.set(found));
        }
    };
    view! {
        <LoadedNow row />
        <Presets
            model=id
            view=view
            form=form
            blocked=reason
            pending=sending.pending("preset")
            on_start=by_preset
            on_keep=keep
            on_forget=forget
        />
        <form
            class="detail__section"
            on:submit=move |event| {
                event.prevent_default();
                if reason.with_untracked(String::is_empty) {
                    go();
                }
            }
        >
            <h3>{words.signal("run.options")}</h3>
            <p class="dim">{words.signal("run.about")}</p>
            <FormFields form />
            <FitControl
                instance=Signal::derive(move || {
                    row.with(|row| row.as_ref().map(|row| row.instance))
                })
                model=Signal::stored(id)
            />
            <div>
                <Button
                    kind=ButtonKind::Primary
                    icon=icondata::LuPlay
                    reason=reason
                    submit=true
                    attr:data-testid="run-start"
                >
                    {words.signal("run.start")}
                </Button>
            </div>
        </form>
        <section class="detail__section">
            <Switch
                on=Signal::derive(move || view.with(|view| view.preload))
                label=words.signal("run.preload")
                hint=words.signal("run.preloadHint")
                on_change=preload
                attr:data-testid="run-preload"
            />
        </section>
        <AskForm row />
    }
}
