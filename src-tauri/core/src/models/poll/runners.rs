//! Whether the runners of loaded models live, on servers whose processes can be seen.
//!
//! Ollama goes on listing a model whose runner died, until its time is over or the next request
//! notices; and it stops listing one at once when any client unloads it. So on such a server a
//! crash shows in the processes, and vanishing before its time means that somebody unloaded it.

use std::collections::{HashMap, HashSet};

use corral_contract::InstanceId;

use crate::{Core, instances, models::manifests};

/// What is known about the runners of one instance.
#[derive(Debug, Default)]
pub(super) struct Runners {
    /// File names of weights by the model's key; `None` = they cannot be found out.
    weights: HashMap<String, Option<String>>,
    /// Models whose runner was seen alive when they were last listed.
    seen: HashSet<String>,
}

/// File names of the weights that runners have open now; `None` where runners cannot be seen.
#[derive(Debug, Default)]
pub(in crate::models) struct Sight(Option<HashSet<String>>);

impl Runners {
    /// Looks at the processes, when anything was listed before. To be called before the list is
    /// asked for: a server that unloads ends the runner first and lists nothing in between, so
    /// that one that was gone before and is listed after has died.
    pub(super) async fn look(&self, core: &Core, instance: InstanceId) -> Sight {
        if self.weights.is_empty() {
            return Sight(None);
        }
        let name = |path: std::path::PathBuf| Some(path.file_name()?.to_str()?.to_owned());
        let open = instances::runners(core, instance).await;
        Sight(open.map(|open| open.into_iter().filter_map(name).collect()))
    }

    /// Finds out which weights belong to what is listed.
    pub(super) async fn learn(
        &mut self,
        core: &Core,
        instance: InstanceId,
        listed: &HashSet<String>,
    ) {
        for key in listed {
            if !self.weights.contains_key(key) {
                let weights = manifests::weights(core, instance, key).await;
                self.weights.insert(key.clone(), weights);
            }
        }
    }

    /// Whether the runner of a listed model was seen and is gone.
    pub(super) fn died(&self, sight: &Sight, key: &str) -> bool {
        self.seen.contains(key) && self.lives(sight, key) == Some(false)
    }

    /// Whether the runner of a model was seen alive at the last look.
    pub(super) fn was_seen(&self, key: &str) -> bool {
        self.seen.contains(key)
    }

    /// Remembers whose runner lives, of what is listed. One that died stays remembered: it is not
    /// to be taken for running again as long as it is listed.
    pub(super) fn keep(&mut self, sight: &Sight, listed: &HashSet<String>) {
        self.weights.retain(|key, _| listed.contains(key));
        let mut seen = std::mem::take(&mut self.seen);
        seen.retain(|key| listed.contains(key));
        seen.extend(listed.iter().filter(|key| self.lives(sight, key) == Some(true)).cloned());
        self.seen = seen;
    }

    fn lives(&self, Sight(open): &Sight, key: &str) -> Option<bool> {
        let weights = self.weights.get(key)?.as_ref()?;
        Some(open.as_ref()?.contains(weights))
    }
}
