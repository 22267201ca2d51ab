use corral_contract::{
    ErrorCode, WireError,
    checks::{CheckFile, FileCheck, Structure, call},
    tasks::{TaskListRequest, TaskState, call::List},
};
use corral_testbed::gguf::Gguf;
use sha2::{Digest, Sha256};

use crate::support::Bench;

async fn check(
    bench: &Bench,
    path: &std::path::Path,
    md5: Option<&str>,
    sha256: Option<&str>,
) -> Result<FileCheck, WireError> {
    let request = CheckFile {
        path: path.to_string_lossy().into_owned(),
        md5: md5.map(str::to_owned),
        sha256: sha256.map(str::to_owned),
    };
    bench.ask::<call::File>(request).await
}

fn reason(error: &WireError) -> (&str, &str) {
    assert_eq!(error.code, ErrorCode::InvalidInput);
    (&error.params["field"], &error.params["reason"])
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_file_for_import_is_compared_with_what_the_user_gave() {
    let bench = Bench::quiet().await;
    let file = bench.folder.path().join("tiny.gguf");
    let bytes = Gguf::tiny().bytes();
    std::fs::write(&file, &bytes).expect("written");
    let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let upper = format!("SHA256:{}", sum.to_uppercase());
    let found = check(&bench, &file, None, Some(&upper)).await.expect("checked");
    assert_eq!((found.sha256_matches, found.md5_matches), (Some(true), None));
    assert_eq!((found.sha256.as_str(), found.bytes), (sum.as_str(), bytes.len() as u64));
    assert_eq!(found.structure, Structure::Sound);
    assert_eq!(found.architecture.as_deref(), Some("llama"));
    assert_eq!(found.quantization.as_deref(), Some("F16"));
    assert_eq!(found.context_length, Some(2048));

    let line = format!("{}  tiny.gguf\n", found.md5);
    let again = check(&bench, &file, Some(&line), Some(&"0".repeat(64))).await.expect("checked");
    assert_eq!((again.md5_matches, again.sha256_matches), (Some(true), Some(false)));
    let tasks = bench.ask::<List>(TaskListRequest::default()).await.expect("tasks").items;
    assert!(tasks.iter().all(|task| task.state == TaskState::Done && task.target == "tiny.gguf"));
    assert_eq!(tasks.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_md5_is_the_one_that_everybody_knows() {
    let bench = Bench::quiet().await;
    let file = bench.folder.path().join("abc");
    std::fs::write(&file, "abc").expect("written");
    let known = "900150983cd24fb0d6963f7d28e17f72";
    let found = check(&bench, &file, Some(known), None).await.expect("checked");
    assert_eq!((found.md5.as_str(), found.md5_matches), (known, Some(true)));
    assert_eq!(found.structure, Structure::Unknown, "no GGUF file is not a damaged one");
}

// criterion: 2.5
#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_file_says_which_tensor_lacks() {
    let bench = Bench::quiet().await;
    let file = bench.folder.path().join("short.gguf");
    std::fs::write(&file, Gguf::tiny().truncated(64)).expect("written");
    let found = check(&bench, &file, None, None).await.expect("checked");
    assert_eq!(found.structure, Structure::Broken);
    assert!(found.detail.expect("what").contains("output.weight"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_checked_is_refused_with_the_field_and_the_reason() {
    let bench = Bench::quiet().await;
    let folder = bench.folder.path().to_owned();
    let empty = folder.join("empty.gguf");
    std::fs::write(&empty, "").expect("written");
    for (path, wanted) in [
        (folder.join("nothing.gguf"), "noSuchFile"),
        (folder.clone(), "isFolder"),
        (empty.clone(), "emptyFile"),
        (std::path::PathBuf::from("model.gguf"), "notAbsolute"),
        (std::path::PathBuf::new(), "empty"),
    ] {
        let refused = check(&bench, &path, None, None).await.expect_err("refused");
        assert_eq!(reason(&refused), ("path", wanted), "{}", path.display());
    }
    let refused = check(&bench, &empty, Some("abcdef0123"), None).await.expect_err("refused");
    assert_eq!(reason(&refused), ("md5", "sumLength"));
    let refused = check(&bench, &empty, None, Some("hello")).await.expect_err("refused");
    assert_eq!(reason(&refused), ("sha256", "sumNotHex"));
}
