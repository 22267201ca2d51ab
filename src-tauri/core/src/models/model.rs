//! A model as it is known.

use corral_contract::{
    InstanceId, ModelId, TaskId, Timestamp, WireError,
    models::Memory,
    name::ModelName,
    status::{Install, Origin, Run, Status},
};

/// A model as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredModel {
    pub(crate) id: ModelId,
    pub(crate) instance: InstanceId,
    /// As Ollama displays it.
    pub(crate) name: String,
    /// See [`ModelName::key`].
    pub(crate) key: String,
    pub(crate) origin: Origin,
    pub(crate) registry: String,
    pub(crate) install: Install,
    pub(crate) run: Run,
    pub(crate) bytes: Option<u64>,
    pub(crate) digest: Option<String>,
    pub(crate) modified_at: Option<Timestamp>,
    pub(crate) family: Option<String>,
    pub(crate) parameter_size: Option<String>,
    pub(crate) quantization: Option<String>,
    pub(crate) context_length: Option<u64>,
    pub(crate) capabilities: Vec<String>,
    pub(crate) cloud: bool,
    /// On the server when it was last asked.
    pub(crate) on_server: bool,
    pub(crate) message: String,
    pub(crate) problem: Option<WireError>,
    pub(crate) memory: Option<Memory>,
    pub(crate) last_task: Option<TaskId>,
    pub(crate) created_at: Timestamp,
    pub(crate) seen_at: Option<Timestamp>,
    /// Not shown: a delete that can still be taken back, or is being done.
    pub(crate) hidden_until: Option<Timestamp>,
    /// Hash of what the server last said about it; an equal one means nothing changed.
    pub(crate) mark: Option<i64>,
}

impl StoredModel {
    /// A row just inserted for a model that was found on its server.
    pub(crate) fn fresh(
        id: ModelId,
        instance: InstanceId,
        name: &ModelName,
        origin: Origin,
        created_at: Timestamp,
    ) -> Self {
        StoredModel {
            id,
            instance,
            name: name.display(),
            key: name.key(),
            origin,
            registry: name.host.to_ascii_lowercase(),
            install: Install::Ready,
            run: Run::Stopped,
            bytes: None,
            digest: None,
            modified_at: None,
            family: None,
            parameter_size: None,
            quantization: None,
            context_length: None,
            capabilities: Vec::new(),
            cloud: false,
            on_server: false,
            message: String::new(),
            problem: None,
            memory: None,
            last_task: None,
            created_at,
            seen_at: None,
            hidden_until: None,
            mark: None,
        }
    }

    /// The single status of the row.
    pub(crate) fn status(&self) -> Status {
        Status::derive(self.install, self.run)
    }
}
