//! Every variable that the documentation of Ollama 0.33 names.

use super::form::Form;
use crate::status::words;
use serde::{Deserialize, Serialize};

words! {
    /// What a variable is about.
    Group {
        Network = "network",
        Models = "models",
        Memory = "memory",
        Context = "context",
        Gpu = "gpu",
        Proxy = "proxy",
        Log = "log",
        Cloud = "cloud",
        /// Read by the command line alone.
        Client = "client",
    }
}

/// One variable. Its help is `variable.<name>`.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    pub name: &'static str,
    pub group: Group,
    pub form: Form,
    /// What holds when it is not set; empty = the server decides, or there is none.
    pub default: &'static str,
}

const fn of(name: &'static str, group: Group, form: Form, default: &'static str) -> Spec {
    Spec { name, group, form, default }
}

const SMALL: Form = Form::Integer { least: 0, most: 1024 };
const QUEUE: Form = Form::Integer { least: 0, most: 1_000_000 };
const TOKENS: Form = Form::Integer { least: 0, most: 16_777_216 };
const STREAMS: Form = Form::Integer { least: 1, most: 64 };

/// All of them, by group.
pub const SPECS: &[Spec] = &[
    of("OLLAMA_HOST", Group::Network, Form::Host, "127.0.0.1:11434"),
    of("OLLAMA_ORIGINS", Group::Network, Form::Origins, ""),
    of("OLLAMA_MODELS", Group::Models, Form::Path, "~/.ollama/models"),
    of("OLLAMA_NOPRUNE", Group::Models, Form::Flag, "0"),
    of("OLLAMA_GO_TEMPLATE", Group::Models, Form::Flag, "1"),
    of("OLLAMA_MAX_TRANSFER_STREAMS", Group::Models, STREAMS, "4"),
    of("OLLAMA_KEEP_ALIVE", Group::Memory, Form::Duration, "5m"),
    of("OLLAMA_MAX_LOADED_MODELS", Group::Memory, SMALL, "0"),
    of("OLLAMA_NUM_PARALLEL", Group::Memory, Form::Integer { least: 1, most: 1024 }, "1"),
    of("OLLAMA_MAX_QUEUE", Group::Memory, QUEUE, "512"),
    of("OLLAMA_LOAD_TIMEOUT", Group::Memory, Form::Duration, "5m"),
    of("OLLAMA_CONTEXT_LENGTH", Group::Context, TOKENS, "0"),
    of("OLLAMA_FLASH_ATTENTION", Group::Context, Form::TriState, ""),
    of("OLLAMA_KV_CACHE_TYPE", Group::Context, Form::Choice(&["f16", "q8_0", "q4_0"]), "f16"),
    of("LLAMA_ARG_FIT", Group::Context, Form::Choice(&["on", "off"]), "on"),
    of("LLAMA_ARG_FIT_TARGET", Group::Context, Form::Text, ""),
    of("CUDA_VISIBLE_DEVICES", Group::Gpu, Form::Devices, ""),
    of("ROCR_VISIBLE_DEVICES", Group::Gpu, Form::Devices, ""),
    of("HIP_VISIBLE_DEVICES", Group::Gpu, Form::Devices, ""),
    of("GGML_VK_VISIBLE_DEVICES", Group::Gpu, Form::Devices, ""),
    of("GPU_DEVICE_ORDINAL", Group::Gpu, Form::Devices, ""),
    of("OLLAMA_GPU_OVERHEAD", Group::Gpu, Form::Bytes, "0"),
    of("OLLAMA_SCHED_SPREAD", Group::Gpu, Form::Flag, "0"),
    of("OLLAMA_LLM_LIBRARY", Group::Gpu, Form::Text, ""),
    of("OLLAMA_VULKAN", Group::Gpu, Form::Flag, "1"),
    of("OLLAMA_IGPU_ENABLE", Group::Gpu, Form::TriState, ""),
    of("HSA_OVERRIDE_GFX_VERSION", Group::Gpu, Form::Text, ""),
    of("JETSON_JETPACK", Group::Gpu, Form::Choice(&["5", "6"]), ""),
    of("HTTPS_PROXY", Group::Proxy, Form::Proxy, ""),
    of("HTTP_PROXY", Group::Proxy, Form::Proxy, ""),
    of("NO_PROXY", Group::Proxy, Form::Text, ""),
    of("https_proxy", Group::Proxy, Form::Proxy, ""),
    of("http_proxy", Group::Proxy, Form::Proxy, ""),
    of("no_proxy", Group::Proxy, Form::Text, ""),
    of("OLLAMA_DEBUG", Group::Log, Form::Choice(&["0", "1", "2"]), "0"),
    of("OLLAMA_DEBUG_LOG_REQUESTS", Group::Log, Form::Flag, "0"),
    of("OLLAMA_NO_CLOUD", Group::Cloud, Form::Flag, "0"),
    of("OLLAMA_REMOTES", Group::Cloud, Form::Text, "ollama.com"),
    of("OLLAMA_CLOUD_BASE_URL", Group::Cloud, Form::Text, "https://ollama.com:443"),
    of("OLLAMA_AUTH", Group::Client, Form::Flag, "0"),
    of("OLLAMA_NOHISTORY", Group::Client, Form::Flag, "0"),
    of("OLLAMA_EDITOR", Group::Client, Form::Text, ""),
    of("OLLAMA_EXPERIMENT", Group::Client, Form::Text, ""),
];

/// The description of a variable; `None` for one that Ollama does not read.
#[must_use]
pub fn spec(name: &str) -> Option<&'static Spec> {
    SPECS.iter().find(|spec| spec.name == name)
}
