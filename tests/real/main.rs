//! The main job against a real Ollama, named by `CORRAL_OLLAMA` (path of its binary). Without it
//! every test says "skipped" and passes. Models come from the test bed's registry on loopback.

mod checks;
mod fetch;
mod installs;
mod keep;
mod list;
mod make;
mod memory;
mod moving;
mod place;
mod running;
mod store_move;
mod updates;
