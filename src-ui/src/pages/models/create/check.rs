//! What a download would take, shown while its name is written: size, room, memory, time.

use std::time::Duration;

use corral_contract::{
    InstanceId, WireError,
    downloads::{Basis, CheckDownload, CleanUp, Fit, MemoryCheck, Preflight, call::Check},
    name::ModelName,
    size,
};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    components::{Button, ErrorCard, Glyph, Part, ProgressBar},
    format, ipc,
    pages::models::list::{Open, use_list},
    problem,
    words::{Words, use_words},
};

/// After the last key before the registry is asked.
const PAUSE: Duration = Duration::from_millis(350);

/// What is known about the name that is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Checked {
    /// `None` while nothing was asked or the answer is on its way.
    pub(super) answer: RwSignal<Option<Preflight>>,
    asking: RwSignal<bool>,
    failure: RwSignal<Option<WireError>>,
}

impl Checked {
    /// Asks again whenever name, instance or way change, a moment after the last key.
    pub(super) fn follow(
        name: Memo<Option<ModelName>>,
        instance: Signal<Option<InstanceId>>,
        insecure: Signal<bool>,
    ) -> Checked {
        let checked = Checked {
            answer: RwSignal::new(None),
            asking: RwSignal::new(false),
            failure: RwSignal::new(None),
        };
        let turn = StoredValue::new(0_u64);
        Effect::new(move |_| {
            let (name, instance, insecure) = (name.get(), instance.get(), insecure.get());
            turn.update_value(|turn| *turn += 1);
            let mine = turn.get_value();
            checked.answer.set(None);
            checked.failure.set(None);
            checked.asking.set(false);
            let (Some(name), Some(instance)) = (name, instance) else { return };
            checked.asking.set(true);
            let ask = move || {
                if turn.try_get_value() == Some(mine) {
                    let request = CheckDownload {
                        instance,
                        name: name.display(),
                        insecure,
                        shape: Default::default(),
                    };
                    spawn_local(async move {
                        let answer = ipc::call::<Check>(request).await;
                        if turn.try_get_value() == Some(mine) {
                            checked.take(answer);
                        }
                    });
                }
            };
            set_timeout(ask, PAUSE);
        });
        checked
    }

    fn take(self, answer: Result<Preflight, WireError>) {
        self.asking.set(false);
        match answer {
            Ok(answer) => self.answer.set(Some(answer)),
            Err(error) => self.failure.set(Some(error)),
        }
    }
}

/// The panel under the name.
#[component]
pub(super) fn CheckPanel(checked: Checked) -> impl IntoView {
    let words = use_words();
    view! {
        <div class="check" aria-live="polite" data-testid="create-check">
            {move || match (checked.answer.get(), checked.failure.get(), checked.asking.get()) {
                (Some(answer), _, _) => view! { <Answer answer /> }.into_any(),
                (_, Some(error), _) => {
                    view! { <ErrorCard error=Signal::stored(error) /> }.into_any()
                }
                (_, _, true) => {
                    view! { <p class="check__asking dim">{words.signal("check.asking")}</p> }
                        .into_any()
                }
                _ => ().into_any(),
            }}
        </div>
    }
}

#[component]
fn Answer(answer: Preflight) -> impl IntoView {
    let words = use_words();
    let refusal = answer.refusal.clone();
    let warnings = answer.warnings.clone();
    let clean_up = answer.clean_up.clone();
    let facts = answer.total.map(|_| view! { <Facts answer=answer.clone() /> });
    view! {
        {refusal.map(|error| {
            view! {
                <div data-testid="check-refusal">
                    <ErrorCard error=Signal::stored(error) />
                </div>
            }
        })}
        {facts}
        {(!clean_up.is_empty()).then(|| view! { <MakeRoom proposals=clean_up wanted=answer.name.clone() /> })}
        {warnings
            .into_iter()
            .map(|warning| {
                view! {
                    <p class="check__warning" data-testid="check-warning">
                        <Glyph icon=icondata::LuTriangleAlert />
                        {move || problem::line(words, &warning)}
                    </p>
                }
            })
            .collect_view()}
    }
}

#[component]
fn Facts(answer: Preflight) -> impl IntoView {
    let words = use_words();
    let (total, missing) = (answer.total.unwrap_or(0), answer.missing);
    let (icon, tone) = match answer.memory.fit {
        Fit::Gpu | Fit::Split | Fit::Cpu => {
            (icondata::LuCircleCheck, "check__fit check__fit--good")
        }
        Fit::Later => (icondata::LuTriangleAlert, "check__fit check__fit--warn"),
        Fit::TooLarge => (icondata::LuCircleAlert, "check__fit check__fit--bad"),
        Fit::Unknown => (icondata::LuInfo, "check__fit dim"),
    };
    let fit = words.signal_of(format!("fit.{}", answer.memory.fit.as_str()));
    let kind: Vec<String> =
        [answer.quantization.clone(), answer.parameters.clone()].into_iter().flatten().collect();
    let fetched = missing.map_or(0, |missing| total.saturating_sub(missing));
    let download =
        vec![Part::of(fetched, total, "gpu"), Part::of(missing.unwrap_or(total), total, "busy")];
    let to_fetch = move || match missing {
        Some(0) => words.get("check.allThere"),
        Some(missing) => words.fill("check.missing", &[("part", &format::part(missing, total))]),
        None => size::format(total),
    };
    let disk = answer.disk.clone();
    let room = disk.free.zip(disk.total).map(|(free, whole)| {
        let after = free.saturating_sub(missing.unwrap_or(0));
        let parts = vec![
            Part::of(whole.saturating_sub(free), whole, "off"),
            Part::of(free - after, whole, "busy"),
        ];
        let text = move || {
            let (free, after) = (size::format(free), size::format(after));
            words.fill("check.keeps", &[("free", &free), ("after", &after)])
        };
        view! { <Line key="check.disk" parts text=Signal::derive(text) /> }
    });
    let network = answer.network.clone();
    let time = network.seconds.zip(network.speed).filter(|(seconds, _)| *seconds > 0);
    let time = time.map(|(seconds, speed)| {
        let key = if network.by_experience { "check.time" } else { "check.timeProbed" };
        let text = move || {
            let values = [("time", format::span(words, seconds)), ("speed", format::speed(speed))];
            words.fill(key, &[(values[0].0, &values[0].1), (values[1].0, &values[1].1)])
        };
        view! { <Line key="check.timeLabel" text=Signal::derive(text) /> }
    });
    let license = answer.license.clone();
    view! {
        <div class="check__card" data-testid="check-facts">
            <div class="check__head">
                <span class=tone>
                    <Glyph icon=icon />
                    <strong data-testid="check-fit">{fit}</strong>
                </span>
                <span class="dim num">{kind.join(" · ")}</span>
            </div>
            <dl class="check__lines">
                <Line key="check.download" parts=download text=Signal::derive(to_fetch) />
                {room}
                {memory(words, answer.memory.clone())}
                {time}
                {license.map(|text| view! { <Line key="check.license" text=Signal::stored(text) /> })}
            </dl>
        </div>
    }
}

/// The memory that counts for where the model would run.
fn memory(words: Words, check: MemoryCheck) -> Option<impl IntoView> {
    let needed = check.needed?;
    let on_gpu = matches!(check.fit, Fit::Gpu | Fit::Split)
        || (check.vram_total.is_some() && check.fit != Fit::Cpu);
    let (free, whole) = if on_gpu {
        (check.vram_free, check.vram_total)
    } else {
        (check.ram_free, check.ram_total)
    };
    let key = if on_gpu { "check.vram" } else { "check.ram" };
    let parts = whole.zip(free).map_or_else(Vec::new, |(whole, free)| {
        let used = whole.saturating_sub(free);
        vec![Part::of(used, whole, "off"), Part::of(needed.min(free), whole, "gpu")]
    });
    let (basis, context, margin) = (check.basis, check.context_length, check.margin);
    let loads = check.loads;
    let text = move || {
        let needed = size::format(needed);
        let margin = size::format(margin);
        let context = context.map(format::count).unwrap_or_default();
        let key = match basis {
            Basis::Head => "check.memory",
            Basis::Measured => "check.memoryMeasured",
            Basis::Learned => "check.memoryLearned",
            Basis::Size | Basis::Nothing => "check.memoryRough",
        };
        let amount = match whole {
            Some(whole) => format!("{needed} / {}", size::format(whole)),
            None => needed,
        };
        let loads = loads.to_string();
        words.fill(
            key,
            &[("amount", &amount), ("margin", &margin), ("context", &context), ("n", &loads)],
        )
    };
    Some(view! { <Line key=key parts text=Signal::derive(text) /> })
}

#[component]
fn Line(
    key: &'static str,
    #[prop(optional)] parts: Vec<Part>,
    text: Signal<String>,
) -> impl IntoView {
    let words = use_words();
    let bar = (!parts.is_empty())
        .then(|| view! { <ProgressBar parts=Signal::stored(parts) label=text /> });
    view! {
        <dt>{words.signal(key)}</dt>
        <dd class="check__bar">{bar}</dd>
        <dd class="check__text num">{text}</dd>
    }
}

/// What would make room, with the bytes that each frees.
#[component]
fn MakeRoom(
    proposals: Vec<CleanUp>,
    /// The name that stands in the dialog, to come back to.
    wanted: String,
) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let wanted = StoredValue::new(wanted);
    view! {
        <div class="check__room" data-testid="check-room">
            <p class="dim">{words.signal("check.makeRoom")}</p>
            <ul class="result-list">
                {proposals
                    .into_iter()
                    .map(|proposal| {
                        let CleanUp { model, name, bytes } = proposal;
                        let name = move || {
                            if model.is_none() { words.get("check.leftovers") } else { name.clone() }
                        };
                        view! {
                            <li class="result-list__item">
                                <span class="cut">{name}</span>
                                <span class="num dim">{size::format(bytes)}</span>
                                {model.map(|id| {
                                    view! {
                                        <Button
                                            small=true
                                            icon=icondata::LuTrash2
                                            on_press=move |()| list.open_over(Open::Delete(vec![id]), Open::Create(wanted.get_value()))
                                        >
                                            {words.signal("check.delete")}
                                        </Button>
                                    }
                                })}
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </div>
    }
}
