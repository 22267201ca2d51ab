//! The parts of Corral that run on their own: which work, which fail, and a report to pass on.

use corral_contract::{
    InstanceId,
    app::{Health, Subsystem},
};
use leptos::prelude::*;

use crate::{
    components::{CopyButton, StatusBadge},
    problem,
    state::{Stores, use_stores},
    words::{Words, use_words},
};

/// Every part with its state, how often it was started again and what went wrong last.
#[component]
pub(super) fn Parts() -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let parts = Memo::new(move |_| {
        stores.system.with(|system| {
            let mut parts = system.subsystems().to_vec();
            // What fails comes first.
            parts.sort_by_key(|part| (part.health == Health::Ok, part.name.clone()));
            parts
        })
    });
    let failing =
        move || parts.with(|parts| parts.iter().filter(|it| it.health != Health::Ok).count());
    let summary = move || match failing() {
        0 => words.get("parts.allWell"),
        n => words.fill("parts.someFail", &[("n", &n.to_string())]),
    };
    let report = Signal::derive(move || {
        let version = stores.system.with(|system| system.version.clone());
        parts.with(|parts| report(&version, parts))
    });
    view! {
        <section aria-label=words.signal("parts.title") data-testid="help-parts">
            <h2>{words.signal("parts.title")}</h2>
            <p class="dim">{words.signal("parts.text")}</p>
            <p class="parts__head" role="status">
                <span>{summary}</span>
                <span class="parts__copy">
                    {words.signal("parts.copy")} <CopyButton text=report />
                </span>
            </p>
            <table class="parts">
                <thead>
                    <tr>
                        <th scope="col">{words.signal("parts.name")}</th>
                        <th scope="col">{words.signal("parts.state")}</th>
                        <th scope="col">{words.signal("parts.restarts")}</th>
                        <th scope="col">{words.signal("parts.problem")}</th>
                    </tr>
                </thead>
                <tbody>
                    <For
                        each=move || parts.get()
                        key=|part| (part.name.clone(), part.health, part.restarts, part.problem.is_some())
                        let:part
                    >
                        <Row part />
                    </For>
                </tbody>
            </table>
        </section>
    }
}

#[component]
fn Row(part: Subsystem) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let (icon, tone) = match part.health {
        Health::Ok => (icondata::LuCircleCheck, "ok"),
        Health::Degraded => (icondata::LuTriangleAlert, "warn"),
        Health::Stopped => (icondata::LuCircle, "off"),
    };
    let health = part.health;
    let name = part.name.clone();
    let problem = part.problem;
    let state = format!("part-{}-{}", part.name, health.as_str());
    view! {
        <tr data-testid=state>
            <th scope="row">{move || shown(words, stores, &name)}</th>
            <td>
                <StatusBadge
                    icon=icon
                    tone=tone
                    text=words.signal_of(format!("health.{}", health.as_str()))
                />
            </td>
            <td class="num">{part.restarts}</td>
            <td>{move || problem.as_ref().map(|it| problem::line(words, it))}</td>
        </tr>
    }
}

/// The name of a part; one for each server has that server's name behind it.
fn shown(words: Words, stores: Stores, name: &str) -> String {
    let (part, id) = name.split_once(':').map_or((name, None), |(part, id)| (part, Some(id)));
    let text = words.get_or(&format!("subsystem.{part}"), part);
    let server = id.and_then(|id| id.parse().ok()).and_then(|id| {
        stores.instances.with(|all| all.get(InstanceId(id)).map(|it| it.name.clone()))
    });
    match server {
        Some(server) => format!("{text} · {server}"),
        None => text,
    }
}

/// For whoever is asked for help: the same in every language, one line for each part.
fn report(version: &str, parts: &[Subsystem]) -> String {
    let mut text = format!("Corral {version}\n");
    for part in parts {
        let Subsystem { name, health, restarts, problem } = part;
        text.push_str(&format!("{name}: {} restarts={restarts}", health.as_str()));
        if let Some(problem) = problem {
            text.push_str(&format!(" {problem}"));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use corral_contract::{
        ErrorCode, WireError,
        app::{Health, Subsystem},
    };

    use super::report;

    #[test]
    fn a_report_names_every_part() {
        let part = |name: &str, health, problem| Subsystem {
            name: name.to_owned(),
            health,
            restarts: 2,
            problem,
        };
        let problem = WireError::new(ErrorCode::DatabaseBusy).detail("locked");
        let parts = [part("sync", Health::Degraded, Some(problem)), part("disk", Health::Ok, None)];
        assert_eq!(
            report("1.0", &parts),
            "Corral 1.0\nsync: degraded restarts=2 DATABASE_BUSY: locked\ndisk: ok restarts=2\n"
        );
    }
}
