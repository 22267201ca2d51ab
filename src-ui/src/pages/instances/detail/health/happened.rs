use corral_contract::health::{DismissFinding, Finding, Incident, IncidentKind, call::Dismiss};
use leptos::prelude::*;

use super::View;
use crate::{
    components::{Button, Note, StatusBadge, Tone},
    format,
    state::use_stores,
    words::use_words,
};

/// What is wrong and does not stop the server.
#[component]
pub(super) fn Findings(view: View) -> impl IntoView {
    let words = use_words();
    let findings =
        Memo::new(move |_| view.read(|report| report.findings.clone()).unwrap_or_default());
    view! {
        <Show when=move || findings.with(|all| !all.is_empty())>
            <section aria-label=words.signal("healthTab.findings") data-testid="health-findings">
                <h3>{words.signal("healthTab.findings")}</h3>
                {move || {
                    let all = findings.get().into_iter();
                    all.map(|finding| view! { <Found view finding /> }).collect_view()
                }}
            </section>
        </Show>
    }
}

#[component]
fn Found(view: View, finding: Finding) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let key = finding.kind.as_str();
    let subject = finding.subject.clone().unwrap_or_default();
    let title = move || words.fill(&format!("finding.{key}.title"), &[("subject", &subject)]);
    let figures = finding.before.clone().zip(finding.now.clone());
    let request =
        DismissFinding { instance: view.id, kind: finding.kind, subject: finding.subject.clone() };
    let dismiss = move |()| {
        view.sending.ask::<Dismiss>("dismiss", request.clone(), move |answer| view.take(answer));
    };
    view! {
        <Note tone=Tone::Warning>
            <div class="finding">
                <div>
                    <p class="finding__title">{title}</p>
                    <p>{words.signal_of(format!("finding.{key}.advice"))}</p>
                    {figures.map(|(before, now)| {
                        view! {
                            <p class="num">
                                {move || {
                                    words.fill(
                                        "healthTab.figures",
                                        &[("before", &before), ("now", &now)],
                                    )
                                }}
                            </p>
                        }
                    })}
                    {finding.line.map(|line| view! { <code class="finding__line">{line}</code> })}
                    <small class="faint num">
                        {move || format::age(words, finding.at, stores.now.get())}
                    </small>
                </div>
                <Button small=true on_press=dismiss attr:data-testid=format!("dismiss-{key}")>
                    {words.signal("healthTab.dismiss")}
                </Button>
            </div>
        </Note>
    }
}

/// What happened, newest first.
#[component]
pub(super) fn Incidents(view: View) -> impl IntoView {
    let words = use_words();
    let all = Memo::new(move |_| view.read(|report| report.incidents.clone()).unwrap_or_default());
    view! {
        <section aria-label=words.signal("healthTab.incidents")>
            <h3>{words.signal("healthTab.incidents")}</h3>
            <Show when=move || all.with(Vec::is_empty)>
                <p class="faint">{words.signal("healthTab.noIncidents")}</p>
            </Show>
            <ol class="incidents" data-testid="health-incidents">
                <For each=move || all.get() key=|it| (it.id, it.until, it.kind) let:incident>
                    <Happened incident />
                </For>
            </ol>
        </section>
    }
}

#[component]
fn Happened(incident: Incident) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let Incident { kind, at, until, subject, cause, lines, .. } = incident;
    let (icon, tone) = match kind {
        IncidentKind::Restarted | IncidentKind::Update => (icondata::LuCircleCheck, "ok"),
        IncidentKind::Held => (icondata::LuCirclePause, "off"),
        IncidentKind::GpuLost | IncidentKind::Slower => (icondata::LuTriangleAlert, "warn"),
        IncidentKind::Down
        | IncidentKind::Crash
        | IncidentKind::RestartFailed
        | IncidentKind::GaveUp => (icondata::LuCircleAlert, "bad"),
    };
    let subject = subject.unwrap_or_default();
    let text = Signal::derive(move || {
        words.fill(&format!("incident.{}", kind.as_str()), &[("subject", &subject)])
    });
    let length = move || match until {
        None if kind == IncidentKind::GaveUp => String::new(),
        None => words.get("healthTab.goesOn"),
        Some(until) => {
            let seconds = u64::try_from(until.since(at) / 1000).unwrap_or(0);
            let time = format::span(words, seconds);
            if seconds == 0 {
                String::new()
            } else {
                words.fill("healthTab.lasted", &[("time", &time)])
            }
        }
    };
    let why = cause.map(|cause| words.signal_of(format!("finding.{}.title", cause.as_str())));
    let advice = cause.map(|cause| words.signal_of(format!("finding.{}.advice", cause.as_str())));
    view! {
        <li class="incidents__one">
            <StatusBadge icon=icon tone=tone text=text />
            <span class="faint num">
                {move || format::time_and_day(words, at, stores.now.get())} " " {length}
            </span>
            {why.map(|why| view! { <p>{why} " · " {advice}</p> })}
            {(!lines.is_empty()).then(|| {
                view! {
                    <details>
                        <summary>{words.signal("healthTab.lastLines")}</summary>
                        <pre>{lines.join("\n")}</pre>
                    </details>
                }
            })}
        </li>
    }
}
