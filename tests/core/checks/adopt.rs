use std::{
    fs::{self, File},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use corral_testbed::content::Content;

use super::{MB, layers};
use crate::downloads::direct::Place;

const PARTS: u64 = 4;

/// What Ollama's puller leaves: a file of the full length and a note for each part, of which it has
/// so many bytes.
fn leave(place: &Place, content: &Content, completed: u64, age: Duration) -> Vec<PathBuf> {
    let data = place.blobs().join(format!("sha256-{}-partial", content.digest));
    let part = content.size.div_ceil(PARTS);
    let mut bytes = vec![0; usize::try_from(content.size).expect("small enough")];
    let mut files = vec![data.clone()];
    for n in 0..PARTS {
        let offset = n * part;
        let size = part.min(content.size - offset);
        let completed = completed.min(size);
        let piece = content.piece(offset, usize::try_from(completed).expect("small enough"));
        let at = usize::try_from(offset).expect("small enough");
        bytes[at..at + piece.len()].copy_from_slice(&piece);
        let note = PathBuf::from(format!("{}-{n}", data.display()));
        let text = format!(
            "{{\"N\":{n},\"Offset\":{offset},\"Size\":{size},\"Completed\":{}}}\n",
            piece.len()
        );
        fs::write(&note, text).expect("a note");
        files.push(note);
    }
    fs::write(&data, bytes).expect("the data");
    for file in &files {
        let open = File::options().write(true).open(file).expect("opens");
        open.set_modified(SystemTime::now() - age).expect("aged");
    }
    files
}

const LONG_AGO: Duration = Duration::from_secs(600);

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_ollama_began_is_gone_on_with() {
    let place = Place::new().await;
    let parts = layers(141, 16 * MB);
    place.publish("large", &parts);
    let left = leave(&place, &parts[0].1, 3 * MB, LONG_AGO);
    let job = place.create("large").await.job;
    place.is_done(job).await;
    place.whole(&parts);
    let sent = place.registry.sent(&parts[0].1.digest);
    assert!(sent < 8 * MB, "12 of 16 MB were there, {sent} bytes came");
    assert!(left.iter().all(|file| !file.exists()), "nothing of it is left");
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_what_the_notes_say_are_fetched_again() {
    let place = Place::new().await;
    let parts = layers(143, 8 * MB);
    place.publish("large", &parts);
    let left = leave(&place, &parts[0].1, 2 * MB, LONG_AGO);
    let mut bytes = fs::read(&left[0]).expect("the data");
    bytes[100] ^= 1;
    fs::write(&left[0], bytes).expect("written back");
    let open = File::options().write(true).open(&left[0]).expect("opens");
    open.set_modified(SystemTime::now() - LONG_AGO).expect("aged");
    let job = place.create("large").await.job;
    place.is_done(job).await;
    place.whole(&parts);
}

// criterion: 2.6
#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_active_or_disagrees_with_itself_is_left_alone() {
    let place = Place::new().await;
    let (active, odd) = (layers(145, 4 * MB), layers(146, 4 * MB));
    place.publish("active", &active);
    place.publish("odd", &odd);
    let kept = leave(&place, &active[0].1, MB, Duration::ZERO);
    let mut files = leave(&place, &odd[0].1, MB, LONG_AGO);
    fs::remove_file(files.remove(2)).expect("a note is missing");
    for name in ["active", "odd"] {
        let job = place.create(name).await.job;
        place.is_done(job).await;
    }
    place.whole(&active);
    place.whole(&odd);
    assert!(place.registry.sent(&odd[0].1.digest) >= 4 * MB, "fetched as a whole");
    assert!(kept.iter().chain(&files).all(|file| file.exists()), "neither was touched");
}
