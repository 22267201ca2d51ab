//! From the core's bus to the page: one ordered channel, replaced whenever a page attaches anew.

use std::{
    str::FromStr,
    sync::{Mutex, PoisonError},
};

use corral_contract::{WireError, desktop::ChannelRef, event::Envelope};
use corral_core::{Result, bus::Listener};
use tauri::{
    Manager, Runtime, Webview,
    async_runtime::{self, JoinHandle},
    ipc::{Channel, InvokeResponseBody, JavaScriptChannelId},
    webview::{PageLoadEvent, PageLoadPayload},
};

/// The task that forwards events to the page that is open now.
#[derive(Default)]
pub struct Forwarder(Mutex<Option<JoinHandle<()>>>);

impl Forwarder {
    /// Forwards from now on and ends the forwarding before. It stops when `send` answers `false`.
    pub fn attach(
        &self,
        mut listener: Listener,
        send: impl Fn(&Envelope) -> bool + Send + Sync + 'static,
    ) {
        let task = async_runtime::spawn(async move {
            while let Some(envelope) = listener.next().await {
                if !send(&envelope) {
                    break;
                }
            }
        });
        self.replace(Some(task));
    }

    /// Ends the forwarding.
    pub fn detach(&self) {
        self.replace(None);
    }

    /// Whether a page listens.
    #[must_use]
    pub fn attached(&self) -> bool {
        let task = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        task.as_ref().is_some_and(|task| !task.inner().is_finished())
    }

    fn replace(&self, task: Option<JoinHandle<()>>) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *current, task) {
            before.abort();
        }
    }
}

/// Attaches the page's channel. Events that happen after this call are in it; a snapshot taken
/// afterwards therefore misses none.
///
/// # Errors
/// `INVALID_INPUT` when `channel` is not what Tauri's script makes of a channel.
pub fn subscribe<R: Runtime>(
    webview: &Webview<R>,
    listener: Listener,
    request: &ChannelRef,
) -> Result<()> {
    let id = JavaScriptChannelId::from_str(&request.channel)
        .map_err(|reason| WireError::field("channel", "malformed").detail(reason))?;
    let channel: Channel<InvokeResponseBody> = id.channel_on(webview.clone());
    webview.state::<Forwarder>().attach(listener, move |envelope| deliver(&channel, envelope));
    Ok(())
}

/// Sends one event; `false` when the page cannot be reached any more.
fn deliver(channel: &Channel<InvokeResponseBody>, envelope: &Envelope) -> bool {
    // A text in a text: the page reads it itself.
    let json = serde_json::to_string(envelope).and_then(|json| serde_json::to_string(&json));
    match json {
        Ok(json) => channel.send(InvokeResponseBody::Json(json)).is_ok(),
        Err(error) => {
            // The page notices the missing number and takes a new snapshot.
            tracing::error!(%error, seq = envelope.seq, "event not sent");
            true
        }
    }
}

/// A page that goes away takes its channel along.
pub(crate) fn on_page_load<R: Runtime>(webview: &Webview<R>, payload: &PageLoadPayload<'_>) {
    if payload.event() == PageLoadEvent::Started
        && let Some(forwarder) = webview.try_state::<Forwarder>()
    {
        forwarder.detach();
    }
}
