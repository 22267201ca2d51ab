//! Stand-ins for what lies outside Corral: an Ollama server, its registry and CDN, a bad network.
//!
//! Everything listens on `127.0.0.1` with a port handed over by the system, keeps its data in
//! memory (or in a folder the test names) and moves only when the test lets it: pulls and loads can
//! be gated, keep-alive times run on a [`clock::Clock`] the test turns by hand.

pub mod chaos;
pub mod clock;
pub mod gguf;
pub mod ollama;
pub mod patience;
pub mod scenario;
pub mod wire;

pub use clock::Clock;
pub use ollama::FakeOllama;
