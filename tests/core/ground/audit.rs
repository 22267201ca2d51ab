use corral_contract::{
    ErrorCode, audit,
    audit::{Actor, AuditRequest, Outcome},
    command::Nothing,
    settings::{self, Settings},
    storage,
};

use crate::support::Bench;

async fn rows(bench: &Bench, request: AuditRequest) -> Vec<audit::AuditEntry> {
    bench.ask::<audit::call::Search>(request).await.expect("the audit answers").items
}

// criterion: 1.7
#[tokio::test]
async fn a_changing_command_leaves_a_row_also_when_refused() {
    let bench = Bench::quiet().await;
    let fine = Settings { sync_minutes: 5, ..Settings::default() };
    bench.ask::<settings::call::Update>(fine).await.expect("valid settings");
    let wrong = Settings { parallel_downloads: 99, ..Settings::default() };
    let refused = bench.ask::<settings::call::Update>(wrong).await.expect_err("out of range");
    assert_eq!(refused.code, ErrorCode::InvalidInput);
    // Reading changes nothing and leaves nothing.
    bench.ask::<settings::call::Get>(Nothing {}).await.expect("settings");

    let rows = rows(&bench, AuditRequest::default()).await;
    let seen: Vec<_> = rows.iter().map(|row| (row.command.as_str(), row.outcome)).collect();
    assert_eq!(seen, [("settings.update", Outcome::Refused), ("settings.update", Outcome::Done)]);
    assert_eq!(rows[0].code, Some(ErrorCode::InvalidInput));
    assert!(rows.iter().all(|row| row.actor == Actor::Window));
}

// criterion: 1.7
#[tokio::test]
async fn the_scheduler_may_not_do_what_nobody_scheduled() {
    let bench = Bench::quiet().await;
    let denied = bench
        .core
        .run::<settings::call::Update>(Actor::Scheduler, Settings::default())
        .await
        .expect_err("settings are the user's");
    assert_eq!(denied.code, ErrorCode::Denied);
    bench
        .core
        .run::<storage::call::Backup>(Actor::Scheduler, Nothing {})
        .await
        .expect("a backup may be scheduled");

    let refused = AuditRequest { outcome: Some(Outcome::Refused), ..Default::default() };
    let rows = rows(&bench, refused).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].actor, rows[0].code), (Actor::Scheduler, Some(ErrorCode::Denied)));
}
