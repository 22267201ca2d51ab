//! What matters now, then the facts, then the layers.

use std::sync::Arc;

use corral_contract::{
    Advice, WireError,
    models::{Memory, ModelDetail, ModelRow, StartOptions},
    size,
    status::Action,
};
use leptos::prelude::*;

use super::{
    super::{
        actions::Actions,
        cells::{Row, instance_name},
        list::{Open, use_list},
    },
    files::Files,
    newer::Newer,
};
use crate::{
    components::{Button, CopyButton, ErrorCard, Part, ProgressBar, Tag},
    format,
    navigation::use_navigation,
    pages::advice,
    words::use_words,
};

/// The first tab.
#[component]
pub(super) fn Overview(row: Row, detail: Arc<ModelDetail>, actions: Actions) -> impl IntoView {
    let (list, navigation) = (use_list(), use_navigation());
    let problem =
        Memo::new(move |_| row.with(|row| row.as_ref().and_then(|row| row.problem.clone())));
    let memory = Memo::new(move |_| row.with(|row| row.as_ref().and_then(|row| row.memory)));
    let on_advice = Callback::new(move |advice: Advice| {
        let Some(row) = row.get_untracked() else {
            return;
        };
        match advice {
            Advice::Retry if row.actions.contains(&Action::Resume) => {
                actions.act(Action::Resume, &row);
            }
            Advice::Recreate => actions.act(Action::Recreate, &row),
            Advice::LowerContext => {
                let options = StartOptions { num_ctx: Some(4096), ..StartOptions::default() };
                actions.run(Action::Start, &row, options);
            }
            Advice::OpenLog => list.tab.set("log"),
            other => advice::follow(other, navigation, Some(row.instance), row.last_task),
        }
    });
    view! {
        {move || {
            problem.get().map(|error| {
                view! {
                    <section class="detail__section">
                        <ErrorCard error=Signal::stored(shown(error)) on_advice=on_advice />
                    </section>
                }
            })
        }}
        <Newer row />
        {move || memory.get().map(|memory| view! { <MemoryNow memory /> })}
        {
            let detail = detail.clone();
            move || row.get().map(|row| view! { <Facts row detail=detail.clone() /> })
        }
        {move || row.get().map(|row| view! { <OwnLabel row /> })}
        <Files row detail=detail.clone() />
        <Layers detail />
    }
}

/// Everything that belongs to the controls of a model can be followed here.
fn shown(error: WireError) -> WireError {
    match error.hint {
        Some(Advice::LowerContext | Advice::Recreate | Advice::Retry) => error,
        _ => advice::followable(error),
    }
}

#[component]
fn MemoryNow(memory: Memory) -> impl IntoView {
    let words = use_words();
    let gpu = Part::of(memory.vram, memory.bytes, "gpu");
    let cpu = Part { share: 1.0 - gpu.share, tone: "cpu" };
    let rest = memory.bytes.saturating_sub(memory.vram);
    let text = format!("GPU {}, CPU {}", size::format(memory.vram), size::format(rest));
    view! {
        <section class="detail__section">
            <h3>{words.signal("detail.memory")}</h3>
            <ProgressBar parts=vec![gpu, cpu] label=Signal::stored(text) />
            <div class="detail__line num">
                <span>"GPU " {size::format(memory.vram)}</span>
                <span>"CPU " {size::format(rest)}</span>
            </div>
            {memory
                .context_length
                .map(|context| {
                    let count = format::count(context);
                    view! {
                        <p class="dim">
                            {move || words.fill("detail.contextNow", &[("n", &count)])}
                        </p>
                    }
                })}
        </section>
    }
}

/// What the user said about it, and the way to change that.
#[component]
fn OwnLabel(row: Arc<ModelRow>) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let id = row.id;
    let label = row.label.clone();
    view! {
        <section class="detail__section">
            <div class="detail__head">
                <h3>{words.signal("labels.section")}</h3>
                <Button
                    small=true
                    icon=icondata::LuTag
                    on_press=move |()| list.open.set(Open::Labels(vec![id]))
                    attr:data-testid="detail-labels"
                >
                    {words.signal("labels.edit")}
                </Button>
            </div>
            {(!label.tags.is_empty()).then(|| {
                view! {
                    <div class="detail__tags">
                        {label
                            .tags
                            .iter()
                            .map(|tag| view! { <Tag>{format!("#{tag}")}</Tag> })
                            .collect_view()}
                    </div>
                }
            })}
            {(!label.note.is_empty()).then(|| view! { <p class="detail__note">{label.note.clone()}</p> })}
        </section>
    }
}

#[component]
fn Facts(row: Arc<ModelRow>, detail: Arc<ModelDetail>) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let show = detail.show.clone().unwrap_or_default();
    let unknown = words.get("common.unknown");
    let size_text = match (row.bytes, detail.exclusive) {
        _ if row.cloud => words.get("status.cloud"),
        (Some(bytes), Some(own)) => {
            let own = words.fill("detail.exclusive", &[("bytes", &size::format(own))]);
            format!("{} · {own}", size::format(bytes))
        }
        (Some(bytes), None) => size::format(bytes),
        (None, _) => unknown.clone(),
    };
    let parameters = [
        show.parameter_size.clone().or_else(|| row.parameter_size.clone()),
        show.quantization.clone().or_else(|| row.quantization.clone()),
        show.architecture.clone().or_else(|| row.family.clone()),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" · ");
    let context = show.context_length.or(row.context_length).map(format::count);
    let capabilities = if show.capabilities.is_empty() {
        row.capabilities.clone()
    } else {
        show.capabilities.clone()
    };
    let origin =
        format!("{} · {}", words.get(&format!("origin.{}", row.from.as_str())), row.registry);
    let fact = move |key: &'static str, value: Option<String>| {
        value.filter(|text| !text.is_empty()).map(|value| {
            view! {
                <dt>{words.get(key)}</dt>
                <dd class="num">{value}</dd>
            }
        })
    };
    view! {
        <section class="detail__section">
            <dl class="facts">
                {fact("column.size", Some(size_text))}
                {fact("detail.parameters", Some(parameters))}
                {fact("detail.format", show.format.clone())}
                {fact("detail.context", context)}
                {fact("detail.embedding", show.embedding_length.map(format::count))}
                {(!capabilities.is_empty()).then(move || {
                    view! {
                        <dt>{words.get("column.capabilities")}</dt>
                        <dd class="detail__tags">
                            {capabilities
                                .into_iter()
                                .map(|word| view! { <Tag>{word}</Tag> })
                                .collect_view()}
                        </dd>
                    }
                })}
                {fact("column.from", Some(origin))}
                {fact("detail.instance", Some(instance_name(list.stores, row.instance)))}
                {fact("column.created", Some(format::moment(row.created_at)))}
                {fact("column.modified", row.modified_at.map(format::moment))}
                {fact("detail.aliases", Some(row.aliases.join(", ")))}
                {fact("detail.remote", show.remote_model.clone())}
                {fact("column.message", Some(row.message.clone()))}
                {row
                    .digest
                    .clone()
                    .map(|digest| {
                        view! {
                            <dt>{words.get("column.digest")}</dt>
                            <dd class="detail__digest">
                                <span class="mono" title=digest.clone()>
                                    {format::short_digest(&digest).to_owned()}
                                </span>
                                <CopyButton text=Signal::stored(digest) />
                            </dd>
                        }
                    })}
            </dl>
        </section>
    }
}

#[component]
fn Layers(detail: Arc<ModelDetail>) -> impl IntoView {
    let words = use_words();
    (!detail.layers.is_empty()).then(|| {
        view! {
            <section class="detail__section">
                <h3>{words.signal("detail.layers")}</h3>
                <div class="detail__layers">
                    {detail
                        .layers
                        .iter()
                        .map(|layer| {
                            let shared = (!layer.shared_with.is_empty()).then(|| {
                                words.fill("detail.shared", &[("with", &layer.shared_with.join(", "))])
                            });
                            view! {
                                <span>{layer.kind.clone()}</span>
                                <span class="mono dim cut" title=layer.digest.clone()>
                                    {format::short_digest(&layer.digest).to_owned()}
                                    {shared.map(|text| view! { <small class="faint">" · " {text}</small> })}
                                </span>
                                <span class="num">{size::format(layer.bytes)}</span>
                            }
                        })
                        .collect_view()}
                </div>
            </section>
        }
    })
}
