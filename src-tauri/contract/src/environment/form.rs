//! What a variable's value may look like.

use crate::size;

/// Longest value, in bytes: far below what any system allows.
pub const LONGEST: usize = 4096;

/// The form of a value, and so the field that it is edited with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// On or off.
    Flag,
    /// On, off, or left to the server.
    TriState,
    /// As Go writes it (`1h30m`), or whole seconds; negative = without end.
    Duration,
    /// A size; written down in bytes.
    Bytes,
    Integer {
        least: i64,
        most: i64,
    },
    /// Comma separated origins, `*` in them allowed.
    Origins,
    /// An absolute folder.
    Path,
    /// One of these.
    Choice(&'static [&'static str]),
    Text,
    /// An address that may hold a password.
    Proxy,
    /// Where to listen.
    Host,
    /// Numbers or names of graphics cards, comma separated.
    Devices,
}

impl Form {
    /// The value as it is written down.
    ///
    /// # Errors
    /// A key under `reason.`.
    pub fn read(self, text: &str) -> Result<String, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("empty");
        }
        if text.len() > LONGEST {
            return Err("tooLong");
        }
        if text.chars().any(char::is_control) {
            return Err("controlCharacter");
        }
        // The server takes them off, on both sides and however many.
        if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
            return Err("quotedValue");
        }
        let good = match self {
            Form::Flag | Form::TriState => {
                return flag(text).map(|on| if on { "1" } else { "0" }.to_owned());
            }
            Form::Bytes => {
                return size::parse(text).map(|bytes| bytes.to_string()).map_err(|_| "badSize");
            }
            Form::Duration => duration(text).ok_or("badGoDuration").map(|_| ()),
            Form::Integer { least, most } => match text.parse::<i64>() {
                Err(_) => Err("notWhole"),
                Ok(number) if number < least => Err("belowLeast"),
                Ok(number) if number > most => Err("aboveMost"),
                Ok(_) => Ok(()),
            },
            Form::Origins => origins(text),
            Form::Path => absolute(text),
            Form::Choice(all) => {
                if all.contains(&text) {
                    Ok(())
                } else {
                    Err("notAChoice")
                }
            }
            Form::Text => Ok(()),
            Form::Proxy => proxy(text),
            Form::Host => host(text),
            Form::Devices => devices(text),
        };
        good.map(|()| text.to_owned())
    }
}

/// As Go's `ParseBool`. Any other text counts as true for Ollama, which nobody means.
fn flag(text: &str) -> Result<bool, &'static str> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("badFlag"),
    }
}

/// Nanoseconds of a duration as Go writes it, or of whole seconds; `None` for anything else.
#[must_use]
pub fn duration(text: &str) -> Option<i128> {
    const UNITS: [(&str, i128); 8] = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("μs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return fits(sign * rest.parse::<i128>().ok()?.checked_mul(1_000_000_000)?);
    }
    let mut total = 0_i128;
    let mut rest = rest;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        let (_, worth) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && part.is_empty()) || part.contains('.') {
            return None;
        }
        let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i128>().ok() };
        let scale = 10_i128.checked_pow(u32::try_from(part.len()).ok()?)?;
        let part = digits(part)?.checked_mul(*worth)? / scale;
        total = total.checked_add(digits(whole)?.checked_mul(*worth)?.checked_add(part)?)?;
        rest = next;
    }
    fits(sign * total)
}

/// Go keeps durations in 64 bits.
fn fits(nanoseconds: i128) -> Option<i128> {
    i64::try_from(nanoseconds).is_ok().then_some(nanoseconds)
}

fn origins(text: &str) -> Result<(), &'static str> {
    let good = |one: &str| {
        let one = one.trim();
        let after = one.split_once("://").map_or(one, |(_, after)| after);
        !after.is_empty() && !one.contains(char::is_whitespace) && !after.contains('/')
    };
    if text.split(',').all(good) { Ok(()) } else { Err("badOrigins") }
}

/// Absolute on any system: whose file it is, only the core knows.
fn absolute(text: &str) -> Result<(), &'static str> {
    let drive = text.as_bytes().get(1) == Some(&b':')
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && matches!(text.as_bytes().get(2), Some(b'\\' | b'/'));
    if text.starts_with('/') || text.starts_with(r"\\") || drive {
        Ok(())
    } else {
        Err("notAbsolute")
    }
}

fn proxy(text: &str) -> Result<(), &'static str> {
    let known = ["http://", "https://", "socks5://", "socks5h://"];
    let rest = known.iter().find_map(|scheme| text.strip_prefix(scheme)).ok_or("badProxy")?;
    if text.contains("***@") {
        return Err("hiddenPassword");
    }
    if rest.is_empty() || rest.contains(char::is_whitespace) { Err("badProxy") } else { Ok(()) }
}

/// `host`, `host:port`, `[v6]:port`, `:port`, with a scheme or without.
fn host(text: &str) -> Result<(), &'static str> {
    let rest = text
        .split_once("://")
        .map_or(text, |(scheme, rest)| if matches!(scheme, "http" | "https") { rest } else { " " });
    let rest = rest.split('/').next().unwrap_or_default();
    let (host, port) = match rest.strip_prefix('[') {
        Some(v6) => {
            let (host, after) = v6.split_once(']').ok_or("badListen")?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| "badListen")?;
            (host, after.strip_prefix(':').or((!after.is_empty()).then_some("x")))
        }
        None if rest.matches(':').count() > 1 => {
            rest.parse::<std::net::Ipv6Addr>().map_err(|_| "badListen")?;
            (rest, None)
        }
        None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if !host.chars().all(letters) || (host.is_empty() && port.is_none()) {
        return Err("badListen");
    }
    match port.map(str::parse::<u16>) {
        // Ollama would silently take its default port for one that it cannot read.
        Some(Err(_) | Ok(0)) => Err("badPort"),
        _ => Ok(()),
    }
}

fn devices(text: &str) -> Result<(), &'static str> {
    let good = |one: &str| {
        let one = one.trim();
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | ':');
        one == "-1" || (!one.is_empty() && !one.starts_with('-') && one.chars().all(letters))
    };
    if text.split(',').all(good) { Ok(()) } else { Err("badDevices") }
}

#[cfg(test)]
mod tests {
    use super::{Form, duration};

    #[test]
    fn durations_are_read_as_go_does() {
        for (text, nanoseconds) in [
            ("5m", Some(300_000_000_000)),
            ("1h30m", Some(5_400_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            (".5s", Some(500_000_000)),
            ("-1", Some(-1_000_000_000)),
            ("300", Some(300_000_000_000)),
            ("100ms", Some(100_000_000)),
            ("2µs", Some(2_000)),
            ("0", Some(0)),
            ("5 m", None),
            ("5d", None),
            ("", None),
            ("-", None),
            ("1.s.", None),
            (".s", None),
            ("m5", None),
            ("9999999999h", None),
        ] {
            assert_eq!(duration(text), nanoseconds, "{text}");
        }
    }

    #[test]
    fn values_are_checked_by_their_form() {
        let whole = Form::Integer { least: 1, most: 4 };
        for (form, text, wanted) in [
            (Form::Flag, "True", Ok("1")),
            (Form::Flag, "yes", Err("badFlag")),
            (Form::TriState, "f", Ok("0")),
            (Form::Bytes, "1 GiB", Ok("1073741824")),
            (Form::Bytes, "much", Err("badSize")),
            (whole, "4", Ok("4")),
            (whole, "0", Err("belowLeast")),
            (whole, "5", Err("aboveMost")),
            (whole, "2.5", Err("notWhole")),
            (Form::Origins, "http://a.test, app://*,*", Ok("http://a.test, app://*,*")),
            (Form::Origins, "http://a.test/x", Err("badOrigins")),
            (Form::Origins, "a,,b", Err("badOrigins")),
            (Form::Path, "models", Err("notAbsolute")),
            (Form::Path, r"D:\my models", Ok(r"D:\my models")),
            (Form::Path, "\"/srv\"", Err("quotedValue")),
            (Form::Choice(&["a"]), "b", Err("notAChoice")),
            (Form::Proxy, "http://me:pw@proxy:3128", Ok("http://me:pw@proxy:3128")),
            (Form::Proxy, "http://***@proxy:3128", Err("hiddenPassword")),
            (Form::Proxy, "proxy:3128", Err("badProxy")),
            (Form::Host, "0.0.0.0:11434", Ok("0.0.0.0:11434")),
            (Form::Host, "[::1]:8080", Ok("[::1]:8080")),
            (Form::Host, "::", Ok("::")),
            (Form::Host, ":8080", Ok(":8080")),
            (Form::Host, "http://0.0.0.0", Ok("http://0.0.0.0")),
            (Form::Host, "a b", Err("badListen")),
            (Form::Host, "host:99999", Err("badPort")),
            (Form::Host, "ftp://x", Err("badListen")),
            (Form::Devices, "0,GPU-8a1", Ok("0,GPU-8a1")),
            (Form::Devices, "0,,1", Err("badDevices")),
            (Form::Text, "a\nb", Err("controlCharacter")),
            (Form::Text, "  ", Err("empty")),
        ] {
            assert_eq!(form.read(text), wanted.map(str::to_owned), "{form:?} {text}");
        }
    }
}
