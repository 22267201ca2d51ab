//! Disks that are full or read-only, and a database that somebody else holds.

use std::time::Duration;

use corral_contract::{
    ErrorCode,
    settings::{Settings, call},
};
use corral_core::db::Db;

use crate::support::Bench;

fn with_attempts(max_attempts: u32) -> Settings {
    Settings { max_attempts, ..Settings::default() }
}

#[tokio::test]
async fn a_database_held_by_another_program_refuses_in_words_and_recovers() {
    let bench = Bench::quiet().await;
    let other = Db::open(&bench.folder.path().join("corral.db")).await.expect("opens twice");
    let held = other.write().await.expect("the other program writes");
    let error = bench.ask::<call::Update>(with_attempts(4)).await.expect_err("held");
    assert_eq!(error.code, ErrorCode::DatabaseBusy);
    held.rollback().await.expect("the other program lets go");
    bench.ask::<call::Update>(with_attempts(5)).await.expect("writes again");
    assert_eq!(bench.core.settings().max_attempts, 5);
}

#[cfg(target_os = "linux")]
mod small {
    use corral_contract::storage;
    use corral_core::{Core, CoreConfig, config::Workers};

    use super::*;
    use crate::small_disk::SmallDisk;

    fn config(disk: &SmallDisk) -> CoreConfig {
        let mut config = CoreConfig::in_folder(disk.place().join("data"));
        config.workers = Workers::None;
        config
    }

    async fn update(
        core: &Core,
        max_attempts: u32,
    ) -> Result<Settings, corral_contract::WireError> {
        core.run::<call::Update>(corral_contract::audit::Actor::Window, with_attempts(max_attempts))
            .await
    }

    // criterion: 11.5
    #[tokio::test]
    async fn a_full_disk_refuses_in_words_and_loses_nothing() {
        let Some(disk) = SmallDisk::mount() else { return };
        let core = Core::start(config(&disk)).await.expect("starts");
        update(&core, 7).await.expect("there is room");
        let filler = disk.place().join("filler");
        // Fails at the end, which is its purpose.
        let _ = std::fs::write(&filler, vec![0_u8; 4 << 20]);
        let mut refused = None;
        for attempt in 0..200 {
            if let Err(error) = update(&core, 1 + attempt % 20).await {
                refused = Some(error);
                break;
            }
        }
        assert_eq!(refused.expect("no room is left").code, ErrorCode::DiskFull);
        std::fs::remove_file(filler).expect("room again");
        update(&core, 9).await.expect("writes again");
        core.shutdown().await;
        let again = Core::start(config(&disk)).await.expect("whole");
        assert_eq!(again.settings().max_attempts, 9);
    }

    // criterion: 11.5
    #[tokio::test]
    async fn a_read_only_disk_leaves_everything_visible() {
        let Some(disk) = SmallDisk::mount() else { return };
        let core = Core::start(config(&disk)).await.expect("starts");
        update(&core, 7).await.expect("writable");
        core.shutdown().await;
        disk.remount("ro");
        let again = Core::start(config(&disk)).await.expect("starts all the same");
        assert_eq!(again.settings().max_attempts, 7, "what was known is still there");
        let status = again
            .run::<storage::call::Status>(
                corral_contract::audit::Actor::Window,
                corral_contract::command::Nothing {},
            )
            .await
            .expect("always answers");
        assert!(status.read_only);
        assert_eq!(status.problem.expect("said so").code, ErrorCode::DatabaseReadOnly);
        tokio::time::timeout(Duration::from_secs(10), again.shutdown()).await.expect("ends");
        disk.remount("rw");
    }
}
