//! `/api/generate`, `/api/chat` and `/api/embed`: load, keep, unload, and some tokens.

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Value, json};

use super::fault::{StreamEnd, StreamFault};
use super::keep_alive::KeepAlive;
use super::name::Name;
use super::request::Fields;
use super::respond::{self, Lines, Refusal};
use super::scheduler::Scheduler;
use super::shared::Shared;
use super::store::Stored;
use crate::patience::lock;
use crate::wire::Cutter;

const CRASH: &str = "model runner has unexpectedly stopped, this may be due to resource \
                     limitations or an internal error, check ollama server logs for details";
const WORDS: [&str; 8] = ["A", " horse", " stands", " in", " the", " corral", " and", " waits"];
const INTEGERS: [&str; 9] = [
    "num_ctx",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "num_thread",
    "num_keep",
    "num_predict",
    "seed",
    "top_k",
];

/// Which of the two routes answers; they differ in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Generate,
    Chat,
}

impl Kind {
    fn verb(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Chat => "chat",
        }
    }

    fn piece(self, map: &mut Value, text: &str) {
        match self {
            Self::Generate => map["response"] = json!(text),
            Self::Chat => map["message"] = json!({"role": "assistant", "content": text}),
        }
    }
}

pub(crate) async fn generate(
    shared: &Arc<Shared>,
    cutter: &Cutter,
    fault: Option<StreamFault>,
    kind: Kind,
    fields: &Fields,
) -> Result<Response, Refusal> {
    let keep = fields.get("keep_alive").map(KeepAlive::read).transpose()?;
    let asked = fields.model()?;
    if kind == Kind::Chat && asked.is_empty() {
        return Err(Refusal::bad("model is required"));
    }
    let stream = fields.flag("stream")?.unwrap_or(true);
    let options = fields.object("options")?;
    let empty = match kind {
        Kind::Generate => fields.text("prompt")?.unwrap_or_default().is_empty(),
        Kind::Chat => fields.list("messages")?.is_empty(),
    };
    let stored = find(shared, &asked)
        .ok_or_else(|| Refusal::missing(format!("model '{asked}' not found")))?;
    let mut answer = json!({"model": asked, "created_at": shared.created_at(), "done": true});
    kind.piece(&mut answer, "");
    let weights = stored.model.weights.digest.clone();
    if empty && keep.is_some_and(KeepAlive::is_zero) {
        shared.scheduler.unload(shared, &weights);
        answer["done_reason"] = json!("unload");
        return Ok(respond::ok(&answer));
    }
    if !stored.model.can("completion") {
        let verb = kind.verb();
        return Err(Refusal::bad(format!("\"{asked}\" does not support {verb}")));
    }
    let context = check_options(&options)?;
    shared.scheduler.load(shared, &stored, context, keep).await?;
    if empty {
        if lock(&shared.knobs).version.has_done_reason() {
            answer["done_reason"] = json!("load");
        }
        return Ok(respond::ok(&answer));
    }
    let count = options.get("num_predict").and_then(Value::as_u64).unwrap_or(8);
    let run = Run { shared: Arc::clone(shared), kind, asked, weights, count, fault };
    if !stream {
        return run.whole().map(|value| respond::ok(&value));
    }
    if run.crashed() {
        return Err(Refusal::internal(CRASH));
    }
    let (lines, response) = Lines::stream();
    let cutter = cutter.clone();
    tokio::spawn(async move { run.stream(&lines, &cutter).await });
    Ok(response)
}

fn find(shared: &Shared, asked: &str) -> Option<Arc<Stored>> {
    lock(&shared.store).find(&Name::parse(asked)?)
}

/// The wished context; options of a wrong type are refused, unknown ones ignored.
fn check_options(options: &serde_json::Map<String, Value>) -> Result<Option<u64>, Refusal> {
    for (key, value) in options {
        if INTEGERS.contains(&key.as_str()) && !value.is_number() && !value.is_null() {
            let text = format!("option \"{key}\" must be of type integer");
            return Err(Refusal::internal(text));
        }
    }
    Ok(options.get("num_ctx").and_then(Value::as_u64))
}

struct Run {
    shared: Arc<Shared>,
    kind: Kind,
    asked: String,
    weights: String,
    count: u64,
    fault: Option<StreamFault>,
}

impl Run {
    fn crashed(&self) -> bool {
        let crashed = self.shared.scheduler.crashed(&self.weights);
        if crashed {
            self.shared.scheduler.forget(&self.weights);
            self.shared.changes.note();
        }
        crashed
    }

    fn line(&self, text: &str) -> Value {
        let mut line = json!({
            "model": self.asked,
            "created_at": self.shared.created_at(),
            "done": false,
        });
        self.kind.piece(&mut line, text);
        line
    }

    fn last(&self, text: &str) -> Value {
        let mut line = self.line(text);
        line["done"] = json!(true);
        line["done_reason"] = json!("length");
        if self.kind == Kind::Generate {
            line["context"] = json!([259, 242, 194, 192, 64]);
        }
        line["total_duration"] = json!(10_336_102);
        line["load_duration"] = json!(950_950);
        line["prompt_eval_count"] = json!(2);
        line["prompt_eval_duration"] = json!(2_962_000);
        line["eval_count"] = json!(self.count);
        line["eval_duration"] = json!(770_000);
        line
    }

    fn words(&self) -> impl Iterator<Item = &'static str> {
        WORDS.into_iter().cycle().take(usize::try_from(self.count).unwrap_or(usize::MAX))
    }

    fn whole(&self) -> Result<Value, Refusal> {
        if self.crashed() {
            return Err(Refusal::internal(CRASH));
        }
        let _using = Scheduler::using(&self.shared, &self.weights);
        Ok(self.last(&self.words().collect::<String>()))
    }

    async fn stream(&self, lines: &Lines, cutter: &Cutter) {
        let _using = Scheduler::using(&self.shared, &self.weights);
        let trip = self.fault.as_ref().map(|fault| (self.count as f64 * fault.at) as usize);
        for (index, word) in self.words().enumerate() {
            if trip == Some(index) {
                match self.fault.as_ref().map(|fault| &fault.kind) {
                    Some(StreamEnd::Error(text)) => {
                        let _ = lines.line(&json!({ "error": text })).await;
                    }
                    Some(StreamEnd::Close) => {
                        lines.drained().await;
                        cutter.close();
                    }
                    Some(StreamEnd::Early) | None => {}
                }
                return;
            }
            tokio::select! {
                () = self.shared.scheduler.next_word() => {}
                () = lines.closed() => return,
            }
            if self.crashed() {
                // Whether anybody still reads the last word makes no difference.
                let _ = lines.line(&json!({ "error": CRASH })).await;
                return;
            }
            if lines.line(&self.line(word)).await.is_err() {
                return;
            }
        }
        let _ = lines.line(&self.last("")).await;
    }
}

pub(crate) async fn embed(shared: &Arc<Shared>, fields: &Fields) -> Result<Response, Refusal> {
    let keep = fields.get("keep_alive").map(KeepAlive::read).transpose()?;
    let asked = fields.model()?;
    let inputs = match fields.get("input") {
        None => 0,
        Some(Value::String(text)) => usize::from(!text.is_empty()),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => list.len(),
        Some(_) => return Err(Refusal::bad("invalid input type")),
    };
    let stored = find(shared, &asked).ok_or_else(|| {
        Refusal::missing(format!("model \"{asked}\" not found, try pulling it first"))
    })?;
    if inputs == 0 && keep.is_some_and(KeepAlive::is_zero) {
        shared.scheduler.unload(shared, &stored.model.weights.digest);
        return Ok(respond::ok(&json!({"model": asked, "embeddings": []})));
    }
    let context = check_options(&fields.object("options")?)?;
    shared.scheduler.load(shared, &stored, context, keep).await?;
    if inputs > 0 && !stored.model.can("embedding") {
        return Err(Refusal::new(
            axum::http::StatusCode::NOT_IMPLEMENTED,
            "This server does not support embeddings. Start it with `--embeddings`",
        ));
    }
    let length = usize::try_from(stored.model.embedding_length).unwrap_or(1).max(1);
    let vector = vec![1.0 / (length as f64).sqrt(); length];
    Ok(respond::ok(&json!({
        "model": asked,
        "embeddings": vec![vector; inputs],
        "total_duration": 14_143_917,
        "load_duration": 1_019_500,
        "prompt_eval_count": inputs * 8,
    })))
}
