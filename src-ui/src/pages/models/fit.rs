//! What a model would take in memory, for another context and another way to keep it. Stands in
//! the create dialog and can stand wherever a model is run.

use std::time::Duration;

use corral_contract::{
    InstanceId, ModelId, WireError,
    downloads::{Basis, Fit, MemoryCheck},
    fit::{EstimateFit, KvCache, Shape, call::Estimate},
    size,
};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    components::{ErrorCard, Glyph, Part, ProgressBar, Segmented, Select},
    format, ipc,
    pages::discover::tags::look,
    words::{Words, use_words},
};

/// Contexts that can be asked for, in tokens; 0 = as many as the server takes by itself.
const CONTEXTS: [u64; 8] = [0, 4096, 8192, 16_384, 32_768, 65_536, 131_072, 262_144];
/// Requests at once that can be asked for.
const PARALLEL: [u32; 4] = [1, 2, 4, 8];
/// After the last change before the core is asked.
const PAUSE: Duration = Duration::from_millis(200);

/// Context, cache and requests at once, and what they would take. Either `model` or `name` says
/// what it is about.
#[component]
pub fn FitControl(
    #[prop(into)] instance: Signal<Option<InstanceId>>,
    /// An installed model.
    #[prop(optional, into)]
    model: Signal<Option<ModelId>>,
    /// A name in a registry.
    #[prop(optional, into)]
    name: Signal<Option<String>>,
) -> impl IntoView {
    let words = use_words();
    let shape = RwSignal::new(Shape { parallel: 1, ..Shape::default() });
    let opened = RwSignal::new(false);
    let answer = RwSignal::new(None::<Result<MemoryCheck, WireError>>);
    let turn = StoredValue::new(0_u64);
    Effect::new(move |_| {
        let (shape, instance, model, name) = (shape.get(), instance.get(), model.get(), name.get());
        turn.update_value(|turn| *turn += 1);
        let mine = turn.get_value();
        let Some(instance) =
            instance.filter(|_| opened.get() && (model.is_some() || name.is_some()))
        else {
            answer.set(None);
            return;
        };
        let request = EstimateFit { instance, model, name, shape };
        set_timeout(
            move || {
                if turn.try_get_value() == Some(mine) {
                    spawn_local(async move {
                        let said = ipc::call::<Estimate>(request).await;
                        if turn.try_get_value() == Some(mine) {
                            answer.set(Some(said));
                        }
                    });
                }
            },
            PAUSE,
        );
    });
    let contexts = Signal::derive(move || {
        CONTEXTS
            .map(|tokens| {
                let text = match tokens {
                    0 => words.get("fit.contextAuto"),
                    _ => words.fill("fit.tokens", &[("n", &format::count(tokens))]),
                };
                (tokens.to_string(), text)
            })
            .to_vec()
    });
    let caches = Signal::derive(move || {
        KvCache::ALL.iter().map(|it| (it.as_str(), it.as_str().to_owned())).collect::<Vec<_>>()
    });
    let parallel =
        Signal::derive(move || PARALLEL.map(|it| (it.to_string(), it.to_string())).to_vec());
    view! {
        <details
            class="fit-control"
            data-testid="fit-control"
            on:toggle=move |_| opened.set(true)
        >
            <summary data-testid="fit-open">{words.signal("fit.control")}</summary>
            <div class="fit-control__fields">
                <Select
                    id="fit-context"
                    label=words.signal("fit.context")
                    options=contexts
                    value=Signal::derive(move || shape.with(|it| it.context.unwrap_or(0).to_string()))
                    on_change=move |to: String| shape.update(|it| {
                        it.context = to.parse().ok().filter(|tokens| *tokens > 0);
                    })
                    attr:data-testid="fit-context"
                />
                <Segmented
                    label=words.signal("fit.cache")
                    options=caches
                    value=Signal::derive(move || shape.with(|it| it.cache.as_str().to_owned()))
                    on_change=move |to: &'static str| shape.update(|it| {
                        it.cache = KvCache::parse(to).unwrap_or_default();
                    })
                />
                <label class="fit-control__parallel">
                    <span class="dim">{words.signal("fit.parallel")} " "</span>
                    <Select
                        id="fit-parallel"
                        label=words.signal("fit.parallel")
                        options=parallel
                        value=Signal::derive(move || shape.with(|it| it.parallel.to_string()))
                        on_change=move |to: String| shape.update(|it| it.parallel = to.parse().unwrap_or(1))
                    />
                </label>
            </div>
            <div class="fit-control__said" aria-live="polite" data-testid="fit-said">
                {move || match answer.get() {
                    Some(Ok(check)) => view! { <Said check /> }.into_any(),
                    Some(Err(error)) => view! { <ErrorCard error=Signal::stored(error) /> }.into_any(),
                    None => ().into_any(),
                }}
            </div>
        </details>
    }
}

#[component]
fn Said(check: MemoryCheck) -> impl IntoView {
    let words = use_words();
    let (icon, tone) = look(check.fit);
    let fit = words.get(&format!("fit.{}", check.fit.as_str()));
    let parts = parts(&check);
    let (amount, detail, basis) =
        (amount(words, &check), detail(words, &check), basis(words, &check));
    let evict = (check.fit_evicted != check.fit && check.fit_evicted != Fit::Unknown).then(|| {
        let names: Vec<String> = check
            .evictable
            .iter()
            .map(|each| format!("{} ({})", each.name, size::format(each.bytes)))
            .collect();
        let better = words.get(&format!("fit.{}", check.fit_evicted.as_str()));
        words.fill("fit.evicted", &[("names", &names.join(", ")), ("fit", &better)])
    });
    view! {
        <p class=tone>
            <Glyph icon=icon />
            <strong>{fit}</strong>
        </p>
        {(!parts.is_empty()).then(|| view! { <ProgressBar parts=parts label=Signal::stored(amount.clone()) /> })}
        <p class="num">{amount}</p>
        <p class="dim num">{detail}</p>
        <p class="dim">{basis}</p>
        {evict.map(|text| view! { <p class="dim">{text}</p> })}
    }
}

/// Weights, context and buffers, against all memory that there is.
fn parts(check: &MemoryCheck) -> Vec<Part> {
    let whole = check.vram_total.unwrap_or(0) + check.ram_total.unwrap_or(0);
    if whole == 0 || check.needed.is_none() {
        return Vec::new();
    }
    vec![
        Part::of(check.weights, whole, "gpu"),
        Part::of(check.context_bytes.unwrap_or(0), whole, "cpu"),
        Part::of(check.buffers, whole, "off"),
    ]
}

fn amount(words: Words, check: &MemoryCheck) -> String {
    let Some(needed) = check.needed else { return words.get("fit.nothing") };
    let (needed, margin) = (size::format(needed), size::format(check.margin));
    match check.context_length {
        Some(tokens) => words.fill(
            "fit.amount",
            &[("needed", &needed), ("margin", &margin), ("n", &format::count(tokens))],
        ),
        None => words.fill("fit.amountRough", &[("needed", &needed), ("margin", &margin)]),
    }
}

fn detail(words: Words, check: &MemoryCheck) -> String {
    let context = check.context_bytes.map_or_else(|| words.get("common.none"), size::format);
    let mut said = vec![words.fill(
        "fit.parts",
        &[
            ("weights", &size::format(check.weights)),
            ("context", &context),
            ("buffers", &size::format(check.buffers)),
        ],
    )];
    if let Some(layers) = check.windowed_layers {
        said.push(words.fill("fit.windowed", &[("n", &layers.to_string())]));
    }
    if let Some((all, used)) = check.experts {
        said.push(
            words.fill("fit.experts", &[("all", &all.to_string()), ("used", &used.to_string())]),
        );
    }
    said.join(" · ")
}

fn basis(words: Words, check: &MemoryCheck) -> String {
    match check.basis {
        Basis::Learned => words.fill("fit.basis.learned", &[("n", &check.loads.to_string())]),
        other => words.get(&format!("fit.basis.{}", other.as_str())),
    }
}
