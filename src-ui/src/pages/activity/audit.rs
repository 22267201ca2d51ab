use corral_contract::{
    DOMAINS, Timestamp, WireError,
    audit::{Actor, AuditEntry, AuditRequest, Outcome, call},
};
use leptos::prelude::*;
use serde_json::Value;

use super::paging::{FEW, PagedList, Paging};
use crate::{
    components::{IconButton, Select, StatusBadge, TextInput},
    format, ipc,
    words::{Words, use_words},
};

const HOUR: i64 = 3_600_000;

/// What the list is narrowed to; empty words narrow nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Filter {
    /// `hour`, `day` or `week`.
    period: String,
    actor: String,
    command: String,
    outcome: String,
    target: String,
}

impl Filter {
    fn request(&self, now: Timestamp, before: Option<i64>, limit: u32) -> AuditRequest {
        let back = match self.period.as_str() {
            "hour" => Some(HOUR),
            "day" => Some(24 * HOUR),
            "week" => Some(7 * 24 * HOUR),
            _ => None,
        };
        let target = self.target.trim();
        AuditRequest {
            actor: Actor::parse(&self.actor),
            command: Some(self.command.clone()).filter(|command| !command.is_empty()),
            outcome: Outcome::parse(&self.outcome),
            target: (!target.is_empty()).then(|| target.to_owned()),
            from: back.map(|back| now.plus(-back)),
            to: None,
            before,
            limit,
        }
    }
}

async fn ask(request: AuditRequest) -> Result<(Vec<AuditEntry>, bool), WireError> {
    ipc::call::<call::Search>(request).await.map(|page| (page.items, page.more))
}

fn outcome_look(outcome: Outcome) -> (icondata::Icon, &'static str) {
    match outcome {
        Outcome::Done => (icondata::LuCircleCheck, "ok"),
        Outcome::Refused => (icondata::LuShieldX, "warn"),
        Outcome::Failed => (icondata::LuCircleAlert, "bad"),
    }
}

/// Who did what, newest first.
#[component]
pub(super) fn Audit() -> impl IntoView {
    let words = use_words();
    let paging = Paging::<AuditEntry>::new();
    let filter = RwSignal::new(Filter::default());
    let look = move || {
        let request = filter.with(|filter| filter.request(format::now(), None, FEW));
        paging.first(ask(request));
    };
    Effect::new(move |_| look());
    let more = move |()| {
        let last = paging.items.with_untracked(|items| items.last().map(|entry| entry.id));
        let request = filter.with_untracked(|filter| filter.request(format::now(), last, FEW));
        paging.next(ask(request));
    };
    let row = move |entry: AuditEntry| {
        let (icon, tone) = outcome_look(entry.outcome);
        let title = entry.target.clone();
        let target = readable(&entry.target);
        view! {
            <tr data-testid=format!("audit-row-{}", entry.id)>
                <td class="num dim">{format::moment(entry.at)}</td>
                <td>{words.get(&format!("actor.{}", entry.actor.as_str()))}</td>
                <td><code class="mono">{entry.command}</code></td>
                <td title=title>{target}</td>
                <td>
                    <StatusBadge
                        icon=icon
                        tone=tone
                        text=words.get(&format!("outcome.{}", entry.outcome.as_str()))
                    />
                </td>
                <td><code class="mono dim">{entry.code.map(|code| code.as_str())}</code></td>
            </tr>
        }
    };
    view! {
        <Filters filter on_again=move |()| untrack(look) />
        <PagedList
            paging
            empty=words.signal("activity.noAudit")
            icon=icondata::LuShieldCheck
            on_more=more
        >
            <table class="activity__table">
                <thead>
                    <tr>
                        <th class="activity__when">{words.signal("activity.when")}</th>
                        <th>{words.signal("activity.actor")}</th>
                        <th>{words.signal("activity.command")}</th>
                        <th class="activity__wide">{words.signal("activity.target")}</th>
                        <th>{words.signal("activity.outcome")}</th>
                        <th>{words.signal("activity.code")}</th>
                    </tr>
                </thead>
                <tbody>{move || paging.items.get().into_iter().map(row).collect_view()}</tbody>
            </table>
        </PagedList>
    }
}

#[component]
fn Filters(filter: RwSignal<Filter>, #[prop(into)] on_again: Callback<()>) -> impl IntoView {
    let words = use_words();
    let target = RwSignal::new(String::new());
    view! {
        <div class="page__bar activity__bar">
            <Select
                id="audit-period"
                label=words.signal("activity.period")
                options=Signal::derive(move || {
                    choices(words, "activity.anyTime", "activity.", &["hour", "day", "week"])
                })
                value=Signal::derive(move || filter.with(|filter| filter.period.clone()))
                on_change=move |to| filter.update(|filter| filter.period = to)
                attr:data-testid="audit-period"
            />
            <Select
                id="audit-actor"
                label=words.signal("activity.actor")
                options=Signal::derive(move || {
                    let words_of: Vec<_> = Actor::ALL.iter().map(|each| each.as_str()).collect();
                    choices(words, "activity.anyActor", "actor.", &words_of)
                })
                value=Signal::derive(move || filter.with(|filter| filter.actor.clone()))
                on_change=move |to| filter.update(|filter| filter.actor = to)
                attr:data-testid="audit-actor"
            />
            <Select
                id="audit-command"
                label=words.signal("activity.command")
                options=Signal::derive(move || commands(words))
                value=Signal::derive(move || filter.with(|filter| filter.command.clone()))
                on_change=move |to| filter.update(|filter| filter.command = to)
                attr:data-testid="audit-command"
            />
            <Select
                id="audit-outcome"
                label=words.signal("activity.outcome")
                options=Signal::derive(move || {
                    let words_of: Vec<_> = Outcome::ALL.iter().map(|each| each.as_str()).collect();
                    choices(words, "activity.anyOutcome", "outcome.", &words_of)
                })
                value=Signal::derive(move || filter.with(|filter| filter.outcome.clone()))
                on_change=move |to| filter.update(|filter| filter.outcome = to)
                attr:data-testid="audit-outcome"
            />
            <div class="activity__find">
                <TextInput
                    id="audit-target"
                    value=target
                    placeholder=words.signal("activity.target")
                    on_change=move |to| filter.update(|filter| filter.target = to)
                    label=words.signal("activity.target")
                    attr:data-testid="audit-target"
                />
            </div>
            <span class="page__gap"></span>
            <IconButton
                icon=icondata::LuRefreshCw
                label=words.signal("advice.refresh")
                on_press=move |_| on_again.run(())
                attr:data-testid="audit-refresh"
            />
        </div>
    }
}

/// A target that is a request: what it says, without what it leaves as it is, the name first.
fn readable(target: &str) -> String {
    // A long one was cut where it was kept: what is whole of it can be read.
    let whole = target.rfind(",\"").map(|end| format!("{}}}", &target[..end]));
    let cut = || serde_json::from_str(whole.as_deref()?).ok();
    let Some(Value::Object(request)) = serde_json::from_str(target).ok().or_else(cut) else {
        return target.to_owned();
    };
    let mut parts: Vec<(String, String)> = request
        .into_iter()
        .filter_map(|(key, value)| {
            let text = match value {
                Value::Null | Value::Bool(false) => return None,
                Value::String(text) if text.is_empty() => return None,
                Value::String(text) => text,
                other => other.to_string(),
            };
            Some((key, text))
        })
        .collect();
    parts.sort_by_key(|(key, _)| key != "name");
    let say = |(key, text)| if key == "name" { text } else { format!("{key} {text}") };
    parts.into_iter().map(say).collect::<Vec<_>>().join(" · ")
}

/// All of a list of words, after the choice that narrows nothing.
pub(super) fn choices(
    words: Words,
    any: &str,
    prefix: &str,
    list: &[&str],
) -> Vec<(String, String)> {
    let mut options = vec![(String::new(), words.get(any))];
    options.extend(
        list.iter().map(|each| ((*each).to_owned(), words.get(&format!("{prefix}{each}")))),
    );
    options
}

/// Every command that leaves a row.
fn commands(words: Words) -> Vec<(String, String)> {
    let mut options = vec![(String::new(), words.get("activity.anyCommand"))];
    for domain in DOMAINS {
        for command in domain.commands.iter().filter(|command| command.changes) {
            let name = format!("{}.{}", domain.name, command.name);
            options.push((name.clone(), name));
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    // criterion: 1.9
    #[test]
    fn filters_become_a_request() {
        let filter = Filter {
            period: "day".to_owned(),
            actor: "tray".to_owned(),
            command: "models.delete".to_owned(),
            outcome: "refused".to_owned(),
            target: " qwen ".to_owned(),
        };
        let now = Timestamp(100 * HOUR);
        assert_eq!(
            filter.request(now, Some(7), 50),
            AuditRequest {
                actor: Some(Actor::Tray),
                command: Some("models.delete".to_owned()),
                outcome: Some(Outcome::Refused),
                target: Some("qwen".to_owned()),
                from: Some(Timestamp(76 * HOUR)),
                to: None,
                before: Some(7),
                limit: 50,
            }
        );
    }

    #[test]
    fn an_empty_filter_narrows_nothing() {
        let request = Filter::default().request(Timestamp(5), None, 100);
        assert_eq!(request, AuditRequest { limit: 100, ..AuditRequest::default() });
    }

    #[test]
    fn a_request_says_what_it_wants_and_a_text_stays() {
        let request = r#"{"insecure":false,"instance":2,"name":"a:1","priority":"high"}"#;
        assert_eq!(readable(request), "a:1 · instance 2 · priority high");
        assert_eq!(readable("llama3.2:3b"), "llama3.2:3b");
        assert_eq!(readable(r#"{"cut off"#), r#"{"cut off"#);
        assert_eq!(readable(r#"{"language":"en","parallel":3,"cut o"#), "language en · parallel 3");
    }
}
