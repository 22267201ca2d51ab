//! One file against what its name promises. Everything here blocks.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use corral_contract::{ErrorCode, WireError, checks::Damage};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::{
    Result,
    gguf::structure::{self, Verdict},
    registry::is_model_file,
};

/// Bytes that are read at once; between two reads a cancellation is heard.
const BLOCK: usize = 1 << 20;
/// The head is read in small pieces: many of its values have a few bytes.
const HEAD: usize = 256 << 10;

/// What is wrong with a file, and in which way.
pub(super) type Wrong = (Damage, Option<String>);

/// Reads a layer and says what is wrong with it; `None` = nothing.
///
/// # Errors
/// `STORE_PERMISSION` and `FILE_SYSTEM` when it cannot be read, which says nothing about it;
/// `CANCELLED`.
pub(super) fn judge(
    file: &Path,
    digest: &[u8; 32],
    size: u64,
    kind: &str,
    token: &CancellationToken,
    mut hears: impl FnMut(u64),
) -> Result<Option<Wrong>> {
    let mut open = match File::open(file) {
        Ok(open) => open,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some((Damage::Missing, None)));
        }
        Err(error) => return Err(unreadable(&error, file)),
    };
    let facts = open.metadata().map_err(|error| unreadable(&error, file))?;
    if !facts.is_file() {
        return Ok(Some((Damage::Missing, None)));
    }
    if facts.len() != size {
        return Ok(Some((Damage::WrongSize, Some(format!("{} bytes", facts.len())))));
    }
    let sum =
        hash(&mut open, token, &mut Sha256::new(), &mut hears).map_err(|stop| stop.told(file))?;
    if sum != *digest {
        return Ok(Some((Damage::WrongDigest, Some(crate::digest::hex(&sum)))));
    }
    let broken = damage_of_structure(file, kind).map_err(|error| unreadable(&error, file))?;
    Ok(broken.map(|what| (Damage::BadStructure, Some(what))))
}

/// In which way a model file contradicts itself; `None` when it does not, and for other layers and
/// formats.
///
/// # Errors
/// Whatever the file system says.
pub(crate) fn damage_of_structure(file: &Path, kind: &str) -> io::Result<Option<String>> {
    if !is_model_file(kind) {
        return Ok(None);
    }
    match structure_of(file)? {
        Verdict::Broken(what) => Ok(Some(what)),
        Verdict::Sound(_) | Verdict::Unknown(_) => Ok(None),
    }
}

/// What the head of a file says.
///
/// # Errors
/// Whatever the file system says.
pub(super) fn structure_of(file: &Path) -> io::Result<Verdict> {
    let open = File::open(file)?;
    let size = open.metadata()?.len();
    structure::examine(BufReader::with_capacity(HEAD, open), size)
}

/// Why a file was not read to its end.
pub(super) enum Stop {
    Cancelled,
    Io(io::Error),
}

impl Stop {
    pub(super) fn told(self, file: &Path) -> WireError {
        match self {
            Stop::Cancelled => WireError::new(ErrorCode::Cancelled),
            Stop::Io(error) => unreadable(&error, file),
        }
    }
}

/// Something that eats bytes and has a sum in the end; two of them eat in one pass.
pub(super) trait Sum {
    type Out;
    fn eat(&mut self, bytes: &[u8]);
    fn out(&mut self) -> Self::Out;
}

impl Sum for Sha256 {
    type Out = [u8; 32];
    fn eat(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
    fn out(&mut self) -> [u8; 32] {
        self.finalize_reset().into()
    }
}

/// Reads a file from where it stands to its end.
///
/// # Errors
/// When it is cancelled, or whatever the file system says.
pub(super) fn hash<S: Sum>(
    file: &mut File,
    token: &CancellationToken,
    sum: &mut S,
    hears: &mut impl FnMut(u64),
) -> std::result::Result<S::Out, Stop> {
    let mut block = vec![0; BLOCK];
    loop {
        if token.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        match file.read(&mut block) {
            Ok(0) => return Ok(sum.out()),
            Ok(read) => {
                sum.eat(block.get(..read).unwrap_or_default());
                hears(read as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Stop::Io(error)),
        }
    }
}

/// A file that cannot be read says nothing about its bytes.
pub(super) fn unreadable(error: &io::Error, file: &Path) -> WireError {
    let code = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorCode::StorePermission,
        _ => ErrorCode::FileSystem,
    };
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    WireError::new(code).with("layer", &name).detail(format!("{name}: {error}"))
}
