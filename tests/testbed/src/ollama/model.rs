//! Models as a test describes them.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};

use super::layer::{Layer, LayerKind};
use super::name::Name;
use crate::gguf::{Gguf, Value};

/// How the runner of a model behaves when it is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Loading {
    /// It loads.
    #[default]
    Works,
    /// The runner process ends with this text (HTTP 500).
    Fails(String),
    /// There is not enough memory, whatever else is loaded.
    OutOfMemory,
}

/// A model: its name, what it says about itself, and its layers.
#[derive(Clone, Debug)]
pub struct Model {
    pub name: Name,
    pub weights: Layer,
    /// Layers after the weights; when `None` they follow from template, license, params, system.
    pub other_layers: Option<Vec<Layer>>,
    /// The config blob; when `None` it follows from the facts.
    pub config: Option<Layer>,
    pub projector: Option<Layer>,
    pub format: String,
    pub family: String,
    /// As shown, for example `3.2B`.
    pub parameter_size: String,
    pub parameter_count: u64,
    pub quantization: String,
    pub context_length: u64,
    pub embedding_length: u64,
    pub block_count: u64,
    pub capabilities: Vec<String>,
    pub parent_model: String,
    pub template: String,
    pub system: Option<String>,
    pub license: Option<String>,
    pub params: Vec<(String, Json)>,
    /// Keys added to (or replacing those of) the derived `model_info`.
    pub more_info: Map<String, Json>,
    /// `[{name, type, shape}]`; empty = a few made-up tensors.
    pub tensors: Vec<Json>,
    pub loading: Loading,
    /// Bytes in memory when loaded with the default context; `None` = size plus a tenth.
    pub loaded_size: Option<u64>,
    /// `None` = the moment it enters the store.
    pub modified_at: Option<DateTime<Utc>>,
}

impl Model {
    /// A small llama-like model; panics on a name the server would refuse, as a test's own mistake.
    pub fn new(name: &str) -> Self {
        let name = Name::parse(name).expect("a valid model name");
        let weights = Layer::imagined(LayerKind::Model, &name.key(), 4_096_000);
        Self {
            name,
            weights,
            other_layers: None,
            config: None,
            projector: None,
            format: "gguf".to_owned(),
            family: "llama".to_owned(),
            parameter_size: "3.2B".to_owned(),
            parameter_count: 3_212_749_888,
            quantization: "Q4_K_M".to_owned(),
            context_length: 131_072,
            embedding_length: 3072,
            block_count: 28,
            capabilities: vec!["completion".to_owned()],
            parent_model: String::new(),
            template: "{{ .Prompt }}".to_owned(),
            system: None,
            license: None,
            params: Vec::new(),
            more_info: Map::new(),
            tensors: Vec::new(),
            loading: Loading::default(),
            loaded_size: None,
            modified_at: None,
        }
    }

    /// A model of these layers; `None` when the bytes are no manifest of one.
    pub(crate) fn of_manifest(name: &Name, manifest: &[u8]) -> Option<Self> {
        let manifest: Json = serde_json::from_slice(manifest).ok()?;
        let layer = |entry: &Json| {
            let kind = LayerKind::of_media_type(entry["mediaType"].as_str()?)?;
            let digest = entry["digest"].as_str()?.strip_prefix("sha256:")?;
            Some(Layer::known(kind, digest, entry["size"].as_u64()?))
        };
        let mut layers = manifest["layers"].as_array()?.iter().filter_map(layer);
        let mut model = Self::new(&name.to_string());
        model.name = name.clone();
        model.weights = layers.next()?;
        model.other_layers = Some(layers.collect());
        model.config = Some(layer(&manifest["config"])?);
        Some(model)
    }

    /// Size of the weights in bytes; their digest follows from name and size.
    #[must_use]
    pub fn weights_size(mut self, size: u64) -> Self {
        self.weights = Layer::imagined(LayerKind::Model, &self.name.key(), size);
        self
    }

    /// Shares the weights of another model.
    #[must_use]
    pub fn weights_of(mut self, other: &Self) -> Self {
        self.weights = other.weights.clone();
        self
    }

    /// Family, shown parameter size, parameter count and quantization.
    #[must_use]
    pub fn facts(mut self, family: &str, size: &str, count: u64, quantization: &str) -> Self {
        self.family = family.to_owned();
        self.parameter_size = size.to_owned();
        self.parameter_count = count;
        self.quantization = quantization.to_owned();
        self
    }

    /// Training context, embedding length and number of blocks.
    #[must_use]
    pub fn lengths(mut self, context: u64, embedding: u64, blocks: u64) -> Self {
        self.context_length = context;
        self.embedding_length = embedding;
        self.block_count = blocks;
        self
    }

    #[must_use]
    pub fn capabilities(mut self, capabilities: &[&str]) -> Self {
        self.capabilities = capabilities.iter().map(|&name| name.to_owned()).collect();
        self
    }

    #[must_use]
    pub fn license(mut self, text: &str) -> Self {
        self.license = Some(text.to_owned());
        self
    }

    #[must_use]
    pub fn system(mut self, text: &str) -> Self {
        self.system = Some(text.to_owned());
        self
    }

    #[must_use]
    pub fn template(mut self, text: &str) -> Self {
        self.template = text.to_owned();
        self
    }

    #[must_use]
    pub fn param(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.params.push((key.to_owned(), value.into()));
        self
    }

    #[must_use]
    pub fn projector(mut self, size: u64) -> Self {
        let seed = format!("{} projector", self.name.key());
        self.projector = Some(Layer::imagined(LayerKind::Projector, &seed, size));
        self
    }

    #[must_use]
    pub fn loading(mut self, loading: Loading) -> Self {
        self.loading = loading;
        self
    }

    #[must_use]
    pub fn loaded_size(mut self, bytes: u64) -> Self {
        self.loaded_size = Some(bytes);
        self
    }

    #[must_use]
    pub fn modified_at(mut self, at: DateTime<Utc>) -> Self {
        self.modified_at = Some(at);
        self
    }

    /// Every layer in manifest order, without the config.
    pub fn layers(&self) -> Vec<Layer> {
        let mut layers = vec![self.weights.clone()];
        layers.extend(self.projector.clone());
        if let Some(other) = &self.other_layers {
            layers.extend(other.iter().cloned());
            return layers;
        }
        layers.push(Layer::of(LayerKind::Template, self.template.clone()));
        let license = self.license.as_ref();
        layers.extend(license.map(|text| Layer::of(LayerKind::License, text.clone())));
        if !self.params.is_empty() {
            let params: Map<String, Json> = self.params.iter().cloned().collect();
            layers.push(Layer::of(LayerKind::Params, Json::Object(params).to_string()));
        }
        let system = self.system.as_ref();
        layers.extend(system.map(|text| Layer::of(LayerKind::System, text.clone())));
        layers
    }

    /// The config blob.
    pub fn config_layer(&self) -> Layer {
        self.config.clone().unwrap_or_else(|| {
            let config = json!({
                "model_format": self.format,
                "model_family": self.family,
                "model_families": [self.family],
                "model_type": self.parameter_size,
                "file_type": self.quantization,
                "architecture": "amd64",
                "os": "linux",
            });
            Layer::of(LayerKind::Config, config.to_string())
        })
    }

    /// The beginning of its weights, as a GGUF file says what it is.
    pub(crate) fn gguf_head(&self) -> Vec<u8> {
        let number = |number: u64| Value::U32(u32::try_from(number).unwrap_or(u32::MAX));
        let key = |name: &str| format!("{}.{name}", self.family);
        Gguf::default()
            .value("general.architecture", Value::Text(self.family.clone()))
            .value(&key("context_length"), number(self.context_length))
            .value(&key("embedding_length"), number(self.embedding_length))
            .value(&key("block_count"), number(self.block_count))
            .value(&key("attention.head_count"), Value::U32(32))
            .value(&key("attention.head_count_kv"), Value::U32(8))
            .bytes()
    }

    pub(crate) fn details(&self) -> Json {
        json!({
            "parent_model": self.parent_model,
            "format": self.format,
            "family": self.family,
            "families": [self.family],
            "parameter_size": self.parameter_size,
            "quantization_level": self.quantization,
        })
    }

    pub(crate) fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|known| known == capability)
    }

    /// Bytes in memory with a context of `context` tokens.
    pub(crate) fn memory(&self, context: u64) -> u64 {
        let base = self.loaded_size.unwrap_or(self.weights.size + self.weights.size / 10);
        // Beyond the usual 4,096 tokens the cache grows with the context.
        base + context.saturating_sub(4096) * self.block_count.max(1) * 2048
    }
}

/// The manifest as bytes; their SHA-256 is the model's digest.
pub(crate) fn manifest(layers: &[Layer], config: &Layer) -> Vec<u8> {
    let entry = |layer: &Layer| {
        json!({
            "mediaType": layer.kind.media_type(),
            "digest": layer.full_digest(),
            "size": layer.size,
        })
    };
    let layers: Vec<Json> = layers.iter().map(entry).collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": entry(config),
        "layers": layers,
    });
    manifest.to_string().into_bytes()
}
