//! Tolerant reading of what Ollama lists: nothing but a name is needed, and a value that cannot be
//! true counts as not told.

use chrono::DateTime;
use corral_contract::{ErrorCode, Timestamp, WireError};
use serde_json::Value;

use super::{
    api::{LoadedModel, ModelDetails, TagsModel},
    loose::Json,
};
use crate::Result;

/// Largest number of bytes that is believed: above it, JavaScript cannot count exactly.
const MOST_BYTES: u64 = (1 << 53) - 1;
/// 2200-01-01: a model kept "for ever" is said to expire about 292 years from now.
const FOR_EVER: i64 = 7_258_118_400_000;

/// The entries of `models`. An old server says `null` for an empty list.
///
/// # Errors
/// `BAD_ANSWER` when there is no such field.
pub(super) fn list(value: &Value) -> Result<&[Value]> {
    match value.get("models") {
        Some(Value::Array(items)) => Ok(items),
        Some(Value::Null) => Ok(&[]),
        _ => Err(no_list()),
    }
}

pub(super) fn no_list() -> WireError {
    WireError::new(ErrorCode::BadAnswer).detail("no list of models in the answer")
}

/// An entry of the list of installed models; `None` without a name.
pub(super) fn installed(item: &impl Json) -> Option<TagsModel> {
    Some(TagsModel {
        name: name(item)?,
        modified_at: time(item.get("modified_at")),
        size: bytes(item.get("size")),
        digest: digest(item.get("digest")),
        details: details(item.get("details")),
        capabilities: words(item.get("capabilities")),
        remote_host: text(item.get("remote_host")),
    })
}

/// An entry of the list of loaded models; `None` without a name.
pub(super) fn loaded(item: &Value) -> Option<LoadedModel> {
    Some(LoadedModel {
        name: name(item)?,
        digest: digest(item.get("digest")),
        size: bytes(item.get("size")).unwrap_or(0),
        size_vram: bytes(item.get("size_vram")).unwrap_or(0),
        expires_at: time(item.get("expires_at")).filter(|at| at.0 < FOR_EVER),
        context_length: count(item.get("context_length")),
    })
}

fn name(item: &impl Json) -> Option<String> {
    text(item.get("name")).or_else(|| text(item.get("model")))
}

pub(super) fn details(value: Option<&impl Json>) -> ModelDetails {
    let part = |key: &str| value.and_then(|value| value.get(key));
    ModelDetails {
        format: text(part("format")),
        family: text(part("family")),
        parameter_size: text(part("parameter_size")),
        quantization: text(part("quantization_level")),
        context_length: count(part("context_length")),
    }
}

/// A text that says something.
pub(super) fn text(value: Option<&impl Json>) -> Option<String> {
    value.and_then(Json::as_str).filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

pub(super) fn words(value: Option<&impl Json>) -> Vec<String> {
    let items = value.and_then(Json::as_items).unwrap_or_default();
    items.iter().filter_map(|item| text(Some(item))).collect()
}

/// A whole number of bytes; negative, broken and absurd ones count as unknown.
pub(super) fn bytes(value: Option<&impl Json>) -> Option<u64> {
    let value = value?;
    let number = value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        // Some proxies rewrite numbers as 1.5e9. In this range the conversion is exact.
        (number >= 0.0 && number.fract() == 0.0 && number <= MOST_BYTES as f64)
            .then_some(number as u64)
    })?;
    (number <= MOST_BYTES).then_some(number)
}

/// As [`bytes()`], where zero means "not told".
pub(super) fn count(value: Option<&impl Json>) -> Option<u64> {
    bytes(value).filter(|number| *number > 0)
}

/// RFC 3339 with any offset; Go's zero time and everything before 1970 mean "not told".
pub(super) fn time(value: Option<&impl Json>) -> Option<Timestamp> {
    let time = DateTime::parse_from_rfc3339(value?.as_str()?.trim()).ok()?;
    Some(time.timestamp_millis()).filter(|at| *at > 0).map(Timestamp)
}

/// 64 hex digits in lower case, without `sha256:`.
pub(super) fn digest(value: Option<&impl Json>) -> Option<String> {
    let text = value?.as_str()?.trim();
    let hex = match text.split_at_checked(7) {
        Some((kind, hex))
            if ["sha256:", "sha256-"].iter().any(|k| kind.eq_ignore_ascii_case(k)) =>
        {
            hex
        }
        _ => text,
    };
    let good = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    good.then(|| hex.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use corral_contract::Timestamp;
    use serde_json::{Value, json};

    use super::{bytes, digest, installed, list, loaded, time};

    #[test]
    fn believes_only_sizes_that_can_be_true() {
        for (value, size) in [
            (json!(0), Some(0)),
            (json!(2_019_393_189_u64), Some(2_019_393_189)),
            (json!(1.5e9), Some(1_500_000_000)),
            (json!(-1), None),
            (json!(1e99), None),
            (json!(u64::MAX), None),
            (json!(0.5), None),
            (json!("4 GB"), None),
            (Value::Null, None),
        ] {
            assert_eq!(bytes(Some(&value)), size, "{value}");
        }
    }

    #[test]
    fn reads_times_as_go_writes_them() {
        for (text, at) in [
            ("2026-08-21T18:48:22.123456789+02:00", Some(1_787_330_902_123)),
            ("2026-08-21T16:48:22Z", Some(1_787_330_902_000)),
            ("2026-08-21T09:48:22.1-07:00", Some(1_787_330_902_100)),
            ("0001-01-01T00:00:00Z", None),
            ("yesterday", None),
        ] {
            assert_eq!(time(Some(&json!(text))), at.map(Timestamp), "{text}");
        }
    }

    #[test]
    fn a_model_kept_for_ever_has_no_end() {
        let item = json!({"name": "m:latest", "expires_at": "2319-03-05T11:36:27.216429617Z"});
        assert_eq!(loaded(&item).expect("a name").expires_at, None);
    }

    #[test]
    fn digests_are_lower_case_and_bare() {
        let hex = "ABCDEF0123456789".repeat(4);
        for text in [hex.clone(), format!("sha256:{hex}"), format!("SHA256-{hex}")] {
            assert_eq!(digest(Some(&json!(text))), Some(hex.to_ascii_lowercase()), "{text}");
        }
        assert_eq!(digest(Some(&json!("sha256:12"))), None);
    }

    #[test]
    fn only_a_name_is_needed() {
        let bare = installed(&json!({"model": "a:latest", "details": null, "new": {"x": [1]}}));
        assert_eq!(bare.expect("a name").name, "a:latest");
        assert_eq!(installed(&json!({"size": 1})), None);
        assert_eq!(installed(&json!("text")), None);
        assert_eq!(list(&json!({"models": null})).map(<[Value]>::len), Ok(0));
        assert!(list(&json!({"items": []})).is_err());
    }
}
