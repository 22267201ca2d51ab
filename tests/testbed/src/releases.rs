//! A site that publishes releases, as GitHub does: descriptions, sums, archives behind a redirect.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::archive::{self, Packing};
use crate::patience::lock;
use crate::serve::Behaviour;
use crate::wire::{Server, Switch};

/// A running site; dropping it closes its port.
#[derive(Debug)]
pub struct FakeReleases {
    shared: Arc<Shared>,
    server: Server,
}

#[derive(Debug, Default)]
struct Shared {
    site: Mutex<Site>,
}

#[derive(Debug, Default)]
struct Site {
    releases: BTreeMap<String, Release>,
    newest: String,
    /// No descriptions, as when one asks too often.
    rationed: bool,
    /// Answers end after so many bytes.
    cut: Option<usize>,
    requests: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Release {
    notes: String,
    /// By name; the sums are those that are told.
    files: HashMap<String, (Bytes, String)>,
}

impl FakeReleases {
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> Result<FakeReleases> {
        let shared = Arc::new(Shared::default());
        let router = Router::new().fallback(serve).with_state(Arc::clone(&shared));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::start(address, router, Arc::new(Switch::default())).await?;
        Ok(FakeReleases { shared, server })
    }

    /// Below it `latest` and `download/`.
    pub fn downloads(&self) -> String {
        format!("http://{}/releases", self.server.address())
    }

    /// Below it `releases/latest`.
    pub fn descriptions(&self) -> String {
        format!("http://{}/api", self.server.address())
    }

    /// Publishes a version for this machine; it is the newest one from now on.
    ///
    /// # Errors
    /// When the fake server's program is not built.
    pub fn publish(&self, behaviour: &Behaviour) -> Result<()> {
        let bytes = archive::release(behaviour)?;
        self.publish_bytes(&behaviour.version, bytes);
        Ok(())
    }

    /// As [`FakeReleases::publish`], with any bytes as the archive.
    pub fn publish_bytes(&self, version: &str, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        let sum = crate::ollama::sha256(&bytes).trim_start_matches("sha256:").to_owned();
        let files = [(archive::name(Packing::usual()), (bytes, sum))].into();
        let release = Release { notes: format!("What is new in {version}"), files };
        let mut site = lock(&self.shared.site);
        site.releases.insert(version.to_owned(), release);
        version.clone_into(&mut site.newest);
    }

    /// The sum that is told of a version's archive is another one.
    pub fn tell_wrong_sum(&self, version: &str) {
        let mut site = lock(&self.shared.site);
        for (_, sum) in
            site.releases.get_mut(version).into_iter().flat_map(|it| it.files.values_mut())
        {
            *sum = "0".repeat(64);
        }
    }

    /// Descriptions are refused.
    pub fn ration(&self, on: bool) {
        lock(&self.shared.site).rationed = on;
    }

    /// Every answer with bytes of an archive ends after so many of them.
    pub fn cut(&self, bytes: Option<usize>) {
        lock(&self.shared.site).cut = bytes;
    }

    /// Paths that were asked for.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.shared.site).requests.clone()
    }
}

async fn serve(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap) -> Response {
    let mut site = lock(&shared.site);
    let path = uri.path().to_owned();
    site.requests.push(path.clone());
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["api", "releases", "latest"] if site.rationed => {
            (StatusCode::FORBIDDEN, "{\"message\":\"API rate limit exceeded\"}").into_response()
        }
        ["api", "releases", "latest"] => match site.releases.get(&site.newest) {
            Some(release) => {
                let asset = |(name, (bytes, _)): (&String, &(Bytes, String))| json!({ "name": name, "size": bytes.len() });
                let assets: Vec<_> = release.files.iter().map(asset).collect();
                let body = json!({
                    "tag_name": format!("v{}", site.newest), "body": release.notes, "assets": assets
                });
                axum::Json(body).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        },
        ["releases", "latest"] => leads(&format!("/releases/tag/v{}", site.newest)),
        ["releases", "download", version, "sha256sum.txt"] => {
            match site.releases.get(version.trim_start_matches('v')) {
                Some(release) => {
                    let line = |(name, (_, sum)): (&String, &(Bytes, String))| {
                        format!("{sum}  ./{name}\n")
                    };
                    release.files.iter().map(line).collect::<String>().into_response()
                }
                None => StatusCode::NOT_FOUND.into_response(),
            }
        }
        ["releases", "download", version, name] => leads(&format!("/assets/{version}/{name}")),
        ["assets", version, name] => {
            let release = site.releases.get(version.trim_start_matches('v'));
            match release.and_then(|release| release.files.get(*name)) {
                Some((bytes, _)) => part(bytes, &headers, site.cut),
                None => StatusCode::NOT_FOUND.into_response(),
            }
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn leads(to: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, to.to_owned())]).into_response()
}

fn part(bytes: &Bytes, headers: &HeaderMap, cut: Option<usize>) -> Response {
    let range = headers.get(header::RANGE).and_then(|text| text.to_str().ok());
    let range = range.and_then(|text| text.strip_prefix("bytes=")?.split_once('-'));
    let Some((first, last)) = range else { return bytes.clone().into_response() };
    let first: usize = first.parse().unwrap_or(0);
    let end = last.parse::<usize>().map_or(bytes.len(), |last| (last + 1).min(bytes.len()));
    let piece = bytes.slice(first.min(end)..end);
    let told = format!("bytes {first}-{}/{}", end.saturating_sub(1), bytes.len());
    let length = piece.len();
    let sent = piece.slice(..cut.unwrap_or(length).min(length));
    let body = Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(sent)]));
    let builder = Response::builder().status(StatusCode::PARTIAL_CONTENT);
    let builder = builder.header(header::CONTENT_RANGE, told);
    builder.body(body).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
