//! The list of installed models, read in one pass: an entry is a [`TagsModel`] before the next one
//! is looked at, so that the whole list never lies around as JSON.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{
    answer::{self, Success},
    api::TagsModel,
    classify::classify,
    loose::Loose,
    parse,
};
use crate::Result;

/// The models of a successful answer, in its order. An old server says `null` for an empty list.
///
/// # Errors
/// What came is no JSON, or is the text of an error, or has no such list (`BAD_ANSWER`).
pub(super) fn read(answer: &Success) -> Result<Vec<TagsModel>> {
    let list: List = answer.read()?;
    match list {
        List { error: Some(text), .. } => Err(classify(answer.status.as_u16(), &text)),
        List { models: Some(models), .. } => Ok(models),
        List { models: None, .. } => Err(parse::no_list()),
    }
}

/// The whole answer; empty when it is no object.
#[derive(Debug, Default)]
struct List {
    models: Option<Vec<TagsModel>>,
    error: Option<String>,
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Whole)
    }
}

/// The value of `models`; `None` when it is no list.
struct Models(Option<Vec<TagsModel>>);

impl<'de> Deserialize<'de> for Models {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Entries)
    }
}

/// The values that are neither a list nor an object, all the same to both visitors.
macro_rules! nothing_of {
    ($($visit:ident($kind:ty)),+) => {
        $(fn $visit<E: Error>(self, _: $kind) -> std::result::Result<Self::Value, E> {
            Ok(Self::NOTHING)
        })+
    };
}

struct Whole;

impl Whole {
    const NOTHING: List = List { models: None, error: None };
}

impl<'de> Visitor<'de> for Whole {
    type Value = List;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    nothing_of!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str));

    fn visit_unit<E: Error>(self) -> std::result::Result<List, E> {
        Ok(Self::NOTHING)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<List, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::NOTHING)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> std::result::Result<List, A::Error> {
        let mut list = Self::NOTHING;
        while let Some(key) = fields.next_key::<Loose<'de>>()? {
            match &key {
                Loose::Text(key) if key == "models" => {
                    list.models = fields.next_value::<Models>()?.0;
                }
                Loose::Text(key) if key == "error" => {
                    let error = fields.next_value::<Loose<'de>>()?;
                    list.error = answer::text_of(&error).map(str::to_owned);
                }
                _ => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(list)
    }
}

struct Entries;

impl Entries {
    const NOTHING: Models = Models(None);
}

impl<'de> Visitor<'de> for Entries {
    type Value = Models;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of models")
    }

    nothing_of!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str));

    fn visit_unit<E: Error>(self) -> std::result::Result<Models, E> {
        Ok(Models(Some(Vec::new())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Models, A::Error> {
        let mut models = Vec::new();
        while let Some(item) = items.next_element::<Loose<'de>>()? {
            models.extend(parse::installed(&item));
        }
        Ok(Models(Some(models)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> std::result::Result<Models, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::NOTHING)
    }
}

#[cfg(test)]
mod tests {
    use corral_contract::ErrorCode;
    use reqwest::StatusCode;

    use super::*;

    fn of(text: &str) -> Result<Vec<TagsModel>> {
        let bytes = text.as_bytes().to_vec();
        read(&Success { status: StatusCode::OK, html: false, bytes })
    }

    #[test]
    fn entries_without_a_name_are_left_out_and_the_order_stays() {
        let models = of(
            r#"{"new": [1, {"x": null}], "models": [{"name": "b:1", "size": 5, "details": null},
                7, "text", [], {"size": 1}, {"model": "a:1", "capabilities": ["tools", 3]}]}"#,
        )
        .expect("a list");
        let names: Vec<_> = models.iter().map(|model| model.name.as_str()).collect();
        assert_eq!(names, ["b:1", "a:1"]);
        assert_eq!((models[0].size, models[1].capabilities.len()), (Some(5), 1));
    }

    #[test]
    fn null_is_an_empty_list_and_anything_else_none() {
        assert_eq!(of(r#"{"models": null}"#), Ok(Vec::new()));
        for text in [
            r#"{"items": []}"#,
            r#"{"models": {"a": 1}}"#,
            r#"{"models": "x"}"#,
            r#"{"models": 1}"#,
            "[]",
            "7",
            "null",
        ] {
            assert_eq!(of(text).expect_err(text).code, ErrorCode::BadAnswer, "{text}");
        }
        assert_eq!(of("<html>").expect_err("a page").code, ErrorCode::NotOllama);
        assert_eq!(of(r#"{"models": ["#).expect_err("cut").code, ErrorCode::BadAnswer);
    }

    #[test]
    fn an_error_in_a_good_answer_is_an_error() {
        for text in [r#"{"error": "boom"}"#, r#"{"error": {"message": "boom"}, "models": []}"#] {
            let error = of(text).expect_err(text);
            assert_eq!(error.detail.as_deref(), Some("boom"), "{error:?}");
        }
        assert_eq!(of(r#"{"error": null, "models": []}"#), Ok(Vec::new()));
    }
}
