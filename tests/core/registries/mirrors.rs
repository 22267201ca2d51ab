//! Several addresses for one registry.

use std::{fs, path::Path};

use corral_contract::{
    ErrorCode,
    registries::{AddressState, MirrorDraft, RegistryDraft},
};
use corral_core::registry::Manifest;
use corral_testbed::{
    FakeRegistry,
    content::Content,
    registry::{Asked, Trouble},
};

use super::{ELSEWHERE, Lab, MB, fill, mirror, plain, registry};

/// How many bytes of the blob were asked for, however often each.
fn covered<'a>(asked: impl Iterator<Item = &'a Asked>) -> u64 {
    let ends = |range: &str| {
        let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()? + 1))
    };
    let mut ranges: Vec<_> = asked.filter_map(|each| ends(each.range.as_deref()?)).collect();
    ranges.sort_unstable();
    let (mut covered, mut up_to) = (0, 0);
    for (first, end) in ranges {
        covered += end.saturating_sub(first.max(up_to));
        up_to = up_to.max(end);
    }
    covered
}

fn mirrored(addresses: impl IntoIterator<Item = MirrorDraft>) -> RegistryDraft {
    RegistryDraft {
        mirrors: addresses.into_iter().collect(),
        mirrors_only: true,
        ..plain(ELSEWHERE)
    }
}

async fn two(seed: u64, size: u64) -> (FakeRegistry, FakeRegistry, Content) {
    let (first, content, _) = registry(seed, size).await;
    let (second, ..) = registry(seed, size).await;
    (first, second, content)
}

// criterion: 2.6
#[tokio::test]
async fn what_fails_is_passed_over_and_comes_last_for_a_while() {
    let (lab, (first, second, _)) = (Lab::new().await, two(21, MB).await);
    lab.save(mirrored([mirror(first.url()), mirror(second.url())])).await;
    first.manifest_status(Some((503, "back soon")));
    lab.manifest(ELSEWHERE).await.expect("from the second");
    lab.manifest(ELSEWHERE).await.expect("from the second");
    assert_eq!((first.asked().len(), second.asked().len()), (1, 2), "the first is left alone");
    let view = lab.view(ELSEWHERE).await;
    let [one, two] = [&view.mirrors[0].health, &view.mirrors[1].health];
    assert_eq!((one.state, one.failures), (AddressState::Failing, 1));
    assert!(one.rests_until.is_some() && one.problem.is_some());
    assert_eq!((two.state, two.failures), (AddressState::Ok, 0));
    assert!(two.latency_ms.is_some());
    // When all others fail, what failed is asked all the same.
    first.manifest_status(None);
    second.manifest_status(Some((503, "back soon")));
    lab.manifest(ELSEWHERE).await.expect("from the first again");
    assert_eq!(lab.view(ELSEWHERE).await.mirrors[0].health.state, AddressState::Ok);
}

// criterion: 2.6
#[tokio::test]
async fn a_mirror_that_lacks_a_model_is_no_worse_for_it() {
    let (lab, (registry, ..)) = (Lab::new().await, registry(22, MB).await);
    let empty = FakeRegistry::start().await.expect("a registry without models");
    lab.save(mirrored([mirror(empty.url()), mirror(registry.url())])).await;
    lab.manifest(ELSEWHERE).await.expect("from the other");
    assert_eq!(lab.view(ELSEWHERE).await.mirrors[0].health.failures, 0);
    lab.manifest(ELSEWHERE).await.expect("from the other");
    assert_eq!(empty.asked().len(), 2, "it is asked first as before");
}

// criterion: 2.6
// criterion: 11.3
#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_fails_in_the_middle_is_left_without_losing_a_byte() {
    let (lab, (first, second, content)) = (Lab::new().await, two(23, 40 * MB).await);
    lab.save(mirrored([mirror(first.url()), mirror(second.url())])).await;
    first.script([Trouble::LapseAfter(2 * MB)]);
    first.always(Some(Trouble::Status(503, "gone fishing".to_owned())));
    first.hold(true);
    let share = lab.begin(ELSEWHERE, &content);
    first
        .until("it is asked", |first| first.asked().iter().any(|each| each.cdn))
        .await
        .expect("so");
    assert_eq!(second.asked().len(), 0, "one place at a time");
    first.hold(false);
    lab.brings(share, &content).await;
    let again = covered(second.asked().iter().filter(|each| each.cdn));
    assert!(again > 0 && again <= content.size - MB, "{again} of {} bytes", content.size);
    let view = lab.view(ELSEWHERE).await;
    assert_eq!(view.mirrors[0].health.state, AddressState::Failing);
    assert_eq!(view.mirrors[1].health.state, AddressState::Ok);
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_are_not_fetched_from_the_same_mirror_again() {
    let (lab, (liar, honest, content)) = (Lab::new().await, two(24, 12 * MB).await);
    liar.always(Some(Trouble::WrongBytes));
    lab.save(mirrored([mirror(liar.url()), mirror(honest.url())])).await;
    let share = lab.begin(ELSEWHERE, &content);
    lab.brings(share, &content).await;
    assert!(honest.sent(&content.digest) >= content.size, "all of it comes from the other");
    let view = lab.view(ELSEWHERE).await;
    let problem = view.mirrors[0].health.problem.clone().expect("why");
    assert_eq!(problem.code, ErrorCode::DigestMismatch);

    // Both lie: nothing is published, and the error names the layer.
    honest.always(Some(Trouble::WrongBytes));
    let (other, _) = fill(&liar, 25, 3 * MB);
    fill(&honest, 25, 3 * MB);
    let failed = lab.fails(ELSEWHERE, &other).await;
    assert_eq!(failed.error.code, ErrorCode::DigestMismatch);
    assert!(failed.error.params["layer"].contains(&other.digest));
}

/// A folder as Ollama keeps its models, with one of a registry's.
fn store(folder: &Path, manifest: &[u8], blobs: &[&Content]) {
    let place = folder.join("manifests").join(ELSEWHERE).join("library").join("x");
    fs::create_dir_all(&place).expect("a folder");
    fs::write(place.join("latest"), manifest).expect("a manifest");
    fs::create_dir_all(folder.join("blobs")).expect("a folder");
    for blob in blobs {
        let size = usize::try_from(blob.size).expect("small enough");
        let mut bytes = Vec::with_capacity(size);
        while bytes.len() < size {
            bytes.extend(blob.piece(bytes.len() as u64, size - bytes.len()));
        }
        fs::write(folder.join("blobs").join(format!("sha256-{}", blob.digest)), bytes)
            .expect("a blob");
    }
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_stands_for_a_registry_and_is_not_believed_either() {
    let (lab, (registry, content, published)) = (Lab::new().await, registry(26, 9 * MB).await);
    let folder = tempfile::tempdir().expect("a folder");
    store(folder.path(), &published.manifest, &[&content]);
    let here = MirrorDraft {
        address: folder.path().to_string_lossy().into_owned(),
        ..MirrorDraft::default()
    };
    let view = lab.save(mirrored([here, mirror(registry.url())])).await;
    assert!(view.mirrors[0].address.starts_with("file:"), "{}", view.mirrors[0].address);
    let manifest: Manifest = lab.manifest(ELSEWHERE).await.expect("from the folder");
    assert_eq!(manifest.digest, published.digest);
    let share = lab.begin(ELSEWHERE, &content);
    lab.brings(share, &content).await;
    assert_eq!(registry.asked().len(), 0, "nobody else was asked");

    // Cut short, damaged, or not there at all: the next address brings it.
    let file = folder.path().join("blobs").join(format!("sha256-{}", content.digest));
    for what in ["cut", "damaged", "gone"] {
        let mut bytes = fs::read(&file).unwrap_or_default();
        match what {
            "cut" => bytes.truncate(5_000_000),
            "damaged" => {
                bytes.resize(usize::try_from(content.size).expect("small enough"), 0);
            }
            _ => bytes.clear(),
        }
        match what {
            "gone" => fs::remove_file(&file).expect(what),
            _ => fs::write(&file, bytes).expect(what),
        }
        // A new core: one that has not yet learnt that the folder is no good.
        let lab = Lab::new().await;
        let here = MirrorDraft {
            address: folder.path().to_string_lossy().into_owned(),
            ..MirrorDraft::default()
        };
        lab.save(mirrored([here, mirror(registry.url())])).await;
        let share = lab.begin(ELSEWHERE, &content);
        lab.brings(share, &content).await;
    }
}
