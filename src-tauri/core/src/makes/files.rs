//! Files of this machine that are to become part of a model. Everything here blocks.

use std::{
    fs::{File, Metadata},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use corral_contract::{
    ErrorCode, WireError,
    checks::Structure,
    makes::{FileKind, FoundFile, ModelfileText},
    modelfile::{self, Why},
};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::{
    Result,
    digest::hex,
    gguf::{
        Head, Value,
        structure::{self, Verdict},
    },
};

/// Bytes that are read at once; between two reads a cancellation is heard.
const BLOCK: usize = 1 << 20;
/// What a file is called inside stands within its first bytes.
const HEAD: u64 = 64 << 10;

/// Something about a path is not as it has to be.
pub(super) fn wrong(path: &Path, reason: &str) -> WireError {
    WireError::field("path", reason).with("path", path.display())
}

/// What the file system said about a path.
pub(super) fn refused(path: &Path, error: &io::Error) -> WireError {
    // The kind has no stable name: ELOOP on Linux and macOS, and its like on Windows.
    let too_many_links = match error.raw_os_error() {
        Some(40) => cfg!(target_os = "linux"),
        Some(62) => cfg!(target_os = "macos"),
        Some(1921) => cfg!(windows),
        _ => false,
    };
    match error.kind() {
        _ if too_many_links => wrong(path, "linkLoop"),
        io::ErrorKind::NotFound => wrong(path, "noSuchFile"),
        io::ErrorKind::PermissionDenied => wrong(path, "noPermission"),
        io::ErrorKind::NotADirectory => wrong(path, "noSuchFile"),
        _ => WireError::new(ErrorCode::FileSystem)
            .with("path", path.display())
            .detail(error.to_string()),
    }
}

/// A full path as a person or a drop gives it.
///
/// # Errors
/// `INVALID_INPUT` with `empty` or `notAbsolute`.
pub(super) fn full(path: &str) -> Result<PathBuf> {
    let text = path.trim();
    let path = PathBuf::from(text);
    if text.is_empty() {
        return Err(wrong(&path, "empty"));
    }
    if path.is_absolute() { Ok(path) } else { Err(wrong(&path, "notAbsolute")) }
}

/// Opens a file with something in it. Links are followed.
///
/// # Errors
/// `INVALID_INPUT` with the path and the reason; `FILE_SYSTEM`.
pub(super) fn open(path: &Path) -> Result<(File, Metadata)> {
    // Asked before it is opened: a pipe would keep whoever opens it waiting.
    let facts = std::fs::metadata(path).map_err(|error| refused(path, &error))?;
    if facts.is_dir() {
        return Err(wrong(path, "isFolder"));
    }
    if !facts.is_file() {
        return Err(wrong(path, "noRegularFile"));
    }
    if facts.len() == 0 {
        return Err(wrong(path, "emptyFile"));
    }
    let file = File::open(path).map_err(|error| refused(path, &error))?;
    Ok((file, facts))
}

/// The text of a Modelfile, and the folder it lies in.
///
/// # Errors
/// As [`open`]; `INVALID_INPUT` for one that is too large or in another encoding.
pub(super) fn read_modelfile(path: &str) -> Result<ModelfileText> {
    let path = full(path)?;
    let text = text_of(&path)?
        .map_err(|why| WireError::field("modelfile", why.as_str()).with("path", path.display()))?;
    let base = path.parent().unwrap_or(&path).display().to_string();
    Ok(ModelfileText { text, base })
}

/// What stands in a text file; the inner error says why it is none.
pub(super) fn text_of(path: &Path) -> Result<std::result::Result<String, Why>> {
    let (file, facts) = open(path)?;
    let most = 2 * modelfile::LONGEST as u64;
    if facts.len() > most {
        return Ok(Err(Why::TooLarge));
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| refused(path, &error))?;
    Ok(modelfile::decode(&bytes))
}

/// Whether a file begins as GGUF does, in either order of bytes.
///
/// # Errors
/// As [`open`].
pub(super) fn is_gguf(path: &Path) -> Result<bool> {
    let (mut file, _) = open(path)?;
    let mut magic = [0; 4];
    match file.read_exact(&mut magic) {
        Ok(()) => Ok(&magic == b"GGUF" || &magic == b"FUGG"),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(refused(path, &error)),
    }
}

/// What a GGUF file is.
///
/// # Errors
/// As [`open`].
pub(super) fn gguf(path: &Path) -> Result<FoundFile> {
    let (file, facts) = open(path)?;
    let failed = |error: io::Error| refused(path, &error);
    let mut start = Vec::new();
    (&file).take(HEAD).read_to_end(&mut start).map_err(failed)?;
    let head = Head::read(&start).unwrap_or_default();
    let again = File::open(path).map_err(failed)?;
    let verdict = structure::examine(BufReader::with_capacity(256 << 10, again), facts.len());
    let verdict = verdict.map_err(failed)?;
    let mut found = FoundFile {
        path: path.display().to_string(),
        name: name_of(&path.file_stem().unwrap_or_default().to_string_lossy()),
        kind: kind_of(&head),
        bytes: facts.len(),
        architecture: head.architecture().map(str::to_owned),
        quantization: None,
        parameters: None,
        structure: Structure::Unknown,
        detail: None,
    };
    // A form of the first weeks, which no server reads.
    let first_form = start.starts_with(b"GGUF\x01\0\0\0");
    match verdict {
        Verdict::Unknown(why) if first_form => {
            found.structure = Structure::Broken;
            found.detail = Some(why.to_owned());
        }
        Verdict::Sound(summary) => {
            found.structure = Structure::Sound;
            found.quantization = summary.quantization.map(str::to_owned);
            found.parameters = Some(summary.parameters);
            found.architecture = summary.architecture;
        }
        Verdict::Broken(what) => {
            found.structure = Structure::Broken;
            found.detail = Some(what);
        }
        Verdict::Unknown(why) => found.detail = Some(why.to_owned()),
    }
    Ok(found)
}

fn kind_of(head: &Head) -> FileKind {
    let word = match head.values.get("general.type") {
        Some(Value::Text(text)) => text.as_str(),
        _ => "",
    };
    match (word, head.architecture()) {
        ("adapter", _) => FileKind::Adapter,
        ("projector" | "mmproj", _) | (_, Some("clip")) => FileKind::Projector,
        _ => FileKind::Gguf,
    }
}

/// A model name that the name of a file suggests: `Qwen3-8B-Q4_K_M` is `qwen3-8b:q4_k_m`.
pub(super) fn name_of(stem: &str) -> String {
    let stem = stem.to_lowercase();
    let fit = |sign: char| {
        if sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.') { sign } else { '-' }
    };
    let stem: String = stem.chars().map(fit).collect();
    let stem = stem.trim_start_matches(['-', '.']);
    let is_form = |end: &str| {
        let digit = |at: usize| end.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
        (end.starts_with('q') && digit(1))
            || (end.starts_with("iq") && digit(2))
            || matches!(end, "f16" | "f32" | "bf16" | "fp16")
    };
    let split =
        stem.rsplit_once(['-', '.']).filter(|(start, end)| !start.is_empty() && is_form(end));
    let name = match split {
        Some((start, end)) => format!("{}:{}", cut(start), cut(end)),
        None => cut(stem).to_owned(),
    };
    if name.is_empty() { "model".to_owned() } else { name }
}

/// At most what a part of a name may have.
fn cut(text: &str) -> &str {
    text.get(..80).unwrap_or(text).trim_end_matches(['-', '.'])
}

/// A file that was read from front to end and stayed as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whole {
    /// `sha256:` and 64 hex digits.
    pub(super) digest: String,
    facts: (u64, Option<SystemTime>),
}

impl Whole {
    /// Its size when it was read.
    pub(super) fn bytes(&self) -> u64 {
        self.facts.0
    }

    /// Whether the file is still the one that was read, as far as its facts tell.
    pub(super) fn holds(&self, path: &Path) -> Result<()> {
        let facts = std::fs::metadata(path).map_err(|error| refused(path, &error))?;
        if facts_of(&facts) == self.facts { Ok(()) } else { Err(wrong(path, "changedWhileRead")) }
    }
}

fn facts_of(facts: &Metadata) -> (u64, Option<SystemTime>) {
    (facts.len(), facts.modified().ok())
}

/// Reads a file and tells how far it is.
///
/// # Errors
/// As [`open`]; `INVALID_INPUT` with `changedWhileRead`; `CANCELLED`.
pub(super) fn digest(
    path: &Path,
    token: &CancellationToken,
    mut hears: impl FnMut(u64),
) -> Result<Whole> {
    let (file, facts) = open(path)?;
    // A file that grows while it is read must not keep us for ever.
    let mut file = file.take(facts.len());
    let (mut sum, mut block) = (Sha256::new(), vec![0; BLOCK]);
    loop {
        if token.is_cancelled() {
            return Err(WireError::new(ErrorCode::Cancelled));
        }
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(read) => {
                sum.update(block.get(..read).unwrap_or_default());
                hears(read as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(refused(path, &error)),
        }
    }
    let digest = format!("sha256:{}", hex(&sum.finalize()));
    let whole = Whole { digest, facts: facts_of(&facts) };
    whole.holds(path)?;
    Ok(whole)
}
