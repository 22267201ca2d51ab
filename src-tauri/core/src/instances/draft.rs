//! Checking what a user typed before anything is done with it.

use corral_contract::{
    ErrorCode, WireError,
    instances::{InstanceDraft, Kind, Runner, UpdateInstance},
};

use super::{address, model::Profile};
use crate::Result;

/// Longest shown name, in characters.
const LONGEST_NAME: usize = 80;
/// Most extra headers.
const MOST_HEADERS: usize = 32;
/// Longest certificate text, in bytes.
const LONGEST_CA: usize = 256 * 1024;
/// Headers that belong to the connection itself.
const RESERVED: [&str; 6] =
    ["connection", "content-length", "content-type", "te", "transfer-encoding", "upgrade"];

/// A draft as a profile. Whether header values and certificate are any good is seen when a client
/// is made of it.
///
/// # Errors
/// `INVALID_INPUT` naming the field.
pub(super) fn checked(draft: &InstanceDraft) -> Result<Profile> {
    let address = address::read(&draft.url)?;
    let headers = with_credentials(checked_headers(draft.headers.clone())?, address.credentials)?;
    let name = match checked_name(&draft.name)? {
        name if name.is_empty() => name_of(&address.url),
        name => name,
    };
    Ok(Profile {
        name,
        kind: if draft.found.is_some() { Kind::NativeAdopted } else { Kind::Remote },
        runner: draft.found.unwrap_or(Runner::Unknown),
        url: address.url,
        headers,
        custom_ca: checked_ca(draft.custom_ca.as_deref())?,
    })
}

/// What becomes of `old` by an update.
///
/// # Errors
/// `INVALID_INPUT` naming the field.
pub(super) fn updated(old: &Profile, update: UpdateInstance) -> Result<Profile> {
    let mut new = old.clone();
    if let Some(name) = update.name {
        new.name = checked_name(&name)?;
        if new.name.is_empty() {
            return Err(WireError::field("name", "empty"));
        }
    }
    if let Some(headers) = update.headers {
        let value_of = |name: String, value: Option<String>| {
            let kept = || old.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(&name));
            let value = value.or_else(|| kept().map(|(_, value)| value.clone()));
            value.map(|value| (name.clone(), value)).ok_or_else(|| bad_header(&name))
        };
        let headers: Result<_> =
            headers.into_iter().map(|(name, value)| value_of(name, value)).collect();
        new.headers = checked_headers(headers?)?;
    }
    if let Some(url) = update.url {
        let address = address::read(&url)?;
        if address::key(&address.url) != address::key(&old.url) {
            // How it was found says nothing about another address.
            (new.kind, new.runner) = (Kind::Remote, Runner::Unknown);
        }
        new.url = address.url;
        if address.credentials.is_some() {
            new.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        }
        new.headers = with_credentials(new.headers, address.credentials)?;
    }
    if let Some(ca) = update.custom_ca {
        new.custom_ca = checked_ca(Some(&ca))?;
    }
    Ok(new)
}

fn name_of(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let name = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    name.chars().take(LONGEST_NAME).collect()
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.chars().count() > LONGEST_NAME {
        return Err(WireError::field("name", "tooLong").with("max", LONGEST_NAME));
    }
    let invisible = |each: char| {
        each.is_control()
            || matches!(each, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if name.contains(invisible) {
        return Err(WireError::field("name", "malformed"));
    }
    Ok(name.to_owned())
}

fn bad_header(name: &str) -> WireError {
    WireError::field("headers", "badHeader").with("header", name)
}

fn checked_headers(headers: Vec<(String, String)>) -> Result<Vec<(String, String)>> {
    if headers.len() > MOST_HEADERS {
        return Err(WireError::field("headers", "tooMany").with("max", MOST_HEADERS));
    }
    headers
        .into_iter()
        .map(|(name, value)| {
            let name = name.trim().to_owned();
            let reserved = RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(&name));
            if name.is_empty() || reserved {
                return Err(bad_header(&name));
            }
            Ok((name, value.trim().to_owned()))
        })
        .collect()
}

/// Credentials of an address are sent as the header they mean and never shown again.
fn with_credentials(
    mut headers: Vec<(String, String)>,
    credentials: Option<(String, String)>,
) -> Result<Vec<(String, String)>> {
    let Some((user, password)) = credentials else { return Ok(headers) };
    if headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
        return Err(bad_header("Authorization"));
    }
    let value = format!("Basic {}", base64(format!("{user}:{password}").as_bytes()));
    headers.push(("Authorization".to_owned(), value));
    Ok(headers)
}

fn checked_ca(text: Option<&str>) -> Result<Option<String>> {
    let text = text.unwrap_or_default().trim();
    if text.len() > LONGEST_CA {
        return Err(WireError::field("customCa", "tooLong").with("max", LONGEST_CA));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            if digit <= group.len() {
                let index = (bits >> (18 - 6 * digit)) & 63;
                text.push(char::from(DIGITS[index as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

/// Refuses a second instance with the same address.
///
/// # Errors
/// `ALREADY_EXISTS`, naming the other one.
pub(super) fn unique<'a>(
    url: &url::Url,
    mut others: impl Iterator<Item = &'a Profile>,
) -> Result<()> {
    let key = address::key(url);
    match others.find(|other| address::key(&other.url) == key) {
        None => Ok(()),
        Some(other) => Err(WireError::new(ErrorCode::AlreadyExists)
            .with("field", "url")
            .with("name", &other.name)
            .with("url", address::shown(&other.url))),
    }
}

#[cfg(test)]
mod tests {
    use corral_contract::{
        InstanceId,
        instances::{InstanceDraft, UpdateInstance},
    };

    use super::{base64, checked, updated};

    fn draft(url: &str) -> InstanceDraft {
        InstanceDraft { url: url.to_owned(), ..InstanceDraft::default() }
    }

    #[test]
    fn encodes_as_the_standard_shows() {
        for (text, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn credentials_become_a_header() {
        let profile = checked(&draft("http://me:pw@host")).expect("a profile");
        assert_eq!(profile.headers, [("Authorization".to_owned(), "Basic bWU6cHc=".to_owned())]);
        assert_eq!(profile.name, "host");
    }

    #[test]
    fn refuses_names_headers_and_certificates_by_field() {
        let field = |draft: &InstanceDraft| {
            checked(draft).err().and_then(|error| error.params.get("field").cloned())
        };
        let mut bad = draft("host");
        bad.name = "a\u{202e}b".to_owned();
        assert_eq!(field(&bad).as_deref(), Some("name"));
        let mut bad = draft("host");
        bad.headers = vec![("Content-Length".to_owned(), "1".to_owned())];
        assert_eq!(field(&bad).as_deref(), Some("headers"));
        let mut bad = draft("host");
        bad.custom_ca = Some("x".repeat(300_000));
        assert_eq!(field(&bad).as_deref(), Some("customCa"));
        let mut both = draft("http://me:pw@host");
        both.headers = vec![("authorization".to_owned(), "Bearer x".to_owned())];
        assert_eq!(field(&both).as_deref(), Some("headers"));
    }

    #[test]
    fn an_update_keeps_what_it_does_not_name() {
        let mut old = draft("host");
        old.headers = vec![("X-Key".to_owned(), "secret".to_owned())];
        let old = checked(&old).expect("a profile");
        let update = UpdateInstance {
            id: InstanceId(1),
            name: Some("New".to_owned()),
            url: None,
            headers: Some(vec![("x-key".to_owned(), None), ("Y".to_owned(), Some("1".to_owned()))]),
            custom_ca: None,
        };
        let new = updated(&old, update.clone()).expect("a profile");
        assert_eq!(new.name, "New");
        assert_eq!(new.headers[0].1, "secret");
        assert_eq!(new.url, old.url);
        let unknown = UpdateInstance { headers: Some(vec![("Z".to_owned(), None)]), ..update };
        assert!(updated(&old, unknown).is_err(), "there is no value to keep");
    }
}
