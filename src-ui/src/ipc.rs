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
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    let request = request.serialize(&serializer).map_err(malformed)?;
    read(exchange(C::route(), request).await?)
}

/// As [`call`], without its types: there is one of this in the module, and one of `call` for each
/// command.
async fn exchange(route: String, request: JsValue) -> Result<JsValue, WireError> {
    let answer = match early::take(&route, &request) {
        Some(answer) => answer.await,
        None => js::invoke(&route, &request).await,
    };
    answer.map_err(|error| {
        read::<WireError>(error.clone())
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
    let channel = js::channel(move |message| on_message(read(message).ok()))
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
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    if let Ok(request) = request.serialize(&serializer) {
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
        if let Ok(payload) = read(payload) {
            on_event(payload);
        }
    })
    .await;
}

fn read<T: DeserializeOwned>(value: JsValue) -> Result<T, WireError> {
    serde_wasm_bindgen::from_value(value).map_err(malformed)
}

fn malformed(error: serde_wasm_bindgen::Error) -> WireError {
    WireError::new(ErrorCode::BadAnswer).detail(error.to_string())
}
