//! What is written in the form, and what the core says about it.

use corral_contract::{
    Timestamp, WireError,
    sync::{Rhythm, Schedule, ScheduleView},
};
use leptos::prelude::*;

use crate::{problem, words::Words};

/// A daily run, to begin writing with.
pub(super) const EXAMPLE: &str = "0 3 * * *";

/// What the form says repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As the settings say for all.
    Usual,
    Off,
    Every,
    Cron,
}

impl Kind {
    pub(super) const ALL: [Kind; 4] = [Kind::Usual, Kind::Off, Kind::Every, Kind::Cron];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Usual => "usual",
            Kind::Off => "off",
            Kind::Every => "every",
            Kind::Cron => "cron",
        }
    }

    fn of(own: Option<&Schedule>) -> Kind {
        match own.map(|own| &own.rhythm) {
            None => Kind::Usual,
            Some(Rhythm::Off) => Kind::Off,
            Some(Rhythm::Every { .. }) => Kind::Every,
            Some(Rhythm::Cron { .. }) => Kind::Cron,
        }
    }
}

/// What is written in the form.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) kind: RwSignal<Kind>,
    pub(super) minutes: RwSignal<String>,
    pub(super) cron: RwSignal<String>,
    pub(super) jitter: RwSignal<String>,
    pub(super) on_start: RwSignal<bool>,
    pub(super) on_wake: RwSignal<bool>,
    pub(super) metered: RwSignal<bool>,
    /// What the core refused.
    pub(super) refused: RwSignal<Option<WireError>>,
    /// The next runs of what is written.
    pub(super) runs: RwSignal<Vec<Timestamp>>,
}

impl Form {
    pub(super) fn new(view: &ScheduleView) -> Form {
        let shown = view.own.as_ref().unwrap_or(&view.usual);
        let minutes = match &shown.rhythm {
            Rhythm::Every { minutes } => minutes.to_string(),
            _ => "60".to_owned(),
        };
        let cron = match &shown.rhythm {
            Rhythm::Cron { expression } => expression.clone(),
            _ => EXAMPLE.to_owned(),
        };
        let own = view.own.clone().unwrap_or_default();
        Form {
            kind: RwSignal::new(Kind::of(view.own.as_ref())),
            minutes: RwSignal::new(minutes),
            cron: RwSignal::new(cron),
            jitter: RwSignal::new(own.jitter_seconds.to_string()),
            on_start: RwSignal::new(own.on_start),
            on_wake: RwSignal::new(own.on_wake),
            metered: RwSignal::new(own.skip_metered),
            refused: RwSignal::new(None),
            runs: RwSignal::new(Vec::new()),
        }
    }

    /// The schedule as it is written; `None` = as the settings say. What is no number becomes one
    /// that the core refuses by its field.
    pub(super) fn read(self) -> Option<Schedule> {
        let number =
            |text: RwSignal<String>| text.with(|text| text.trim().parse().unwrap_or(u32::MAX));
        let rhythm = match self.kind.get() {
            Kind::Usual => return None,
            Kind::Off => Rhythm::Off,
            Kind::Every => Rhythm::Every { minutes: number(self.minutes) },
            Kind::Cron => Rhythm::Cron { expression: self.cron.get() },
        };
        let repeats = rhythm != Rhythm::Off;
        Some(Schedule {
            rhythm,
            on_start: self.on_start.get(),
            on_wake: self.on_wake.get(),
            jitter_seconds: if repeats { number(self.jitter) } else { 0 },
            skip_metered: self.metered.get(),
        })
    }
}

/// What the core said about one field; empty when nothing.
pub(super) fn refusal(form: Form, field: &str, words: Words) -> String {
    form.refused.with(|refused| {
        let named =
            refused.as_ref().filter(|it| it.params.get("field").is_some_and(|it| it == field));
        let Some(problem) = named else { return String::new() };
        let value = |key: &str| problem.params.get(key).cloned().unwrap_or_default();
        match value("reason").as_str() {
            "cronPart" => {
                let place = words.get(&format!("schedule.part{}", value("position")));
                let values =
                    [("position", value("position")), ("place", place), ("part", value("part"))];
                let values: Vec<_> = values.iter().map(|(key, it)| (*key, it.as_str())).collect();
                words.fill("schedule.badPart", &values)
            }
            "cronParts" => words.fill("schedule.badCount", &[("n", &value("count"))]),
            "outOfRange" => {
                let values = [("min", value("min")), ("max", value("max"))];
                let values: Vec<_> = values.iter().map(|(key, it)| (*key, it.as_str())).collect();
                words.fill("settings.range", &values)
            }
            reason => words.get_or(&format!("reason.{reason}"), &problem::line(words, problem)),
        }
    })
}
