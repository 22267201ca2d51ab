//! Every variable as it is.

use std::collections::{BTreeMap, BTreeSet};

use corral_contract::{
    InstanceId,
    environment::{EnvironmentView, SPECS, Seen, SetBy, Variable, spec},
};

use super::{check, config_line};
use crate::{
    Core, Result, instances, logs,
    steering::{self, ServiceControl, Written},
};

/// Reads what is written down for a server and what it runs with.
pub(super) async fn read(core: &Core, id: InstanceId) -> Result<EnvironmentView> {
    let control = steering::control_of(core, id).await?;
    let powers = control.powers();
    let (written, problem) = match control.written().await {
        Ok(written) => (written, None),
        Err(error) => (BTreeMap::new(), Some(error)),
    };
    let (current, seen) = current(core, id, &*control).await;
    let variable = |name: &str| describe(core, name, written.get(name), current.get(name), seen);
    let known: BTreeSet<&str> = SPECS.iter().map(|spec| spec.name).collect();
    let others = written.keys().map(String::as_str).filter(|name| !known.contains(name));
    let names = SPECS.iter().map(|spec| spec.name).chain(others);
    Ok(EnvironmentView {
        id,
        can_write: powers.environment && problem.is_none(),
        why_not: if powers.environment { None } else { powers.why_not.map(str::to_owned) },
        variables: names.map(variable).collect(),
        seen,
        problem,
        gpus: core.host.facts().gpus,
    })
}

fn describe(
    core: &Core,
    name: &str,
    written: Option<&Written>,
    current: Option<&String>,
    seen: Seen,
) -> Variable {
    let set_by = match (written, current) {
        (Some(written), _) if written.ours => SetBy::Corral,
        (Some(_), _) => SetBy::Hand,
        // What the log tells holds for what nobody set, too.
        (None, Some(_)) if seen == Seen::Process => SetBy::Start,
        (None, _) => SetBy::Nobody,
    };
    let problem = written.and_then(|written| {
        let form = spec(name).map(|spec| spec.form)?;
        check::problem(core, form, &written.value)
    });
    Variable {
        name: name.to_owned(),
        current: current.map(|value| logs::redact(value)),
        next: written.map(|written| logs::redact(&written.value)),
        set_by,
        place: written.map(|it| it.place.clone()).filter(|place| !place.is_empty()),
        problem: problem.map(str::to_owned),
        fixed: written.is_some_and(|written| !written.ours),
    }
}

/// What the running server was started with: by its process, else by what it wrote then.
async fn current(
    core: &Core,
    id: InstanceId,
    control: &dyn ServiceControl,
) -> (BTreeMap<String, String>, Seen) {
    let looking = core.clone();
    let behind = tokio::task::spawn_blocking(move || instances::behind(&looking, id)).await;
    let process = behind.ok().and_then(Result::ok).flatten().and_then(|behind| behind.process);
    let Some(process) = process else { return (BTreeMap::new(), Seen::No) };
    if !process.environment.is_empty() {
        let mut environment = process.environment;
        environment.retain(|name, value| spec(name).is_some() && !value.is_empty());
        return (environment, Seen::Process);
    }
    let outside = &*core.config.steering.outside;
    let lines = steering::lines_with(outside, &control.log(), config_line::MARK).await;
    match config_line::read(&lines) {
        Some(mut values) => {
            values.retain(|name, _| spec(name).is_some());
            (values, Seen::Log)
        }
        None => (BTreeMap::new(), Seen::No),
    }
}
