//! Checksums as people paste them.

use corral_contract::WireError;

/// The hex digits of a checksum of so many of them, in lower case: alone, with the name of its
/// algorithm before it (`sha256:…`), or as the line that `sha256sum`, `md5sum` and their like print
/// (`… *file`, `SHA256 (file) = …`). `None` for an empty text.
///
/// # Errors
/// `INVALID_INPUT` naming the field and what is wrong.
pub(super) fn read(
    field: &str,
    text: Option<&str>,
    digits: usize,
) -> Result<Option<String>, WireError> {
    let text = text.unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(None);
    }
    let is_hex =
        |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    // The first word of a line of a tool, or the last one of the other style.
    let (first, last) = (text.split_whitespace().next(), text.split_whitespace().next_back());
    let words: Vec<&str> = first.into_iter().chain(last).map(bare).collect();
    let fitting = words.iter().copied().filter(is_hex).find(|word| word.len() == digits);
    if let Some(word) = fitting {
        return Ok(Some(word.to_ascii_lowercase()));
    }
    let hex = words.iter().copied().find(is_hex);
    let reason = if hex.is_some_and(|word| word.len() >= 8) { "sumLength" } else { "sumNotHex" };
    Err(WireError::field(field, reason).with("digits", digits))
}

/// Without the name of its algorithm, and without the backslash that tools put before a line with
/// an odd file name.
fn bare(word: &str) -> &str {
    let word = word.trim_start_matches('\\');
    let prefix = |prefix: &&str| {
        word.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let cut = ["sha256:", "md5:"].iter().find(|each| prefix(each)).map_or(0, |each| each.len());
    word.get(cut..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::read;

    const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

    #[test]
    fn understands_what_tools_print() {
        for text in [
            MD5.to_owned(),
            MD5.to_uppercase(),
            format!("  md5:{MD5} \n"),
            format!("MD5:{MD5}"),
            format!("{MD5}  a file.gguf"),
            format!("{MD5} *model.gguf"),
            format!("\\{MD5}  odd\\nname"),
            format!("MD5 (model.gguf) = {MD5}"),
        ] {
            assert_eq!(read("md5", Some(&text), 32), Ok(Some(MD5.to_owned())), "{text:?}");
        }
        assert_eq!(read("md5", Some("  "), 32), Ok(None));
        assert_eq!(read("md5", None, 32), Ok(None));
    }

    #[test]
    fn says_what_is_wrong_with_others() {
        let reason = |text: &str, digits| {
            let error = read("sha256", Some(text), digits).expect_err("no checksum");
            (error.params["field"].clone(), error.params["reason"].clone())
        };
        assert_eq!(reason(MD5, 64), ("sha256".to_owned(), "sumLength".to_owned()));
        assert_eq!(reason("what is this", 64).1, "sumNotHex");
        assert_eq!(reason("é€ü", 64).1, "sumNotHex");
        assert_eq!(reason("sha256:", 64).1, "sumNotHex");
    }
}
