//! Measured rows, handed to `cargo xtask bench` as one JSON line on standard output.

use std::time::Duration;

use serde_json::{Value, json};

/// Rows in the order measured.
#[derive(Default)]
pub struct Rows(Vec<Value>);

impl Rows {
    /// A value that must not exceed `limit`.
    pub fn limit(&mut self, name: &str, value: f64, unit: &str, limit: f64, samples: usize) {
        self.0.push(json!({
            "name": name, "value": value, "unit": unit, "limit": limit,
            "holds": value <= limit, "samples": samples, "peer": null,
        }));
    }

    /// A multiple of what the peer took in the same run.
    pub fn ratio(&mut self, name: &str, value: f64, limit: f64, samples: usize) {
        self.0.push(json!({
            "name": name, "value": value, "unit": "x", "limit": limit,
            "holds": value <= limit, "samples": samples, "peer": 1.0,
        }));
    }

    /// A value that is only told.
    pub fn fact(&mut self, name: &str, value: f64, unit: &str, samples: usize) {
        self.0.push(json!({
            "name": name, "value": value, "unit": unit, "limit": null,
            "holds": null, "samples": samples, "peer": null,
        }));
    }

    /// Prints them for the caller.
    pub fn write(self, bench: &str) -> Result<(), Box<dyn std::error::Error>> {
        println!("{}", json!({ "bench": bench, "rows": self.0 }));
        Ok(())
    }
}

/// The middle of the sorted times.
pub fn median(times: &[Duration]) -> Duration {
    percentile(times, 50)
}

/// The time that `percent` of all did not exceed.
pub fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}
