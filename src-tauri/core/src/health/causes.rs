//! What lines of a log say in plain words: why a server went, what is wrong with driver or memory,
//! and which cards it sees.

use corral_contract::{
    health::{Compute, FindingKind},
    serverlogs::LogLine,
};

/// Parts of lines, in lower case, and what they mean. The first that fits counts.
const TABLE: &[(FindingKind, &[&str])] = &[
    (FindingKind::PortTaken, &["bind: address already in use", "only one usage of each socket"]),
    (FindingKind::DiskFull, &["no space left on device", "not enough space on the disk"]),
    (
        FindingKind::StoreNoRight,
        &["permission denied: ensure path elements are traversable", "models: permission denied"],
    ),
    (FindingKind::DriverMismatch, &["driver/library version mismatch"]),
    (
        FindingKind::DriverTooOld,
        &[
            "driver version is insufficient",
            "driver is too old",
            "nvidia driver too old",
            "driver too old",
            "old cuda driver detected",
        ],
    ),
    (
        FindingKind::GpuMemoryShort,
        &[
            "cudamalloc failed: out of memory",
            "cuda error: out of memory",
            "erroroutofdevicememory",
        ],
    ),
    (
        FindingKind::GpuNoRight,
        &["/dev/kfd: permission denied", "/dev/dri", "permission problems", "missing user group"],
    ),
    (
        FindingKind::GpuUnsupported,
        &[
            "amdgpu is not supported",
            "gpu too old",
            "no kernel image is available",
            "compute capability not supported",
            "unsupported radeon",
        ],
    ),
    (
        FindingKind::GpuFault,
        &[
            "cuda error",
            "gpu has fallen off the bus",
            "unable to determine the device handle",
            "vk::devicelosterror",
            "error_device_lost",
            "hip error",
            "unknown error (999)",
        ],
    ),
    (
        FindingKind::DriverMissing,
        &[
            "no compatible gpus were discovered",
            "unable to load cuda driver library",
            "unable to load cudart library",
            "libcuda.so.1: cannot open shared object",
        ],
    ),
    (
        FindingKind::LibraryMissing,
        &["error while loading shared libraries", "cannot open shared object file"],
    ),
    (
        FindingKind::MemoryShort,
        &[
            "requires more system memory",
            "out-of-memory during startup",
            "failed to allocate buffer",
            "out of memory",
        ],
    ),
    (FindingKind::Killed, &["signal: killed", "oom-kill", "main process exited, code=killed"]),
    (FindingKind::Panic, &["panic:", "fatal error:", "segmentation fault", "sigsegv"]),
];

/// What a line says is wrong.
pub(super) fn of(line: &LogLine) -> Option<FindingKind> {
    let mut text = line.text.to_lowercase();
    // What went wrong stands in a field most often.
    for (name, value) in &line.fields {
        if matches!(name.as_str(), "error" | "err" | "reason") {
            text.push(' ');
            text.push_str(&value.to_lowercase());
        }
    }
    let fits = |(_, parts): &&(FindingKind, &[&str])| parts.iter().any(|part| text.contains(part));
    TABLE.iter().find(fits).map(|(kind, _)| *kind)
}

/// The reason of an end: the last line that says one.
pub(super) fn last(lines: &[LogLine]) -> Option<FindingKind> {
    lines.iter().rev().find_map(of)
}

/// A card, from the line that the server writes about each at its start.
pub(super) fn compute(line: &LogLine) -> Option<Compute> {
    if line.text != "inference compute" {
        return None;
    }
    let field = |name: &str| {
        let found = line.fields.iter().find(|(each, _)| each == name);
        found.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let library = field("library")?;
    Some(Compute {
        name: field("description").or_else(|| field("name")).unwrap_or_else(|| library.clone()),
        compute: field("compute"),
        driver: field("driver").filter(|driver| driver != "0.0"),
        total: field("total").as_deref().and_then(bytes),
        available: field("available").as_deref().and_then(bytes),
        library,
    })
}

/// `24.0 GiB` in bytes.
fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once(' ')?;
    let number: f64 = number.parse().ok()?;
    let factor = match unit {
        "B" => 1_u64,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    (number >= 0.0).then_some((number * factor as f64) as u64)
}

/// A model up to so many bytes runs wholly on one card: Ollama takes a card alone when what it
/// predicts fits into four fifths of it.
pub(super) fn largest(cards: &[Compute]) -> Option<u64> {
    let of_card = |card: &Compute| card.total.filter(|_| card.library != "cpu");
    cards.iter().filter_map(of_card).max().map(|total| total / 5 * 4)
}

#[cfg(test)]
mod tests {
    use corral_contract::{
        health::FindingKind,
        serverlogs::{LineKind, LineLevel, LogLine},
    };

    use super::{bytes, compute, largest, last, of};

    fn line(text: &str, fields: &[(&str, &str)]) -> LogLine {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        LogLine {
            place: String::new(),
            at: None,
            level: LineLevel::Info,
            kind: LineKind::Server,
            text: text.to_owned(),
            source: None,
            fields: fields.iter().map(pair).collect(),
            cut: 0,
        }
    }

    #[test]
    fn names_what_is_wrong() {
        for (text, kind) in [
            (
                "Error: listen tcp 127.0.0.1:11434: bind: address already in use",
                FindingKind::PortTaken,
            ),
            (
                "ggml_cuda_init: failed: CUDA driver version is insufficient for CUDA runtime version",
                FindingKind::DriverTooOld,
            ),
            (
                "failed to initialize NVML: Driver/library version mismatch",
                FindingKind::DriverMismatch,
            ),
            ("CUDA error: out of memory", FindingKind::GpuMemoryShort),
            ("CUDA error: an illegal memory access was encountered", FindingKind::GpuFault),
            ("panic: runtime error: index out of range", FindingKind::Panic),
            ("llama-server process has terminated: signal: killed", FindingKind::Killed),
        ] {
            assert_eq!(of(&line(text, &[])), Some(kind), "{text}");
        }
        let fields = [("error", "write /m/blobs/x: no space left on device")];
        assert_eq!(of(&line("download failed", &fields)), Some(FindingKind::DiskFull));
        assert_eq!(of(&line("llama_model_loader: loaded", &[])), None);
        let lines = [line("panic: x", &[]), line("goroutine 1 [running]:", &[])];
        assert_eq!(last(&lines), Some(FindingKind::Panic));
    }

    #[test]
    fn reads_the_cards_that_the_server_sees() {
        let card = line(
            "inference compute",
            &[
                ("id", "GPU-1"),
                ("library", "CUDA"),
                ("compute", "8.9"),
                ("name", "CUDA0"),
                ("description", "NVIDIA GeForce RTX 4090"),
                ("driver", "12.8"),
                ("total", "24.0 GiB"),
                ("available", "22.5 GiB"),
            ],
        );
        let card = compute(&card).expect("a card");
        assert_eq!(
            (card.library.as_str(), card.name.as_str()),
            ("CUDA", "NVIDIA GeForce RTX 4090")
        );
        assert_eq!(card.total, Some(24 << 30));
        assert_eq!(largest(&[card]), Some((24 << 30) / 5 * 4));
        let cpu = compute(&line("inference compute", &[("library", "cpu"), ("total", "62.8 GiB")]));
        assert_eq!(largest(&[cpu.expect("a line")]), None);
        assert_eq!(compute(&line("other", &[])), None);
        assert_eq!((bytes("0 B"), bytes("1.5 KiB"), bytes("x")), (Some(0), Some(1536), None));
    }
}
