//! A fake model registry, and the CDN on another port that holds its blobs.

mod cdn;
mod front;

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use tokio::sync::watch;

use crate::content::Content;
use crate::ollama::{LayerKind, Model, Name, manifest, sha256};
use crate::patience::{Changes, lock};
use crate::wire::{Server, Switch};

/// How one download from the CDN goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing: lets one request pass before the next trouble.
    None,
    /// The bytes are others than the digest says.
    WrongBytes,
    /// 200 and the whole blob, whatever range was asked for.
    IgnoreRange,
    /// 206 with a `Content-Range` that starts one byte too late.
    WrongContentRange,
    /// 206 with a `Content-Range` that names a blob of one byte more.
    OtherSize,
    /// The bytes are said to be packed with gzip.
    Packed,
    /// 403: the signed address has expired.
    Expired,
    /// 429 or 503 with `Retry-After` in seconds.
    RetryLater { status: u16, seconds: u64 },
    /// Any other status with this body.
    Status(u16, String),
    /// TCP reset after this many bytes of the body.
    ResetAfter(u64),
    /// Proper end of the connection after this many bytes of the body.
    CloseAfter(u64),
    /// As `CloseAfter`; with the connection, all addresses handed out so far end too.
    LapseAfter(u64),
    /// Nothing more after this many bytes; the connection stays open.
    BlackHoleAfter(u64),
    /// One byte at a time with this pause.
    Drip(Duration),
}

/// How the registry answers the request for a blob.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Handover {
    /// 307 to the CDN.
    #[default]
    Redirect,
    /// 302 to the CDN, which Ollama's own client refuses.
    Found,
    /// 200 with the bytes and no `Location`.
    Direct,
    /// This status and the blob below this root: `<root>/data/<digest>`.
    To(u16, String),
}

/// How the registry wants to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Everything is public.
    #[default]
    Public,
    /// 401 names the registry's own token endpoint, which gives a token to whoever signs his
    /// question; it opens everything.
    Token,
    /// As `Token`, for anyone.
    Guests,
    /// 401 names a token endpoint on this other host.
    ForeignRealm(String),
    /// 401 whatever token is shown.
    Denied,
    /// 401 asks for `Authorization` with exactly this value, of this scheme.
    Exactly { scheme: &'static str, value: String },
    /// 401 names a token endpoint, its own or at this other host, which wants exactly this
    /// `Authorization`.
    Login { realm: Option<String>, value: String },
}

/// A request that arrived, at the registry (`cdn` false) or the CDN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub cdn: bool,
    pub method: String,
    pub path: String,
    pub range: Option<String>,
    pub user_agent: Option<String>,
    /// Whether an `Authorization` header came along.
    pub authorized: bool,
    /// What it said.
    pub shown: Option<String>,
}

/// A model the registry serves.
#[derive(Clone, Debug)]
pub struct Published {
    /// `namespace/model:tag`.
    pub name: String,
    /// The manifest, byte for byte.
    pub manifest: Vec<u8>,
    /// SHA-256 of the manifest, 64 hex digits.
    pub digest: String,
}

#[derive(Debug, Default)]
pub(crate) struct Book {
    manifests: HashMap<String, Vec<u8>>,
    manifest_status: Option<(u16, String)>,
    /// Status and body of what is asked below `/api/`, by its path.
    hub: HashMap<String, (u16, String)>,
    /// Seconds since 1970 at which every manifest came, when it is told.
    pushed: Option<i64>,
    /// Status and root that questions for manifests are sent on to.
    manifest_redirect: Option<(u16, String)>,
    contents: HashMap<String, Content>,
    asked: Vec<Asked>,
    /// Bytes that were sent of each blob.
    sent: HashMap<String, u64>,
    script: VecDeque<Trouble>,
    always: Option<Trouble>,
    access: Access,
    handover: Handover,
    /// Bytes per second and connection.
    rate: Option<u64>,
    /// Signed addresses of earlier generations have expired.
    generation: u64,
}

#[derive(Debug)]
pub(crate) struct Shared {
    book: Mutex<Book>,
    changes: Changes,
    hold: watch::Sender<bool>,
    cdn: Mutex<Option<SocketAddr>>,
}

impl Shared {
    /// `host:port` of the CDN, under another name than the registry's: clients keep what they were
    /// let in with to hosts of the same name, whatever the port.
    fn cdn_host(&self) -> String {
        lock(&self.cdn).map(|cdn| format!("localhost:{}", cdn.port())).unwrap_or_default()
    }
}

/// A cloneable handle on a running registry.
#[derive(Clone, Debug)]
pub struct Control(Arc<Shared>);

impl Control {
    fn turn(&self, change: impl FnOnce(&mut Book)) {
        change(&mut lock(&self.0.book));
        self.0.changes.note();
    }

    /// Serves a model under `namespace/model:tag`: layers in order, and its config.
    pub fn publish(
        &self,
        name: &str,
        layers: &[(LayerKind, Content)],
        config: Content,
    ) -> Published {
        let list: Vec<_> = layers.iter().map(|(kind, content)| content.layer(*kind)).collect();
        let manifest = manifest(&list, &config.layer(LayerKind::Config));
        let contents = layers.iter().map(|(_, content)| content.clone());
        self.turn(|book| {
            for content in contents.chain([config]) {
                book.contents.insert(content.digest.clone(), content);
            }
            book.manifests.insert(name.to_owned(), manifest.clone());
        });
        Published { name: name.to_owned(), digest: sha256(&manifest), manifest }
    }

    /// Shows a model as a registry does before anybody downloads it: manifest, config, licence and
    /// the head of its weights.
    pub fn announce(&self, model: &Model) {
        let (layers, config) = (model.layers(), model.config_layer());
        let manifest = manifest(&layers, &config);
        let head = model.gguf_head();
        let Name { namespace, model: name, tag, .. } = &model.name;
        let name = format!("{namespace}/{name}:{tag}");
        self.turn(|book| {
            for layer in layers.iter().chain([&config]) {
                let bytes = layer.data.as_ref().map_or(head.as_slice(), |data| data);
                let content = Content::imagined(bytes, layer.size, &layer.digest);
                book.contents.insert(layer.digest.clone(), content);
            }
            book.manifests.insert(name, manifest);
        });
    }

    /// The next downloads from the CDN meet these, one each.
    pub fn script(&self, troubles: impl IntoIterator<Item = Trouble>) {
        self.turn(|book| book.script.extend(troubles));
    }

    /// Every download meets this once the script is empty; `None` = all is well.
    pub fn always(&self, trouble: Option<Trouble>) {
        self.turn(|book| book.always = trouble);
    }

    /// Manifests are answered with this status and body; `None` = properly.
    pub fn manifest_status(&self, answer: Option<(u16, &str)>) {
        let answer = answer.map(|(status, body)| (status, body.to_owned()));
        self.turn(|book| book.manifest_status = answer);
    }

    /// Answers `GET <path>` with this, as hf.co does below `/api/`.
    pub fn hub(&self, path: &str, status: u16, body: impl Into<String>) {
        self.turn(|book| drop(book.hub.insert(path.to_owned(), (status, body.into()))));
    }

    /// Manifests say that they came at this time, in seconds since 1970.
    pub fn pushed(&self, at: Option<i64>) {
        self.turn(|book| book.pushed = at);
    }

    /// Takes a model away: its manifest is unknown from now on.
    pub fn withdraw(&self, name: &str) {
        self.turn(|book| drop(book.manifests.remove(name)));
    }

    /// Questions for manifests are sent on to the same path below a root; `None` = answered.
    pub fn redirect_manifests(&self, to: Option<(u16, &str)>) {
        let to = to.map(|(status, root)| (status, root.to_owned()));
        self.turn(|book| book.manifest_redirect = to);
    }

    pub fn access(&self, access: Access) {
        self.turn(|book| book.access = access);
    }

    pub fn handover(&self, handover: Handover) {
        self.turn(|book| book.handover = handover);
    }

    /// Bytes per second of each connection to the CDN; `None` = as fast as it goes.
    pub fn rate(&self, rate: Option<u64>) {
        self.turn(|book| book.rate = rate);
    }

    /// While held, bodies of the CDN do not proceed.
    pub fn hold(&self, hold: bool) {
        self.0.hold.send_modify(|held| *held = hold);
    }

    /// All addresses handed out so far answer 403 from now on.
    pub fn expire_addresses(&self) {
        self.turn(|book| book.generation += 1);
    }

    /// Every request so far, oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.0.book).asked.clone()
    }

    /// Bytes of a blob that were sent so far, those that nobody took included.
    pub fn sent(&self, digest: &str) -> u64 {
        lock(&self.0.book).sent.get(digest).copied().unwrap_or(0)
    }

    /// Waits until `condition` holds, looking again after every request and change.
    ///
    /// # Errors
    /// After [`crate::patience::DEADLINE`], naming `what` was waited for.
    pub async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) -> Result<()> {
        self.0.changes.until(what, || condition(self)).await
    }
}

/// A running registry with its CDN; dropping it closes both ports.
///
/// It dereferences to its [`Control`].
#[derive(Debug)]
pub struct FakeRegistry {
    control: Control,
    front: Server,
    cdn: Server,
}

impl FakeRegistry {
    /// Starts both on free loopback ports.
    ///
    /// # Errors
    /// When a port cannot be bound.
    pub async fn start() -> Result<Self> {
        let shared = Arc::new(Shared {
            book: Mutex::default(),
            changes: Changes::default(),
            hold: watch::Sender::new(false),
            cdn: Mutex::default(),
        });
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let router = Router::new().fallback(cdn::serve).with_state(Arc::clone(&shared));
        let cdn = Server::start(any, router, Arc::new(Switch::default())).await?;
        *lock(&shared.cdn) = Some(cdn.address());
        let router = Router::new().fallback(front::serve).with_state(Arc::clone(&shared));
        let front = Server::start(any, router, Arc::new(Switch::default())).await?;
        Ok(Self { control: Control(shared), front, cdn })
    }

    /// `host:port` of the registry, as model names carry it.
    pub fn host(&self) -> String {
        self.front.address().to_string()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.front.address())
    }

    /// Where it listens, for what is put before it.
    pub fn address(&self) -> SocketAddr {
        self.front.address()
    }

    /// The same of its CDN.
    pub fn cdn_address(&self) -> SocketAddr {
        self.cdn.address()
    }

    /// Where the registry sends those who ask for a blob: a host of another name.
    pub fn cdn_url(&self) -> String {
        format!("http://{}", self.control.0.cdn_host())
    }

    /// A handle that can be moved into tasks.
    pub fn control(&self) -> Control {
        self.control.clone()
    }
}

impl Deref for FakeRegistry {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}
