//! Prints what Corral sees of this machine: what to ask for when a graphics card is not found.

fn main() -> serde_json::Result<()> {
    let facts = corral_core::app::look_at_machine();
    println!("{}", serde_json::to_string_pretty(&facts)?);
    Ok(())
}
