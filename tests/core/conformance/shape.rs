//! What two bodies must have in common: keys, types, order of lines, and some texts word by word.

use std::collections::BTreeSet;

use serde_json::Value;

/// Texts that must be equal, not only be texts.
const EXACT: [&str; 9] = [
    "error",
    "done_reason",
    "license",
    "template",
    "system",
    "capabilities",
    "format",
    "family",
    "owned_by",
];

/// Whether a body begins as JSON but does not end as such.
pub(super) fn is_cut(body: &str) -> bool {
    body.starts_with('{') && body.lines().all(|line| serde_json::from_str::<Value>(line).is_err())
}

pub(super) fn of_body(body: &str) -> String {
    let lines: Vec<Value> =
        body.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if lines.is_empty() {
        return body.trim_end().to_owned();
    }
    let mut shapes: Vec<String> = lines.iter().map(|line| of_value("", line)).collect();
    // How often progress is told depends on the speed; its place in the order does not.
    shapes.dedup();
    shapes.join("\n  ")
}

fn of_value(key: &str, value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(_) => "number".to_owned(),
        Value::String(text) if key == "modelfile" => modelfile(text),
        Value::String(text) if key == "parameters" => sorted_lines(text),
        Value::String(text) if key == "status" => without_long_digests(text),
        Value::String(text) if EXACT.contains(&key) => without_folder(text),
        Value::String(text) if key == "digest" => format!("digest of {}", text.len()),
        Value::String(text) if key.ends_with("_at") => format!("time{}", zone(text)),
        Value::String(_) => "text".to_owned(),
        Value::Array(list) => {
            let shapes: BTreeSet<String> = list.iter().map(|item| of_value(key, item)).collect();
            format!("[{}]", Vec::from_iter(shapes).join(" | "))
        }
        Value::Object(map) => {
            let fields = map.iter().map(|(key, value)| format!("{key}: {}", of_value(key, value)));
            let fields: BTreeSet<String> = fields.collect();
            format!("{{{}}}", Vec::from_iter(fields).join(", "))
        }
    }
}

fn zone(text: &str) -> &str {
    if text.ends_with('Z') { " in UTC" } else { " with an offset" }
}

/// A Modelfile without the path of the weights.
fn modelfile(text: &str) -> String {
    let lines = text.lines().map(|line| if line.starts_with("FROM ") { "FROM" } else { line });
    sorted_lines(&Vec::from_iter(lines).join("\n"))
}

fn sorted_lines(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join(" / ")
}

/// `sha256:<64 hex>` depends on file contents the recordings do not hold.
fn without_long_digests(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.strip_prefix("sha256:") {
        Some(hex) if hex.len() == 64 => "sha256:…",
        _ => word,
    });
    Vec::from_iter(words).join(" ")
}

/// The models folder is another one.
fn without_folder(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.split_once("sha256-") {
        Some((_, hex)) if word.contains("blobs") => format!("…/sha256-{hex}"),
        _ => word.to_owned(),
    });
    Vec::from_iter(words).join(" ")
}
