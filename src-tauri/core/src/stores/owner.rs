//! Who owns the files of a models folder.

use std::path::Path;

/// The user that a folder belongs to, when it is not the one that Corral runs as: such a server could
/// not write into a folder of ours. `None` where there are no such owners.
#[cfg(unix)]
pub(super) fn other(folder: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let facts = std::fs::metadata(folder).ok()?;
    let ours = ours()?;
    // Who may change owners gives the new files the old owner.
    (facts.uid() != ours && ours != 0).then(|| name(facts.uid()))
}

#[cfg(not(unix))]
pub(super) fn other(_: &Path) -> Option<String> {
    None
}

/// The user that Corral runs as, by a file that it just made.
#[cfg(unix)]
fn ours() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    tempfile::tempfile().ok()?.metadata().ok().map(|facts| facts.uid())
}

#[cfg(unix)]
fn name(user: u32) -> String {
    let list = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = list.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)? == user.to_string()).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| user.to_string())
}

/// Gives a new file or folder owner and rights of another one, where that is allowed. Where it is
/// not, the owner is the same already, or the move was refused.
#[cfg(unix)]
pub(super) fn like(from: &Path, to: &Path) {
    use std::os::unix::fs::MetadataExt;
    let (Ok(from), Ok(now)) = (std::fs::metadata(from), std::fs::metadata(to)) else { return };
    if (from.uid(), from.gid()) != (now.uid(), now.gid()) {
        let _ = std::os::unix::fs::chown(to, Some(from.uid()), Some(from.gid()));
    }
    if from.is_dir() == now.is_dir() && from.mode() != now.mode() {
        let _ = std::fs::set_permissions(to, from.permissions());
    }
}

#[cfg(not(unix))]
pub(super) fn like(_: &Path, _: &Path) {}
