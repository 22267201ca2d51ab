use corral_contract::{
    ErrorCode,
    command::Nothing,
    settings::{Language, Settings, call},
};
use corral_core::Core;

use crate::support::Bench;

#[tokio::test]
async fn survive_a_restart() {
    let bench = Bench::quiet().await;
    let chosen = Settings { language: Language::ZhCn, max_attempts: 9, ..Settings::default() };
    bench.ask::<call::Update>(chosen.clone()).await.expect("valid settings");
    bench.core.shutdown().await;
    let again = Core::start(bench.core.config.clone()).await.expect("starts again");
    assert_eq!(again.settings(), chosen);
}

#[tokio::test]
async fn a_bad_field_is_named_and_changes_nothing() {
    let bench = Bench::quiet().await;
    let wrong = Settings { poll_hidden_seconds: 1, max_attempts: 3, ..Settings::default() };
    let error = bench.ask::<call::Update>(wrong).await.expect_err("below the range");
    assert_eq!(error.code, ErrorCode::InvalidInput);
    assert_eq!(error.params["field"], "pollHiddenSeconds");
    assert_eq!(error.params["min"], "5");
    let kept = bench.ask::<call::Get>(Nothing {}).await.expect("settings");
    assert_eq!(kept, Settings::default());
}
