//! An error in words.

use corral_contract::{WireError, size};

use crate::words::Words;

/// The texts of an error in the language of the moment.
pub struct ProblemText {
    pub title: String,
    pub cause: String,
    pub advice: String,
}

/// Values that are bytes when they are whole numbers.
const BYTES: &[&str] = &["needed", "free", "missing", "limit", "bytes", "reserve"];

/// Says what went wrong, why, and what to do.
#[must_use]
pub fn describe(words: Words, problem: &WireError) -> ProblemText {
    let values: Vec<(&str, String)> = problem
        .params
        .iter()
        .map(|(key, value)| {
            let text = match key.as_str() {
                "reason" => words.get_or(&format!("reason.{value}"), value),
                "field" => words.get_or(&format!("field.{value}"), value),
                // The code of what lies under it.
                "why" => words.get_or(&format!("error.{value}.title"), value),
                key if BYTES.contains(&key) => {
                    value.parse().map_or_else(|_| value.clone(), size::format)
                }
                _ => value.clone(),
            };
            (key.as_str(), text)
        })
        .collect();
    let values: Vec<(&str, &str)> =
        values.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let text = |part: &str| words.fill(&format!("error.{}.{part}", problem.code.as_str()), &values);
    ProblemText { title: text("title"), cause: text("cause"), advice: text("advice") }
}

/// One line: the title alone.
#[must_use]
pub fn line(words: Words, problem: &WireError) -> String {
    describe(words, problem).title
}

/// One line that stands beside the name of its object and so leaves it out.
#[must_use]
pub fn reason(words: Words, problem: &WireError) -> String {
    let mut nameless = problem.clone();
    nameless.params.remove("name");
    let text = line(words, &nameless);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => text,
    }
}
