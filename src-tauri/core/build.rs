//! `sqlx::migrate!` embeds the files but does not notice new ones.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
