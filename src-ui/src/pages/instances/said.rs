//! What is known about a server, in words.

use corral_contract::{
    Timestamp,
    instances::{
        ApiFact, ApiState, InstanceView, Kind, Runner, ServiceState, StoreFact, StoreSource,
    },
    size,
};

use crate::{components::Part, format, problem, words::Words};

const DAY: i64 = 86_400_000;

/// `this computer · systemd service · http://127.0.0.1:11434`.
pub(super) fn origin(words: Words, view: &InstanceView) -> String {
    let kind = words.get(&format!("kind.{}", view.kind.as_str()));
    if view.kind == Kind::Remote || view.runner == Runner::Unknown {
        return format!("{kind} · {}", view.url);
    }
    let runner = words.get(&format!("runner.{}", view.runner.as_str()));
    format!("{kind} · {runner} · {}", view.url)
}

/// Icon and tone of the first fact.
pub(super) fn service_look(state: ServiceState) -> (icondata::Icon, &'static str) {
    match state {
        ServiceState::Running => (icondata::LuCircleCheck, "ok"),
        ServiceState::Stopped => (icondata::LuCircle, "off"),
        ServiceState::Unknown => (icondata::LuCircleDashed, "off"),
    }
}

/// Icon and tone of the second fact.
pub(super) fn api_look(state: ApiState) -> (icondata::Icon, &'static str) {
    match state {
        ApiState::Checking => (icondata::LuLoaderCircle, "busy"),
        ApiState::Ok => (icondata::LuCircleCheck, "ok"),
        ApiState::Limited => (icondata::LuTriangleAlert, "warn"),
        ApiState::Down => (icondata::LuCircleAlert, "bad"),
    }
}

/// `API 0.33.0 · 3 ms`, or the state in a word.
pub(super) fn api(words: Words, fact: &ApiFact) -> String {
    let latency = fact.latency_ms.map(|ms| words.fill("top.latency", &[("ms", &ms.to_string())]));
    match (fact.state, &fact.version, latency) {
        (ApiState::Ok | ApiState::Limited, Some(version), Some(latency)) => {
            format!("API {version} · {latency}")
        }
        (ApiState::Ok | ApiState::Limited, Some(version), None) => format!("API {version}"),
        (state, ..) => format!("API {}", words.get(&format!("apiState.{}", state.as_str()))),
    }
}

/// Why the API is not well and since when; empty when it is.
pub(super) fn trouble(words: Words, fact: &ApiFact, now: Timestamp) -> String {
    let Some(problem) = &fact.problem else {
        return String::new();
    };
    let reason = problem::line(words, problem);
    // A time of the day says nothing about a trouble of days.
    let recent = |since: &Timestamp| now.since(*since) < DAY;
    let since = fact.since.map(|since| {
        if recent(&since) { format::time_of_day(since) } else { format::moment(since) }
    });
    let seen = fact.version.as_deref();
    let mut values = vec![("reason", reason.as_str())];
    values.extend(since.as_deref().map(|since| ("since", since)));
    values.extend(seen.map(|seen| ("version", seen)));
    words.fill("instances.trouble", &values)
}

/// `24 models · 2 in memory · synced 4 min ago · next sync 14:02`.
pub(super) fn holdings(words: Words, view: &InstanceView, now: Timestamp) -> String {
    let synced = view.last_sync.map(|at| format::age(words, at, now));
    let (models, running) = (format::count(view.models), format::count(view.running));
    let mut values = vec![("models", models.as_str()), ("running", running.as_str())];
    values.extend(synced.as_deref().map(|age| ("age", age)));
    let next = view.next_sync.map(|at| format::time_or_day(words, at, now));
    values.extend(next.as_deref().map(|next| ("next", next)));
    words.fill("instances.holdings", &values)
}

/// The folder and how it was learnt.
pub(super) fn folder(words: Words, store: &StoreFact) -> String {
    match (&store.path, store.source) {
        (None, _) => words.get("instances.folderUnknown"),
        (Some(path), StoreSource::Unknown) => path.clone(),
        (Some(path), source) => {
            let source = words.get(&format!("storeSource.{}", source.as_str()));
            words.fill("instances.folder", &[("path", path), ("source", &source)])
        }
    }
}

/// Free room of the folder's disk, and whether it is ours to write.
pub(super) fn room(words: Words, store: &StoreFact) -> String {
    let free = store.free.zip(store.total).map(|(free, total)| {
        let values = [("free", size::format(free)), ("total", size::format(total))];
        let values = [("free", values[0].1.as_str()), ("total", values[1].1.as_str())];
        words.fill("statusBar.free", &values)
    });
    let locked = (store.writable == Some(false)).then(|| words.get("instances.readOnly"));
    let parts: Vec<String> = [free, locked].into_iter().flatten().collect();
    parts.join(" · ")
}

/// The used part of the folder's disk.
pub(super) fn used(store: &StoreFact) -> Vec<Part> {
    match (store.free, store.total) {
        (Some(free), Some(total)) => {
            let tone = if free < total / 20 { "warn" } else { "off" };
            vec![Part::of(total.saturating_sub(free), total, tone)]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_almost_full_warns() {
        let store = |free, total| StoreFact {
            path: None,
            source: StoreSource::Unknown,
            writable: None,
            free,
            total,
        };
        assert_eq!(used(&store(Some(25), Some(100))), [Part { share: 0.75, tone: "off" }]);
        assert_eq!(used(&store(Some(4), Some(100)))[0].tone, "warn");
        assert!(used(&store(None, Some(100))).is_empty());
    }
}
