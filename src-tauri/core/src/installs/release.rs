//! What the makers of Ollama published: versions, notes, and archives with their sums.

use std::collections::HashMap;

use corral_contract::{ErrorCode, WireError, app::HostFacts, installs::Release};
use serde::Deserialize;
use url::Url;

use crate::{
    Core, Result,
    instances::{Machine, System},
    registry::Repository,
    transfers::sum_of,
};

/// Most bytes of the description of a release, and of its sums.
const LARGEST_DESCRIPTION: usize = 4 * 1024 * 1024;
const LARGEST_SUMS: usize = 256 * 1024;
/// Longest notes that are kept, in characters.
const LONGEST_NOTES: usize = 20_000;
/// Ways of packing, the best first.
const ENDINGS: [&str; 3] = [".tar.zst", ".tgz", ".zip"];

/// Where releases come from.
#[derive(Debug, Clone)]
pub struct ReleaseConfig {
    /// Below it `latest` and `download/v<version>/<file>`.
    pub downloads: String,
    /// Below it `releases/latest`, as GitHub describes releases. Only it knows notes.
    pub descriptions: String,
}

impl Default for ReleaseConfig {
    fn default() -> Self {
        ReleaseConfig {
            downloads: "https://github.com/ollama/ollama/releases".to_owned(),
            descriptions: "https://api.github.com/repos/ollama/ollama".to_owned(),
        }
    }
}

/// An archive of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Archive {
    pub(super) name: String,
    /// `sha256:` and 64 hex digits.
    pub(super) digest: String,
    /// Where it is.
    pub(super) file: Repository,
}

#[derive(Deserialize)]
struct Description {
    tag_name: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    assets: Vec<Asset>,
}

#[derive(Deserialize)]
struct Asset {
    name: String,
    size: u64,
}

/// The beginnings of the names of the archives that a machine needs, the main one first. Empty for
/// a system that nothing is published for.
pub(super) fn parts(machine: &dyn Machine, architecture: &str, host: &HostFacts) -> Vec<String> {
    let architecture = match architecture {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        _ => return Vec::new(),
    };
    let amd = host.gpus.iter().any(|gpu| {
        let vendor = gpu.vendor.to_ascii_lowercase();
        vendor.contains("amd") || vendor.contains("advanced micro")
    });
    let (main, extra) = match machine.system() {
        System::MacOs => ("ollama-darwin".to_owned(), None),
        System::Windows => {
            let main = format!("ollama-windows-{architecture}");
            let extra = (amd && architecture == "amd64").then(|| format!("{main}-rocm"));
            (main, extra)
        }
        System::Linux => {
            let main = format!("ollama-linux-{architecture}");
            let tegra = machine.head("/etc/nv_tegra_release".as_ref()).unwrap_or_default();
            let extra = if architecture == "amd64" {
                amd.then(|| format!("{main}-rocm"))
            } else if tegra.contains("R36") {
                Some(format!("{main}-jetpack6"))
            } else if tegra.contains("R35") {
                Some(format!("{main}-jetpack5"))
            } else {
                None
            };
            (main, extra)
        }
    };
    std::iter::once(main).chain(extra).collect()
}

/// Whether a text can be a version, and so a part of a path.
pub(super) fn is_version(text: &str) -> bool {
    text.len() <= 40
        && text.starts_with(|each: char| each.is_ascii_digit())
        && text.chars().all(|each| each.is_ascii_alphanumeric() || ".-+".contains(each))
        && !text.contains("..")
}

/// The newest release.
///
/// # Errors
/// As [`crate::registry::Registries::place`]; `BAD_ANSWER` for a version that is none.
pub(super) async fn newest(core: &Core, parts: &[String]) -> Result<Release> {
    let config = &core.config.releases;
    let about = file(&format!("{}/releases/latest", config.descriptions))?;
    let described = core.registries.document(&about, LARGEST_DESCRIPTION).await;
    let described = described.and_then(|bytes| {
        serde_json::from_slice::<Description>(&bytes).map_err(|error| {
            let bad = WireError::new(ErrorCode::BadAnswer).detail(error.to_string());
            crate::registry::Failure::retry(bad)
        })
    });
    let (tag, notes, size) = match described {
        Ok(description) => {
            let size = size_of(&description.assets, parts);
            (description.tag_name, description.body.unwrap_or_default(), size)
        }
        // Descriptions are rationed, and mirrors of the files have none: the address of the newest
        // release tells the version all the same.
        Err(failure) => {
            tracing::debug!(error = %failure.error, "no description of the newest release");
            let latest = file(&format!("{}/latest", config.downloads))?;
            let at = core.registries.leads(&latest).await?;
            let tag =
                at.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
            (tag.to_owned(), String::new(), None)
        }
    };
    let version = tag.trim_start_matches('v').to_owned();
    if !is_version(&version) {
        return Err(WireError::new(ErrorCode::BadAnswer).detail(format!("version {version}")));
    }
    let notes = notes.chars().take(LONGEST_NOTES).collect();
    Ok(Release { version, size, notes, checked_at: core.now() })
}

/// Bytes of what a machine needs; `None` while a part of it is not listed.
fn size_of(assets: &[Asset], parts: &[String]) -> Option<u64> {
    let sizes: HashMap<&str, u64> =
        assets.iter().map(|asset| (asset.name.as_str(), asset.size)).collect();
    let of = |part: &String| {
        ENDINGS.iter().find_map(|ending| sizes.get(format!("{part}{ending}").as_str()).copied())
    };
    let mut all = parts.iter();
    let main = of(all.next()?)?;
    Some(all.filter_map(of).fold(main, u64::saturating_add))
}

/// The archives of a version that a machine needs.
///
/// # Errors
/// `NOT_FOUND` when there is no such version; `PLATFORM_UNSUPPORTED` when it has nothing for this
/// machine; as [`crate::registry::Registries::place`].
pub(super) async fn archives(core: &Core, version: &str, parts: &[String]) -> Result<Vec<Archive>> {
    let folder = format!("{}/download/v{version}", core.config.releases.downloads);
    let sums = file(&format!("{folder}/sha256sum.txt"))?;
    let text =
        core.registries.document(&sums, LARGEST_SUMS).await.map_err(|failure| {
            match failure.error.code {
                ErrorCode::NotFound => failure.error.with("version", version),
                _ => failure.error,
            }
        })?;
    let sums = sums_in(&String::from_utf8_lossy(&text));
    let mut archives = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        let names = ENDINGS.iter().map(|ending| format!("{part}{ending}"));
        let found = names.into_iter().find_map(|name| Some((sums.get(&name)?.clone(), name)));
        match found {
            Some((digest, name)) => {
                let file = file(&format!("{folder}/{name}"))?;
                archives.push(Archive { name, digest, file });
            }
            // Without the part for a card the server works, on the processor.
            None if place > 0 => {}
            None => return Err(unsupported()),
        }
    }
    if archives.is_empty() { Err(unsupported()) } else { Ok(archives) }
}

fn unsupported() -> WireError {
    WireError::new(ErrorCode::PlatformUnsupported)
        .with("platform", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH))
}

/// File names and digests of a list as `sha256sum` writes it.
pub(super) fn sums_in(text: &str) -> HashMap<String, String> {
    let line = |line: &str| {
        let (sum, name) = line.trim().split_once(char::is_whitespace)?;
        let name = name.trim().trim_start_matches('*').trim_start_matches("./");
        let digest = format!("sha256:{}", sum.to_ascii_lowercase());
        sum_of(&digest)?;
        Some((name.to_owned(), digest))
    };
    text.lines().filter_map(line).collect()
}

/// The host that releases come from, as it is shown.
pub(super) fn host(config: &ReleaseConfig) -> String {
    let url = Url::parse(&config.downloads).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

fn file(address: &str) -> Result<Repository> {
    let url = Url::parse(address)
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?;
    Repository::plain(&url)
}

#[cfg(test)]
mod tests {
    use corral_contract::{app::HostFacts, instances::Gpu};

    use super::{is_version, parts, sums_in};
    use crate::instances::ThisMachine;

    #[test]
    fn a_version_is_no_way_out_of_a_folder() {
        for good in ["0.33.0", "0.33.0-rc2", "1.0"] {
            assert!(is_version(good), "{good}");
        }
        for bad in ["", "..", "../0.1", "0/1", "0..1", "v1", "0 1", "0\\1"] {
            assert!(!is_version(bad), "{bad}");
        }
    }

    #[test]
    fn reads_sums_as_the_tool_writes_them() {
        let sum = "ab".repeat(32);
        let text = format!("{sum}  ./ollama-linux-amd64.tar.zst\n{sum} *b.zip\nnothing\n12  c\n");
        let sums = sums_in(&text);
        assert_eq!(sums.len(), 2);
        assert_eq!(sums["ollama-linux-amd64.tar.zst"], format!("sha256:{sum}"));
        assert!(sums.contains_key("b.zip"));
    }

    #[test]
    fn names_the_archives_of_this_machine() {
        let mut host = HostFacts::default();
        let one = parts(&ThisMachine, "x86_64", &host);
        assert_eq!(one.len(), 1);
        assert!(parts(&ThisMachine, "riscv64", &host).is_empty());
        host.gpus.push(Gpu {
            name: "Radeon".to_owned(),
            vendor: "AMD".to_owned(),
            memory: None,
            used: None,
        });
        let both = parts(&ThisMachine, "x86_64", &host);
        assert_eq!(both.len(), if cfg!(target_os = "macos") { 1 } else { 2 });
    }
}
