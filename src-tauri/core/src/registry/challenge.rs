//! `WWW-Authenticate: Bearer realm="…",service="…",scope="…"`, or `Basic realm="…"`.

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    Token(Challenge),
    /// User and password themselves.
    Password,
}

/// Where a token is to be had, and for what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) realm: String,
    pub(super) service: Option<String>,
    pub(super) scopes: Vec<String>,
}

/// Reads the header; `None` for another scheme, or for a token without a realm.
pub(super) fn read(header: &str) -> Option<Wanted> {
    let header = header.trim();
    let (scheme, rest) = header.split_once(char::is_whitespace).unwrap_or((header, ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Wanted::Password);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let mut challenge = Challenge::default();
    for (name, value) in pairs(rest) {
        match name.to_ascii_lowercase().as_str() {
            "realm" => challenge.realm = value,
            "service" => challenge.service = Some(value),
            "scope" => challenge.scopes = value.split(' ').map(str::to_owned).collect(),
            _ => {}
        }
    }
    (!challenge.realm.is_empty()).then_some(Wanted::Token(challenge))
}

/// `name=value` or `name="value"`, separated by commas, which a quoted value may contain.
fn pairs(text: &str) -> Vec<(&str, String)> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches(|each: char| each == ',' || each.is_whitespace());
        let value = if let Some(quoted) = after.strip_prefix('"') {
            let Some((value, after)) = quoted.split_once('"') else { break };
            rest = after;
            value
        } else {
            let (value, after) = after.split_once(',').unwrap_or((after, ""));
            rest = after;
            value.trim()
        };
        pairs.push((name, value.to_owned()));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_quoted_and_bare_values() {
        let header = "Bearer realm=\"https://r.example/token\", service=reg, \
                      scope=\"repository:a/b:pull,push repository:c/d:pull\"";
        let Some(Wanted::Token(read)) = read(header) else { panic!("a challenge") };
        assert_eq!(read.realm, "https://r.example/token");
        assert_eq!(read.service.as_deref(), Some("reg"));
        assert_eq!(read.scopes, ["repository:a/b:pull,push", "repository:c/d:pull"]);
    }

    #[test]
    fn other_schemes_and_broken_headers_are_none() {
        for header in
            ["", "Digest realm=\"x\"", "Bearer", "Bearer realm=\"open", "Bearer service=x"]
        {
            assert_eq!(read(header), None, "{header}");
        }
        assert_eq!(read("Basic realm=\"x\""), Some(Wanted::Password));
    }
}
