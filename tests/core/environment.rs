//! Variables of servers: read, changed, tried out and taken back.

mod faults;
mod writing;

use corral_contract::{
    environment::{ApplyEnvironment, EnvironmentChange, EnvironmentPreview, Variable, call},
    instances::{self, InstanceRef},
    steering::{AllowSteering, Allowance},
    tasks::TaskView,
};

use crate::steering::{desk::ended, units::Units};

type Values<'a> = &'a [(&'a str, Option<&'a str>)];

fn change(units: &Units, values: Values<'_>) -> EnvironmentChange {
    let of = |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(str::to_owned));
    EnvironmentChange { id: units.id, values: values.iter().map(of).collect() }
}

async fn preview(units: &Units, values: Values<'_>) -> EnvironmentPreview {
    let change = change(units, values);
    units.bench.ask::<call::Preview>(change).await.expect("a preview")
}

async fn allow(units: &Units) {
    let allow = AllowSteering { id: units.id, how: Allowance::Always };
    units.bench.ask::<instances::call::Allow>(allow).await.expect("allowed");
}

/// Shows a change, applies it and waits for its end.
async fn apply(units: &Units, values: Values<'_>) -> TaskView {
    let mark = preview(units, values).await.mark;
    let EnvironmentChange { id, values } = change(units, values);
    let request = ApplyEnvironment { id, values, mark };
    let task = units.bench.ask::<call::Apply>(request).await.expect("begun").task;
    ended(&units.bench, task).await
}

async fn variable(units: &Units, name: &str) -> Variable {
    let it = InstanceRef { id: units.id };
    let view = units.bench.ask::<call::Read>(it).await.expect("read");
    view.variables.into_iter().find(|it| it.name == name).expect("a known variable")
}
