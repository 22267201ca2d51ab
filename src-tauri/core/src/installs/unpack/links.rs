//! Links of an archive, made after all files.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use super::{inside, of_disk, refused, shown};
use crate::Result;

#[derive(Default)]
pub(super) struct Links(Vec<Link>);

enum Link {
    /// Where it lies and what it says.
    Symbolic(PathBuf, PathBuf),
    /// Where it lies and the entry that it is another name of.
    Hard(PathBuf, PathBuf),
}

impl Links {
    /// # Errors
    /// `ARCHIVE_REFUSED` for a link that says to lead out of the folder.
    pub(super) fn symbolic(&mut self, path: &Path, target: &[u8]) -> Result<()> {
        let bad = || refused("link").with("entry", shown(&path.to_string_lossy()));
        let target = PathBuf::from(std::str::from_utf8(target).map_err(|_| bad())?);
        let mut depth = path.components().count().saturating_sub(1);
        for part in target.components() {
            match part {
                Component::Normal(_) => depth += 1,
                Component::CurDir => {}
                Component::ParentDir => depth = depth.checked_sub(1).ok_or_else(bad)?,
                Component::RootDir | Component::Prefix(_) => return Err(bad()),
            }
        }
        self.0.push(Link::Symbolic(path.to_owned(), target));
        Ok(())
    }

    /// # Errors
    /// As [`Links::symbolic`].
    pub(super) fn hard(&mut self, path: &Path, target: &[u8]) -> Result<()> {
        let target = inside(target)
            .map_err(|_| refused("link").with("entry", shown(&path.to_string_lossy())))?;
        self.0.push(Link::Hard(path.to_owned(), target));
        Ok(())
    }

    /// Makes them. Hard ones first: they may not go through symbolic ones.
    ///
    /// # Errors
    /// `ARCHIVE_REFUSED` for one that leads out of the folder over other links; what the disk says.
    pub(super) fn make(self, root: &Path) -> Result<()> {
        for link in &self.0 {
            if let Link::Hard(path, target) = link {
                let (from, to) = (root.join(target), root.join(path));
                if !from.is_file() {
                    return Err(refused("link").with("entry", shown(&path.to_string_lossy())));
                }
                prepare(root, path)?;
                let _ = fs::remove_file(&to);
                // Where a file system has none, a copy is as good.
                if fs::hard_link(&from, &to).is_err() {
                    fs::copy(&from, &to).map_err(of_disk)?;
                }
            }
        }
        let mut made = Vec::new();
        for link in &self.0 {
            if let Link::Symbolic(path, target) = link {
                prepare(root, path)?;
                let place = root.join(path);
                let _ = fs::remove_file(&place);
                symlink(target, &place)?;
                made.push(place);
            }
        }
        for place in made {
            // One that leads nowhere can lead nowhere else either.
            if let Ok(real) = dunce::canonicalize(&place)
                && !real.starts_with(root)
            {
                return Err(refused("link").with("entry", shown(&place.to_string_lossy())));
            }
        }
        Ok(())
    }
}

/// The folder of a link, which no other link may stand in.
fn prepare(root: &Path, path: &Path) -> Result<()> {
    let parent = root.join(path.parent().unwrap_or(Path::new("")));
    fs::create_dir_all(&parent).map_err(of_disk)?;
    let real = dunce::canonicalize(&parent).map_err(of_disk)?;
    if real == parent {
        Ok(())
    } else {
        Err(refused("link").with("entry", shown(&path.to_string_lossy())))
    }
}

#[cfg(unix)]
fn symlink(target: &Path, place: &Path) -> Result<()> {
    std::os::unix::fs::symlink(target, place).map_err(of_disk)
}

/// Archives for Windows have none: a link there needs a right that hardly anybody has.
#[cfg(not(unix))]
fn symlink(_: &Path, place: &Path) -> Result<()> {
    Err(refused("link").with("entry", shown(&place.to_string_lossy())))
}
