//! On what it was measured.

use std::fmt;
use std::fs;
use std::process::Command;
use std::thread;

use anyhow::Result;
use serde::Serialize;

use crate::process;

/// Facts without which a time means nothing.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    system: String,
    processor: String,
    cores: usize,
    /// Main memory in bytes; `None` where the system does not tell in a file.
    memory: Option<u64>,
    /// Processes that wanted to run per minute when it was over: above `cores`, others disturbed.
    load: Option<f64>,
    rustc: String,
}

impl Machine {
    pub(super) fn this() -> Result<Self> {
        Ok(Self {
            system: field("/etc/os-release", "PRETTY_NAME=")
                .unwrap_or_else(|| std::env::consts::OS.to_owned()),
            processor: field("/proc/cpuinfo", "model name\t:")
                .unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: thread::available_parallelism()?.get(),
            memory: field("/proc/meminfo", "MemTotal:")
                .and_then(|text| text.trim_end_matches(" kB").trim().parse::<u64>().ok())
                .map(|kibibytes| kibibytes * 1024),
            load: field("/proc/loadavg", "").and_then(|text| text.split(' ').next()?.parse().ok()),
            rustc: process::output_of(Command::new("rustc").arg("--version"))?,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, {} × {}", self.system, self.cores, self.processor)?;
        if let Some(memory) = self.memory {
            write!(formatter, ", {} MB", memory / 1_000_000)?;
        }
        if let Some(load) = self.load {
            write!(formatter, ", load {load}")?;
        }
        write!(formatter, ", {}", self.rustc)
    }
}

/// What follows `prefix` on the first line that begins with it, without quotes.
fn field(path: &str, prefix: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(prefix))?;
    Some(value.trim().trim_matches('"').to_owned())
}
