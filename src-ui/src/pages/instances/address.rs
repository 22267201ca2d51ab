//! Whether a text can be the address of a server, while it is typed. The core reads it again and
//! decides.

/// The key under `reason.` of what is wrong; `None` when nothing is seen to be.
#[must_use]
pub(super) fn wrong(text: &str) -> Option<&'static str> {
    let text = text.trim().trim_matches(['"', '\'']).trim();
    if text.is_empty() {
        return Some("empty");
    }
    let rest = match text.split_once("://") {
        None => text,
        Some((scheme, rest)) if is_http(scheme) => rest,
        Some(_) => return Some("badScheme"),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.chars().any(|each| each.is_whitespace() || each.is_control() || "\\%".contains(each)) {
        return Some("badUrl");
    }
    if host.trim_matches(['[', ']']).parse::<std::net::Ipv6Addr>().is_ok() {
        return None;
    }
    match host.rsplit_once(':') {
        None if host.is_empty() => Some("badUrl"),
        None => None,
        Some((_, port)) if port.is_empty() || !port.bytes().all(|each| each.is_ascii_digit()) => {
            Some("badUrl")
        }
        Some((_, port)) => match port.parse::<u16>() {
            Ok(1..) => None,
            Ok(0) | Err(_) => Some("outOfRange"),
        },
    }
}

fn is_http(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

#[cfg(test)]
mod tests {
    use super::wrong;

    #[test]
    fn accepts_what_the_core_reads() {
        for text in [
            "localhost",
            " 192.168.1.5 ",
            "192.168.1.5:8080",
            ":8080",
            "::1",
            "[fe80::1]:99",
            "HTTPS://Host:8443/ollama/",
            "\"http://host:11434\"",
            "https://me:p%40ss@host:1/x",
        ] {
            assert_eq!(wrong(text), None, "{text}");
        }
    }

    #[test]
    fn names_what_is_wrong() {
        for (text, reason) in [
            ("", "empty"),
            ("ftp://host", "badScheme"),
            ("host:0", "outOfRange"),
            ("host:65536", "outOfRange"),
            ("host:abc", "badUrl"),
            ("host:", "badUrl"),
            ("a b", "badUrl"),
            ("http://", "badUrl"),
        ] {
            assert_eq!(wrong(text), Some(reason), "{text}");
        }
    }
}
