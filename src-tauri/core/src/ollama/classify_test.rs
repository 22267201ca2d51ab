//! One real text per row of the table.

use corral_contract::ErrorCode as Code;

use super::{TABLE, classify};

/// Texts as Ollama says them, in the order of the table.
const TEXTS: &[(&str, Code)] = &[
    ("invalid model name", Code::InvalidInput),
    ("model is required", Code::InvalidInput),
    ("missing request body", Code::InvalidInput),
    ("use either :local or :cloud, not both: \"x:cloud:local\"", Code::InvalidInput),
    ("time: missing unit in duration \"5\"", Code::InvalidInput),
    ("time: invalid duration \"abc\"", Code::InvalidInput),
    ("Unsupported type: 'bool'", Code::InvalidInput),
    ("option \"num_ctx\" must be of type integer", Code::InvalidInput),
    (
        "max retries exceeded: write /m/blobs/sha256-1-partial: no space left on device",
        Code::DiskFull,
    ),
    ("write C:\\m\\x: There is not enough space on the disk.", Code::DiskFull),
    ("write /m/x: disk quota exceeded", Code::DiskFull),
    ("open /usr/share/ollama/.ollama/models/manifests/x: permission denied", Code::StorePermission),
    ("rename C:\\m\\x: Access is denied.", Code::StorePermission),
    ("chtimes /m/blobs/x: operation not permitted", Code::StorePermission),
    ("mkdir /m/blobs: read-only file system", Code::StorePermission),
    ("pull model manifest: file does not exist", Code::ModelUnknown),
    (
        "pull model manifest: 400: The specified tag is not a valid quantization scheme. Please use another tag",
        Code::ModelUnknown,
    ),
    (
        "pull model manifest: 412: \nThe model you are attempting to pull requires a newer version of Ollama",
        Code::NeedsNewerOllama,
    ),
    ("pull model manifest: 412: ", Code::NeedsNewerOllama),
    (
        "pull model manifest: realm host \"huggingface.co\" does not match original host \"hf.co\"",
        Code::RealmMismatch,
    ),
    ("pull model manifest: unauthorized: access denied", Code::SignInNeeded),
    ("pull model manifest: 401: {\"error\":\"Invalid username or password.\"}", Code::SignInNeeded),
    ("pull model manifest: 403: gated", Code::SignInNeeded),
    (
        "pull model manifest: Get \"https://x\": blocked redirect to a different host",
        Code::RedirectBlocked,
    ),
    ("context canceled", Code::CancelWindingDown),
    (
        "digest mismatch, file must be downloaded again: want sha256:1, got sha256:2",
        Code::DigestMismatch,
    ),
    ("http: no Location header in response", Code::RegistryIncompatible),
    ("unexpected status code 302", Code::RegistryIncompatible),
    (
        "pull model manifest: 400: The specified repository contains sharded GGUF. Ollama does not support this yet.",
        Code::RegistryIncompatible,
    ),
    (
        "this model requires MLX support, but the MLX runtime is not available",
        Code::PlatformUnsupported,
    ),
    ("max retries exceeded: EOF", Code::DownloadInterrupted),
    ("remove /m/blobs/sha256-1-partial-3: no such file or directory", Code::DownloadInterrupted),
    ("pull model manifest: 500: boom", Code::RegistryUnreachable),
    (
        "Head \"https://x/\": dial tcp 127.0.0.1:5999: connect: connection refused",
        Code::RegistryUnreachable,
    ),
    ("lookup registry.ollama.ai: no such host", Code::RegistryUnreachable),
    ("unexpected EOF", Code::DownloadInterrupted),
    (
        "read tcp 10.0.0.1:1->10.0.0.2:443: read: connection reset by peer",
        Code::DownloadInterrupted,
    ),
    ("server busy, please try again.  maximum pending requests exceeded", Code::ServerBusy),
    ("model requires more system memory (8.0 GiB) than is available (3.5 GiB)", Code::OutOfMemory),
    (
        "llama-server process has terminated: exit status 1: CUDA error: out of memory",
        Code::OutOfMemory,
    ),
    ("llama-server reported out-of-memory during startup: x", Code::OutOfMemory),
    ("llama runner process has terminated: cudaMalloc failed: x", Code::OutOfMemory),
    ("llama-server process has terminated: unable to allocate CPU buffer", Code::OutOfMemory),
    ("ggml: failed to allocate buffer of size 8589934592", Code::OutOfMemory),
    (
        "llama-server process has terminated: exit status 1: error loading model: unknown model architecture: ''",
        Code::ModelBroken,
    ),
    (
        "llama-server process has terminated: exit status 1: error loading model: unknown model architecture: 'x'",
        Code::UnsupportedArchitecture,
    ),
    ("unsupported model architecture \"x\"", Code::UnsupportedArchitecture),
    (
        "error loading model: this model may be incompatible with your version of Ollama. Please update",
        Code::UnsupportedArchitecture,
    ),
    ("timed out waiting for llama-server to start - progress 0.00", Code::LoadTimedOut),
    (
        "llama-server process has terminated: exit status 1: error loading model: error loading model hyperparameters: key not found in model: x",
        Code::ModelBroken,
    ),
    ("supplied file was not in GGUF format", Code::ModelBroken),
    ("tensor \"x\" offset+size (99) exceeds file size (9)", Code::ModelBroken),
    ("open /m/blobs/sha256-11: no such file or directory", Code::ModelBroken),
    ("llama-server process has terminated: exit status 2: ", Code::RunnerCrashed),
    ("llama-server process no longer running: -1", Code::RunnerCrashed),
    (
        "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error",
        Code::RunnerCrashed,
    ),
    ("an error was encountered while running the model: unexpected status", Code::RunnerCrashed),
    ("\"x\" does not support generate", Code::NotSupportedByModel),
    ("ollama cloud is disabled: remote model details are unavailable", Code::CloudDisabled),
    ("request canceled", Code::Cancelled),
    ("model \"zzz\" not found, try pulling it first", Code::NotFound),
];

// criterion: 0.6
#[test]
fn every_row_is_shown_by_a_text_that_ollama_says() {
    assert_eq!(TEXTS.len(), TABLE.len(), "one text per row");
    for ((text, code), (parts, row_code)) in TEXTS.iter().zip(TABLE) {
        let error = classify(200, text);
        assert_eq!(error.code, *code, "{text}");
        assert_eq!(code, row_code, "{text} stands for {parts:?}");
        assert!(parts.iter().all(|part| text.to_lowercase().contains(part)), "{text}: {parts:?}");
        assert!(error.detail.is_some(), "the raw text is kept for {text}");
    }
}

#[test]
fn an_unknown_text_is_told_by_its_status() {
    for (status, code) in [
        (200, Code::ServerFault),
        (401, Code::AccessRefused),
        (403, Code::AccessRefused),
        (404, Code::NotFound),
        (429, Code::ServerBusy),
        (500, Code::ServerFault),
        (504, Code::TimedOut),
    ] {
        assert_eq!(classify(status, "gnirps").code, code, "{status}");
    }
}

#[test]
fn refused_input_names_its_field() {
    let field = |text: &str| classify(400, text).params.get("field").cloned();
    assert_eq!(field("invalid model name").as_deref(), Some("name"));
    assert_eq!(field("time: missing unit in duration \"5\"").as_deref(), Some("keepAlive"));
    assert_eq!(field("option \"num_ctx\" must be of type integer").as_deref(), Some("options"));
}

#[test]
fn the_raw_text_carries_no_secret() {
    let error = classify(500, "Get \"https://me:pw@host/x\": dial tcp");
    assert_eq!(error.detail.as_deref(), Some("Get \"https://***@host/x\": dial tcp"));
}
