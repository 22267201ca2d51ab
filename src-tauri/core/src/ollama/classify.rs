//! What Ollama's error texts mean, as one table: the first row that fits decides.

use corral_contract::{ErrorCode, WireError};

use ErrorCode as Code;

/// The texts that must all occur, in lower case, and what they mean together.
type Row = (&'static [&'static str], ErrorCode);

/// Causes come before the words they are wrapped in: `max retries exceeded: … no space left` is
/// about space, not about retries.
const TABLE: &[Row] = &[
    // Bad input that the server found first.
    (&["invalid model name"], Code::InvalidInput),
    (&["model is required"], Code::InvalidInput),
    (&["missing request body"], Code::InvalidInput),
    (&["use either :local or :cloud"], Code::InvalidInput),
    (&["missing unit in duration"], Code::InvalidInput),
    (&["invalid duration"], Code::InvalidInput),
    (&["unsupported type:"], Code::InvalidInput),
    (&["option", "must be of type"], Code::InvalidInput),
    // Space and permission, wherever they strike.
    (&["no space left on device"], Code::DiskFull),
    (&["not enough space on the disk"], Code::DiskFull),
    (&["disk quota exceeded"], Code::DiskFull),
    (&["permission denied"], Code::StorePermission),
    (&["access is denied"], Code::StorePermission),
    (&["operation not permitted"], Code::StorePermission),
    (&["read-only file system"], Code::StorePermission),
    // Fetching.
    (&["pull model manifest", "file does not exist"], Code::ModelUnknown),
    (&["not a valid quantization scheme"], Code::ModelUnknown),
    (&["requires a newer version"], Code::NeedsNewerOllama),
    (&["pull model manifest: 412"], Code::NeedsNewerOllama),
    (&["realm host", "does not match"], Code::RealmMismatch),
    (&["unauthorized: access denied"], Code::SignInNeeded),
    (&["pull model manifest: 401"], Code::SignInNeeded),
    (&["pull model manifest: 403"], Code::SignInNeeded),
    (&["blocked redirect to a different host"], Code::RedirectBlocked),
    (&["context canceled"], Code::CancelWindingDown),
    (&["digest mismatch"], Code::DigestMismatch),
    (&["no location header"], Code::RegistryIncompatible),
    (&["unexpected status code"], Code::RegistryIncompatible),
    (&["sharded gguf"], Code::RegistryIncompatible),
    (&["requires mlx support"], Code::PlatformUnsupported),
    (&["max retries exceeded"], Code::DownloadInterrupted),
    (&["-partial", "no such file or directory"], Code::DownloadInterrupted),
    (&["pull model manifest"], Code::RegistryUnreachable),
    (&["dial tcp"], Code::RegistryUnreachable),
    (&["no such host"], Code::RegistryUnreachable),
    (&["unexpected eof"], Code::DownloadInterrupted),
    (&["connection reset by peer"], Code::DownloadInterrupted),
    // Running.
    (&["server busy"], Code::ServerBusy),
    (&["requires more system memory"], Code::OutOfMemory),
    (&["out of memory"], Code::OutOfMemory),
    (&["out-of-memory"], Code::OutOfMemory),
    (&["cudamalloc failed"], Code::OutOfMemory),
    (&["unable to allocate"], Code::OutOfMemory),
    (&["failed to allocate"], Code::OutOfMemory),
    // A file that does not even say what it is.
    (&["unknown model architecture: ''"], Code::ModelBroken),
    (&["unknown model architecture"], Code::UnsupportedArchitecture),
    (&["unsupported model architecture"], Code::UnsupportedArchitecture),
    (&["incompatible with your version of ollama"], Code::UnsupportedArchitecture),
    (&["timed out waiting for", "to start"], Code::LoadTimedOut),
    (&["error loading model"], Code::ModelBroken),
    (&["not in gguf format"], Code::ModelBroken),
    (&["exceeds file size"], Code::ModelBroken),
    (&["blobs", "no such file or directory"], Code::ModelBroken),
    (&["process has terminated"], Code::RunnerCrashed),
    (&["process no longer running"], Code::RunnerCrashed),
    (&["model runner has unexpectedly stopped"], Code::RunnerCrashed),
    (&["error was encountered while running the model"], Code::RunnerCrashed),
    (&["does not support"], Code::NotSupportedByModel),
    (&["ollama cloud is disabled"], Code::CloudDisabled),
    (&["request canceled"], Code::Cancelled),
    (&["model", "not found"], Code::NotFound),
];

/// What a text means, for another side that speaks as Ollama does.
pub(crate) fn meaning(text: &str) -> Option<ErrorCode> {
    let lower = text.to_lowercase();
    let row = TABLE.iter().find(|(parts, _)| parts.iter().all(|part| lower.contains(part)));
    row.map(|(_, code)| *code)
}

/// The meaning of an error text; the text itself stays as the detail. `status` is 200 for an error
/// inside a stream.
pub(crate) fn classify(status: u16, text: &str) -> WireError {
    let lower = text.to_lowercase();
    let code = meaning(text).unwrap_or_else(|| of_status(status));
    let mut error = WireError::new(code).detail(crate::logs::redact(text));
    if code == Code::InvalidInput {
        let (field, reason) = refused_input(&lower);
        error = error.with("field", field).with("reason", reason);
    }
    error
}

fn of_status(status: u16) -> ErrorCode {
    match status {
        401 | 403 | 407 => Code::AccessRefused,
        404 => Code::NotFound,
        408 | 504 => Code::TimedOut,
        429 => Code::ServerBusy,
        507 => Code::DiskFull,
        _ => Code::ServerFault,
    }
}

/// The input that a refusal is about, and what is wrong with it.
fn refused_input(lower: &str) -> (&'static str, &'static str) {
    if lower.contains("option") {
        ("options", "malformed")
    } else if lower.contains("duration") || lower.contains("unsupported type") {
        ("keepAlive", "badDuration")
    } else {
        ("name", "malformed")
    }
}

#[cfg(test)]
#[path = "classify_test.rs"]
mod tests;
