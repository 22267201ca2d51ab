#[cfg(all(feature = "window", target_os = "linux"))]
pub mod window;
