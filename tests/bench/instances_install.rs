//! An archive of 1.5 GB from a server on this machine: fetched, checked, unpacked and started,
//! against curl and the system's own unpacker.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use corral_contract::{installs::InstallOllama, instances::call::Install};
use corral_core::config::Workers;
use corral_testbed::{archive, serve::Behaviour};

use super::{
    Outcome,
    instances_site::{Site, ask, core, ended},
    rows::Rows,
};

const BYTES: u64 = 1_500_000_000;
const TURNS: usize = 3;

pub(crate) async fn measure(rows: &mut Rows) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let packed = folder.path().join(archive::name(archive::Packing::TarZst));
    make(folder.path(), &packed)?;
    let site = Site::start("0.40.0", &packed)?;
    let name = archive::name(archive::Packing::usual());
    let url = format!("{}/download/v0.40.0/{name}", site.downloads);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        theirs.push(by_hand(folder.path(), &url)?);
        ours.push(by_corral(folder.path(), &site).await?);
    }
    let middle = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64()
    };
    let (ours, theirs) = (middle(&mut ours), middle(&mut theirs));
    rows.fact("install 1.5 GB: curl, then tar --zstd", theirs, "s", TURNS);
    rows.fact("install 1.5 GB: Corral, checked and started", ours, "s", TURNS);
    rows.ratio("install 1.5 GB: Corral / by hand", ours / theirs, 1.1, TURNS);
    Ok(())
}

/// Packs the fake server with much that cannot be made smaller, as libraries for cards are.
fn make(folder: &Path, packed: &Path) -> Outcome<()> {
    let tree = folder.join("tree");
    let library = tree.join("lib").join("ollama");
    fs::create_dir_all(&library)?;
    let program = tree.join(archive::program_path());
    fs::create_dir_all(program.parent().ok_or("a place")?)?;
    fs::copy(archive::program()?, &program)?;
    let behaviour = serde_json::to_vec(&Behaviour::version("0.40.0"))?;
    fs::write(tree.join(corral_testbed::serve::FILE), behaviour)?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for number in 0..5 {
        let mut file = File::create(library.join(format!("libfake{number}.so")))?;
        let mut left = BYTES / 5;
        let mut piece = vec![0; 1 << 20];
        while left > 0 {
            for word in piece.chunks_exact_mut(8) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                word.copy_from_slice(&state.to_le_bytes());
            }
            let length = left.min(1 << 20) as usize;
            file.write_all(&piece[..length])?;
            left -= length as u64;
        }
    }
    run(Command::new("tar").args(["--zstd", "-cf"]).arg(packed).arg("-C").arg(&tree).arg("."))?;
    fs::remove_dir_all(&tree)?;
    Ok(())
}

fn by_hand(folder: &Path, url: &str) -> Outcome<Duration> {
    let (file, tree) = (folder.join("fetched"), folder.join("unpacked"));
    fs::create_dir_all(&tree)?;
    let began = Instant::now();
    run(Command::new("curl").args(["-sfL", "-o"]).arg(&file).arg(url))?;
    run(Command::new("tar").args(["--zstd", "-xf"]).arg(&file).arg("-C").arg(&tree))?;
    let took = began.elapsed();
    fs::remove_dir_all(&tree)?;
    fs::remove_file(&file)?;
    Ok(took)
}

async fn by_corral(folder: &Path, site: &Site) -> Outcome<Duration> {
    let data = folder.join("corral");
    fs::create_dir_all(&data)?;
    let core = core(&data, &site.downloads, Workers::None).await?;
    let began = Instant::now();
    let task = ask::<Install>(&core, InstallOllama::default()).await?.task;
    ended(&core, task).await?;
    let took = began.elapsed();
    core.shutdown().await;
    fs::remove_dir_all(&data)?;
    Ok(took)
}

fn run(command: &mut Command) -> Outcome<()> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
