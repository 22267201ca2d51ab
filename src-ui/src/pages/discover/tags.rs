//! The tags of a model: sizes, where they would run, and getting one.

use corral_contract::{
    WireError,
    catalogue::{CatalogueTag, SizeBasis, TagList, TagsOf, call},
    downloads::{Fit, Priority},
    models::{CreateModel, call::Create},
    size,
};
use leptos::prelude::*;

use super::Discover;
use crate::{
    components::{Button, ButtonKind, ErrorCard, Glyph, IconButton, Note, Skeleton, Tag, Tone},
    format,
    frame::{scope::use_scope, toasts::use_toasts},
    navigation::{Page, use_navigation},
    problem,
    state::use_stores,
    words::use_words,
};

/// The tags of the model of this name.
#[component]
pub(super) fn Tags(page: Discover, name: String) -> impl IntoView {
    let (words, stores, scope) = (use_words(), use_stores(), use_scope());
    let list = RwSignal::new(None::<TagList>);
    let failure = RwSignal::new(None::<WireError>);
    let installed = Memo::new(move |_| stores.models.with(|models| models.counts.total));
    let latest = page.sending.latest();
    Effect::new(move |_| {
        installed.track();
        if let Some(instance) = scope.target.get() {
            let of = TagsOf { instance, name: name.clone() };
            latest.ask::<call::Tags>(of, move |answer| match answer {
                Ok(answer) => {
                    list.try_set(Some(answer));
                }
                Err(error) => {
                    failure.try_set(Some(error));
                }
            });
        }
    });
    view! {
        <div class="discover__tags" data-testid="discover-tags">
            {move || match (list.get(), failure.get()) {
                (Some(list), _) => {
                    let note = list.problem.as_ref().map(|error| {
                        let reason = problem::line(words, error);
                        let age = list.as_of.map(|at| format::age(words, at, stores.now.get_untracked()));
                        let text = match age {
                            Some(age) => words.fill("discover.hubOld", &[("age", &age), ("reason", &reason)]),
                            None => words.fill("discover.hubSilent", &[("reason", &reason)]),
                        };
                        view! { <Note tone=Tone::Warning>{text}</Note> }
                    });
                    let nothing = list.tags.is_empty() && list.problem.is_none();
                    let best = list.best.clone();
                    view! {
                        {note}
                        {nothing.then(|| view! { <p class="dim">{words.signal("discover.noTags")}</p> })}
                        {list
                            .tags
                            .into_iter()
                            .map(|tag| {
                                let best = best.as_deref() == Some(&tag.tag);
                                view! { <TagRow page tag best /> }
                            })
                            .collect_view()}
                    }
                        .into_any()
                }
                (None, Some(error)) => view! { <ErrorCard error=Signal::stored(error) /> }.into_any(),
                (None, None) => view! { <Skeleton rows=3 /> }.into_any(),
            }}
        </div>
    }
}

/// Icon and class of where it would run.
pub(crate) fn look(fit: Fit) -> (icondata::Icon, &'static str) {
    match fit {
        Fit::Gpu | Fit::Split | Fit::Cpu => (icondata::LuCircleCheck, "check__fit--good"),
        Fit::Later => (icondata::LuTriangleAlert, "check__fit--warn"),
        Fit::TooLarge => (icondata::LuCircleAlert, "check__fit--bad"),
        Fit::Unknown => (icondata::LuInfo, "dim"),
    }
}

#[component]
fn TagRow(page: Discover, tag: CatalogueTag, best: bool) -> impl IntoView {
    let (words, scope, toasts) = (use_words(), use_scope(), use_toasts());
    let navigation = use_navigation();
    let (icon, tone) = look(tag.fit);
    let fit = words.signal_of(format!("discover.fit.{}", tag.fit.as_str()));
    let kind: Vec<String> =
        [tag.parameters.clone(), tag.quantization.clone()].into_iter().flatten().collect();
    let bytes = tag.bytes.map(|bytes| match tag.basis {
        SizeBasis::Listed => words.fill("discover.about", &[("bytes", &size::format(bytes))]),
        _ => size::format(bytes),
    });
    let basis = words.signal_of(format!("discover.basis.{}", tag.basis.as_str()));
    let why_not = if tag.split {
        "discover.isSplit"
    } else if tag.gone {
        "discover.isGone"
    } else {
        ""
    };
    let reason =
        Signal::derive(move || if why_not.is_empty() { String::new() } else { words.get(why_not) });
    let key = format!("get:{}", tag.name);
    let pending = page.sending.pending(&key);
    let (name, looked) = (tag.name.clone(), tag.name.clone());
    let dialog = move |name: &str| navigation.open_place(Page::Models, &format!("get/{name}"));
    let get = move |()| {
        let Some(instance) = scope.target.get_untracked() else { return };
        let request = CreateModel {
            instance,
            name: name.clone(),
            priority: Priority::Normal,
            start_when_done: false,
            update: false,
            insecure: false,
            force: false,
        };
        let name = name.clone();
        page.sending.ask::<Create>(&key, request, move |answer| match answer {
            Ok(job) => {
                let text = if job.existing { "create.already" } else { "create.queued" };
                toasts.good(words.fill(text, &[("name", &name)]));
            }
            // The dialog shows why, and what would help.
            Err(_) => dialog(&name),
        });
    };
    view! {
        <div class="discover__tag" class:discover__tag--best=best>
            <span class="discover__tag-name mono cut">{tag.tag.clone()}</span>
            <span class="dim num">{kind.join(" · ")}</span>
            <span class="num discover__tag-size" title=basis>{bytes}</span>
            <span class=format!("discover__tag-fit {tone}")>
                <Glyph icon=icon />
                <span class="cut">{fit}</span>
                {best.then(|| view! { <Tag>{words.signal("discover.best")}</Tag> })}
            </span>
            <span class="discover__tag-actions">
                {if tag.installed {
                    view! {
                        <span class="discover__installed" data-testid=format!("has-{}", tag.name)>
                            <Glyph icon=icondata::LuCircleCheck />
                            {words.signal("discover.isInstalled")}
                        </span>
                    }
                        .into_any()
                } else {
                    view! {
                        <IconButton
                            icon=icondata::LuClipboardCheck
                            label=words.signal("discover.look")
                            on_press=move |_| dialog(&looked)
                            attr:data-testid=format!("look-{}", tag.name)
                        />
                        <Button
                            small=true
                            kind=if best { ButtonKind::Primary } else { ButtonKind::Plain }
                            icon=icondata::LuDownload
                            pending=pending
                            reason=reason
                            on_press=get
                            attr:data-testid=format!("get-{}", tag.name)
                        >
                            {words.signal("discover.get")}
                        </Button>
                    }
                        .into_any()
                }}
            </span>
        </div>
    }
}
