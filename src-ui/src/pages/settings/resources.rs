use corral_contract::{
    resources::{Level, Resource},
    settings::Settings,
    size,
};
use leptos::prelude::*;

use super::{Section, number::NumberRow, saving::Saving};
use crate::{
    components::StatusBadge,
    problem,
    state::use_stores,
    words::{Words, use_words},
};

/// How it is now.
fn said(words: Words, item: &Resource) -> String {
    let level = words.get(&format!("level.{}", item.level.as_str()));
    let percent = item.percent.map(|percent| format!("{percent} %"));
    let amount = item.used.zip(item.total).map(|(used, total)| {
        let values = [size::format(used), size::format(total)];
        words.fill("settings.usedOf", &[("used", &values[0]), ("total", &values[1])])
    });
    let problem = item.problem.as_ref().map(|error| problem::line(words, error));
    let parts = [Some(level), percent, amount, problem];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

#[component]
fn Now(item: Resource) -> impl IntoView {
    let words = use_words();
    let (icon, tone) = match item.level {
        Level::Unknown => (icondata::LuCircleHelp, "off"),
        Level::Ok => (icondata::LuCircleCheck, "ok"),
        Level::Warn => (icondata::LuTriangleAlert, "warn"),
        Level::Critical => (icondata::LuCircleAlert, "bad"),
    };
    let kind = words.signal_of(format!("resourceKind.{}", item.kind.as_str()));
    let subject = item.subject.clone();
    let text = Signal::derive(move || said(words, &item));
    view! {
        <div class="setting" data-testid="settings-resource">
            <span class="setting__text">
                <span>{kind}</span>
                <small class="mono">{subject}</small>
            </span>
            <span class="setting__control">
                <StatusBadge icon=icon tone=tone text=text />
            </span>
        </div>
    }
}

/// A threshold: its field, and how it is read and written.
type Threshold = (&'static str, fn(&Settings) -> u32, fn(&mut Settings, u32));

const THRESHOLDS: [Threshold; 8] = [
    ("diskWarn", |it| it.resources.disk_warn, |it, to| it.resources.disk_warn = to),
    ("diskCritical", |it| it.resources.disk_critical, |it, to| it.resources.disk_critical = to),
    ("ramWarn", |it| it.resources.ram_warn, |it, to| it.resources.ram_warn = to),
    ("ramCritical", |it| it.resources.ram_critical, |it, to| it.resources.ram_critical = to),
    ("cpuWarn", |it| it.resources.cpu_warn, |it, to| it.resources.cpu_warn = to),
    ("cpuCritical", |it| it.resources.cpu_critical, |it, to| it.resources.cpu_critical = to),
    ("gpuWarn", |it| it.resources.gpu_warn, |it, to| it.resources.gpu_warn = to),
    ("gpuCritical", |it| it.resources.gpu_critical, |it, to| it.resources.gpu_critical = to),
];

/// From which share on something of this machine counts as short.
#[component]
pub(super) fn Resources(saving: Saving) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let now = Memo::new(move |_| stores.system.with(|system| system.resources.items.clone()));
    let thresholds = THRESHOLDS.map(|(field, read, write)| {
        view! { <NumberRow saving field range=50..=100 unit="settings.unitPercent" read write /> }
    });
    view! {
        <Section title=words.signal("settings.resources")>
            {move || now.get().into_iter().map(|item| view! { <Now item /> }).collect_view()}
            {thresholds.collect_view()}
        </Section>
    }
}
