//! What could be imported from a file or a folder. Blocks.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use corral_contract::{
    checks::Structure,
    makes::{FileKind, FoundFile, FoundFiles},
};

use super::files::{self, refused, wrong};
use crate::Result;

/// Folders below the one that was named: tools keep models in `publisher/repository/file`, and
/// the cache of Hugging Face two deeper.
const DEEPEST: usize = 6;
/// Entries that are looked at.
const MOST_ENTRIES: usize = 20_000;
/// Models that are told.
const MOST_FOUND: usize = 500;

/// Looks at a file, or through a folder.
///
/// # Errors
/// `INVALID_INPUT` with the path and the reason; `FILE_SYSTEM`.
pub(super) fn look(path: &str) -> Result<FoundFiles> {
    let path = files::full(path)?;
    let facts = fs::metadata(&path).map_err(|error| refused(&path, &error))?;
    if facts.is_dir() {
        return through(&path);
    }
    let item = one(&path)?.ok_or_else(|| wrong(&path, "notWeights"))?;
    Ok(FoundFiles { items: vec![item], more: false, unreadable: 0 })
}

/// A file that is to be imported; `None` for one that is no weights.
///
/// # Errors
/// As [`look`].
pub(super) fn one(path: &Path) -> Result<Option<FoundFile>> {
    if files::is_gguf(path)? {
        return files::gguf(path).map(Some);
    }
    let parent = path.parent().filter(|_| has_end(path, "safetensors"));
    parent.map_or(Ok(None), safetensors)
}

fn has_end(path: &Path, end: &str) -> bool {
    path.extension().is_some_and(|own| own.eq_ignore_ascii_case(end))
}

/// A folder of safetensors; `None` when it holds none.
///
/// # Errors
/// `INVALID_INPUT` when the folder cannot be read.
pub(super) fn safetensors(folder: &Path) -> Result<Option<FoundFile>> {
    let parts = parts(folder)?;
    let weights = |path: &&PathBuf| has_end(path, "safetensors");
    if parts.iter().filter(weights).count() == 0 {
        return Ok(None);
    }
    let named =
        |name: &str| parts.iter().any(|path| path.file_name().is_some_and(|own| own == name));
    let adapter = named("adapter_config.json");
    let sizes = parts.iter().filter_map(|path| Some(fs::metadata(path).ok()?.len()));
    let whole = adapter || named("config.json");
    Ok(Some(FoundFile {
        path: folder.display().to_string(),
        name: files::name_of(&name_of(folder)),
        kind: if adapter { FileKind::Adapter } else { FileKind::Safetensors },
        bytes: sizes.sum(),
        architecture: architecture(folder),
        quantization: None,
        parameters: None,
        structure: if whole { Structure::Unknown } else { Structure::Broken },
        detail: (!whole).then(|| "there is no config.json beside the weights".to_owned()),
    }))
}

/// What a folder is called; in the cache of Hugging Face the repository says more than the commit.
fn name_of(folder: &Path) -> String {
    let parts = || folder.iter().rev().map(|part| part.to_string_lossy());
    let cached = parts().find_map(|part| Some(part.strip_prefix("models--")?.to_owned()));
    let cached = cached.and_then(|it| Some(it.rsplit_once("--")?.1.to_owned()));
    cached.or_else(|| parts().next().map(std::borrow::Cow::into_owned)).unwrap_or_default()
}

/// `architectures` of the configuration beside the weights.
fn architecture(folder: &Path) -> Option<String> {
    let path = folder.join("config.json");
    let small = fs::metadata(&path).ok()?.len() < 1 << 20;
    let text = small.then(|| fs::read(&path).ok())??;
    let value: serde_json::Value = serde_json::from_slice(&text).ok()?;
    Some(value["architectures"][0].as_str()?.chars().take(80).collect())
}

/// The files of a folder that the server needs for a conversion, by name.
///
/// # Errors
/// `INVALID_INPUT` when the folder cannot be read.
pub(super) fn parts(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| refused(folder, &error))?;
    let mut parts: Vec<PathBuf> = entries
        .take(MOST_ENTRIES)
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let named = path.file_name().is_some_and(|name| name == "tokenizer.model");
            named || has_end(path, "safetensors") || has_end(path, "json")
        })
        .filter(|path| fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.len() > 0))
        .collect();
    parts.sort();
    Ok(parts)
}

fn through(folder: &Path) -> Result<FoundFiles> {
    let mut found = FoundFiles { items: Vec::new(), more: false, unreadable: 0 };
    // By their real paths: links may lead in a circle, or to the same file twice.
    let mut seen: HashSet<PathBuf> = HashSet::new();
    let mut left = MOST_ENTRIES;
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let real = dunce::canonicalize(&folder).map_err(|error| refused(&folder, &error));
        let entries = real.and_then(|real| {
            if !seen.insert(real) {
                return Ok(None);
            }
            fs::read_dir(&folder).map(Some).map_err(|error| refused(&folder, &error))
        });
        let entries = match entries {
            Ok(Some(entries)) => entries,
            Ok(None) => continue,
            // The one that was asked for says why; of the others it is counted.
            Err(error) if depth == 0 => return Err(error),
            Err(_) => {
                found.unreadable += 1;
                continue;
            }
        };
        let mut tensors = false;
        for entry in entries.flatten() {
            if left == 0 || found.items.len() >= MOST_FOUND {
                found.more = true;
                break;
            }
            left -= 1;
            let path = entry.path();
            // What is no file and no folder, or a link to nothing, is of no interest.
            let Ok(facts) = fs::metadata(&path) else { continue };
            if facts.is_dir() {
                if depth < DEEPEST {
                    waiting.push((path, depth + 1));
                } else {
                    found.more = true;
                }
            } else if has_end(&path, "gguf") {
                let fresh = dunce::canonicalize(&path).is_ok_and(|real| seen.insert(real));
                match files::gguf(&path) {
                    Ok(item) if fresh => found.items.push(item),
                    Ok(_) => {}
                    Err(_) => found.unreadable += 1,
                }
            } else {
                tensors |= has_end(&path, "safetensors");
            }
        }
        if tensors {
            found.items.extend(safetensors(&folder).ok().flatten());
        }
    }
    found.items.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}
