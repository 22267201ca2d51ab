//! Takes secrets out of text before it is written down.

/// Words after which a value is a secret, whatever stands between them.
const NAMES: [&str; 8] =
    ["authorization", "password", "passwd", "secret", "token", "api-key", "api_key", "apikey"];

/// The text with credentials in URLs, bearer and basic tokens, and values of secret-sounding names
/// replaced by `***`.
#[must_use]
pub fn redact(text: &str) -> String {
    let text = url_credentials(text);
    let text = scheme_tokens(&text);
    named_values(&text)
}

/// `https://user:pass@host` → `https://***@host`.
fn url_credentials(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<'))
            .unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        match authority.rfind('@') {
            Some(sign) => {
                out.push_str("***");
                out.push_str(&authority[sign..]);
            }
            None => out.push_str(authority),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// `Bearer abc` and `Basic abc` → `Bearer ***`.
fn scheme_tokens(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let lower = rest.to_ascii_lowercase();
        let found = ["bearer ", "basic "]
            .iter()
            .filter_map(|scheme| lower.find(scheme).map(|at| at + scheme.len()))
            .min();
        let Some(at) = found else { break };
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let end = tail
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';'))
            .unwrap_or(tail.len());
        if end > 0 {
            out.push_str("***");
        }
        rest = &tail[end..];
    }
    out.push_str(rest);
    out
}

/// `token=abc`, `"password": "abc"`, `X-Api-Key: abc` → the name and `***`. A signature in a
/// presigned URL counts as a secret too.
fn named_values(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let lower = rest.to_ascii_lowercase();
        let found = NAMES
            .iter()
            .chain(["x-amz-signature", "x-amz-credential"].iter())
            .filter_map(|name| lower.find(name).map(|at| at + name.len()))
            .min();
        let Some(at) = found else { break };
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let value = rest.trim_start_matches(['"', '\'', ' ']);
        let Some(value) = value.strip_prefix([':', '=']) else { continue };
        let value = value.trim_start_matches(['"', '\'', ' ']);
        let start = rest.len() - value.len();
        let end = value
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '&' | '}'))
            .unwrap_or(value.len());
        out.push_str(&rest[..start]);
        if end > 0 && !value.starts_with("Bearer") && !value.starts_with("Basic") {
            out.push_str("***");
            rest = &value[end..];
        } else {
            rest = value;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn takes_out_what_nobody_may_read() {
        for (text, clean) in [
            ("GET https://me:pw@host/x?y=1", "GET https://***@host/x?y=1"),
            ("http://host:11434/api", "http://host:11434/api"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
            ("authorization: Basic Zm9v, next", "authorization: Basic ***, next"),
            (r#"{"password": "hunter2", "a": 1}"#, r#"{"password": "***", "a": 1}"#),
            ("realm?token=abc&service=x", "realm?token=***&service=x"),
            ("X-Api-Key=k1 rest", "X-Api-Key=*** rest"),
            ("url ?X-Amz-Signature=0f0f&z=1", "url ?X-Amz-Signature=***&z=1"),
            ("tokens per second 12", "tokens per second 12"),
            ("奇怪 token: 秘密 后", "奇怪 token: *** 后"),
        ] {
            assert_eq!(redact(text), clean);
        }
    }
}
