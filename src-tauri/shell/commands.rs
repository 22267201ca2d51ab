//! From the window's call to the core and back: one generic plugin per domain of the contract.

use corral_contract::{DOMAINS, Domain, ErrorCode, WireError, audit::Actor};
use corral_core::Result;
use serde_json::Value;
use tauri::{
    AppHandle, Manager, Runtime, Webview,
    ipc::{Invoke, InvokeBody, InvokeError, InvokeResponseBody},
    plugin::{Builder, TauriPlugin},
};

use crate::{desktop, ready::Ready};

/// Registers every domain.
///
/// This happens once the app is built and not in its builder: the domain `app` has the name of a
/// plugin of Tauri's own (`plugin:app|version` and the like, none of them granted here), and of two
/// plugins with one name the later one answers.
///
/// # Errors
/// When Tauri refuses a plugin.
pub fn register<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    DOMAINS.iter().try_for_each(|domain| app.plugin(plugin(domain)))
}

fn plugin<R: Runtime>(domain: &'static Domain) -> TauriPlugin<R> {
    Builder::new(domain.name).invoke_handler(move |invoke| answer(domain, invoke)).build()
}

/// Answers a command of the contract; any other one is left to Tauri's refusal. Which ones get
/// here at all is decided before, by the capability in `tauri.conf.json`.
fn answer<R: Runtime>(domain: &'static Domain, invoke: Invoke<R>) -> bool {
    let Invoke { message, resolver, .. } = invoke;
    let Some(command) = domain.commands.iter().find(|each| each.name == message.command()) else {
        return false;
    };
    let request = request(message.payload());
    let webview = message.webview();
    resolver.respond_async_serialized(async move {
        let reply = match request {
            Ok(request) => dispatch(&webview, domain.name, command.name, request).await,
            Err(error) => Err(error),
        };
        // As bytes, which the page reads itself: see `ipc.rs` there.
        reply.map(|json| InvokeResponseBody::Raw(json.into_bytes())).map_err(InvokeError::from)
    });
    true
}

/// The `request` field of what the page sent; commands without arguments may leave it out.
fn request(payload: &InvokeBody) -> Result<Value> {
    match payload {
        InvokeBody::Json(value) => {
            Ok(value.get("request").cloned().unwrap_or_else(|| Value::Object(Default::default())))
        }
        InvokeBody::Raw(_) => Err(WireError::field("request", "malformed")),
    }
}

async fn dispatch<R: Runtime>(
    webview: &Webview<R>,
    domain: &str,
    name: &str,
    request: Value,
) -> Result<String> {
    let core = webview.state::<Ready>().core().await?;
    if domain == corral_contract::desktop::DOMAIN.name {
        return desktop::answer(webview, &core, name, request).await;
    }
    core.call(Actor::Window, domain, name, request).await
}

/// What a command answers when nobody knows it: the same as in the core.
#[must_use]
pub fn unknown(domain: &str, name: &str) -> WireError {
    WireError::new(ErrorCode::NotFound).with("command", format!("{domain}.{name}"))
}
