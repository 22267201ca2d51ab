//! The only bindings to Tauri's global script.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["window", "__TAURI__", "core"], js_name = invoke)]
    async fn tauri_invoke(command: &str, arguments: JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = ["window", "__TAURI__", "core"])]
    type Channel;

    #[wasm_bindgen(catch, constructor, js_namespace = ["window", "__TAURI__", "core"])]
    fn new(on_message: &Closure<dyn Fn(JsValue)>) -> Result<Channel, JsValue>;

    #[wasm_bindgen(method, js_name = toJSON)]
    fn to_json(this: &Channel) -> String;

    #[wasm_bindgen(catch, js_namespace = ["window", "__TAURI__", "event"], js_name = listen)]
    async fn tauri_listen(
        name: &str,
        handler: &Closure<dyn Fn(JsValue)>,
    ) -> Result<JsValue, JsValue>;
}

/// Calls a command by its route, with a request in JSON.
pub(super) async fn invoke(route: &str, request: &str) -> Result<JsValue, JsValue> {
    let arguments = js_sys::JSON::parse(&format!("{{\"request\":{request}}}"))?;
    tauri_invoke(route, arguments).await
}

/// A value as JSON: the bytes of it that the shell sent, or what the engine makes of it.
pub(super) fn json(value: &JsValue) -> Vec<u8> {
    match value.dyn_ref::<js_sys::ArrayBuffer>() {
        Some(bytes) => js_sys::Uint8Array::new(bytes).to_vec(),
        None => {
            let text = js_sys::JSON::stringify(value).ok().and_then(|text| text.as_string());
            text.unwrap_or_else(|| "null".to_owned()).into_bytes()
        }
    }
}

/// A new channel, as the text that names it on the wire. It lives as long as the window.
pub(super) fn channel(on_message: impl Fn(JsValue) + 'static) -> Result<String, JsValue> {
    let handler = Closure::<dyn Fn(JsValue)>::new(on_message);
    let channel = match super::early::channel(&handler) {
        Some(channel) => channel.unchecked_into(),
        None => Channel::new(&handler)?,
    };
    handler.forget();
    Ok(channel.to_json())
}

/// Listens to an event of the shell; where events are not allowed, nothing is heard.
pub(super) async fn listen(name: &str, on_event: impl Fn() + 'static) {
    let handler = Closure::<dyn Fn(JsValue)>::new(move |_| on_event());
    if tauri_listen(name, &handler).await.is_ok() {
        handler.forget();
    }
}

/// As [`listen`], with what the event carries.
pub(super) async fn listen_to(name: &str, on_event: impl Fn(JsValue) + 'static) {
    let payload = |event: &JsValue| js_sys::Reflect::get(event, &"payload".into());
    let handler = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
        if let Ok(payload) = payload(&event) {
            on_event(payload);
        }
    });
    if tauri_listen(name, &handler).await.is_ok() {
        handler.forget();
    }
}

/// Text of a thrown value, for details.
pub(super) fn describe(error: &JsValue) -> String {
    error
        .as_string()
        .or_else(|| error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message())))
        .unwrap_or_else(|| format!("{error:?}"))
}
