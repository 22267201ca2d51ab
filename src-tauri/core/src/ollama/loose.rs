//! JSON as it came, texts borrowed from the answer where they can be.
//!
//! A list of 10,000 models as `serde_json::Value` is an allocation per text and a sorted map
//! per entry; most of it is thrown away a moment later.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

/// What the tolerant reading of [`super::parse`] asks of a value.
pub(super) trait Json: Sized {
    fn get(&self, key: &str) -> Option<&Self>;
    fn as_str(&self) -> Option<&str>;
    fn as_u64(&self) -> Option<u64>;
    fn as_f64(&self) -> Option<f64>;
    fn as_items(&self) -> Option<&[Self]>;
}

impl Json for Value {
    fn get(&self, key: &str) -> Option<&Value> {
        Value::get(self, key)
    }

    fn as_str(&self) -> Option<&str> {
        Value::as_str(self)
    }

    fn as_u64(&self) -> Option<u64> {
        Value::as_u64(self)
    }

    fn as_f64(&self) -> Option<f64> {
        Value::as_f64(self)
    }

    fn as_items(&self) -> Option<&[Value]> {
        self.as_array().map(Vec::as_slice)
    }
}

/// A value of an answer that is read once.
#[derive(Debug, PartialEq)]
pub(super) enum Loose<'a> {
    /// `null`, `true` and `false`: nothing that is asked for.
    Other,
    Text(Cow<'a, str>),
    Whole(u64),
    /// Every other number.
    Real(f64),
    Items(Vec<Loose<'a>>),
    /// In the order of the answer.
    Fields(Vec<(Cow<'a, str>, Loose<'a>)>),
}

impl<'a> Json for Loose<'a> {
    fn get(&self, key: &str) -> Option<&Loose<'a>> {
        let Loose::Fields(fields) = self else { return None };
        // The last of two wins, as with `Value`.
        fields.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    fn as_str(&self) -> Option<&str> {
        let Loose::Text(text) = self else { return None };
        Some(text)
    }

    fn as_u64(&self) -> Option<u64> {
        let Loose::Whole(number) = self else { return None };
        Some(*number)
    }

    fn as_f64(&self) -> Option<f64> {
        match self {
            Loose::Whole(number) => Some(*number as f64),
            Loose::Real(number) => Some(*number),
            _ => None,
        }
    }

    fn as_items(&self) -> Option<&[Loose<'a>]> {
        let Loose::Items(items) = self else { return None };
        Some(items)
    }
}

impl<'de> Deserialize<'de> for Loose<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Loose<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Loose<'de>, E> {
        Ok(Loose::Other)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Loose<'de>, E> {
        Ok(Loose::Other)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Loose<'de>, E> {
        Ok(Loose::Whole(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Loose<'de>, E> {
        Ok(u64::try_from(number).map_or(Loose::Real(number as f64), Loose::Whole))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Loose<'de>, E> {
        Ok(Loose::Real(number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Loose<'de>, E> {
        Ok(Loose::Text(Cow::Borrowed(text)))
    }

    /// One with escapes, which is not in the answer as it stands.
    fn visit_str<E: Error>(self, text: &str) -> Result<Loose<'de>, E> {
        Ok(Loose::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Loose<'de>, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Loose::Items(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Loose<'de>, A::Error> {
        // As many as Ollama writes about a model.
        let mut all = Vec::with_capacity(8);
        while let Some((key, value)) = fields.next_entry::<Loose<'de>, Loose<'de>>()? {
            // Keys are texts in every JSON.
            if let Loose::Text(key) = key {
                all.push((key, value));
            }
        }
        Ok(Loose::Fields(all))
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{Json, Loose};

    #[test]
    fn texts_are_borrowed_unless_they_are_escaped() {
        let value: Loose<'_> =
            serde_json::from_str(r#"{"a": "plain", "\u0062": "li\nne"}"#).expect("JSON");
        let Loose::Fields(fields) = &value else { panic!("an object") };
        assert!(matches!(fields[0].1, Loose::Text(Cow::Borrowed("plain"))));
        assert_eq!(value.get("b").and_then(Json::as_str), Some("li\nne"));
    }

    #[test]
    fn answers_as_a_value_does() {
        let text = r#"{"n": -3, "u": 7, "f": 1.5e9, "t": true, "z": null, "a": [1, "x"], "u": 8}"#;
        let loose: Loose<'_> = serde_json::from_str(text).expect("JSON");
        let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        for key in ["n", "u", "f", "t", "z", "a", "missing"] {
            let (left, right) = (loose.get(key), Json::get(&value, key));
            assert_eq!(left.is_some(), right.is_some(), "{key}");
            assert_eq!(left.and_then(Json::as_u64), right.and_then(Json::as_u64), "{key}");
            assert_eq!(left.and_then(Json::as_f64), right.and_then(Json::as_f64), "{key}");
            let count = |items: Option<usize>| items.unwrap_or(0);
            assert_eq!(
                count(left.and_then(Json::as_items).map(<[_]>::len)),
                count(right.and_then(Json::as_items).map(<[_]>::len)),
                "{key}"
            );
        }
        assert_eq!(loose.get("n").and_then(Json::as_f64), Some(-3.0));
    }
}
