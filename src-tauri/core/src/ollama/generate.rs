//! The answers of models.

use corral_contract::{ErrorCode, WireError};
use reqwest::Response;
use serde_json::Value;

use super::{
    answer::{error_text, not_json},
    api::{AnswerLine, AnswerStream, Embedding},
    classify::classify,
    follow,
    parse::bytes,
};
use crate::Result;

/// Reads an answer while it is made; it is whole when a line said `done`.
pub(super) fn follow(response: Response) -> AnswerStream {
    follow::lines(response, read, |line| line.done)
}

fn read(line: &[u8]) -> Result<AnswerLine> {
    let value: Value =
        serde_json::from_slice(line).map_err(|error| not_json(line, false, &error))?;
    if let Some(text) = error_text(&value) {
        return Err(classify(200, text));
    }
    // As it is: spaces between words come with the words.
    let piece = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    Ok(AnswerLine {
        text: piece("response"),
        thinking: piece("thinking"),
        done: value["done"] == Value::Bool(true),
        load_duration: bytes(value.get("load_duration")),
        prompt_tokens: bytes(value.get("prompt_eval_count")),
        answer_tokens: bytes(value.get("eval_count")),
        answer_duration: bytes(value.get("eval_duration")),
    })
}

/// Reads the answer of `/api/embed`.
///
/// # Errors
/// `BAD_ANSWER` when there is no vector in it.
pub(super) fn embedding(answer: &Value) -> Result<Embedding> {
    let vector: Option<Vec<f32>> = answer["embeddings"][0]
        .as_array()
        .map(|numbers| numbers.iter().filter_map(Value::as_f64).map(|it| it as f32).collect());
    let vector = vector.filter(|vector| !vector.is_empty()).ok_or_else(|| {
        WireError::new(ErrorCode::BadAnswer).detail("there is no vector in the answer")
    })?;
    Ok(Embedding {
        vector,
        load_duration: bytes(answer.get("load_duration")),
        prompt_tokens: bytes(answer.get("prompt_eval_count")),
    })
}
