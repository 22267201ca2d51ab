//! One data folder, one Corral.

use std::time::Duration;

use corral_contract::ErrorCode;
use corral_shell::single::claim;

const PATIENCE: Duration = Duration::from_secs(30);

// criterion: 11.2
#[tokio::test]
async fn the_folder_is_one_programs_at_a_time() {
    let folder = tempfile::tempdir().expect("a throw-away folder");
    let first = claim(folder.path(), Duration::ZERO).await.expect("nobody is there");
    let second = claim(folder.path(), Duration::ZERO).await;
    assert_eq!(second.expect_err("the first one is there").code, ErrorCode::DatabaseBusy);
    drop(first);
    claim(folder.path(), Duration::ZERO).await.expect("the first one is gone");
}

#[tokio::test]
async fn a_start_waits_for_the_one_that_leaves() {
    let folder = tempfile::tempdir().expect("a throw-away folder");
    let first = claim(folder.path(), Duration::ZERO).await.expect("nobody is there");
    let waits = claim(folder.path(), PATIENCE);
    let leaves = async { drop(first) };
    // In this order: the second one looks once while the first one is still there.
    let (second, ()) = tokio::join!(biased; waits, leaves);
    second.expect("it had the patience");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_keeps_nobody_from_starting() {
    let folder = tempfile::tempdir().expect("a throw-away folder");
    let file = folder.path().join("a file");
    std::fs::write(&file, "").expect("it can be written");
    claim(&file, Duration::ZERO).await.expect("the core says what is wrong with it");
}
