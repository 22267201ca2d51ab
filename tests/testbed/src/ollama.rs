//! A fake Ollama server that behaves as the recordings in `tests/fixtures/ollama` show.

mod blobs;
pub mod catalogue;
mod control;
mod create;
mod disk;
mod downloads;
mod fault;
mod generate;
mod guard;
mod keep_alive;
mod layer;
pub mod library;
mod list;
mod manage;
mod model;
mod name;
mod pull;
mod request;
mod respond;
mod routes;
mod scheduler;
mod shared;
mod show;
mod store;
mod version;

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use axum::Router;
use chrono::FixedOffset;

pub use catalogue::{Catalogue, Host, Pullable};
pub use control::Control;
pub use downloads::{Active, INSTANT_BYTES, Pace};
pub use fault::Fault;
pub use keep_alive::KeepAlive;
pub(crate) use layer::hex;
pub use layer::{Layer, LayerKind, sha256};
pub(crate) use model::manifest;
pub use model::{Loading, Model};
pub use name::Name;
pub use scheduler::Machine;
pub use shared::Recorded;
pub use store::{Blob, Store, Stored};

use crate::clock::Clock;
use crate::wire::{Server, Switch};
use shared::{Knobs, Shared};

/// What a fake server starts with.
#[derive(Clone, Debug)]
pub struct Builder {
    version: String,
    models: Vec<Model>,
    catalogue: Catalogue,
    clock: Clock,
    offset: FixedOffset,
    folder: Option<PathBuf>,
    machine: Machine,
    pace: Pace,
    port: u16,
    everywhere: bool,
}

impl Builder {
    /// The version it reports and behaves as; `0.33.0` when not said.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.version = version.to_owned();
        self
    }

    /// Installed models.
    #[must_use]
    pub fn models(mut self, models: impl IntoIterator<Item = Model>) -> Self {
        self.models.extend(models);
        self
    }

    /// What it can pull; the public library when not said.
    #[must_use]
    pub fn catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogue = catalogue;
        self
    }

    /// The clock of all its times; a still one when not said.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Minutes east of UTC in `modified_at` and `expires_at`.
    #[must_use]
    pub fn utc_offset(mut self, minutes: i32) -> Self {
        self.offset = FixedOffset::east_opt(minutes * 60).unwrap_or(self.offset);
        self
    }

    /// Keeps blobs and manifests in this folder; imagined blobs become sparse files.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    #[must_use]
    pub fn machine(mut self, machine: Machine) -> Self {
        self.machine = machine;
        self
    }

    /// How fast blobs arrive; at once when not said.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// A port of one's own; any free one when not said.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Listens on every address of this machine.
    #[must_use]
    pub fn everywhere(mut self) -> Self {
        self.everywhere = true;
        self
    }

    /// Starts the server on `127.0.0.1`.
    ///
    /// # Errors
    /// When the folder cannot be made or the port not be bound.
    pub async fn start(self) -> Result<FakeOllama> {
        let (models_dir, mut store) = match &self.folder {
            Some(folder) => (folder.clone(), Store::on_disk(disk::Disk::create(folder)?)),
            None => (PathBuf::from("/var/lib/testbed/models"), Store::default()),
        };
        for model in self.models {
            store.install(model, self.clock.now());
        }
        let switch = Arc::new(Switch::default());
        let shared = Arc::new(Shared {
            clock: self.clock,
            offset: self.offset,
            models_dir: Mutex::new(models_dir),
            store: Mutex::new(store),
            catalogue: Mutex::new(self.catalogue),
            knobs: Mutex::new(Knobs::new(&self.version)),
            downloads: downloads::Downloads::new(self.pace),
            scheduler: scheduler::Scheduler::new(self.machine),
            tags: Mutex::default(),
            everywhere: self.everywhere,
            changes: crate::patience::Changes::default(),
            switch: Arc::clone(&switch),
        });
        let router = Router::new().fallback(routes::serve).with_state(Arc::clone(&shared));
        let on = if self.everywhere { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        let address = SocketAddr::from((on, self.port));
        let server = Server::start(address, router, switch).await?;
        Ok(FakeOllama { control: Control(shared), server })
    }
}

/// A running fake server; dropping it closes its port and connections.
///
/// It dereferences to its [`Control`].
#[derive(Debug)]
pub struct FakeOllama {
    control: Control,
    server: Server,
}

impl FakeOllama {
    pub fn builder() -> Builder {
        Builder {
            version: "0.33.0".to_owned(),
            models: Vec::new(),
            catalogue: Catalogue::default(),
            clock: Clock::default(),
            offset: FixedOffset::east_opt(0).unwrap_or_else(|| chrono::Offset::fix(&chrono::Utc)),
            folder: None,
            machine: Machine::default(),
            pace: Pace::Instant,
            port: 0,
            everywhere: false,
        }
    }

    /// `http://127.0.0.1:port`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// An address of a server that listens [everywhere](Builder::everywhere) which does not say that
    /// it is on this machine: what this machine is called in its network, or else the loopback
    /// address in the form of a later protocol.
    pub fn url_from_afar(&self) -> String {
        let outer = || {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
            // Nothing is sent: it only says from where it would be.
            socket.connect("192.0.2.1:9").ok()?;
            Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback())
        };
        let host = outer().map_or_else(|| "[::ffff:127.0.0.1]".to_owned(), |it| it.to_string());
        format!("http://{host}:{}", self.server.address().port())
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// A handle that can be moved into tasks.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Closes the port and every connection, without final lines, as SIGTERM does.
    pub async fn stop(&mut self) {
        self.server.stop().await;
    }

    /// Serves again on the same port with the same store; loaded models are gone.
    ///
    /// # Errors
    /// When the port was taken meanwhile.
    pub async fn restart_same_port(&mut self) -> Result<()> {
        self.server.stop().await;
        self.control.expire_now();
        self.server.restart().await
    }
}

impl Deref for FakeOllama {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}
