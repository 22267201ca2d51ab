//! Calls to the core and the stream of its events.

use corral_contract::{
    Command, ErrorCode, WireError,
    desktop::{ChannelRef, call::Subscribe},
    event::Envelope,
    models::ModelSearchRequest,
};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::JsValue;

mod early;
mod js;

/// Sends one command and waits for its reply. There is no time limit here: the core has its own.
///
/// # Errors
/// What the core answered, or `BAD_ANSWER` when the answer has another form than the contract's.
pub async fn call<C: Command>(request: C::Request) -> Result<C::Reply, WireError> {
    read(&exchange(C::route(), write(&request)?).await?)
}

/// As [`call`], without its types: there is one of this in the module, and one of `call` for each
/// command.
///
/// # Errors
/// What the core answered.
pub async fn exchange(route: String, request: String) -> Result<Vec<u8>, WireError> {
    let answer = match early::take(&route, &request) {
        Some(answer) => answer.await,
        None => js::invoke(&route, &request).await,
    };
    answer.map(|answer| js::json(&answer)).map_err(|error| {
        read::<WireError>(&js::json(&error))
            .unwrap_or_else(|_| WireError::new(ErrorCode::Internal).detail(js::describe(&error)))
    })
}

/// Attaches this window to the core's events; a later call replaces the earlier one.
///
/// `on_message` gets `None` for a message that cannot be read: the caller has to treat that as a
/// gap in the order.
///
/// # Errors
/// As [`call`].
pub async fn subscribe(on_message: impl Fn(Option<Envelope>) + 'static) -> Result<(), WireError> {
    let channel = js::channel(move |message| on_message(envelope(&message)))
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(js::describe(&error)))?;
    call::<Subscribe>(ChannelRef { channel }).await.map(|_| ())
}

/// The window shows what it begins with: answers to what was asked early are old from now on.
pub fn forget_early() {
    early::forget();
}

/// Keeps the question for the first rows for the next start, which then asks it before anything
/// of this module runs.
pub fn remember_first_rows(request: &ModelSearchRequest) {
    if let Ok(request) = write(request) {
        early::remember_first_rows(&request);
    }
}

/// Calls `on_event` each time the shell emits `name`, as long as the window lives.
pub async fn listen(name: &str, on_event: impl Fn() + 'static) {
    js::listen(name, on_event).await;
}

/// As [`listen`], with what the event carries; one that cannot be read is left out.
pub async fn listen_to<T: DeserializeOwned>(name: &str, on_event: impl Fn(T) + 'static) {
    js::listen_to(name, move |payload| {
        if let Ok(payload) = read(&js::json(&payload)) {
            on_event(payload);
        }
    })
    .await;
}

/// An event comes as a text: one string for the engine, and no program made of its values.
fn envelope(message: &JsValue) -> Option<Envelope> {
    read(message.as_string()?.as_bytes()).ok()
}

/// JSON is read here and not by the engine: its values would cost a call for each field, and would
/// all be garbage a moment later.
///
/// # Errors
/// `BAD_ANSWER` when it has another form than the contract's.
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, WireError> {
    serde_json::from_slice(json).map_err(|error| malformed(&error))
}

/// A request as it is sent.
///
/// # Errors
/// `BAD_ANSWER` when it has no form in JSON.
pub fn write(request: &impl Serialize) -> Result<String, WireError> {
    serde_json::to_string(request).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> WireError {
    WireError::new(ErrorCode::BadAnswer).detail(error.to_string())
}
