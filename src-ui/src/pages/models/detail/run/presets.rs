//! Kept options: starting with them, taking them into the form, keeping what stands in it.

use corral_contract::{
    ModelId,
    models::StartOptions,
    running::{Preset, RunView, SavePreset},
};
use leptos::prelude::*;

use super::form::Form;
use crate::{
    components::{Button, Checkbox, Field, IconButton, TextInput},
    words::{Words, use_words},
};

/// The list of presets and the line that keeps one.
#[component]
pub(super) fn Presets(
    model: Option<ModelId>,
    view: RwSignal<RunView>,
    form: Form,
    /// Why the model cannot be started; empty when it can.
    blocked: Signal<String>,
    pending: Signal<bool>,
    #[prop(into)] on_start: Callback<i64>,
    #[prop(into)] on_keep: Callback<SavePreset>,
    #[prop(into)] on_forget: Callback<i64>,
) -> impl IntoView {
    let words = use_words();
    let name = RwSignal::new(String::new());
    let presets = move || view.with(|view| view.presets.clone());
    let keep = move || {
        let (Some(model), Some(options)) = (model, form.options()) else { return };
        let text = name.get_untracked();
        // The same name changes what is kept under it.
        let known = view.with_untracked(|view| {
            let same = |preset: &&Preset| preset.name.to_lowercase() == text.trim().to_lowercase();
            view.presets.iter().find(same).map(|preset| (preset.id, preset.usual))
        });
        let (id, usual) = known.map_or((None, false), |(id, usual)| (Some(id), usual));
        on_keep.run(SavePreset { model, id, name: text, options, usual });
        name.set(String::new());
    };
    let usual = move |preset: Preset| {
        if let Some(model) = model {
            let Preset { id, name, options, usual } = preset;
            on_keep.run(SavePreset { model, id: Some(id), name, options, usual: !usual });
        }
    };
    let empty = Signal::derive(move || {
        if form.wrong.get() {
            words.get("run.wrong")
        } else if name.with(|name| name.trim().is_empty()) {
            words.get("run.nameFirst")
        } else {
            String::new()
        }
    });
    view! {
        <section class="detail__section">
            <h3>{words.signal("run.presets")}</h3>
            <ul class="result-list" data-testid="presets">
                <For each=presets key=|preset| format!("{preset:?}") let:preset>
                    {
                        let id = preset.id;
                        let (shown, flipped) = (preset.clone(), preset.clone());
                        let title = preset.name.clone();
                        view! {
                            <li class="result-list__item run__preset">
                                <span class="cut">
                                    {preset.name.clone()} " "
                                    <small class="faint">{said(words, &preset.options)}</small>
                                </span>
                                <span class="run__acts">
                                    <Checkbox
                                        ticked=Signal::stored(preset.usual.into())
                                        label=words.signal("run.usual")
                                        on_toggle=move |_| usual(flipped.clone())
                                        attr:data-testid=format!("preset-usual-{id}")
                                    />
                                    <Button
                                        small=true
                                        icon=icondata::LuPlay
                                        reason=blocked
                                        on_press=move |()| on_start.run(id)
                                        attr:data-testid=format!("preset-start-{id}")
                                    >
                                        {words.signal("action.start")}
                                    </Button>
                                    <IconButton
                                        icon=icondata::LuPencil
                                        label={
                                            let title = title.clone();
                                            Signal::derive(move || {
                                                words.fill("run.edit", &[("name", &title)])
                                            })
                                        }
                                        on_press=move |_| {
                                            form.show(&shown.options);
                                            name.set(shown.name.clone());
                                        }
                                    />
                                    <IconButton
                                        icon=icondata::LuTrash2
                                        label=Signal::derive(move || {
                                            words.fill("run.forget", &[("name", &title)])
                                        })
                                        on_press=move |_| on_forget.run(id)
                                        attr:data-testid=format!("preset-forget-{id}")
                                    />
                                </span>
                            </li>
                        }
                    }
                </For>
            </ul>
            <form
                on:submit=move |event| {
                    event.prevent_default();
                    if empty.with_untracked(String::is_empty) {
                        keep();
                    }
                }
            >
                <Field
                    id="preset-name"
                    label=words.signal("run.keepAs")
                    hint=words.signal("run.keepAsHint")
                >
                    <span class="check-file__path">
                        <TextInput id="preset-name" value=name />
                        <Button
                            submit=true
                            reason=empty
                            pending=pending
                            attr:data-testid="preset-keep"
                        >
                            {words.signal("common.save")}
                        </Button>
                    </span>
                </Field>
            </form>
        </section>
    }
}

/// Options in a few words.
fn said(words: Words, options: &StartOptions) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(tokens) = options.num_ctx {
        parts.push(format!("ctx {tokens}"));
    }
    if let Some(layers) = options.num_gpu {
        parts.push(format!("GPU {layers}"));
    }
    if let Some(keep) = &options.keep_alive {
        parts.push(keep.clone());
    }
    if let Some(threads) = options.num_thread {
        parts.push(format!("{threads} T"));
    }
    if let Some(batch) = options.num_batch {
        parts.push(format!("batch {batch}"));
    }
    if let Some(gpu) = options.main_gpu {
        parts.push(format!("GPU #{gpu}"));
    }
    if let Some(mmap) = options.use_mmap {
        parts.push(format!("mmap {}", words.get(if mmap { "common.yes" } else { "common.no" })));
    }
    if parts.is_empty() { words.get("common.auto") } else { parts.join(" · ") }
}
