//! A display and a message bus that belong to nobody else.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;
use tokio::task;
use tokio::time::timeout;

use super::group::Started;

/// How long display and bus may take to say where they are.
const START: Duration = Duration::from_secs(20);

/// Size of the screen; large enough for every window size that is looked at.
const SCREEN: &str = "1600x1200x24";

/// A session bus on which everybody may do everything, and which starts no service of the machine:
/// a test sees only what it brought.
const BUS_RULES: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A screen without a monitor and a session bus without other services.
#[derive(Debug)]
pub struct Desktop {
    display: String,
    bus: String,
    // Held for their end only.
    _screen: Started,
    _bus: Started,
    _rules: NamedTempFile,
}

impl Desktop {
    /// Starts display and bus; both end with the handle.
    ///
    /// # Errors
    /// When a program is missing or does not start within 20 s.
    pub async fn start() -> Result<Self> {
        // The display chooses a free number itself and prints it.
        let (screen, number) = announced(
            Command::new("Xvfb").args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                SCREEN,
                "-nolisten",
                "tcp",
                "-noreset",
            ]),
            "xvfb",
        )
        .await?;
        let mut rules = NamedTempFile::new()?;
        rules.write_all(BUS_RULES.as_bytes())?;
        let (bus, address) = announced(
            Command::new("dbus-daemon")
                .args(["--nofork", "--nopidfile", "--print-address=1", "--config-file"])
                .arg(rules.path()),
            "dbus",
        )
        .await?;
        Ok(Self {
            display: format!(":{number}"),
            bus: address,
            _screen: screen,
            _bus: bus,
            _rules: rules,
        })
    }

    /// What a program needs in its environment to be on this desktop.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, &str); 6] {
        [
            ("DISPLAY", self.display.as_str()),
            ("DBUS_SESSION_BUS_ADDRESS", self.bus.as_str()),
            ("GDK_BACKEND", "x11"),
            ("GTK_USE_PORTAL", "0"),
            ("NO_AT_BRIDGE", "1"),
            ("LIBGL_ALWAYS_SOFTWARE", "1"),
        ]
    }

    /// Name of the display.
    #[must_use]
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Address of the message bus.
    #[must_use]
    pub fn bus(&self) -> &str {
        &self.bus
    }
}

/// Starts a program that prints where it is as its first line, and reads that line.
async fn announced(command: &mut Command, package: &str) -> Result<(Started, String)> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut started = Started::start(command, package)?;
    let output = started.output().context("its output is not piped")?;
    let read = task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).map(|_| line)
    });
    let line = timeout(START, read)
        .await
        .with_context(|| format!("{program} did not say where it is"))???;
    if line.trim().is_empty() {
        bail!("{program} ended before it said where it is");
    }
    Ok((started, line.trim().to_owned()))
}
