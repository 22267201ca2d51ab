//! The answer of `/api/show` in parts.

use corral_contract::models::ShowInfo;
use serde_json::Value;

use super::{
    api::ShowAnswer,
    parse::{count, details, text, time, words},
};

/// Reads what is there; a missing part stays empty.
pub(super) fn show(raw: Value) -> ShowAnswer {
    let model = raw.get("model_info");
    let fact = |key: &str| model.and_then(|model| model.get(key));
    let architecture = text(fact("general.architecture"));
    let of_architecture =
        |key: &str| architecture.as_ref().and_then(|name| count(fact(&format!("{name}.{key}"))));
    let short = details(raw.get("details"));
    let detail = |key: &str| raw.get("details").and_then(|details| details.get(key));
    let modelfile = text(raw.get("modelfile"));
    let info = ShowInfo {
        format: short.format,
        family: short.family,
        families: words(detail("families")),
        parameter_size: short.parameter_size,
        quantization: short.quantization,
        parent_model: text(detail("parent_model")),
        parameter_count: count(fact("general.parameter_count")),
        context_length: of_architecture("context_length").or(short.context_length),
        embedding_length: of_architecture("embedding_length"),
        architecture,
        capabilities: words(raw.get("capabilities")),
        template: text(raw.get("template")),
        system: text(raw.get("system")),
        parameters: text(raw.get("parameters")).map(|text| parameters(&text)).unwrap_or_default(),
        license: text(raw.get("license")),
        modified_at: time(raw.get("modified_at")),
        requires: text(raw.get("requires")),
        remote_host: text(raw.get("remote_host")),
        remote_model: text(raw.get("remote_model")),
        modelfile: modelfile.clone(),
    };
    let from_path = modelfile.as_deref().and_then(from_path);
    ShowAnswer { raw, info, from_path }
}

/// `num_ctx                        4096` per line; texts are quoted as Go does.
fn parameters(text: &str) -> Vec<(String, String)> {
    let pair = |line: &str| {
        let (name, value) = line.trim().split_once(char::is_whitespace)?;
        Some((name.to_owned(), unquoted(value.trim())))
    };
    text.lines().filter_map(pair).collect()
}

fn unquoted(value: &str) -> String {
    // Go's quoting is JSON's for everything that occurs in practice; the rest stays readable.
    serde_json::from_str(value).unwrap_or_else(|_| value.trim_matches('"').to_owned())
}

/// The blob that the Modelfile is made from. A cloud model names none.
fn from_path(modelfile: &str) -> Option<String> {
    let path = modelfile.lines().find_map(|line| line.strip_prefix("FROM "))?.trim();
    let path = path.trim_matches('"');
    (path.contains("sha256-") && path.contains(['/', '\\'])).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{from_path, parameters, show};

    #[test]
    fn reads_every_part_of_an_answer() {
        let answer = show(json!({
            "modelfile": "# FROM x:latest\n\nFROM /var/models/blobs/sha256-ab\nTEMPLATE t\n",
            "parameters": "num_ctx                        4096\nstop                           \"<|end|>\"\nstop                           \"\\n\"",
            "details": {"format": "gguf", "family": "llama", "families": null,
                        "parameter_size": "1M", "quantization_level": "F16", "parent_model": ""},
            "model_info": {"general.architecture": "llama", "general.parameter_count": 122_048,
                           "llama.context_length": 2048, "llama.embedding_length": 64,
                           "tokenizer.ggml.tokens": null},
            "capabilities": ["completion"],
            "modified_at": "2026-11-23T11:49:11.952654125Z",
            "new_field": 1
        }));
        let info = &answer.info;
        assert_eq!(answer.from_path.as_deref(), Some("/var/models/blobs/sha256-ab"));
        assert_eq!(info.context_length, Some(2048));
        assert_eq!(info.embedding_length, Some(64));
        assert_eq!(info.parameter_count, Some(122_048));
        assert_eq!(info.parent_model, None);
        let named = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            info.parameters,
            [named("num_ctx", "4096"), named("stop", "<|end|>"), named("stop", "\n")]
        );
        assert_eq!(answer.raw["new_field"], 1, "unknown fields are kept");
    }

    #[test]
    fn an_answer_of_almost_nothing_is_an_answer() {
        let answer = show(json!({"details": null, "model_info": {}}));
        assert_eq!(answer.from_path, None);
        assert_eq!(answer.info.format, None);
    }

    #[test]
    fn tells_the_blob_on_every_system() {
        let windows = r"C:\Users\me\.ollama\models\blobs\sha256-ab";
        assert_eq!(from_path(&format!("FROM {windows}\r\n")).as_deref(), Some(windows));
        assert_eq!(from_path("FROM llama3.2:latest\n"), None);
    }

    #[test]
    fn odd_parameter_lines_do_no_harm() {
        assert_eq!(
            parameters("\n  lonely\nstop \"\\x00\""),
            [("stop".to_owned(), "\\x00".to_owned())]
        );
    }
}
