//! A shell on a mock desktop with a core on a throw-away folder.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use corral_core::{Core, config::Workers};
use corral_shell::{ready::Ready, startup::Start};
use serde_json::{Value, json};
use tauri::{
    App, Manager, WebviewWindow, WebviewWindowBuilder, async_runtime,
    ipc::{CallbackFn, InvokeBody, InvokeResponseBody},
    test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder},
    webview::InvokeRequest,
};
use tempfile::TempDir;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// One message on a channel of the page: channel number, its place in the order, what it holds.
pub(crate) type Message = (u32, usize, Value);

/// The shell as the page sees it.
pub(crate) struct Desk {
    pub(crate) app: App<MockRuntime>,
    pub(crate) window: WebviewWindow<MockRuntime>,
    pub(crate) core: Core,
    pub(crate) folder: TempDir,
    channels: Arc<(Mutex<Vec<Message>>, Condvar)>,
}

impl Desk {
    /// A shell whose core runs, without background workers.
    pub(crate) fn new() -> Desk {
        let desk = Desk::without_core();
        desk.app.state::<Ready>().settle(Ok(desk.core.clone()));
        desk
    }

    /// A shell that was not told of its core yet.
    pub(crate) fn without_core() -> Desk {
        let folder = tempfile::tempdir().expect("a throw-away folder");
        let root = Some(folder.path().as_os_str().to_owned());
        let mut start =
            Start::from(false, root, Some("[]".to_owned())).expect("the folder is absolute");
        start.core.workers = Workers::None;
        let channels = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let heard = Arc::clone(&channels);
        let mut context = corral_shell::context();
        start.apply(context.config_mut());
        let app = corral_shell::plugins(mock_builder())
            .channel_interceptor(move |_, id, index, body| {
                hear(&heard, id.0, index, body);
                true
            })
            .build(context)
            .expect("the mock desktop builds");
        corral_shell::attach(app.handle(), "zh_CN.UTF-8").expect("the commands register");
        let core = async_runtime::block_on(Core::start(start.core)).expect("the core starts");
        let window = WebviewWindowBuilder::new(&app, "main", Default::default())
            .build()
            .expect("the mock window opens");
        Desk { app, window, core, folder, channels }
    }

    /// What the page gets when it calls `plugin:<domain>|<name>`.
    pub(crate) fn call(&self, domain: &str, name: &str, request: Value) -> Result<Value, Value> {
        self.invoke(&format!("plugin:{domain}|{name}"), json!({ "request": request }))
    }

    /// What the page gets for any command and payload.
    pub(crate) fn invoke(&self, command: &str, payload: Value) -> Result<Value, Value> {
        invoke(&self.window, command, InvokeBody::Json(payload))
    }

    /// Waits until so many messages have reached the page's channels.
    pub(crate) fn messages(&self, count: usize) -> Vec<Message> {
        let (heard, changed) = &*self.channels;
        let started = Instant::now();
        let mut heard = heard.lock().expect("nobody panicked while hearing");
        while heard.len() < count {
            let left = PATIENCE.saturating_sub(started.elapsed());
            assert!(!left.is_zero(), "only {} of {count} messages came: {heard:?}", heard.len());
            heard = changed.wait_timeout(heard, left).expect("nobody panicked while hearing").0;
        }
        heard.clone()
    }
}

/// Calls a command from any webview.
pub(crate) fn invoke(
    window: &WebviewWindow<MockRuntime>,
    command: &str,
    body: InvokeBody,
) -> Result<Value, Value> {
    let request = InvokeRequest {
        cmd: command.to_owned(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: "tauri://localhost".parse().expect("the page's address"),
        body,
        headers: Default::default(),
        invoke_key: INVOKE_KEY.to_owned(),
    };
    get_ipc_response(window, request).map(|body| {
        match body {
            // As the page does.
            InvokeResponseBody::Raw(json) => serde_json::from_slice(&json),
            InvokeResponseBody::Json(json) => serde_json::from_str(&json),
        }
        .expect("every reply is JSON")
    })
}

fn hear(
    channels: &(Mutex<Vec<Message>>, Condvar),
    channel: u32,
    index: usize,
    body: &InvokeResponseBody,
) {
    let InvokeResponseBody::Json(json) = body else { panic!("events are JSON") };
    let text: String = serde_json::from_str(json).expect("a text, which the page reads itself");
    let value = serde_json::from_str(&text).expect("events are JSON");
    channels.0.lock().expect("nobody panicked while hearing").push((channel, index, value));
    channels.1.notify_all();
}
