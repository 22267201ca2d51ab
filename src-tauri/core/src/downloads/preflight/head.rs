//! What the first bytes of the layers tell, and how fast they came.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::{
    gguf::Head,
    registry::{Blob, Manifest, Registries, Repository},
};

/// Bytes of the weights that are read: the facts of the architecture lie well within.
const HEAD: u64 = 512 * 1024;
/// Bytes of a licence or config that are read.
const SMALL: u64 = 64 * 1024;
/// How long all of it may take; what has not come by then is left out.
const LIMIT: Duration = Duration::from_secs(6);
/// A shorter transfer says nothing about speed.
const SHORTEST: Duration = Duration::from_millis(2);
/// Longest line of a licence that is shown, in characters.
const LINE: usize = 100;

/// What a model says about itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    pub(super) head: Option<Head>,
    /// Bytes per second.
    pub(super) speed: Option<u64>,
    pub(super) parameters: Option<String>,
    pub(super) quantization: Option<String>,
    pub(super) license: Option<String>,
}

/// Reads the beginnings of weights, config and licence. Whatever fails is left out: a check must
/// not fail because of what is good to know only.
pub(super) async fn read(
    registries: &Registries,
    repository: &Repository,
    manifest: &Manifest,
) -> Told {
    let part = async |kind: &str, longest: u64| -> Option<(Vec<u8>, Duration)> {
        let blob: &Blob = manifest.of_kind(kind).filter(|blob| blob.size > 0)?;
        let range = 0..blob.size.min(longest);
        let place = registries.place(repository, &blob.digest).await.ok()?;
        // From the first request on: what a short piece mostly measures is the way there.
        let began = Instant::now();
        let bytes = registries.read_at(repository, &place, range).await.ok()?;
        Some((bytes, began.elapsed()))
    };
    let limited = async |kind, longest| timeout(LIMIT, part(kind, longest)).await.ok().flatten();
    let (weights, config, license) =
        tokio::join!(limited("model", HEAD), limited("config", SMALL), limited("license", SMALL));
    let speed = weights.as_ref().and_then(|(bytes, took)| {
        (*took >= SHORTEST && bytes.len() as u64 == HEAD)
            .then(|| (bytes.len() as f64 / took.as_secs_f64()) as u64)
    });
    let config: Value =
        config.and_then(|(bytes, _)| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let word = |key: &str| {
        let text = config.get(key)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    Told {
        head: weights.and_then(|(bytes, _)| Head::read(&bytes).ok()),
        speed,
        parameters: word("model_type"),
        quantization: word("file_type"),
        license: license.and_then(|(bytes, _)| first_line(&bytes)),
    }
}

/// The first line that says something.
fn first_line(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().map(str::trim).find(|line| line.chars().any(char::is_alphanumeric))?;
    Some(line.chars().filter(|each| !each.is_control()).take(LINE).collect())
}
