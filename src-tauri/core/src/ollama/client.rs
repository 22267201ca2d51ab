//! The client of a real server.

use std::{
    io::SeekFrom,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use corral_contract::{ErrorCode, WireError, models::StartOptions};
use futures_util::TryStreamExt;
use reqwest::{Body, Client, Method, RequestBuilder, Response, StatusCode, header};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;
use url::Url;

use super::{
    answer,
    api::{
        AnswerStream, BlobPart, Embedding, EmbeddingModel, LoadedModel, OllamaApi, PullStream,
        ShowAnswer, TagsAnswer,
    },
    generate, parse, pull,
    show::show,
    tags,
};
use crate::{Result, digest::hex, http};

/// Bytes of an upload that are read at once.
const UPLOAD_PIECE: usize = 256 * 1024;
/// How long a short question may take altogether. Loads and pulls take as long as they take.
const SHORT_LIMIT: Duration = Duration::from_secs(30);

/// One server, reached over HTTP.
#[derive(Debug, Clone)]
pub struct HttpOllama {
    client: Client,
    base: Url,
    short: Duration,
}

impl HttpOllama {
    /// A client of the server at `url`; paths are added to the one it has. `headers` are sent with
    /// every request, `custom_ca` is PEM text. Reaches out only when asked something.
    ///
    /// # Errors
    /// `INVALID_INPUT` for a bad header or certificate.
    pub fn new(url: &Url, headers: &[(String, String)], custom_ca: Option<&str>) -> Result<Self> {
        let client = http::for_server(url, headers, custom_ca)?;
        Ok(HttpOllama { client, base: url.clone(), short: SHORT_LIMIT })
    }

    /// With another limit for short questions; loads and pulls stay without one.
    #[must_use]
    pub fn short_limit(self, short: Duration) -> Self {
        HttpOllama { short, ..self }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        self.client.request(method, url)
    }

    async fn get(&self, path: &str) -> Result<Value> {
        answer::json(send(self.request(Method::GET, path).timeout(self.short)).await?)
            .await
            .map_err(missing_route)
    }

    async fn post(&self, path: &str, body: &Value, limit: Option<Duration>) -> Result<Value> {
        let request = self.request(Method::POST, path).json(body);
        let request = match limit {
            Some(limit) => request.timeout(limit),
            None => request,
        };
        answer::json(send(request).await?).await.map_err(missing_route)
    }

    /// Whether the start page is Ollama's: even versions without `/api/version` had it.
    async fn greets(&self) -> bool {
        let Ok(response) = send(self.request(Method::GET, "").timeout(self.short)).await else {
            return false;
        };
        answer::text(response).await.is_ok_and(|text| text.trim() == "Ollama is running")
    }
}

#[async_trait]
impl OllamaApi for HttpOllama {
    async fn version(&self) -> Result<String> {
        let answer = match self.get("api/version").await {
            Err(error) if error.code == ErrorCode::TooOld => {
                let code =
                    if self.greets().await { ErrorCode::TooOld } else { ErrorCode::NotOllama };
                return Err(WireError { code, hint: code.usual_advice(), ..error });
            }
            answer => answer?,
        };
        parse::text(answer.get("version"))
            .ok_or_else(|| WireError::new(ErrorCode::NotOllama).detail("no version in the answer"))
    }

    async fn tags(&self) -> Result<TagsAnswer> {
        let request = self.request(Method::GET, "api/tags").timeout(self.short);
        let answer = answer::success(send(request).await?).await.map_err(missing_route)?;
        let models = tags::read(&answer)?;
        Ok(TagsAnswer { models, hash: hex(&Sha256::digest(&answer.bytes)) })
    }

    async fn ps(&self) -> Result<Vec<LoadedModel>> {
        let answer = self.get("api/ps").await?;
        Ok(parse::list(&answer)?.iter().filter_map(parse::loaded).collect())
    }

    async fn show(&self, name: &str) -> Result<ShowAnswer> {
        let body = json!({ "model": name, "verbose": false });
        let answer = self.post("api/show", &body, Some(self.short)).await?;
        if !answer.is_object() {
            let text = answer::beginning(answer.to_string().as_bytes());
            let unreadable = WireError::new(ErrorCode::BadAnswer);
            return Err(unreadable.detail(format!("not an object: {text}")));
        }
        Ok(show(answer))
    }

    async fn load(&self, name: &str, options: &StartOptions, kind: EmbeddingModel) -> Result<()> {
        self.post(route(kind), &load_body(name, options, kind), None).await.map(|_| ())
    }

    async fn try_out(
        &self,
        name: &str,
        kind: EmbeddingModel,
        keep: Option<&StartOptions>,
    ) -> Result<()> {
        let mut body = question(name, kind);
        let mut options = keep.map(runner_options).unwrap_or_default();
        match kind {
            EmbeddingModel::No => {
                body.insert("prompt".to_owned(), json!("Hi"));
                options.insert("num_predict".to_owned(), json!(1));
            }
            EmbeddingModel::Yes => drop(body.insert("input".to_owned(), json!("Hi"))),
        }
        body.insert("options".to_owned(), Value::Object(options));
        if keep.is_none() {
            body.insert("keep_alive".to_owned(), json!(0));
        }
        let answer = self.post(route(kind), &Value::Object(body), None).await?;
        let fine = match kind {
            EmbeddingModel::No => answer["done"] == json!(true),
            EmbeddingModel::Yes => {
                answer["embeddings"].as_array().is_some_and(|all| !all.is_empty())
            }
        };
        let empty = || WireError::new(ErrorCode::BadAnswer).detail("it answered nothing");
        if fine { Ok(()) } else { Err(empty()) }
    }

    async fn generate(
        &self,
        name: &str,
        prompt: &str,
        most: u32,
        options: &StartOptions,
    ) -> Result<AnswerStream> {
        let mut options = runner_options(options);
        options.insert("num_predict".to_owned(), json!(most));
        let body = json!({ "model": name, "prompt": prompt, "stream": true, "options": options });
        let response = send(self.request(Method::POST, "api/generate").json(&body)).await?;
        if !response.status().is_success() || answer::is_html(&response) {
            return Err(answer::refused(response).await);
        }
        Ok(generate::follow(response))
    }

    async fn embed(&self, name: &str, text: &str, options: &StartOptions) -> Result<Embedding> {
        let options = runner_options(options);
        let body = json!({ "model": name, "input": text, "options": options });
        generate::embedding(&self.post("api/embed", &body, None).await?)
    }

    async fn retime(&self, name: &str, options: &StartOptions, kind: EmbeddingModel) -> Result<()> {
        let body = load_body(name, options, kind);
        self.post(route(kind), &body, Some(self.short)).await.map(|_| ())
    }

    async fn unload(&self, name: &str, kind: EmbeddingModel) -> Result<()> {
        let mut body = question(name, kind);
        body.insert("keep_alive".to_owned(), json!(0));
        self.post(route(kind), &Value::Object(body), Some(self.short)).await.map(|_| ())
    }

    async fn delete(&self, name: &str) -> Result<()> {
        let request = self.request(Method::DELETE, "api/delete").json(&json!({ "model": name }));
        match answer::done(send(request.timeout(self.short)).await?).await {
            // It is not there: what was wanted.
            Err(error) if error.code == ErrorCode::NotFound => Ok(()),
            done => done,
        }
    }

    async fn copy(&self, source: &str, destination: &str) -> Result<()> {
        let body = json!({ "source": source, "destination": destination });
        let request = self.request(Method::POST, "api/copy").json(&body);
        answer::done(send(request.timeout(self.short)).await?).await
    }

    async fn has_blob(&self, digest: &str) -> Result<bool> {
        let request = self.request(Method::HEAD, &format!("api/blobs/{digest}"));
        let response = send(request.timeout(self.short)).await?;
        match response.status() {
            status if status.is_success() => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(answer::refused(response).await),
        }
    }

    async fn upload(&self, digest: &str, file: &Path) -> Result<()> {
        let unreadable =
            |error: std::io::Error| WireError::new(ErrorCode::FileSystem).detail(error.to_string());
        let size = tokio::fs::metadata(file).await.map_err(unreadable)?.len();
        let sent = Arc::default();
        self.send_blob(digest, &BlobPart { file: file.to_path_buf(), offset: 0, size, sent }).await
    }

    async fn create(&self, body: &Value) -> Result<PullStream> {
        let response = send(self.request(Method::POST, "api/create").json(body)).await?;
        if !response.status().is_success() || answer::is_html(&response) {
            return Err(missing_route(answer::refused(response).await));
        }
        Ok(pull::follow(response))
    }

    async fn send_blob(&self, digest: &str, part: &BlobPart) -> Result<()> {
        let unreadable =
            |error: std::io::Error| WireError::new(ErrorCode::FileSystem).detail(error.to_string());
        let mut file = tokio::fs::File::open(&part.file).await.map_err(unreadable)?;
        file.seek(SeekFrom::Start(part.offset)).await.map_err(unreadable)?;
        let sent = part.sent.clone();
        let pieces = ReaderStream::with_capacity(file.take(part.size), UPLOAD_PIECE);
        let counted = pieces.inspect_ok(move |piece| {
            sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        });
        let request = self.request(Method::POST, &format!("api/blobs/{digest}"));
        let request = request.header(header::CONTENT_LENGTH, part.size);
        answer::done(send(request.body(Body::wrap_stream(counted))).await?).await
    }

    async fn pull(&self, name: &str, insecure: bool) -> Result<PullStream> {
        let body = json!({ "model": name, "insecure": insecure, "stream": true });
        let response = send(self.request(Method::POST, "api/pull").json(&body)).await?;
        if !response.status().is_success() || answer::is_html(&response) {
            return Err(answer::refused(response).await);
        }
        Ok(pull::follow(response))
    }
}

async fn send(request: RequestBuilder) -> Result<Response> {
    request.send().await.map_err(http::failed)
}

/// A route that the server does not have: it is older than what Corral needs.
fn missing_route(error: WireError) -> WireError {
    let missing = error.code == ErrorCode::NotOllama
        && error.params.get("status").is_some_and(|status| status == "404")
        && error.detail.as_deref().is_some_and(|text| text.starts_with("404 page not found"));
    if missing {
        WireError { code: ErrorCode::TooOld, hint: ErrorCode::TooOld.usual_advice(), ..error }
    } else {
        error
    }
}

fn route(kind: EmbeddingModel) -> &'static str {
    match kind {
        EmbeddingModel::No => "api/generate",
        EmbeddingModel::Yes => "api/embed",
    }
}

/// A question without content: the server then only loads or unloads.
fn question(name: &str, kind: EmbeddingModel) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(name));
    match kind {
        EmbeddingModel::No => body.insert("stream".to_owned(), json!(false)),
        EmbeddingModel::Yes => body.insert("input".to_owned(), json!([])),
    };
    body
}

fn load_body(name: &str, options: &StartOptions, kind: EmbeddingModel) -> Value {
    let mut body = question(name, kind);
    if let Some(keep_alive) = options.keep_alive.as_deref().and_then(keep_alive) {
        body.insert("keep_alive".to_owned(), keep_alive);
    }
    let options = runner_options(options);
    if !options.is_empty() {
        body.insert("options".to_owned(), Value::Object(options));
    }
    Value::Object(body)
}

/// Plain numbers are seconds and must be numbers in the JSON: the server refuses `"5"`.
fn keep_alive(text: &str) -> Option<Value> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let number = text.parse::<i64>().map(|number| json!(number));
    let number = number.or_else(|_| text.parse::<f64>().map(|number| json!(number)));
    // `inf` and `nan` parse as numbers, but are none in JSON.
    Some(number.ok().filter(Value::is_number).unwrap_or_else(|| json!(text)))
}

/// Only what was set: anything else would make a loaded model load again.
fn runner_options(options: &StartOptions) -> Map<String, Value> {
    let fields = [
        ("num_ctx", options.num_ctx.map(|value| json!(value))),
        ("num_gpu", options.num_gpu.map(|value| json!(value))),
        ("num_thread", options.num_thread.map(|value| json!(value))),
        ("num_batch", options.num_batch.map(|value| json!(value))),
        ("main_gpu", options.main_gpu.map(|value| json!(value))),
        ("use_mmap", options.use_mmap.map(|value| json!(value))),
    ];
    let set = |(name, value): (&str, Option<Value>)| Some((name.to_owned(), value?));
    fields.into_iter().filter_map(set).collect()
}

#[cfg(test)]
mod tests {
    use corral_contract::models::StartOptions;
    use serde_json::json;

    use super::{keep_alive, runner_options};

    #[test]
    fn keep_alive_is_a_number_where_the_server_wants_one() {
        for (text, value) in [
            ("10m", Some(json!("10m"))),
            ("-1", Some(json!(-1))),
            (" 3600 ", Some(json!(3600))),
            ("1.5", Some(json!(1.5))),
            ("-1m", Some(json!("-1m"))),
            ("inf", Some(json!("inf"))),
            ("", None),
        ] {
            assert_eq!(keep_alive(text), value, "{text:?}");
        }
    }

    #[test]
    fn sends_only_the_options_that_were_set() {
        assert!(runner_options(&StartOptions::default()).is_empty());
        let options = StartOptions {
            num_ctx: Some(8192),
            num_gpu: Some(-1),
            use_mmap: Some(false),
            ..StartOptions::default()
        };
        assert_eq!(
            json!(runner_options(&options)),
            json!({"num_ctx": 8192, "num_gpu": -1, "use_mmap": false})
        );
    }
}
