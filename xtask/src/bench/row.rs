//! One measured value and how it stands to its limit.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a measuring program prints as its last line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Name of the bench.
    pub(crate) bench: String,
    /// In the order measured.
    pub(crate) rows: Vec<Row>,
}

/// One value.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) name: String,
    /// In `unit`; a median or percentile of `samples`, as the name says.
    pub(crate) value: f64,
    pub(crate) unit: String,
    /// What it must not exceed; `None` is only told.
    pub(crate) limit: Option<f64>,
    /// Whether it does not.
    pub(crate) holds: Option<bool>,
    /// How many times it was measured.
    pub(crate) samples: usize,
    /// The same of what it is compared with, in the same run.
    pub(crate) peer: Option<f64>,
}

impl Row {
    /// A value that must not exceed a limit.
    pub(crate) fn limited(name: &str, unit: &str, limit: f64, value: f64, samples: usize) -> Row {
        Row {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
            limit: Some(limit),
            holds: Some(value <= limit),
            samples,
            peer: None,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.holds {
            Some(true) => "holds",
            Some(false) => "FAILS",
            None => "",
        };
        let number =
            |value: Option<f64>| value.map(|value| format!("{value:.2}")).unwrap_or_default();
        write!(
            formatter,
            "{:<52} {:>10.2} {:<4} limit {:>8}  peer {:>8}  n {:>5}  {verdict}",
            self.name,
            self.value,
            self.unit,
            number(self.limit),
            number(self.peer),
            self.samples,
        )
    }
}
