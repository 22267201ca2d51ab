//! Request bodies, refused with the words of Go's JSON decoder.

use axum::body::Bytes;
use serde_json::{Map, Value};

use super::respond::Refusal;

/// A decoded JSON object and the name of the Go struct it would fill, for error texts.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    structure: &'static str,
    map: Map<String, Value>,
}

impl Fields {
    pub(crate) fn decode(structure: &'static str, body: &Bytes) -> Result<Self, Refusal> {
        if body.is_empty() {
            return Err(Refusal::bad("missing request body"));
        }
        // The Go decoder reads the first value and leaves the rest alone.
        let mut values = serde_json::Deserializer::from_slice(body).into_iter::<Value>();
        match values.next() {
            None => Err(Refusal::bad("missing request body")),
            Some(Ok(Value::Object(map))) => Ok(Self { structure, map }),
            Some(Ok(Value::Null)) => Ok(Self { structure, map: Map::new() }),
            Some(Ok(other)) => Err(Refusal::bad(format!(
                "json: cannot unmarshal {} into Go value of type api.{structure}",
                go_kind(&other)
            ))),
            Some(Err(error)) if error.is_eof() => Err(Refusal::bad("unexpected EOF")),
            Some(Err(error)) => {
                let at = offset(body, error.line(), error.column());
                let found = body.get(at).map_or(' ', |byte| char::from(*byte));
                Err(Refusal::bad(format!(
                    "invalid character '{found}' looking for beginning of value"
                )))
            }
        }
    }

    pub(crate) fn get(&self, field: &str) -> Option<&Value> {
        self.map.get(field).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, field: &str) -> Result<Option<&str>, Refusal> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.mismatch(field, other, "string")),
        }
    }

    pub(crate) fn flag(&self, field: &str) -> Result<Option<bool>, Refusal> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.mismatch(field, other, "bool")),
        }
    }

    pub(crate) fn object(&self, field: &str) -> Result<Map<String, Value>, Refusal> {
        match self.get(field) {
            None => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map.clone()),
            Some(other) => Err(self.mismatch(field, other, "map[string]interface {}")),
        }
    }

    pub(crate) fn list(&self, field: &str) -> Result<&[Value], Refusal> {
        match self.get(field) {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err(self.mismatch(field, other, "[]interface {}")),
        }
    }

    /// `model`, or the older `name`; empty when neither is given.
    pub(crate) fn model(&self) -> Result<String, Refusal> {
        let model = self.text("model")?.filter(|text| !text.is_empty());
        Ok(model.or(self.text("name")?).unwrap_or_default().to_owned())
    }

    fn mismatch(&self, field: &str, found: &Value, wanted: &str) -> Refusal {
        Refusal::bad(format!(
            "json: cannot unmarshal {} into Go struct field {}.{field} of type {wanted}",
            go_kind(found),
            self.structure
        ))
    }
}

fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn offset(body: &[u8], line: usize, column: usize) -> usize {
    let before: usize =
        body.split(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(|l| l.len() + 1).sum();
    before + column.saturating_sub(1)
}
