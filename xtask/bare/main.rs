//! A Tauri window with one static page and nothing else: the floor that no window of this
//! framework gets below, measured in the same run as Corral's.

fn main() -> tauri::Result<()> {
    tauri::Builder::default().run(tauri::generate_context!())
}
