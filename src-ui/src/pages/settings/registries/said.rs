//! What is known about registries, in words.

use corral_contract::{
    WireError,
    registries::{AddressHealth, AddressState, Login, RegistryView},
};

use crate::{format, problem, words::Words};

/// Icon and tone of an address.
pub(super) fn look(state: AddressState) -> (icondata::Icon, &'static str) {
    match state {
        AddressState::Unknown => (icondata::LuCircleDashed, "off"),
        AddressState::Ok => (icondata::LuCircleCheck, "ok"),
        AddressState::Slow => (icondata::LuTriangleAlert, "warn"),
        AddressState::Failing => (icondata::LuCircleAlert, "bad"),
    }
}

/// `answers · 23 ms`, or why it does not.
pub(super) fn state(words: Words, health: &AddressHealth) -> String {
    let ms = health.latency_ms.map(|ms| ms.to_string());
    let reason = health.problem.as_ref().map(|problem| reason(words, problem));
    let time = health.rests_until.map(format::time_of_day);
    let mut values = Vec::new();
    values.extend(ms.as_deref().map(|ms| ("ms", ms)));
    values.extend(reason.as_deref().map(|reason| ("reason", reason)));
    values.extend(time.as_deref().map(|time| ("time", time)));
    let key = match health.state {
        AddressState::Unknown => "registries.stateUnknown",
        AddressState::Ok => "registries.stateOk",
        AddressState::Slow => "registries.stateSlow",
        AddressState::Failing => "registries.stateFailing",
    };
    words.fill(key, &values)
}

/// A problem beside the address that it is about: what lies under it, where that is known.
pub(super) fn reason(words: Words, problem: &WireError) -> String {
    let under = problem.params.get("why");
    let under = under.and_then(|code| {
        let key = format!("error.{code}.title");
        Some(words.get_or(&key, "")).filter(|text| !text.is_empty())
    });
    under.unwrap_or_else(|| problem::reason(words, problem))
}

/// How a registry is set up, in a line.
pub(super) fn facts(words: Words, view: &RegistryView) -> String {
    let mut facts = Vec::new();
    match view.login {
        Login::None if view.host == "hf.co" => facts.push(words.get("registries.factHf")),
        Login::None => {}
        Login::Basic => facts.push(words.fill("registries.factBasic", &[("user", &view.user)])),
        Login::Bearer => facts.push(words.get("registries.factBearer")),
    }
    if view.has_custom_ca {
        facts.push(words.get("registries.factCa"));
    }
    if view.plain_http {
        facts.push(words.get("registries.factPlain"));
    }
    facts.join(" · ")
}
