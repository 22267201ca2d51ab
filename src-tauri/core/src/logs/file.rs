//! JSON lines into files that rotate by size, are gzipped and stay within a budget.

use std::{io::Write, path::Path};

use corral_contract::{ErrorCode, WireError, settings::LogLevel};
use logroller::{Compression, LogRollerBuilder, Rotation, RotationSize};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter, Layer, fmt::MakeWriter, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

use super::{LevelHandle, redact};
use crate::Result;

/// Size of one file and number of old ones: 10 MB x 6 before compression at most.
const FILE_MEGABYTES: u64 = 10;
const OLD_FILES: u64 = 5;

/// Lines that may wait for the disk before further ones are lost. Room for all of them is taken at
/// once: 32 bytes each.
const WAITING: usize = 16_384;

/// Keeps the log going; dropping it writes what is still waiting.
pub struct LogFile(#[expect(dead_code, reason = "held for its drop")] WorkerGuard);

/// Starts logging into `folder` for the whole process, JSON lines with every value redacted, and
/// takes panics with their backtraces into it. `CORRAL_LOG` overrides the level (its syntax is
/// that of tracing's filters).
///
/// # Errors
/// `FILE_SYSTEM` when the folder cannot be made; `INTERNAL` when the process logs already.
pub fn init(folder: &Path) -> Result<(LogFile, LevelHandle)> {
    let failed = |error: &dyn std::fmt::Display| {
        WireError::new(ErrorCode::FileSystem).detail(error.to_string())
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let roller = LogRollerBuilder::new(folder, Path::new("corral.log"))
        .rotation(Rotation::SizeBased(RotationSize::MB(FILE_MEGABYTES)))
        .compression(Compression::Gzip)
        .max_keep_files(OLD_FILES)
        .build()
        .map_err(|error| failed(&error))?;
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(WAITING).finish(roller);
    let chosen = std::env::var("CORRAL_LOG").ok();
    let first = chosen.as_deref().map_or_else(|| filter(LogLevel::Info), EnvFilter::new);
    let (filter_layer, handle) = reload::Layer::new(first);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(Redacting(writer))
        .with_filter(filter_layer);
    tracing_subscriber::registry()
        .with(lines)
        .try_init()
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?;
    log_panics();
    let level = LevelHandle::new(move |level| {
        if chosen.is_none() && handle.reload(filter(level)).is_err() {
            tracing::warn!("log level could not be changed");
        }
    });
    Ok((LogFile(guard), level))
}

/// Ours at the level asked for, everybody else's at warnings: at "debug" the HTTP stack alone
/// would fill the budget in minutes.
fn filter(level: LogLevel) -> EnvFilter {
    let ours = level.as_str();
    let others = if matches!(level, LogLevel::Error) { "error" } else { "warn" };
    EnvFilter::new(format!("{others},corral={ours},corral_core={ours},corral_shell={ours}"))
}

fn log_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let backtrace = std::backtrace::Backtrace::force_capture();
        tracing::error!(%panic, %backtrace, "panic");
        before(panic);
    }));
}

/// Redacts each line before it reaches the file, so that no caller can forget to.
struct Redacting(NonBlocking);

struct Line(NonBlocking);

impl<'a> MakeWriter<'a> for Redacting {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(self.0.clone())
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // The formatter writes one whole line per call.
        self.0.write_all(redact(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}
