//! Whether what was unpacked is a server that this machine can run.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use corral_contract::{ErrorCode, WireError};
use tokio::process::Command;

use super::unpack::{of_disk, refused};
use crate::Result;

/// How long a server may take to say which one it is.
const LIMIT: Duration = Duration::from_secs(20);
/// Most bytes of what it says.
const LONGEST: u64 = 64 * 1024;

/// Where the server lies in the archives of the systems.
const PLACES: [&str; 4] = ["bin/ollama", "ollama", "ollama.exe", "bin/ollama.exe"];

/// The server in a folder.
pub(super) fn executable(folder: &Path) -> Option<PathBuf> {
    PLACES.iter().map(|place| folder.join(place)).find(|path| path.is_file())
}

/// Whether a program is one for this system and processor. Blocks.
///
/// # Errors
/// `ARCHIVE_REFUSED` when it is not.
pub(super) fn fits(program: &Path) -> Result<()> {
    let mut head = Vec::new();
    let file = File::open(program).map_err(of_disk)?;
    file.take(4096).read_to_end(&mut head).map_err(of_disk)?;
    match built_for(&head) {
        Some((system, architectures)) => {
            let ours = std::env::consts::ARCH;
            if system == std::env::consts::OS && architectures.contains(&ours) {
                return Ok(());
            }
            let built = format!("{system} {}", architectures.join(" "));
            Err(refused("architecture").with("built", built))
        }
        None => Err(refused("noServer")),
    }
}

/// What a program was built for, by its first bytes.
fn built_for(head: &[u8]) -> Option<(&'static str, Vec<&'static str>)> {
    let u16_at = |at: usize| Some(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let of_mach = |kind: u32| match kind {
        0x0100_0007 => "x86_64",
        0x0100_000c => "aarch64",
        _ => "other",
    };
    match head {
        [0x7f, b'E', b'L', b'F', ..] => {
            let architecture = match u16_at(18)? {
                62 => "x86_64",
                183 => "aarch64",
                _ => "other",
            };
            Some(("linux", vec![architecture]))
        }
        [b'M', b'Z', ..] => {
            let at = usize::try_from(u32_at(60)?).ok()?;
            let architecture = match u16_at(at + 4)? {
                0x8664 => "x86_64",
                0xaa64 => "aarch64",
                _ => "other",
            };
            Some(("windows", vec![architecture]))
        }
        [0xcf, 0xfa, 0xed, 0xfe, ..] => Some(("macos", vec![of_mach(u32_at(4)?)])),
        // Several in one, each described by five numbers, highest byte first.
        [0xca, 0xfe, 0xba, 0xbe, ..] => {
            let big = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
            let count = usize::try_from(big(4)?).ok()?.min(8);
            let kinds: Option<Vec<_>> = (0..count).map(|n| big(8 + n * 20).map(of_mach)).collect();
            Some(("macos", kinds?))
        }
        _ => None,
    }
}

/// Runs a server only to hear its version: also shows whether it can run at all.
///
/// # Errors
/// `SERVER_NOT_STARTED` with `reason`: `notExecutable`, `missingLibrary`, `exited`, `silent`.
pub(super) async fn version(program: &Path) -> Result<String> {
    let mut command = Command::new(program);
    command
        .arg("--version")
        // Nobody answers there: it is about the program, not about a server that runs.
        .env("OLLAMA_HOST", "127.0.0.1:9")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    quiet(&mut command);
    let child = command.spawn().map_err(|error| not_started(&error))?;
    let output = tokio::time::timeout(LIMIT, child.wait_with_output()).await;
    let output = output.map_err(|_| failed("silent"))?.map_err(|error| not_started(&error))?;
    let mut text = Vec::new();
    for part in [&output.stdout, &output.stderr] {
        let mut part = part.as_slice().take(LONGEST);
        part.read_to_end(&mut text).map_err(of_disk)?;
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    match version_in(&text) {
        Some(version) => Ok(version),
        None if lacks_library(&text) => Err(failed("missingLibrary").detail(text.trim())),
        None => Err(failed("exited").detail(text.trim())),
    }
}

/// `ollama version is 0.33.0`, or `client version is …` where no server runs.
fn version_in(text: &str) -> Option<String> {
    let mut lines = text.lines().rev();
    let line = lines.find_map(|line| Some(line.split_once("version is ")?.1.trim()))?;
    let version = line.split_whitespace().next()?;
    super::release::is_version(version).then(|| version.to_owned())
}

/// As the loaders of the systems say it.
pub(super) fn lacks_library(text: &str) -> bool {
    ["error while loading shared libraries", "Library not loaded", "cannot open shared object"]
        .iter()
        .any(|words| text.contains(words))
}

/// Why a program was not even begun.
pub(super) fn not_started(error: &io::Error) -> WireError {
    let reason = match error.kind() {
        io::ErrorKind::PermissionDenied => "notExecutable",
        io::ErrorKind::NotFound => "missing",
        // "Exec format error" has no kind of its own.
        _ if error.raw_os_error() == Some(8) => "notExecutable",
        _ => "exited",
    };
    failed(reason).detail(error.to_string())
}

pub(super) fn failed(reason: &str) -> WireError {
    WireError::new(ErrorCode::ServerNotStarted).with("reason", reason)
}

/// No window of a console flashes up.
#[cfg(windows)]
pub(super) fn quiet(command: &mut Command) {
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

#[cfg(not(windows))]
pub(super) fn quiet(_: &mut Command) {}

#[cfg(test)]
mod tests {
    use super::{built_for, fits, version_in};

    #[test]
    fn this_very_program_fits_this_machine() {
        let own = std::env::current_exe().expect("the path of the test");
        fits(&own).expect("it runs here");
    }

    #[test]
    fn tells_what_a_program_was_built_for() {
        let mut elf = vec![0; 64];
        elf[..4].copy_from_slice(b"\x7fELF");
        elf[18] = 183;
        assert_eq!(built_for(&elf), Some(("linux", vec!["aarch64"])));
        let mut windows = vec![0; 256];
        windows[..2].copy_from_slice(b"MZ");
        windows[60] = 128;
        windows[132..134].copy_from_slice(&[0x64, 0x86]);
        assert_eq!(built_for(&windows), Some(("windows", vec!["x86_64"])));
        let fat = [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1, 1, 0, 0, 12].map(|byte: u8| byte);
        assert_eq!(built_for(&fat), Some(("macos", vec!["aarch64"])));
        assert_eq!(built_for(b"#!/bin/sh\n"), None);
        assert_eq!(built_for(b"MZ"), None);
    }

    #[test]
    fn hears_the_version() {
        let text = "Warning: could not connect to a running Ollama instance\n\
                    Warning: client version is 0.33.0-rc2\n";
        assert_eq!(version_in(text).as_deref(), Some("0.33.0-rc2"));
        assert_eq!(version_in("ollama version is 0.30.1\n").as_deref(), Some("0.30.1"));
        assert_eq!(version_in("ollama version is ../../x\n"), None);
        assert_eq!(version_in("nothing"), None);
    }
}
