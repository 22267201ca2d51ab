//! A file system of a few megabytes, for what happens when it is full.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// Gone when dropped.
pub struct SmallDisk {
    place: PathBuf,
    _folder: TempDir,
}

impl SmallDisk {
    /// `None` where this user may not mount; says so.
    pub fn mount() -> Option<SmallDisk> {
        SmallDisk::of("size=3m")
    }

    /// As [`SmallDisk::mount`], with other options.
    pub fn of(options: &str) -> Option<SmallDisk> {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("disk");
        std::fs::create_dir(&place).expect("a mount point");
        let mounted = run(&["-t", "tmpfs", "-o", options, "corral-test"], &place);
        if !mounted {
            println!("skipped: this user may not mount a small file system");
            return None;
        }
        Some(SmallDisk { place, _folder: folder })
    }

    /// Where it is mounted.
    pub fn place(&self) -> &Path {
        &self.place
    }

    pub fn remount(&self, mode: &str) {
        assert!(run(&["-o", &format!("remount,{mode}")], &self.place), "remount {mode}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Somebody who still closes his files must not keep the mount.
        let _ = Command::new("umount").arg("--lazy").arg(&self.place).status();
    }
}

fn run(arguments: &[&str], place: &Path) -> bool {
    let status = Command::new("mount").args(arguments).arg(place).status();
    status.is_ok_and(|status| status.success())
}
