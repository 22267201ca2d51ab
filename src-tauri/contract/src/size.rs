//! Sizes: what people write and what they read. Decimal units in print, as `ollama list` does.

/// Why a text is not a size; `as_str` is a key under `reason.`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeError {
    Empty,
    NotANumber,
    Negative,
    UnknownUnit,
    TooLarge,
}

impl SizeError {
    /// The key of its text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SizeError::Empty => "sizeEmpty",
            SizeError::NotANumber => "sizeNotANumber",
            SizeError::Negative => "sizeNegative",
            SizeError::UnknownUnit => "sizeUnknownUnit",
            SizeError::TooLarge => "sizeTooLarge",
        }
    }
}

/// Largest size that is taken: 2^53 bytes, exact in JSON for every reader.
pub const MAX_BYTES: u64 = 1 << 53;

/// Bytes of `4GB`, `4.5 gb`, `500MiB`, `1k` or `123`. Plain digits are bytes.
///
/// # Errors
/// Names what is wrong with the text; exponents (`1e9`) are not numbers here.
pub fn parse(text: &str) -> Result<u64, SizeError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(SizeError::Empty);
    }
    if text.starts_with('-') {
        return Err(SizeError::Negative);
    }
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if number.is_empty() {
        return Err(SizeError::NotANumber);
    }
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1_u64,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(SizeError::UnknownUnit),
    };
    let value: f64 = number.parse().map_err(|_| SizeError::NotANumber)?;
    let bytes = value * factor as f64;
    if bytes > MAX_BYTES as f64 {
        return Err(SizeError::TooLarge);
    }
    Ok(bytes.round() as u64)
}

/// `2.0 GB`, `274 MB`, `556 B`: one decimal below ten of a unit, whole above.
#[must_use]
pub fn format(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] =
        [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    for (unit, factor) in UNITS {
        // Rounding up may reach the next unit: 999.96 MB is 1.0 GB.
        if bytes as f64 >= factor as f64 * 0.9995 {
            let value = bytes as f64 / factor as f64;
            return if value < 99.95 && (unit == "GB" || unit == "TB") || value < 9.95 {
                format!("{value:.1} {unit}")
            } else {
                format!("{value:.0} {unit}")
            };
        }
    }
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, bytes) in [
            ("4GB", 4_000_000_000),
            ("4.5 gb", 4_500_000_000),
            ("500MiB", 524_288_000),
            (" 12 ", 12),
            ("1k", 1_000),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn refuses_with_the_reason() {
        for (text, reason) in [
            ("", SizeError::Empty),
            ("-1", SizeError::Negative),
            ("1e99", SizeError::UnknownUnit),
            ("4 XB", SizeError::UnknownUnit),
            ("GB", SizeError::NotANumber),
            ("1.2.3 GB", SizeError::NotANumber),
            ("99999999 TB", SizeError::TooLarge),
        ] {
            assert_eq!(parse(text), Err(reason), "{text}");
        }
    }

    #[test]
    fn prints_decimal_units() {
        for (bytes, text) in [
            (0, "0 B"),
            (556, "556 B"),
            (1_100, "1.1 kB"),
            (274_000_000, "274 MB"),
            (999_960_000, "1.0 GB"),
            (2_019_393_189, "2.0 GB"),
            (42_500_000_000, "42.5 GB"),
            (168_000_000_000, "168 GB"),
        ] {
            assert_eq!(format(bytes), text);
        }
    }
}
