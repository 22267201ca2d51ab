//! The one choke point: who may do what, and the row that says what happened.

use corral_contract::{
    Command, ErrorCode, WireError,
    audit::{Actor, Outcome},
};
use serde::Serialize;

use crate::{Core, Result, audit, router::Handle};

/// Longest target text kept in an audit row, in characters.
const TARGET_LENGTH: usize = 200;

/// Whether `actor` may run `domain.name` on `target`.
///
/// Today there is one user, the owner of the machine, and everything he does through the window or
/// the tray is allowed. The scheduler acts without him and may only do what he scheduled.
///
/// # Errors
/// `DENIED`, naming the command.
pub fn guard(actor: Actor, domain: &str, name: &str, _target: &str) -> Result<()> {
    let allowed = match actor {
        Actor::Window => true,
        Actor::Tray => {
            matches!(
                (domain, name),
                ("app" | "models", _)
                    | ("downloads", "pause_all" | "resume_all")
                    | ("settings", _)
                    | ("running", "of_model" | "stop_all")
                    // Those that are not ours are refused until the window asked.
                    | ("instances", "start" | "stop" | "restart")
            ) && !matches!((domain, name), ("models", "delete"))
        }
        Actor::Scheduler => matches!(
            (domain, name),
            ("sync", "run")
                | ("storage", "backup")
                | ("models", "start" | "close")
                | ("checks", "model" | "smoke")
                | ("updates" | "installs", "check")
                | ("disk", "reclaim")
        ),
    };
    if allowed {
        Ok(())
    } else {
        Err(WireError::new(ErrorCode::Denied).with("command", format!("{domain}.{name}")))
    }
}

impl Core {
    /// Runs a command for `actor`: guard, handler, audit row. Dropping the future stops waiting,
    /// not necessarily the work: long work is a task that goes on.
    ///
    /// # Errors
    /// `DENIED` or whatever the handler answers; both leave their audit row if the command can
    /// change anything.
    pub async fn run<C: Command>(&self, actor: Actor, request: C::Request) -> Result<C::Reply>
    where
        Core: Handle<C>,
    {
        self.guarded::<C, _>(actor, request, |request| Handle::<C>::handle(self, request)).await
    }

    /// As [`Core::run`] for a command whose work is done elsewhere: the desktop shell's own ones
    /// pass the same guard and leave the same audit rows.
    ///
    /// # Errors
    /// As [`Core::run`].
    pub async fn guarded<C, F>(
        &self,
        actor: Actor,
        request: C::Request,
        work: impl FnOnce(C::Request) -> F,
    ) -> Result<C::Reply>
    where
        C: Command,
        F: Future<Output = Result<C::Reply>>,
    {
        let target = if C::CHANGES { describe(&request) } else { String::new() };
        let result = match guard(actor, C::DOMAIN, C::NAME, &target) {
            Ok(()) => work(request).await,
            Err(denied) => Err(denied),
        };
        if C::CHANGES {
            let command = format!("{}.{}", C::DOMAIN, C::NAME);
            audit::record(self, actor, &command, &target, result.as_ref().err()).await;
        }
        result
    }

    /// As [`Core::run`], by name and JSON: what the shell calls.
    ///
    /// # Errors
    /// `NOT_FOUND` for an unknown command, `INVALID_INPUT` for a payload of another shape.
    pub async fn call(
        &self,
        actor: Actor,
        domain: &str,
        name: &str,
        payload: serde_json::Value,
    ) -> Result<String> {
        let Some(route) = self.router.find(domain, name) else {
            return Err(
                WireError::new(ErrorCode::NotFound).with("command", format!("{domain}.{name}"))
            );
        };
        route(self.clone(), actor, payload).await
    }
}

/// How an error counts in the audit.
#[must_use]
pub fn outcome(error: Option<&WireError>) -> Outcome {
    match error.map(|error| error.code) {
        None => Outcome::Done,
        Some(ErrorCode::Denied | ErrorCode::InvalidInput | ErrorCode::WrongState) => {
            Outcome::Refused
        }
        Some(_) => Outcome::Failed,
    }
}

/// The request in words for the audit row, without anything that could be a secret: header values
/// and certificates are left out whatever the request is.
fn describe(request: &impl Serialize) -> String {
    let mut value = serde_json::to_value(request).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        for secret in ["headers", "customCa", "values", "secret"] {
            if object.get(secret).is_some_and(|value| !value.is_null()) {
                object.insert(secret.to_owned(), "***".into());
            }
        }
    }
    redact_addresses(&mut value);
    value.to_string().chars().take(TARGET_LENGTH).collect()
}

/// Somebody may write a password into an address, wherever one is asked for.
fn redact_addresses(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) if text.contains("://") => {
            *text = crate::logs::redact(text);
        }
        // An address as people type it.
        serde_json::Value::String(text) => {
            if let Some(sign) = text.rfind('@') {
                text.replace_range(..sign, "***");
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(redact_addresses),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(redact_addresses),
        _ => {}
    }
}
