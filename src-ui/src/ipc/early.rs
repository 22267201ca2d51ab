//! Answers to what `boot.js` asked while this module was still being compiled.

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

/// Where `boot.js` remembers the first rows' question from one start to the next.
const FIRST_ROWS: &str = "corral.first-rows";

/// The answer to this question, if it was asked early and not yet picked up.
pub(super) fn take(route: &str, request: &str) -> Option<JsFuture> {
    let answers = field("answers")?.dyn_into::<js_sys::Map>().ok()?;
    if answers.size() == 0 {
        return None;
    }
    let key = JsValue::from(format!("{route}{request}"));
    let answer = answers.get(&key).dyn_into::<js_sys::Promise>().ok()?;
    answers.delete(&key);
    Some(JsFuture::from(answer))
}

/// The channel that was attached early, from now on with this handler; what it heard before is
/// handled at once. `None` when it was picked up before, as after a break.
pub(super) fn channel(handler: &Closure<dyn Fn(JsValue)>) -> Option<JsValue> {
    let early = early()?;
    let channel = field("channel")?;
    let early: &js_sys::Object = early.unchecked_ref();
    js_sys::Reflect::delete_property(early, &"channel".into()).ok()?;
    let heard = field("heard")?.dyn_into::<js_sys::Array>().ok()?;
    let handle: &js_sys::Function = handler.as_ref().unchecked_ref();
    js_sys::Reflect::set(&channel, &"onmessage".into(), handle).ok()?;
    for message in heard.iter() {
        handle.call1(&JsValue::NULL, &message).ok()?;
    }
    Some(channel)
}

/// Forgets what nobody picked up: by now it is old.
pub(super) fn forget() {
    if let Some(answers) =
        field("answers").and_then(|answers| answers.dyn_into::<js_sys::Map>().ok())
    {
        answers.clear();
    }
}

/// What the next start asks early for its first rows.
pub(super) fn remember_first_rows(request: &str) {
    let storage = leptos::prelude::window().local_storage().ok().flatten();
    if let Some(storage) = storage {
        // Without it the rows of the next start come a moment later.
        let _ = storage.set_item(FIRST_ROWS, request);
    }
}

fn early() -> Option<JsValue> {
    let window: JsValue = leptos::prelude::window().into();
    let early = js_sys::Reflect::get(&window, &"corralEarly".into()).ok()?;
    (!early.is_undefined()).then_some(early)
}

fn field(name: &str) -> Option<JsValue> {
    let field = js_sys::Reflect::get(&early()?, &name.into()).ok()?;
    (!field.is_undefined()).then_some(field)
}
