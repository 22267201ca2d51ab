//! Heads of model files: of installed models, and those that were read a moment ago.

use std::{
    collections::VecDeque,
    io::Read,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use serde_json::Value as Json;

use crate::{
    Core, checks,
    gguf::{Head, Value},
    instances,
    models::{self, store::StoredModel},
};

/// Bytes of a file that are read: the facts of the architecture lie well within.
const HEAD: u64 = 512 * 1024;
/// Heads that are kept.
const KEPT: usize = 32;

/// The last heads by the digest of their weights.
#[derive(Default)]
pub(super) struct Heads(Mutex<VecDeque<(String, Head)>>);

impl Heads {
    pub(super) fn get(&self, weights: &str) -> Option<Head> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(digest, _)| digest == weights).map(|(_, head)| head.clone())
    }

    pub(super) fn put(&self, weights: &str, head: &Head) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(digest, _)| digest != weights);
        kept.push_front((weights.to_owned(), head.clone()));
        kept.truncate(KEPT);
    }
}

/// The head of an installed model: from its file where that can be read from here, else from what
/// its server tells, which leaves out what differs from layer to layer.
pub(super) async fn of_installed(core: &Core, model: &StoredModel) -> Option<Head> {
    let known = model.digest.as_deref().map(|digest| format!("manifest:{digest}"));
    if let Some(head) = known.as_deref().and_then(|known| core.fit.heads.get(known)) {
        return Some(head);
    }
    let head = match of_file(core, model).await {
        Some(head) => head,
        None if instances::online(core, model.instance) => {
            let client = instances::client(core, model.instance).ok()?;
            of_answer(&client.show(&model.name).await.ok()?.raw)?
        }
        None => return None,
    };
    if let Some(known) = known {
        core.fit.heads.put(&known, &head);
    }
    Some(head)
}

async fn of_file(core: &Core, model: &StoredModel) -> Option<Head> {
    let blob = models::weights_file(core, model.instance, &model.key).await?;
    let file: PathBuf = checks::store_of(core, model.instance).await.ok()?.join("blobs").join(blob);
    let read = move || {
        let mut bytes = Vec::new();
        std::fs::File::open(file).ok()?.take(HEAD).read_to_end(&mut bytes).ok()?;
        Head::read(&bytes).ok()
    };
    tokio::task::spawn_blocking(read).await.ok()?
}

/// What `/api/show` tells of the file.
pub(super) fn of_answer(answer: &Json) -> Option<Head> {
    let info = answer.get("model_info")?.as_object()?;
    let value = |value: &Json| match value {
        Json::Number(number) => number.as_f64().map(Value::Number),
        Json::Bool(on) => Some(Value::Bool(*on)),
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Array(each) => each.iter().map(Json::as_f64).collect::<Option<_>>().map(Value::List),
        _ => None,
    };
    let values = info.iter().filter_map(|(key, it)| Some((key.clone(), value(it)?))).collect();
    let head = Head { version: 3, values, ..Head::default() };
    head.architecture().is_some().then_some(head)
}
