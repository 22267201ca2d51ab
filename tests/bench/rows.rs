//! Measured rows, handed to `cargo xtask bench` as one JSON line on standard output.

use serde_json::{Value, json};

/// Rows in the order measured.
#[derive(Default)]
pub(crate) struct Rows(Vec<Value>);

impl Rows {
    /// A value that must not exceed `limit`.
    pub(crate) fn limit(&mut self, name: &str, value: f64, unit: &str, limit: f64, samples: usize) {
        self.0.push(json!({
            "name": name, "value": value, "unit": unit, "limit": limit,
            "holds": value <= limit, "samples": samples, "peer": null,
        }));
    }

    /// A multiple of what the peer took in the same run.
    pub(crate) fn ratio(&mut self, name: &str, value: f64, limit: f64, samples: usize) {
        self.0.push(json!({
            "name": name, "value": value, "unit": "x", "limit": limit,
            "holds": value <= limit, "samples": samples, "peer": 1.0,
        }));
    }

    /// A value that is only told.
    pub(crate) fn fact(&mut self, name: &str, value: f64, unit: &str, samples: usize) {
        self.0.push(json!({
            "name": name, "value": value, "unit": unit, "limit": null,
            "holds": null, "samples": samples, "peer": null,
        }));
    }

    /// Prints them for the caller.
    pub(crate) fn write(self, bench: &str) -> Result<(), Box<dyn std::error::Error>> {
        println!("{}", json!({ "bench": bench, "rows": self.0 }));
        Ok(())
    }
}
