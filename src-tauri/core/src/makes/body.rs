//! What the server is asked for.

use std::collections::BTreeMap;

use corral_contract::modelfile::{Modelfile, parameter};
use serde_json::{Map, Value, json};

use super::plan::Plan;

/// Files by the name that the server sees, with their digests.
pub(super) type Sums = BTreeMap<String, String>;

/// The body of `/api/create`.
pub(super) fn body(plan: &Plan, weights: &Sums, adapters: &Sums) -> Value {
    let file = &plan.file;
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| drop(body.insert(key.to_owned(), value));
    put("model", json!(plan.name.display()));
    put("stream", json!(true));
    match &plan.from {
        Some(from) => put("from", json!(from)),
        None => put("files", json!(weights)),
    }
    if !adapters.is_empty() {
        put("adapters", json!(adapters));
    }
    let texts = [
        ("template", &file.template),
        ("system", &file.system),
        ("renderer", &file.renderer),
        ("parser", &file.parser),
        ("requires", &file.requires),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            put(key, json!(value));
        }
    }
    if !file.licenses.is_empty() {
        put("license", json!(file.licenses));
    }
    let parameters = parameters(file);
    if !parameters.is_empty() {
        put("parameters", Value::Object(parameters));
    }
    if !file.messages.is_empty() {
        let message = |(role, text): &(String, String)| json!({ "role": role, "content": text });
        put("messages", file.messages.iter().map(message).collect());
    }
    if let Some(form) = plan.quantize {
        put("quantize", json!(form.as_str()));
    }
    Value::Object(body)
}

/// Each of its own kind; what the server ignores is left out.
fn parameters(file: &Modelfile) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, text) in &file.parameters {
        let Some(known) = parameter(name).filter(|known| !known.obsolete) else { continue };
        let Some(value) = known.read(text) else { continue };
        if name == "stop" {
            let list = all.entry(name.clone()).or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.push(value);
            }
        } else {
            all.insert(name.clone(), value);
        }
    }
    all
}
