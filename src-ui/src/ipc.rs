//! Calls to the core and the stream of its events.

use corral_contract::{
    Command, ErrorCode, WireError,
    desktop::{ChannelRef, call::Subscribe},
    event::Envelope,
};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::JsValue;

mod js;

#[derive(Serialize)]
struct Arguments<'a, R> {
    request: &'a R,
}

/// Sends one command and waits for its reply. There is no time limit here: the core has its own.
///
/// # Errors
/// What the core answered, or `BAD_ANSWER` when the answer has another form than the contract's.
pub async fn call<C: Command>(request: C::Request) -> Result<C::Reply, WireError> {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    let arguments = Arguments { request: &request }.serialize(&serializer).map_err(malformed)?;
    match js::invoke(&C::route(), arguments).await {
        Ok(reply) => read(reply),
        Err(error) => Err(read::<WireError>(error.clone())
            .unwrap_or_else(|_| WireError::new(ErrorCode::Internal).detail(js::describe(&error)))),
    }
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

/// Calls `on_event` each time the shell emits `name`, as long as the window lives.
pub async fn listen(name: &str, on_event: impl Fn() + 'static) {
    js::listen(name, on_event).await;
}

fn read<T: DeserializeOwned>(value: JsValue) -> Result<T, WireError> {
    serde_wasm_bindgen::from_value(value).map_err(malformed)
}

fn malformed(error: serde_wasm_bindgen::Error) -> WireError {
    WireError::new(ErrorCode::BadAnswer).detail(error.to_string())
}
