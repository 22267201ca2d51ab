//! What the server can pull: the registries as the server sees them.

use std::collections::HashMap;

use super::layer::LayerKind;
use super::library;
use super::model::Model;
use super::name::{DEFAULT_HOST, Name};

/// How a registry host answers the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// TLS, as public registries.
    Https,
    /// Plain HTTP only: pulls work with `insecure`.
    HttpOnly,
    /// Nobody listens.
    Down,
}

/// What comes after the line `pulling manifest`.
#[derive(Clone, Debug)]
pub enum Pullable {
    /// The model arrives.
    Model(Box<Model>),
    /// The manifest fails: the text after `pull model manifest: `.
    ManifestError(String),
    /// Layers arrive until the blob of this kind, which fails with this text.
    BlobError { model: Box<Model>, kind: LayerKind, text: String },
    /// Everything arrives, but the weights have this digest instead.
    Corrupt { model: Box<Model>, got: String },
}

/// Pullable names by key, and hosts.
#[derive(Clone, Debug)]
pub struct Catalogue {
    entries: HashMap<String, Pullable>,
    hosts: HashMap<String, Host>,
}

impl Default for Catalogue {
    /// The public library of [`library::all`], and a few names that fail:
    /// `needs-newer` (412), `flaky` (500), `private` (401), `corrupt-layer` and `full-disk`.
    fn default() -> Self {
        let mut catalogue = Self::empty();
        for model in library::all() {
            catalogue.add(model);
        }
        let newer =
            "412: \nThe model you are attempting to pull requires a newer version of Ollama";
        catalogue.refuse("needs-newer", newer);
        catalogue.refuse("flaky", "500: boom");
        catalogue.refuse("private", "unauthorized: access denied");
        let model = |name: &str| Box::new(Model::new(name).weights_size(2_000_000_000));
        catalogue.insert(
            &Model::new("corrupt-layer").name,
            Pullable::Corrupt { model: model("corrupt-layer"), got: super::layer::sha256(b"") },
        );
        catalogue.insert(
            &Model::new("full-disk").name,
            Pullable::BlobError {
                model: model("full-disk"),
                kind: LayerKind::Model,
                text: "write sha256-partial: no space left on device".to_owned(),
            },
        );
        catalogue
    }
}

impl Catalogue {
    /// No names; the usual public hosts.
    pub fn empty() -> Self {
        let hosts = [DEFAULT_HOST, "hf.co", "huggingface.co"];
        let hosts = hosts.into_iter().map(|host| (host.to_owned(), Host::Https)).collect();
        Self { entries: HashMap::new(), hosts }
    }

    pub fn add(&mut self, model: Model) {
        let name = model.name.clone();
        self.insert(&name, Pullable::Model(Box::new(model)));
    }

    /// Makes `name` fail with `pull model manifest: {text}`.
    ///
    /// # Panics
    /// When `name` is not a model name.
    pub fn refuse(&mut self, name: &str, text: &str) {
        let name = Name::parse(name).expect("a valid model name");
        self.insert(&name, Pullable::ManifestError(text.to_owned()));
    }

    pub fn insert(&mut self, name: &Name, pullable: Pullable) {
        self.entries.insert(name.key(), pullable);
    }

    pub fn host(&mut self, name: &str, host: Host) {
        self.hosts.insert(name.to_owned(), host);
    }

    /// What pulling `name` does, or the text after `pull model manifest: `.
    pub(crate) fn find(&self, name: &Name, insecure: bool) -> Result<Pullable, String> {
        let scheme = if insecure { "http" } else { "https" };
        let Name { host, namespace, model, tag } = name;
        let url = format!("{scheme}://{host}/v2/{namespace}/{model}/manifests/{tag}");
        match self.hosts.get(host) {
            Some(Host::HttpOnly) if !insecure => return Err(format!("Get \"{url}\": EOF")),
            Some(Host::Https | Host::HttpOnly) => {}
            Some(Host::Down) => {
                return Err(format!("Get \"{url}\": dial tcp {host}: connect: connection refused"));
            }
            None => {
                let bare = host.split(':').next().unwrap_or(host);
                return Err(format!("Get \"{url}\": dial tcp: lookup {bare}: no such host"));
            }
        }
        self.entries.get(&name.key()).cloned().ok_or_else(|| "file does not exist".to_owned())
    }
}
