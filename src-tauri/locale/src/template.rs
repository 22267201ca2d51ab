//! Filling values into a text.

/// Fills `values` into `pattern`; see the crate's description for the forms. A value that is
/// missing outside of an optional part leaves nothing.
pub(crate) fn fill(pattern: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(start) = rest.find("[[") {
        filled.push_str(&fill_plain(&rest[..start], values).0);
        let Some(length) = rest[start + 2..].find("]]") else {
            break;
        };
        let (part, complete) = fill_plain(&rest[start + 2..start + 2 + length], values);
        if complete {
            filled.push_str(&part);
        }
        rest = &rest[start + 2 + length + 2..];
    }
    filled.push_str(&fill_plain(rest, values).0);
    filled
}

/// The filled text, and whether every value was there.
fn fill_plain(pattern: &str, values: &[(&str, &str)]) -> (String, bool) {
    let mut filled = String::with_capacity(pattern.len());
    let mut complete = true;
    let mut rest = pattern;
    while let Some(start) = rest.find('{') {
        filled.push_str(&rest[..start]);
        let Some(length) = rest[start..].find('}') else {
            rest = &rest[start..];
            break;
        };
        let mut parts = rest[start + 1..start + length].split('|');
        let name = parts.next().unwrap_or_default();
        let value = values.iter().find(|(each, _)| *each == name).map(|(_, value)| *value);
        match (value, parts.next(), parts.next()) {
            (Some(value), Some(one), other) => {
                let form = if value == "1" { one } else { other.unwrap_or(one) };
                filled.push_str(&form.replace('#', value));
            }
            (Some(value), None, _) => filled.push_str(value),
            (None, ..) => complete = false,
        }
        rest = &rest[start + length + 1..];
    }
    filled.push_str(rest);
    (filled, complete)
}

/// The names of the values that a text uses, sorted, each once.
#[cfg(test)]
pub(crate) fn names(pattern: &str) -> Vec<&str> {
    let mut names: Vec<&str> =
        pattern.split('{').skip(1).filter_map(|part| part.split(['}', '|']).next()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
