//! The tasks that drive the real window; started by `cargo xtask shots` and `bench window`.

#[cfg(target_os = "linux")]
mod bench;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
#[path = "../bench/row.rs"]
mod row;
#[cfg(target_os = "linux")]
mod sample;
#[cfg(target_os = "linux")]
mod scenes;
#[cfg(target_os = "linux")]
mod shots;
#[cfg(target_os = "linux")]
mod tasks;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    tasks::run()
}

#[cfg(not(target_os = "linux"))]
fn main() -> anyhow::Result<()> {
    anyhow::bail!("the window is driven on Linux only")
}
