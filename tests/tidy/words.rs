//! The string literals of a Rust source file.

/// Every plain string literal outside comments. Escapes are kept as written: nothing that is
/// looked for here has any.
pub(crate) fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in source.lines() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        let mut rest = line;
        while let Some(start) = rest.find('"') {
            let (literal, after) = until_quote(&rest[start + 1..]);
            found.push(literal.to_owned());
            rest = after;
        }
    }
    found
}

/// The text up to the next quote that is not escaped, and what follows that quote.
fn until_quote(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return (&text[..index], &text[index + 1..]),
            _ => {}
        }
    }
    (text, "")
}

#[test]
fn literals_are_found_and_comments_are_not() {
    let source = "// \"no\"\nlet a = f(\"nav.models\", \"x \\\" y\"); // \"z\"\n";
    assert_eq!(literals(source), ["nav.models", "x \\\" y", "z"]);
}
