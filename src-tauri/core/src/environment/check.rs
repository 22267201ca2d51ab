//! Whether values can be written.

use std::{
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    path::Path,
};

use corral_contract::environment::{EnvironmentChange, FieldProblem, Form, spec};
use url::Url;

use crate::{Core, Result, instances, instances::Behind, steering::Changes};

/// What is wrong with a value that is written; a key under `reason.`.
pub(super) fn problem(core: &Core, form: Form, value: &str) -> Option<&'static str> {
    if value.contains(char::REPLACEMENT_CHARACTER) {
        return Some("notText");
    }
    if let Err(reason) = form.read(value) {
        return Some(reason);
    }
    let missing = form == Form::Path && !core.config.machine.exists(Path::new(value.trim()));
    missing.then_some("noSuchFolder")
}

/// The change in the form in which it is written, and what is wrong with it.
///
/// # Errors
/// `NOT_FOUND`.
pub(super) async fn checked(
    core: &Core,
    change: &EnvironmentChange,
) -> Result<(Changes, Vec<FieldProblem>)> {
    let (core, change) = (core.clone(), change.clone());
    let checking = tokio::task::spawn_blocking(move || {
        let behind = instances::behind(&core, change.id)?;
        let (mut changes, mut problems) = (Changes::new(), Vec::new());
        for (name, value) in change.values {
            let read = match &value {
                None => Ok(None),
                Some(value) => one(&core, behind.as_ref(), &name, value).map(Some),
            };
            match read {
                Ok(value) => drop(changes.insert(name, value)),
                Err(reason) => problems.push(FieldProblem { name, reason: reason.to_owned() }),
            }
        }
        Ok((changes, problems))
    });
    checking.await.map_err(|error| {
        corral_contract::WireError::new(corral_contract::ErrorCode::Internal)
            .detail(error.to_string())
    })?
}

fn one(
    core: &Core,
    behind: Option<&Behind>,
    name: &str,
    value: &str,
) -> std::result::Result<String, &'static str> {
    let form = spec(name).ok_or("unknownVariable")?.form;
    let value = form.read(value)?;
    match form {
        Form::Path => folder(core, behind, &value)?,
        Form::Host => place(behind, &value)?,
        _ => {}
    }
    Ok(value)
}

/// The models folder has to be there and the server's user has to be able to write there.
fn folder(
    core: &Core,
    behind: Option<&Behind>,
    value: &str,
) -> std::result::Result<(), &'static str> {
    let folder = Path::new(value);
    let machine = &core.config.machine;
    if !machine.exists(folder) {
        return Err("noSuchFolder");
    }
    let pid = behind.and_then(|behind| behind.process.as_ref()).map(|process| process.pid);
    let may =
        pid.and_then(|pid| may_write(pid, folder)).unwrap_or_else(|| machine.writable(folder));
    if may { Ok(()) } else { Err("serverMayNotWrite") }
}

/// Whether a process may make files in a folder, by owner, group and mode; `None` where that is
/// not how it is decided, or not to be seen.
#[cfg(target_os = "linux")]
fn may_write(pid: u32, folder: &Path) -> Option<bool> {
    use std::os::unix::fs::MetadataExt;

    let process = std::fs::metadata(format!("/proc/{pid}")).ok()?;
    let (user, group) = (process.uid(), process.gid());
    if user == 0 {
        return Some(true);
    }
    let groups = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let groups: Vec<u32> = groups
        .lines()
        .find_map(|line| line.strip_prefix("Groups:"))
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let allows = |path: &Path, bits: u32| {
        let facts = std::fs::metadata(path).ok()?;
        let shift = if facts.uid() == user {
            6
        } else if facts.gid() == group || groups.contains(&facts.gid()) {
            3
        } else {
            0
        };
        Some(facts.mode() >> shift & bits == bits)
    };
    let above = folder.ancestors().skip(1);
    for path in above {
        if !allows(path, 0o1)? {
            return Some(false);
        }
    }
    allows(folder, 0o3)
}

#[cfg(not(target_os = "linux"))]
fn may_write(_pid: u32, _folder: &Path) -> Option<bool> {
    None
}

/// A server that is told to listen elsewhere has to find that place free.
fn place(behind: Option<&Behind>, value: &str) -> std::result::Result<(), &'static str> {
    let (url, everywhere) = instances::listening(Some(value));
    let port = |url: &Url| url.port_or_known_default();
    if let Some(behind) = behind
        && behind.process.is_some()
        && port(&behind.url) == port(&url)
    {
        // It is taken by this very server.
        return Ok(());
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let at = if everywhere { "0.0.0.0".to_owned() } else { host };
    let mut places =
        (at.as_str(), port(&url).unwrap_or_default()).to_socket_addrs().map_err(|_| "badListen")?;
    let place: SocketAddr = places.next().ok_or("badListen")?;
    match TcpListener::bind(place) {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.kind() {
            std::io::ErrorKind::AddrInUse => "portTaken",
            std::io::ErrorKind::PermissionDenied => "portNeedsRights",
            std::io::ErrorKind::AddrNotAvailable => "notThisMachine",
            _ => "badListen",
        }),
    }
}
