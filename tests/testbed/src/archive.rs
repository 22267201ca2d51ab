//! Archives as releases of Ollama are, and as they should not be.

use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};
use zip::write::SimpleFileOptions;

use crate::serve::{Behaviour, FILE};

/// How an archive is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    TarZst,
    Tgz,
    Zip,
}

impl Packing {
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Packing::TarZst => ".tar.zst",
            Packing::Tgz => ".tgz",
            Packing::Zip => ".zip",
        }
    }

    /// What releases for this system are packed with.
    #[must_use]
    pub fn usual() -> Self {
        if cfg!(windows) {
            Packing::Zip
        } else if cfg!(target_os = "macos") {
            Packing::Tgz
        } else {
            Packing::TarZst
        }
    }
}

/// Something in an archive.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Name, mode and bytes.
    File(String, u32, Vec<u8>),
    /// Name and where it leads.
    Symlink(String, String),
    /// Name and the entry that it is another name of.
    Hardlink(String, String),
    /// Name of a device.
    Device(String),
    /// A file that claims so many bytes and has none.
    Claims(String, u64),
}

/// The name of the archive for this machine, as releases have it.
#[must_use]
pub fn name(packing: Packing) -> String {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let base = if cfg!(windows) {
        format!("ollama-windows-{architecture}")
    } else if cfg!(target_os = "macos") {
        "ollama-darwin".to_owned()
    } else {
        format!("ollama-linux-{architecture}")
    };
    format!("{base}{}", packing.ending())
}

/// Where the server lies in an archive for this machine.
#[must_use]
pub fn program_path() -> &'static str {
    if cfg!(windows) {
        "ollama.exe"
    } else if cfg!(target_os = "macos") {
        "ollama"
    } else {
        "bin/ollama"
    }
}

/// The test bed's own program, which is built with the workspace.
///
/// # Errors
/// When it was not.
pub fn program() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let name = format!("corral-testbed{}", std::env::consts::EXE_SUFFIX);
    let found = own.ancestors().skip(1).take(3).map(|folder| folder.join(&name));
    let found = found.into_iter().find(|file| file.is_file());
    found.context("corral-testbed is not built: cargo build --workspace --exclude corral-ui --bins")
}

fn program_bytes() -> Result<&'static [u8]> {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    if BYTES.get().is_none() {
        let bytes = std::fs::read(program()?)?;
        // Another test may have been first.
        let _ = BYTES.set(bytes);
    }
    BYTES.get().map(Vec::as_slice).context("it was just set")
}

/// The entries of an archive that holds the fake server as a program for this machine.
///
/// # Errors
/// When the test bed's program is not built.
pub fn entries(behaviour: &Behaviour) -> Result<Vec<Entry>> {
    let mut entries = vec![
        Entry::File(program_path().to_owned(), 0o755, program_bytes()?.to_vec()),
        Entry::File(FILE.to_owned(), 0o644, serde_json::to_vec(behaviour)?),
        Entry::File("lib/ollama/libfake.so.1.0".to_owned(), 0o644, b"a library".to_vec()),
    ];
    if cfg!(unix) {
        let link = ("lib/ollama/libfake.so.1".to_owned(), "libfake.so.1.0".to_owned());
        entries.push(Entry::Symlink(link.0, link.1));
    }
    Ok(entries)
}

/// The entries of an archive that holds a real server: the program, and the helpers that lie below
/// `build/lib/ollama` beside it after a build.
///
/// # Errors
/// When one of them cannot be read.
pub fn of_real(program: &Path) -> Result<Vec<Entry>> {
    let mut entries = vec![Entry::File(program_path().to_owned(), 0o755, std::fs::read(program)?)];
    let helpers = program.parent().map(|folder| folder.join("build/lib/ollama"));
    for helper in helpers.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten() {
        let helper = helper?;
        let name = format!("lib/ollama/{}", helper.file_name().to_string_lossy());
        entries.push(Entry::File(name, 0o755, std::fs::read(helper.path())?));
    }
    Ok(entries)
}

/// What a real server says to be.
///
/// # Errors
/// When it does not run or says nothing.
pub fn version_of(program: &Path) -> Result<String> {
    let told = std::process::Command::new(program)
        .arg("--version")
        .env("OLLAMA_HOST", "127.0.0.1:9")
        .output()?;
    let text = String::from_utf8_lossy(&[told.stdout, told.stderr].concat()).into_owned();
    let version = text.lines().rev().find_map(|line| Some(line.split_once("version is ")?.1));
    Ok(version.context("it tells no version")?.trim().to_owned())
}

/// The same real server, saying to be another version: the bytes of that text are exchanged, which
/// keeps everything else as it is. Both texts have one length.
///
/// # Errors
/// When no place in the program makes it say so.
pub fn says_to_be(mut program: Vec<u8>, old: &str, new: &str) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("ollama");
    let same = |window: &[u8]| window == old.as_bytes();
    let places: Vec<usize> =
        program.windows(old.len()).enumerate().filter(|(_, it)| same(it)).map(|it| it.0).collect();
    for place in places {
        let range = place..place + old.len();
        program[range.clone()].copy_from_slice(new.as_bytes());
        std::fs::write(&file, &program)?;
        #[cfg(unix)]
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        if version_of(&file).is_ok_and(|told| told == new) {
            return Ok(program);
        }
        program[range].copy_from_slice(old.as_bytes());
    }
    bail!("nothing in it is its version {old}")
}

/// As [`entries`], packed as usual here.
///
/// # Errors
/// As [`entries`].
pub fn release(behaviour: &Behaviour) -> Result<Vec<u8>> {
    pack(Packing::usual(), &entries(behaviour)?)
}

/// Packs entries, whatever they are.
///
/// # Errors
/// When a packing cannot hold them.
pub fn pack(packing: Packing, entries: &[Entry]) -> Result<Vec<u8>> {
    match packing {
        Packing::Zip => zipped(entries),
        Packing::TarZst => {
            let mut encoder = zstd::Encoder::new(Vec::new(), 1)?;
            encoder.write_all(&tarred(entries)?)?;
            Ok(encoder.finish()?)
        }
        Packing::Tgz => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&tarred(entries)?)?;
            Ok(encoder.finish()?)
        }
    }
}

fn tarred(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(0);
        let (name, body): (&str, &[u8]) = match entry {
            Entry::File(name, mode, bytes) => {
                header.set_mode(*mode);
                header.set_size(bytes.len() as u64);
                (name, bytes)
            }
            Entry::Claims(name, size) => {
                header.set_size(*size);
                (name, &[])
            }
            Entry::Symlink(name, target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_link_name_literal(target)?;
                (name, &[])
            }
            Entry::Hardlink(name, target) => {
                header.set_entry_type(tar::EntryType::Link);
                header.set_link_name_literal(target)?;
                (name, &[])
            }
            Entry::Device(name) => {
                header.set_entry_type(tar::EntryType::Char);
                header.set_device_major(1)?;
                header.set_device_minor(3)?;
                (name, &[])
            }
        };
        // By hand: the builder refuses the names that tests are about.
        let bytes = name.as_bytes();
        let old = header.as_old_mut();
        if bytes.len() > old.name.len() {
            bail!("a name of {} bytes", bytes.len());
        }
        old.name = [0; 100];
        old.name[..bytes.len()].copy_from_slice(bytes);
        header.set_cksum();
        builder.append(&header, body)?;
    }
    Ok(builder.into_inner()?)
}

fn zipped(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let usual = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for entry in entries {
        match entry {
            Entry::File(name, mode, bytes) => {
                writer.start_file(name.as_str(), usual.unix_permissions(*mode))?;
                writer.write_all(bytes)?;
            }
            Entry::Symlink(name, target) => {
                writer.add_symlink(name.as_str(), target.as_str(), usual)?;
            }
            other => bail!("no {other:?} in a zip archive"),
        }
    }
    Ok(writer.finish()?.into_inner())
}

/// Writes a release and the list of its sums into a folder, as somebody would who carries them to
/// a machine without a network; answers the archive.
///
/// # Errors
/// When the disk does not take them.
pub fn carry(folder: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let name = name(Packing::usual());
    let file = folder.join(&name);
    std::fs::write(&file, bytes)?;
    let sums =
        format!("{}  ./{name}\n", crate::ollama::sha256(bytes).trim_start_matches("sha256:"));
    std::fs::write(folder.join("sha256sum.txt"), sums)?;
    Ok(file)
}
