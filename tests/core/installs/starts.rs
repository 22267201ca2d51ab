//! Servers that do not come to answer, and ports that are somebody else's.

use std::{net::TcpListener, time::Duration};

use corral_contract::{ErrorCode, installs::InstallOllama, tasks::TaskState};
use corral_testbed::serve::Behaviour;

use super::{Home, told};

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_run_is_not_kept() {
    let good = Behaviour::version("0.40.0");
    let cases = [
        (Behaviour { exits: Some(2), ..good.clone() }, "exited"),
        (Behaviour { hangs: true, ..good.clone() }, "silent"),
        (Behaviour { reports: Some("0.1.2".to_owned()), ..good.clone() }, "otherVersion"),
        (Behaviour { missing_library: true, ..good }, "missingLibrary"),
    ];
    for (behaviour, reason) in cases {
        let home = Home::with(|config| {
            if behaviour.hangs {
                config.server_patience = Duration::from_millis(500);
            }
        })
        .await;
        home.site.publish(&behaviour).expect("published");
        let task = home.install(InstallOllama::default()).await;
        let problem = task.problem.expect("a reason");
        assert_eq!(told(&problem), (ErrorCode::ServerNotStarted, reason), "{problem}");
        home.is_empty().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_was_named_has_to_be_free_and_another_one_is_looked_for() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port();
    let home = Home::with(|config| config.server_port = port).await;
    home.site.publish(&Behaviour::version("0.40.0")).expect("published");
    let named = InstallOllama { port: Some(port), ..InstallOllama::default() };
    let error = home.begin(named).await.expect_err("somebody listens there");
    assert_eq!(error.code, ErrorCode::PortTaken);
    assert_eq!(error.params["port"], port.to_string());
    let task = home.install(InstallOllama::default()).await;
    assert_eq!(task.state, TaskState::Done, "{task:#?}");
    let server = home.view().await.server.expect("a server");
    assert_ne!(server.port, port, "the usual one is taken");
    home.bench.core.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_models_folder_that_cannot_be_one_is_named_before_anything_is_fetched() {
    let home = Home::new().await;
    let file = home.bench.folder.path().join("a file");
    std::fs::write(&file, "x").expect("written");
    for (models, reason) in
        [("relative".to_owned(), "notAbsolute"), (file.display().to_string(), "notWritable")]
    {
        let request = InstallOllama { models: Some(models), ..InstallOllama::default() };
        let error = home.begin(request).await.expect_err("no such folder");
        assert_eq!(told(&error), (ErrorCode::InvalidInput, reason));
        assert_eq!(error.params["field"], "models");
    }
    for version in ["../../etc", "v1", "0.1/2"] {
        let version = Some(version.to_owned());
        let request = InstallOllama { version, ..InstallOllama::default() };
        let error = home.begin(request).await.expect_err("no such version");
        assert_eq!(error.params["field"], "version");
    }
    home.is_empty().await;
}
