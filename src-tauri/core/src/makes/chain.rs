//! A `FROM` that names another Modelfile instead of weights. Blocks.

use std::{collections::HashSet, path::Path};

use corral_contract::modelfile::{self, Source};

use super::files;
use crate::Result;

/// Files that are followed before it counts as endless.
const MOST: usize = 32;

/// Says what is wrong with a file that is no weights: whether it is a Modelfile, and whether
/// following it leads in a circle.
///
/// # Errors
/// Always, unless the file is no text: `INVALID_INPUT` with `fromCycle` or `fromModelfile`.
pub(super) fn refuse_texts(path: &Path) -> Result<()> {
    let mut seen = HashSet::new();
    let mut at = path.to_owned();
    for _ in 0..MOST {
        let real = dunce::canonicalize(&at).map_err(|error| files::refused(&at, &error))?;
        if !seen.insert(real.clone()) {
            return Err(files::wrong(path, "fromCycle"));
        }
        let Ok(text) = files::text_of(&real)? else { return Ok(()) };
        let first = modelfile::parse(&text).modelfile.and_then(|file| file.from.into_iter().next());
        let Some(first) = first else { return Ok(()) };
        let next = match Source::of(&first.text) {
            Source::Path(next) => real.parent().unwrap_or(&real).join(next),
            _ => return Err(files::wrong(path, "fromModelfile")),
        };
        if files::open(&next).is_err() || files::is_gguf(&next)? {
            return Err(files::wrong(path, "fromModelfile"));
        }
        at = next;
    }
    Err(files::wrong(path, "fromCycle"))
}
