//! Repositories of GGUF files on hf.co, and the quantisations that each has.

use std::{collections::BTreeMap, time::Duration};

use corral_contract::{
    ErrorCode, Timestamp, WireError,
    catalogue::{HubAnswer, HubModel, SearchHub, call},
    name::ModelName,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store;
use crate::{Core, Result, router::Handle};

/// How long hf.co may take to answer.
const LIMIT: Duration = Duration::from_secs(15);
/// How long an answer counts as new, in ms.
const SEARCH_FRESH: i64 = 3600 * 1000;
const FILES_FRESH: i64 = 24 * 3600 * 1000;
/// Repositories that a search brings.
const MOST: &str = "20";
/// Shortest and longest search, in characters.
const LENGTH: std::ops::RangeInclusive<usize> = 2..=100;

/// Files of one quantisation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Quant {
    pub(super) name: String,
    pub(super) bytes: Option<u64>,
    /// Cut into several files.
    pub(super) split: bool,
}

/// What is known about something outside: as new as it could be had.
pub(super) struct Known<T> {
    pub(super) value: T,
    pub(super) at: Option<Timestamp>,
    pub(super) problem: Option<WireError>,
}

impl Handle<call::Hub> for Core {
    async fn handle(&self, SearchHub { text }: SearchHub) -> Result<HubAnswer> {
        let text = text.trim().to_lowercase();
        if !LENGTH.contains(&text.chars().count()) {
            let wrong = WireError::field("name", "outOfRange");
            return Err(wrong.with("min", LENGTH.start()).with("max", LENGTH.end()));
        }
        let query =
            [("search", text.as_str()), ("filter", "gguf"), ("sort", "downloads"), ("limit", MOST)];
        let found = known(self, &format!("search:{text}"), SEARCH_FRESH, async || {
            Ok(found(&ask(self, "models", &query).await?))
        })
        .await?;
        Ok(HubAnswer { items: found.value, at: found.at, problem: found.problem })
    }
}

/// The quantisations of a repository; empty when they were never known.
///
/// # Errors
/// Database errors.
pub(super) async fn quants(core: &Core, name: &ModelName) -> Result<Known<Vec<Quant>>> {
    let path = format!("models/{}/{}", name.namespace, name.model);
    known(core, &format!("files:{}", path.to_lowercase()), FILES_FRESH, async || {
        let answer = ask(core, &path, &[("blobs", "true")]).await?;
        let files = answer.get("siblings").and_then(Value::as_array);
        let files = files.ok_or_else(|| WireError::new(ErrorCode::BadAnswer).detail("no files"))?;
        Ok(by_quant(files))
    })
    .await
}

/// Asks unless what is kept is new enough; without an answer what is kept has to do.
async fn known<T: Default + Serialize + serde::de::DeserializeOwned>(
    core: &Core,
    question: &str,
    fresh: i64,
    ask: impl AsyncFnOnce() -> Result<T>,
) -> Result<Known<T>> {
    let kept = store::answer(core, question).await?;
    let kept = kept.and_then(|(text, at)| Some((serde_json::from_str(&text).ok()?, at)));
    match kept {
        // A clock that was set back makes everything new; such an answer is asked for again.
        Some((value, at)) if (0..fresh).contains(&core.now().since(at)) => {
            Ok(Known { value, at: Some(at), problem: None })
        }
        kept => match ask().await {
            Ok(value) => {
                store::keep_answer(core, question, &crate::db::json(&value)).await?;
                Ok(Known { value, at: Some(core.now()), problem: None })
            }
            Err(problem) => {
                let (value, at) = kept.map_or((T::default(), None), |(it, at)| (it, Some(at)));
                Ok(Known { value, at, problem: Some(problem) })
            }
        },
    }
}

async fn ask(core: &Core, path: &str, query: &[(&str, &str)]) -> Result<Value> {
    let unreachable = || {
        let error = WireError::new(ErrorCode::RegistryUnreachable).with("host", "hf.co");
        error.with("why", ErrorCode::TimedOut.as_str())
    };
    let answer = tokio::time::timeout(LIMIT, core.registries.hub(path, query)).await;
    let bytes = answer.map_err(|_| unreachable())??;
    serde_json::from_slice(&bytes)
        .map_err(|error| WireError::new(ErrorCode::BadAnswer).detail(error.to_string()))
}

/// Entries without a usable name are left out.
fn found(answer: &Value) -> Vec<HubModel> {
    let entry = |each: &Value| {
        let id = each.get("id").or(each.get("modelId"))?.as_str()?;
        let name = ModelName::parse(&format!("hf.co/{id}")).ok()?;
        Some(HubModel {
            name: without_tag(&name),
            downloads: each.get("downloads").and_then(Value::as_u64),
            likes: each.get("likes").and_then(Value::as_u64),
            gated: each
                .get("gated")
                .is_some_and(|it| !matches!(it, Value::Bool(false) | Value::Null)),
        })
    };
    answer.as_array().map(|all| all.iter().filter_map(entry).collect()).unwrap_or_default()
}

/// As Ollama displays it, without its tag.
pub(super) fn without_tag(name: &ModelName) -> String {
    let shown = name.display();
    shown.strip_suffix(&format!(":{}", name.tag)).unwrap_or(&shown).to_owned()
}

fn by_quant(files: &[Value]) -> Vec<Quant> {
    let mut all: BTreeMap<String, Quant> = BTreeMap::new();
    for file in files {
        let Some(path) = file.get("rfilename").or(file.get("path")).and_then(Value::as_str) else {
            continue;
        };
        let Some(stem) = path.to_ascii_lowercase().strip_suffix(".gguf").map(str::len) else {
            continue;
        };
        let stem = path.get(..stem).unwrap_or_default().rsplit('/').next().unwrap_or_default();
        if stem.to_ascii_lowercase().contains("mmproj") {
            continue;
        }
        let (stem, split) = whole_name(stem);
        let Some(name) = quantization(stem) else { continue };
        let bytes = file
            .get("size")
            .or_else(|| file.get("lfs").and_then(|lfs| lfs.get("size")))
            .and_then(Value::as_u64);
        let quant = all.entry(name.clone()).or_insert(Quant { name, bytes: Some(0), split });
        quant.bytes = quant.bytes.zip(bytes).map(|(sum, more)| sum.saturating_add(more));
        quant.split |= split;
    }
    let mut all: Vec<Quant> = all.into_values().collect();
    all.sort_by_key(|quant| quant.bytes.unwrap_or(u64::MAX));
    all
}

/// Without `-00001-of-00003`, and whether it had that.
fn whole_name(stem: &str) -> (&str, bool) {
    let digits = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let cut = || {
        let (before, count) = stem.rsplit_once("-of-")?;
        let (before, number) = before.rsplit_once('-')?;
        (digits(count) && digits(number)).then_some(before)
    };
    cut().map_or((stem, false), |before| (before, true))
}

/// `Llama-3.2-3B-Instruct-Q4_K_M` is `Q4_K_M`.
fn quantization(stem: &str) -> Option<String> {
    let last = stem.rsplit(['-', '.']).next()?.to_ascii_uppercase();
    let digit = |text: &str| text.starts_with(|char: char| char.is_ascii_digit());
    let known = last.strip_prefix("IQ").or(last.strip_prefix('Q')).is_some_and(digit)
        || last.strip_prefix("TQ").is_some_and(digit)
        || last.starts_with("MXFP4")
        || matches!(last.as_str(), "F16" | "BF16" | "F32" | "FP16" | "FP32");
    // What Unsloth calls dynamic is another file than the plain one.
    let dynamic = stem.to_ascii_uppercase().ends_with(&format!("-UD-{last}"));
    known.then(|| if dynamic { format!("UD-{last}") } else { last })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_of_a_repository_become_quantisations() {
        let files = json!([
            {"rfilename": "README.md", "size": 1},
            {"rfilename": "Herd-3B-Instruct-Q8_0.gguf", "size": 30},
            {"rfilename": "Herd-3B-Instruct-Q4_K_M.gguf", "lfs": {"size": 20}},
            {"rfilename": "herd.iq2_xs.gguf", "size": 10},
            {"rfilename": "big/Herd-BF16-00001-of-00002.gguf", "size": 40},
            {"rfilename": "big/Herd-BF16-00002-of-00002.gguf", "size": 41},
            {"rfilename": "Herd-UD-Q4_K_XL.gguf", "size": 21},
            {"rfilename": "mmproj-F16.gguf", "size": 5},
            {"rfilename": "Herd-mystery.gguf", "size": 5},
            {"size": 7}, 3
        ]);
        let quants = by_quant(files.as_array().expect("a list"));
        let told: Vec<_> = quants.iter().map(|it| (it.name.as_str(), it.bytes, it.split)).collect();
        assert_eq!(
            told,
            [
                ("IQ2_XS", Some(10), false),
                ("Q4_K_M", Some(20), false),
                ("UD-Q4_K_XL", Some(21), false),
                ("Q8_0", Some(30), false),
                ("BF16", Some(81), true),
            ]
        );
    }

    #[test]
    fn entries_that_are_none_are_left_out() {
        let answer = json!([
            {"id": "me/Herd-GGUF", "downloads": 5, "gated": "auto"},
            {"id": "no slash!"}, {"likes": 1}, 7, {"modelId": "you/Other", "gated": false}
        ]);
        let names: Vec<_> = found(&answer).into_iter().map(|it| (it.name, it.gated)).collect();
        let wanted = [("hf.co/me/Herd-GGUF", true), ("hf.co/you/Other", false)];
        assert_eq!(names, wanted.map(|(name, gated)| (name.to_owned(), gated)));
        assert_eq!(found(&json!({"error": "x"})), []);
    }
}
