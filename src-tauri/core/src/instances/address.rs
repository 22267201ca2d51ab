//! Addresses of servers, read as Ollama reads `OLLAMA_HOST`.

use corral_contract::WireError;
use url::{Host, Url};

use crate::Result;

/// The port of a server that names none.
pub(super) const USUAL_PORT: u16 = 11434;
/// Longest address that is looked at, in bytes.
const LONGEST: usize = 2048;

/// An address with what was taken out of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Address {
    /// Without credentials, query and fragment.
    pub(super) url: Url,
    /// User and password that stood in it.
    pub(super) credentials: Option<(String, String)>,
}

/// Reads what a user typed: `host`, `host:port`, `:port`, an IP address or a URL.
///
/// # Errors
/// `INVALID_INPUT` for the field `url`, with the reason.
pub(super) fn read(text: &str) -> Result<Address> {
    let bad = |reason| WireError::field("url", reason);
    let text = text.trim().trim_matches(['"', '\'']).trim();
    if text.is_empty() {
        return Err(bad("empty"));
    }
    if text.len() > LONGEST {
        return Err(bad("tooLong"));
    }
    let (scheme, rest, port) = match text.split_once("://") {
        None => ("http", text, USUAL_PORT),
        Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
            "http" => ("http", rest, 80),
            "https" => ("https", rest, 443),
            _ => return Err(bad("badScheme")),
        },
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (credentials, host) = match authority.rsplit_once('@') {
        Some((credentials, host)) => (Some(credentials), host),
        None => (None, authority),
    };
    let (host, port) = host_and_port(host, port)?;
    // The colon of a Windows drive or a stray space would otherwise be encoded into a host.
    if host.chars().any(|each| each.is_whitespace() || each.is_control() || "\\%@".contains(each)) {
        return Err(bad("badUrl"));
    }
    let mut url =
        Url::parse(&format!("{scheme}://{host}:{port}{path}")).map_err(|_| bad("badUrl"))?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    reachable(&mut url);
    Ok(Address { url, credentials: credentials.map(decoded) })
}

fn host_and_port(text: &str, usual: u16) -> Result<(String, u16)> {
    let bad = |reason| WireError::field("url", reason);
    // A bare IPv6 address is all colons and names no port.
    if let Ok(address) = text.trim_matches(['[', ']']).parse::<std::net::Ipv6Addr>() {
        return Ok((format!("[{address}]"), usual));
    }
    let (host, port) = match text.rsplit_once(':') {
        None => (text, None),
        Some((host, port)) => (host, Some(port)),
    };
    let port = match port {
        None => usual,
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() => {
            let number = port.parse::<u16>().ok().filter(|port| *port > 0);
            number.ok_or_else(|| bad("outOfRange").with("min", 1).with("max", u16::MAX))?
        }
        Some(_) => return Err(bad("badUrl")),
    };
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    Ok((host.to_owned(), port))
}

/// "Every address of this machine" is an address to listen on; it is called at the loopback one.
fn reachable(url: &mut Url) {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) if address.is_unspecified() => "127.0.0.1",
        Some(Host::Ipv6(address)) if address.is_unspecified() => "[::1]",
        _ => return,
    };
    // A literal address always fits.
    let _ = url.set_host(Some(loopback));
}

fn decoded(text: &str) -> (String, String) {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    (percent_decoded(user), percent_decoded(password))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where a server with this `OLLAMA_HOST` listens, and whether others than this machine can reach
/// it there. A value that cannot be read counts as the usual one, as in Ollama.
pub(crate) fn listening(host: Option<&str>) -> (Url, bool) {
    let text = host.unwrap_or_default().trim().trim_matches(['"', '\'']);
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    let name = bare.split('/').next().unwrap_or_default();
    let everywhere = name.starts_with("0.0.0.0") || name.starts_with("[::]") || name == "::";
    let address = read(text).or_else(|_| read("127.0.0.1")).map(|address| address.url);
    let mut url = address.expect("the usual address can be read");
    // Ollama binds without TLS and without a path, whatever the variable says.
    if url.scheme() == "https" {
        let port = url.port_or_known_default();
        // Both are allowed for an address with a host.
        let _ = url.set_scheme("http");
        let _ = url.set_port(port);
    }
    url.set_path("");
    let exposed = everywhere || !crate::http::is_loopback(&url);
    (url, exposed)
}

/// The address as it is stored and shown: without the slash that a URL without a path has.
pub(super) fn shown(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Equal for two addresses of the same server: all names of this machine are one.
pub(super) fn key(url: &Url) -> String {
    let host = if crate::http::is_loopback(url) {
        "localhost".to_owned()
    } else {
        url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase()
    };
    let port = url.port_or_known_default().unwrap_or(USUAL_PORT);
    format!("{}://{host}:{port}{}", url.scheme(), url.path().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::{key, listening, read, shown};

    #[test]
    fn reads_addresses_as_ollama_does() {
        for (text, url) in [
            ("localhost", "http://localhost:11434"),
            (" 192.168.1.5 ", "http://192.168.1.5:11434"),
            ("192.168.1.5:8080", "http://192.168.1.5:8080"),
            (":8080", "http://127.0.0.1:8080"),
            ("0.0.0.0", "http://127.0.0.1:11434"),
            ("0.0.0.0:1234", "http://127.0.0.1:1234"),
            ("[::]:1234", "http://[::1]:1234"),
            ("::1", "http://[::1]:11434"),
            ("[fe80::1]:99", "http://[fe80::1]:99"),
            ("http://host", "http://host"),
            ("https://host", "https://host"),
            ("HTTPS://Host:8443/ollama/", "https://host:8443/ollama"),
            ("\"http://host:11434\"", "http://host:11434"),
            ("http://host:11434/?a=b#c", "http://host:11434"),
            ("主机", "http://xn--tiq422d:11434"),
        ] {
            let address = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(shown(&address.url), url, "{text}");
            assert_eq!(address.credentials, None, "{text}");
        }
    }

    #[test]
    fn says_exactly_what_is_wrong() {
        for (text, reason) in [
            ("", "empty"),
            ("  \"\" ", "empty"),
            ("ftp://host", "badScheme"),
            ("file:///etc/passwd", "badScheme"),
            ("host:0", "outOfRange"),
            ("host:65536", "outOfRange"),
            ("host:99999999999999999999", "outOfRange"),
            ("host:abc", "badUrl"),
            ("host:", "badUrl"),
            ("a b", "badUrl"),
            ("http://a\u{202e}b", "badUrl"),
            ("http://[::1]x", "badUrl"),
        ] {
            let error = read(text).expect_err(text);
            assert_eq!(error.params.get("field").map(String::as_str), Some("url"), "{text}");
            assert_eq!(error.params.get("reason").map(String::as_str), Some(reason), "{text}");
        }
        let long = "x".repeat(3000);
        assert!(read(&long).is_err());
    }

    #[test]
    fn takes_credentials_out() {
        let address = read("https://me:p%40ss%3A1@host:1/x").expect("an address");
        assert_eq!(shown(&address.url), "https://host:1/x");
        assert_eq!(address.credentials, Some(("me".to_owned(), "p@ss:1".to_owned())));
    }

    #[test]
    fn one_server_has_one_key() {
        let of = |text: &str| key(&read(text).expect("an address").url);
        assert_eq!(of("localhost"), of("http://127.0.0.1:11434/"));
        assert_eq!(of("[::1]"), of("0.0.0.0"));
        assert_eq!(of("http://host"), of("HOST:80"));
        assert_ne!(of("host"), of("host:1"));
        assert_ne!(of("https://host"), of("http://host:443"));
    }

    #[test]
    fn knows_who_can_reach_a_listening_server() {
        for (host, url, exposed) in [
            (None, "http://127.0.0.1:11434", false),
            (Some("0.0.0.0"), "http://127.0.0.1:11434", true),
            (Some("http://0.0.0.0:8080"), "http://127.0.0.1:8080", true),
            (Some("[::]:9"), "http://[::1]:9", true),
            (Some("192.168.1.5"), "http://192.168.1.5:11434", true),
            (Some("https://localhost"), "http://localhost:443", false),
            (Some("127.0.0.1:bad"), "http://127.0.0.1:11434", false),
        ] {
            let (address, open) = listening(host);
            assert_eq!((shown(&address).as_str(), open), (url, exposed), "{host:?}");
        }
    }
}
