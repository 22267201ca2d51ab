//! What a change would write and do.

use std::collections::BTreeMap;

use corral_contract::{
    InstanceId,
    environment::{EnvironmentChange, EnvironmentPreview, Warning},
    instances::Runner,
};

use sha2::{Digest, Sha256};

use super::{check, diff::diff};
use crate::{
    Core, Result, digest, instances,
    steering::{self, Changes, ServiceControl},
};

/// A change that can be written.
pub(super) struct Plan {
    pub(super) changes: Changes,
    pub(super) before: String,
    pub(super) after: String,
}

/// Marks what is written now.
pub(super) fn mark(text: &str) -> String {
    digest::hex(&Sha256::digest(text.as_bytes()))
}

pub(super) async fn preview(core: &Core, change: &EnvironmentChange) -> Result<EnvironmentPreview> {
    let id = change.id;
    let control = steering::control_of(core, id).await?;
    let (changes, problems) = check::checked(core, change).await?;
    let plan = plan(&*control, changes).await?;
    let running = instances::online(core, id);
    let warnings = warnings(core, id, &*control, &plan.changes, running).await;
    let mut equivalent = control.equivalent_environment(&plan.changes);
    if equivalent.is_empty() {
        equivalent = control.equivalent(steering::Verb::Restart);
    }
    Ok(EnvironmentPreview {
        mark: mark(&plan.before),
        lines: diff(&plan.before, &plan.after),
        problems,
        warnings,
        restarts: running,
        equivalent,
    })
}

/// # Errors
/// As [`ServiceControl::preview_environment`].
pub(super) async fn plan(control: &dyn ServiceControl, changes: Changes) -> Result<Plan> {
    let (before, after) = control.preview_environment(&changes).await?;
    Ok(Plan { changes, before, after })
}

async fn warnings(
    core: &Core,
    id: InstanceId,
    control: &dyn ServiceControl,
    changes: &Changes,
    running: bool,
) -> Vec<Warning> {
    // What cannot be read now is told by reading it, not here.
    let mut after: BTreeMap<String, String> = control.environment().await.unwrap_or_default();
    let before = after.clone();
    for (name, value) in changes {
        match value {
            Some(value) => drop(after.insert(name.clone(), value.clone())),
            None => drop(after.remove(name)),
        }
    }
    let value = |name: &str| after.get(name).map(String::as_str);
    let changed = |name: &str| before.get(name) != after.get(name);
    let mut warnings = Vec::new();
    let mut warn = |on: bool, warning| {
        if on {
            warnings.push(warning);
        }
    };
    if changed("OLLAMA_HOST") {
        let (old, _) = instances::listening(before.get("OLLAMA_HOST").map(String::as_str));
        let (new, everywhere) = instances::listening(value("OLLAMA_HOST"));
        warn(everywhere || !crate::http::is_loopback(&new), Warning::Exposed);
        warn(old.port_or_known_default() != new.port_or_known_default(), Warning::Moves);
    }
    let any = value("OLLAMA_ORIGINS").is_some_and(|all| all.split(',').any(|it| it.trim() == "*"));
    warn(changed("OLLAMA_ORIGINS") && any, Warning::AnyOrigin);
    let quantised = value("OLLAMA_KV_CACHE_TYPE").is_some_and(|kind| kind != "f16");
    let relevant = changed("OLLAMA_KV_CACHE_TYPE") || changed("OLLAMA_FLASH_ATTENTION");
    let without_flash = value("OLLAMA_FLASH_ATTENTION") == Some("0");
    warn(relevant && quantised && without_flash, Warning::CacheNeedsFlash);
    warn(changed("OLLAMA_MODELS"), Warning::ModelsStay);
    let (loaded, runner) = match instances::view(core, id).await {
        Ok(view) => (view.running > 0, view.runner),
        Err(_) => (false, Runner::Unknown),
    };
    warn(running && loaded, Warning::Unloads);
    let by_app = ["OLLAMA_HOST", "OLLAMA_ORIGINS", "OLLAMA_MODELS", "OLLAMA_CONTEXT_LENGTH"];
    warn(runner == Runner::App && by_app.iter().any(|name| changed(name)), Warning::AppDecides);
    warnings
}
