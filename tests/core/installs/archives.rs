//! Archives that are not what they should be. None of them leaves anything.

use corral_contract::{ErrorCode, installs::InstallOllama, tasks::TaskState};
use corral_testbed::{
    archive::{self, Entry, Packing, carry, entries, pack},
    serve::Behaviour,
};

use super::{Home, told};

fn file(name: &str) -> Entry {
    Entry::File(name.to_owned(), 0o755, b"x".to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_gets_out_of_the_folder_and_nothing_stays() {
    let home = Home::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let link = |name: &str, to: &str| Entry::Symlink(name.to_owned(), to.to_owned());
    let hard = |name: &str, to: &str| Entry::Hardlink(name.to_owned(), to.to_owned());
    let cases: Vec<(&str, Vec<Entry>, &str)> = vec![
        ("a path that climbs", vec![file("../../escaped")], "escape"),
        ("a path from the root", vec![file("/tmp/escaped")], "escape"),
        ("a path of another system", vec![file("C:\\escaped")], "escape"),
        ("a link that climbs", vec![link("lib/out", "../../../escaped")], "link"),
        ("a link from the root", vec![link("out", "/etc")], "link"),
        (
            "a link over another link",
            vec![link("here", "."), link("out", "here/../x"), link("far", "here/here/../../y")],
            // Without links in releases none is made.
            if cfg!(unix) { "noServer" } else { "link" },
        ),
        ("a second name of something outside", vec![hard("out", "../escaped")], "link"),
        ("a second name of nothing", vec![hard("out", "in")], "link"),
        ("a link in the way of a folder", vec![link("d", "lib"), hard("d/x", "a"), file("a")], ""),
        ("a device", vec![Entry::Device("null".to_owned())], "escape"),
        ("more than any release", vec![Entry::Claims("huge".to_owned(), 40 << 30)], "tooMuch"),
        ("no server in it", vec![file("bin/other")], "noServer"),
        ("a script for a server", vec![file(archive::program_path())], "noServer"),
    ];
    for packing in [Packing::TarZst, Packing::Tgz] {
        for (what, entries, reason) in &cases {
            let path = folder.path().join("archive");
            std::fs::write(&path, pack(packing, entries).expect("packed")).expect("written");
            let error = home.refuses(&path).await;
            if !reason.is_empty() {
                assert_eq!(told(&error), (ErrorCode::ArchiveRefused, *reason), "{what}: {error}");
            }
        }
    }
    let zips = [(vec![file("../escaped")], "escape"), (vec![link("out", "../../x")], "link")];
    for (entries, reason) in zips {
        let path = folder.path().join("archive");
        std::fs::write(&path, pack(Packing::Zip, &entries).expect("packed")).expect("written");
        let error = home.refuses(&path).await;
        assert_eq!(told(&error), (ErrorCode::ArchiveRefused, reason), "{error}");
    }
    let parent = home.bench.folder.path().parent().expect("a parent");
    assert!(!parent.join("escaped").exists());
    assert!(!home.bench.folder.path().join("escaped").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_damaged_and_foreign_files_are_told_apart() {
    let home = Home::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("archive");
    for packing in [Packing::TarZst, Packing::Tgz, Packing::Zip] {
        let filled = vec![Entry::File("a".to_owned(), 0o644, vec![7; 300_000])];
        let whole = pack(packing, &filled).expect("packed");
        std::fs::write(&path, &whole[..whole.len() / 2]).expect("written");
        let error = home.refuses(&path).await;
        assert_eq!(told(&error), (ErrorCode::ArchiveRefused, "truncated"), "{packing:?}: {error}");
    }
    for content in [&b"<html>sign in</html>"[..], b"", b"PK"] {
        std::fs::write(&path, content).expect("written");
        let error = home.refuses(&path).await;
        assert_eq!(told(&error), (ErrorCode::ArchiveRefused, "notArchive"));
    }
    let missing = folder.path().join("missing").to_string_lossy().into_owned();
    let request = InstallOllama { file: Some(missing), ..InstallOllama::default() };
    let error = home.begin(request).await.expect_err("there is no such file");
    assert_eq!(error.params["field"], "file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_for_another_processor_is_refused_before_it_is_run() {
    let home = Home::new().await;
    let mut all = entries(&Behaviour::version("0.40.0")).expect("entries");
    let Entry::File(_, _, program) = &mut all[0] else { panic!("the program comes first") };
    // A 64-bit program of Linux for a processor that hardly anybody has.
    program[..20].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xf3\0");
    let folder = tempfile::tempdir().expect("a folder");
    let path = carry(folder.path(), &pack(Packing::usual(), &all).expect("packed"));
    let error = home.refuses(&path.expect("written")).await;
    assert_eq!(told(&error), (ErrorCode::ArchiveRefused, "architecture"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_held_against_the_sums_that_lie_beside_it() {
    let home = Home::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = archive::release(&Behaviour::version("0.40.0")).expect("packed");
    let path = carry(folder.path(), &bytes).expect("written");
    let sums = folder.path().join("sha256sum.txt");
    let right = std::fs::read_to_string(&sums).expect("sums");
    std::fs::write(&sums, right.replace(&right[..64], &"0".repeat(64))).expect("written");
    let error = home.refuses(&path).await;
    assert_eq!(error.code, ErrorCode::DigestMismatch);

    std::fs::write(&sums, right).expect("written");
    let file = Some(path.to_string_lossy().into_owned());
    let task = home.install(InstallOllama { file, ..InstallOllama::default() }).await;
    assert_eq!(task.state, TaskState::Done, "{task:#?}");
    let version = home.view().await.versions.remove(0);
    assert!(version.verified && version.from_file && version.active, "{version:#?}");
    assert_eq!(version.version, "0.40.0", "the server itself told it");
    assert!(home.site.requests().is_empty(), "no network was needed");
    home.bench.core.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_is_not_what_was_published_is_refused() {
    let home = Home::new().await;
    home.site.publish(&Behaviour::version("0.40.0")).expect("published");
    home.site.tell_wrong_sum("0.40.0");
    let task = home.install(InstallOllama::default()).await;
    assert_eq!(task.problem.expect("a reason").code, ErrorCode::DigestMismatch);
    home.is_empty().await;
}
