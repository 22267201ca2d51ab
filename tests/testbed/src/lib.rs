//! Stand-ins for what lies outside Corral: an Ollama server, its registry and CDN, a bad network.
//!
//! Everything listens on `127.0.0.1` with a port handed over by the system, keeps its data in
//! memory (or in a folder the test names) and moves only when the test lets it: pulls and loads can
//! be gated, keep-alive times run on a [`clock::Clock`] the test turns by hand.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use corral_testbed::FakeOllama;
//! use corral_testbed::ollama::{Fault, Pace, library};
//!
//! let server = FakeOllama::builder()
//!     .models([library::pick("llama3.2:3b")])
//!     .pace(Pace::Gated)
//!     .start()
//!     .await?;
//! // Point the code under test at `server.url()`, then pull something, then:
//! server.until("a download", |control| !control.downloads().is_empty()).await?;
//! server.release(100_000_000);
//! server.fault_once("/api/tags", Fault::Html);
//! # Ok(())
//! # }
//! ```

pub mod archive;
pub mod chaos;
pub mod clock;
pub mod content;
pub mod depot;
pub mod gguf;
pub mod key;
pub mod ollama;
pub mod patience;
pub mod registry;
pub mod releases;
pub mod scenario;
pub mod serve;
#[cfg(all(feature = "systemd", target_os = "linux"))]
pub mod systemd;
pub mod tls;
pub mod tunnel;
#[cfg(all(feature = "window", target_os = "linux"))]
pub mod window;
pub mod wire;

pub use clock::Clock;
pub use ollama::FakeOllama;
pub use registry::FakeRegistry;
