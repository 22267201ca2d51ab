use std::io::Read;

use tar::{Archive, EntryType};

use super::{Ground, broken, refused};
use crate::Result;

/// Every entry of a tar archive, in its order.
pub(super) fn unpack(plain: impl Read, ground: &mut Ground<'_>) -> Result<()> {
    let mut archive = Archive::new(plain);
    let mut any = false;
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(|error| {
            // What does not even begin as one is none, unless it just ended too early.
            let ended = error.kind() == std::io::ErrorKind::UnexpectedEof;
            if any || ended { broken(error) } else { refused("notArchive") }
        })?;
        any = true;
        let kind = entry.header().entry_type();
        let size = entry.size();
        let Some(path) = ground.enter(&entry.path_bytes(), size)? else { continue };
        match kind {
            EntryType::Directory => ground.folder(&path)?,
            EntryType::Regular | EntryType::Continuous => {
                let mode = entry.header().mode().unwrap_or(0o644);
                ground.file(&path, mode, size, &mut entry)?;
            }
            EntryType::Symlink | EntryType::Link => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                if kind == EntryType::Symlink {
                    ground.links.symbolic(&path, &target)?;
                } else {
                    ground.links.hard(&path, &target)?;
                }
            }
            // Says something about the others.
            EntryType::XGlobalHeader => {}
            // Devices and the like.
            _ => return Err(refused("escape").with("entry", super::shown(&path.to_string_lossy()))),
        }
    }
    // An archive ends with its own end; what follows it belongs to the packing, which checks itself.
    let mut rest = archive.into_inner();
    std::io::copy(&mut rest.by_ref().take(64 << 20), &mut std::io::sink()).map_err(broken)?;
    if any { Ok(()) } else { Err(refused("truncated")) }
}
