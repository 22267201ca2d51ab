use std::path::Path;

use corral_contract::{
    ErrorCode,
    command::Nothing,
    settings::{self, Settings},
    storage::{RestoreBackup, call},
};
use corral_core::{Core, CoreConfig, config::Workers};

use crate::support::Bench;

async fn status(core: &Core) -> corral_contract::storage::StorageStatus {
    core.run::<call::Status>(corral_contract::audit::Actor::Window, Nothing {})
        .await
        .expect("the status can always be asked")
}

async fn with_attempts(core: &Core, max_attempts: u32) {
    let settings = Settings { max_attempts, ..Settings::default() };
    core.run::<settings::call::Update>(corral_contract::audit::Actor::Window, settings)
        .await
        .expect("valid settings");
}

fn spoil(file: &Path) {
    let mut bytes = std::fs::read(file).expect("the database file");
    // Everything but the header: it still claims to be a database.
    for byte in bytes.iter_mut().skip(100) {
        *byte = 0xA5;
    }
    std::fs::write(file, bytes).expect("spoiled");
}

// criterion: 11.5
#[tokio::test]
async fn a_damaged_file_is_set_aside_and_the_last_good_backup_taken() {
    let bench = Bench::quiet().await;
    with_attempts(&bench.core, 7).await;
    bench.ask::<call::Backup>(Nothing {}).await.expect("a backup");
    with_attempts(&bench.core, 8).await;
    bench.core.shutdown().await;
    spoil(&bench.folder.path().join("corral.db"));

    let again = Core::start(bench.core.config.clone()).await.expect("starts all the same");
    assert_eq!(again.settings().max_attempts, 7, "the state of the backup");
    let status = status(&again).await;
    assert!(!status.read_only);
    assert_eq!(status.problem.expect("said so").code, ErrorCode::DatabaseDamaged);
    let aside = status.set_aside.expect("the damaged file is kept");
    assert!(Path::new(&aside).exists());
}

// criterion: 11.5
#[tokio::test]
async fn a_damaged_file_without_a_backup_gives_an_empty_database() {
    let bench = Bench::quiet().await;
    bench.core.shutdown().await;
    spoil(&bench.folder.path().join("corral.db"));
    let again = Core::start(bench.core.config.clone()).await.expect("starts all the same");
    assert_eq!(again.settings(), Settings::default());
    assert!(status(&again).await.set_aside.is_some());
    with_attempts(&again, 4).await;
}

// criterion: 11.5
#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_cannot_be_made_leaves_a_core_that_runs() {
    let folder = tempfile::tempdir().expect("a throw-away folder");
    // A file where the folder should be: refused for root too.
    let blocked = folder.path().join("blocked");
    std::fs::write(&blocked, "").expect("a file");
    let mut config = CoreConfig::in_folder(blocked.join("data"));
    config.workers = Workers::None;
    let core = Core::start(config).await.expect("starts in memory");
    let status = status(&core).await;
    assert!(status.read_only);
    assert_eq!(status.problem.expect("said so").code, ErrorCode::DatabaseReadOnly);
    with_attempts(&core, 4).await;
    assert_eq!(core.settings().max_attempts, 4);
}

#[tokio::test]
async fn a_chosen_backup_is_in_place_after_the_next_start() {
    let bench = Bench::quiet().await;
    with_attempts(&bench.core, 11).await;
    let backup = bench.ask::<call::Backup>(Nothing {}).await.expect("a backup");
    with_attempts(&bench.core, 12).await;
    let restore = RestoreBackup { name: backup.name.clone() };
    let pending = bench.ask::<call::Restore>(restore).await.expect("known backup");
    assert_eq!(pending.restore_pending.as_deref(), Some(backup.name.as_str()));
    assert_eq!(bench.core.settings().max_attempts, 12, "nothing changes before the restart");
    bench.core.shutdown().await;

    let again = Core::start(bench.core.config.clone()).await.expect("starts");
    assert_eq!(again.settings().max_attempts, 11);
    assert_eq!(status(&again).await.restore_pending, None);
    let replaced = std::fs::read_dir(bench.folder.path())
        .expect("the folder")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .any(|name| name.starts_with("corral.replaced-"));
    assert!(replaced, "the replaced file is kept");
}

#[tokio::test]
async fn only_backups_of_the_list_can_be_restored() {
    let bench = Bench::quiet().await;
    for name in ["../../etc/passwd", "corral.db", "", "corral-1-user.db"] {
        let error = bench
            .ask::<call::Restore>(RestoreBackup { name: name.to_owned() })
            .await
            .expect_err("not in the list");
        assert_eq!(error.code, ErrorCode::NotFound, "{name}");
    }
}

#[tokio::test]
async fn seven_backups_of_a_kind_are_kept() {
    let bench = Bench::quiet().await;
    for _ in 0..9 {
        bench.clock.advance(1000);
        bench.ask::<call::Backup>(Nothing {}).await.expect("a backup");
    }
    let backups = status(&bench.core).await.backups;
    assert_eq!(backups.len(), 7);
    assert!(backups.windows(2).all(|pair| pair[0].at > pair[1].at), "newest first");
}
