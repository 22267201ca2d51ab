//! The window's configuration becomes part of the program.

fn main() {
    tauri_build::build();
}
