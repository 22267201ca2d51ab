//! Registries as the user sets them up.

mod access;
mod commands;
mod mirrors;
mod proxy;
mod ways;

use std::path::PathBuf;

use corral_contract::{
    WireError,
    name::ModelName,
    registries::{MirrorDraft, RegistryDraft, RegistryList, RegistryView, call},
};
use corral_core::{
    registry::{Manifest, RegistryConfig, Repository},
    transfers::{Failed, Order, Share, Transfers},
};
use corral_testbed::{FakeRegistry, content::Content, ollama::LayerKind, registry::Published};
use tempfile::TempDir;

use crate::support::Bench;

const MB: u64 = 1_000_000;
/// A host that only a proxy or a mirror can stand for.
const ELSEWHERE: &str = "models.test";

/// A core that asks registries as everybody does, until a test sets them up.
struct Lab {
    bench: Bench,
    folder: TempDir,
}

impl Lab {
    async fn new() -> Lab {
        let bench = Bench::with(|config| {
            config.workers = corral_core::config::Workers::None;
            config.registry = RegistryConfig::default();
        });
        Lab { bench: bench.await, folder: tempfile::tempdir().expect("a folder") }
    }

    async fn save(&self, draft: RegistryDraft) -> RegistryView {
        self.bench.ask::<call::Save>(draft).await.expect("it is kept")
    }

    async fn list(&self) -> RegistryList {
        self.bench.ask::<call::List>(Default::default()).await.expect("the list")
    }

    async fn view(&self, host: &str) -> RegistryView {
        self.list().await.items.into_iter().find(|each| each.host == host).expect("it is listed")
    }

    async fn manifest(&self, host: &str) -> Result<Manifest, WireError> {
        let asked = self.bench.core.registries().manifest(&repository(host)).await;
        asked.map_err(|failure| failure.error)
    }

    /// Some bytes of the weights.
    async fn bytes(&self, host: &str, content: &Content) -> Result<Vec<u8>, WireError> {
        let (registries, repository) = (self.bench.core.registries(), repository(host));
        let digest = format!("sha256:{}", content.digest);
        let read = async {
            let place = registries.place(&repository, &digest).await?;
            registries.read_at(&repository, &place, 10..30).await
        };
        read.await.map_err(|failure| failure.error)
    }

    fn begin(&self, host: &str, content: &Content) -> Share {
        let digest = format!("sha256:{}", content.digest);
        let staging = self.folder.path().join("staging");
        let order = Order::new(repository(host), &digest, content.size, staging);
        let transfers = Transfers::new(self.bench.core.registries().clone());
        transfers.join(order.expect("a digest"))
    }

    /// A blob arrives, byte for byte.
    async fn brings(&self, share: Share, content: &Content) {
        let whole = share.whole().await.expect("it comes");
        let place: PathBuf = self.folder.path().join("blob");
        whole.publish(&place).expect("it is moved");
        let bytes = std::fs::read(&place).expect("it is there");
        assert!(Content::of(bytes).digest == content.digest, "the bytes that were ordered");
    }

    /// A blob does not arrive, and no byte of it is published.
    async fn fails(&self, host: &str, content: &Content) -> Failed {
        self.begin(host, content).whole().await.expect_err("it cannot come")
    }
}

fn repository(host: &str) -> Repository {
    let name = ModelName::parse(&format!("{host}/library/x:latest")).expect("a name");
    Repository { name, insecure: false, server_version: None, file: None }
}

/// A registry that serves a model with weights of a size.
async fn registry(seed: u64, size: u64) -> (FakeRegistry, Content, Published) {
    let registry = FakeRegistry::start().await.expect("a registry");
    let (content, published) = fill(&registry, seed, size);
    (registry, content, published)
}

fn fill(registry: &FakeRegistry, seed: u64, size: u64) -> (Content, Published) {
    let content = Content::seeded(seed, size);
    let layers = [(LayerKind::Model, content.clone())];
    let published = registry.publish("library/x:latest", &layers, Content::of("{}"));
    (content, published)
}

/// A draft that says nothing but that this host is asked in the clear.
fn plain(host: &str) -> RegistryDraft {
    RegistryDraft { host: host.to_owned(), plain_http: true, ..RegistryDraft::default() }
}

fn mirror(address: impl Into<String>) -> MirrorDraft {
    MirrorDraft { address: address.into(), plain_http: true }
}
