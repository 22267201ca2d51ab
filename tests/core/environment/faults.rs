//! Changes that do not work, and what is left of them: nothing.

use std::{net::TcpListener, sync::Arc, time::Duration};

use corral_contract::{
    ErrorCode,
    environment::{ApplyEnvironment, EnvironmentChange, call},
    instances::{ApiState, InstanceRef, call::Probe},
    tasks::TaskState,
};
use corral_core::{Core, CoreConfig, config::Workers};
use corral_testbed::{FakeOllama, systemd::Refusal};

use super::{allow, apply, change, preview, variable};
use crate::{
    steering::{desk::reason, units::Units},
    support::{out_of_reach, until},
};

/// A server that does not come up with a cache of four bits.
async fn picky() -> Units {
    let fake = FakeOllama::builder().start().await.expect("a fake server");
    let control = fake.control();
    Units::play(fake, move |unit, on| {
        let file = format!("{}.d/zz-corral.conf", unit.display());
        let broken = std::fs::read_to_string(file).is_ok_and(|text| text.contains("q4_0"));
        let runs = on && !broken;
        control.offline(!runs);
        runs
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_come_up_gets_its_former_variables_to_the_byte() {
    let units = picky().await;
    allow(&units).await;
    let file = units.drop_in("zz-corral.conf");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    // Written by hand into Corral's own file: another order and other quotes than Corral's.
    let before = "[Service]\nNice=3\nEnvironment=OLLAMA_KV_CACHE_TYPE=q8_0   X=1\n\n# end";
    std::fs::write(&file, before).expect("a drop-in");
    units.programs.answer("journalctl", 0, "Error: unsupported cache type q4_0\n");
    let task = apply(&units, &[("OLLAMA_KV_CACHE_TYPE", Some("q4_0"))]).await;
    assert_eq!(task.state, TaskState::Failed);
    let problem = task.problem.expect("told");
    assert_eq!(problem.code, ErrorCode::ChangeTakenBack);
    assert_eq!(reason(&problem), "unitFailed");
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), before);
    let view = units.bench.ask::<Probe>(InstanceRef { id: units.id }).await.expect("a look");
    assert_eq!(view.api.state, ApiState::Ok, "it answers again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_can_neither_stay_nor_be_taken_back_says_so_and_touches_nothing_more() {
    let fake = FakeOllama::builder().start().await.expect("a fake server");
    let control = fake.control();
    let edited = "[Service]\nEnvironment=OLLAMA_KV_CACHE_TYPE=q4_0\n# by hand\n";
    // While it is tried, somebody edits the file by hand; and it does not come up.
    let units = Units::play(fake, move |unit, _| {
        let file = format!("{}.d/zz-corral.conf", unit.display());
        std::fs::write(file, edited).expect("a hand edit");
        control.offline(true);
        false
    })
    .await;
    allow(&units).await;
    let task = apply(&units, &[("OLLAMA_KV_CACHE_TYPE", Some("q4_0"))]).await;
    assert_eq!(task.state, TaskState::Failed);
    let problem = task.problem.expect("told");
    assert_eq!(problem.code, ErrorCode::ChangeStuck);
    assert_eq!(problem.params["why"], ErrorCode::ChangedMeanwhile.as_str());
    assert_eq!(reason(&problem), "editedMeanwhile");
    let kept = std::fs::read_to_string(units.drop_in("zz-corral.conf")).expect("still there");
    assert_eq!(kept, edited, "a hand edit is nobody's to undo");
    let restarts = units.systemd.calls();
    let restarts = restarts.iter().filter(|call| call.starts_with("RestartUnit")).count();
    assert_eq!(restarts, 1, "nothing is started on what nobody knows");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_listen_elsewhere_is_followed() {
    let fake = FakeOllama::builder().start().await.expect("a fake server");
    let (control, address) = (fake.control(), fake.address());
    let new: std::net::SocketAddr = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its address")
    };
    let runtime = tokio::runtime::Handle::current();
    let units = Units::play(fake, move |unit, on| {
        let file = format!("{}.d/zz-corral.conf", unit.display());
        let moved = std::fs::read_to_string(file).is_ok_and(|text| text.contains(&new.to_string()));
        if on && moved {
            // It listens there now.
            runtime.spawn(async move {
                let listener = tokio::net::TcpListener::bind(new).await.expect("it is free");
                while let Ok((mut client, _)) = listener.accept().await {
                    tokio::spawn(async move {
                        let mut server = tokio::net::TcpStream::connect(address).await?;
                        tokio::io::copy_bidirectional(&mut client, &mut server).await
                    });
                }
            });
        }
        control.offline(!on);
        on
    })
    .await;
    allow(&units).await;
    let task = apply(&units, &[("OLLAMA_HOST", Some(&new.to_string()))]).await;
    assert_eq!(task.problem, None);
    let view = units.bench.ask::<Probe>(InstanceRef { id: units.id }).await.expect("a look");
    assert!(view.url.ends_with(&format!(":{}", new.port())), "{}", view.url);
    assert_eq!(view.api.state, ApiState::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_edit_after_the_preview_is_not_written_over() {
    let units = Units::open(FakeOllama::builder()).await;
    allow(&units).await;
    let values = [("OLLAMA_DEBUG", Some("1"))];
    let mark = preview(&units, &values).await.mark;
    let file = units.drop_in("zz-corral.conf");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    std::fs::write(&file, "[Service]\nEnvironment=OLLAMA_DEBUG=2\n").expect("a hand edit");
    let EnvironmentChange { id, values } = change(&units, &values);
    let request = ApplyEnvironment { id, values, mark };
    let refused = units.bench.ask::<call::Apply>(request).await.expect_err("it changed");
    assert_eq!(refused.code, ErrorCode::ChangedMeanwhile);
    let kept = std::fs::read_to_string(&file).expect("the edit");
    assert_eq!(kept, "[Service]\nEnvironment=OLLAMA_DEBUG=2\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_is_said_field_by_field() {
    let units = Units::open(FakeOllama::builder()).await;
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let host = format!("127.0.0.1:{port}");
    let seen = preview(
        &units,
        &[
            ("OLLAMA_HOST", Some(host.as_str())),
            ("OLLAMA_KEEP_ALIVE", Some("soon")),
            ("OLLAMA_MODELS", Some("/surely/not/here")),
            ("OLLAMA_NOPRUNE", Some("perhaps")),
            ("OLLAMA_TMPDIR", Some("/tmp")),
        ],
    )
    .await;
    let told: Vec<(&str, &str)> =
        seen.problems.iter().map(|it| (it.name.as_str(), it.reason.as_str())).collect();
    assert_eq!(
        told,
        [
            ("OLLAMA_HOST", "portTaken"),
            ("OLLAMA_KEEP_ALIVE", "badGoDuration"),
            ("OLLAMA_MODELS", "noSuchFolder"),
            ("OLLAMA_NOPRUNE", "badFlag"),
            ("OLLAMA_TMPDIR", "unknownVariable"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_are_shown_and_left_alone() {
    let units = Units::open(FakeOllama::builder()).await;
    allow(&units).await;
    let own = units.drop_in("override.conf");
    std::fs::create_dir_all(own.parent().expect("a folder")).expect("a folder");
    let bytes = b"[Service]\nEnvironment=\"OLLAMA_LLM_LIBRARY=/m\xff\"\n";
    std::fs::write(&own, bytes).expect("an own drop-in");
    // systemd reads its files again with the first change.
    assert_eq!(apply(&units, &[("OLLAMA_DEBUG", Some("1"))]).await.state, TaskState::Done);
    let told = variable(&units, "OLLAMA_LLM_LIBRARY").await;
    assert_eq!(told.problem.as_deref(), Some("notText"));
    assert_eq!(std::fs::read(&own).expect("still there"), bytes);
    std::fs::write(units.drop_in("zz-corral.conf"), bytes).expect("not text");
    let refused = units.bench.ask::<call::Preview>(change(&units, &[("OLLAMA_DEBUG", None)])).await;
    assert_eq!(reason(&refused.expect_err("not text")), "notText");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_leave_nothing_stays_written() {
    let units = Units::open(FakeOllama::builder()).await;
    allow(&units).await;
    units.systemd.refuse(Some(Refusal::Denied));
    let task = apply(&units, &[("OLLAMA_DEBUG", Some("1"))]).await;
    let problem = task.problem.expect("refused");
    assert_eq!((problem.code, reason(&problem)), (ErrorCode::ServiceRefused, "notAllowed"));
    assert!(!units.drop_in("zz-corral.conf").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_of_the_system_is_written_by_polkits_leave_only() {
    let units = Units::of_system().await;
    allow(&units).await;
    let values = [("OLLAMA_DEBUG", Some("1"))];
    let file = "/sys/kernel/ollama.service.d/zz-corral.conf";
    units.programs.answer("pkexec", 126, "dismissed");
    let problem = apply(&units, &values).await.problem.expect("refused");
    assert_eq!((problem.code, reason(&problem)), (ErrorCode::ServiceRefused, "notAllowed"));
    let calls = units.programs.calls();
    let call = calls.iter().find(|call| call.starts_with("pkexec")).expect("asked");
    assert!(call.starts_with("pkexec /usr/bin/install -D -T -m 0644 -- "), "{call}");
    assert!(call.ends_with(file), "{call}");
    units.programs.without("pkexec");
    let problem = apply(&units, &values).await.problem.expect("refused");
    assert_eq!((problem.code, reason(&problem)), (ErrorCode::ServiceRefused, "noPolkit"));
    assert!(units.systemd.calls().is_empty(), "nothing was restarted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_corral_did_not_see_the_end_of_is_taken_back_at_its_next_start() {
    let fake = FakeOllama::builder().start().await.expect("a fake server");
    let control = fake.control();
    // It hangs with the new variables: systemd calls it running, and it does not answer.
    let units = Units::play(fake, move |unit, on| {
        let file = format!("{}.d/zz-corral.conf", unit.display());
        let hangs = std::fs::read_to_string(file).is_ok_and(|text| text.contains("q4_0"));
        control.offline(!on || hangs);
        on
    })
    .await;
    allow(&units).await;
    let values = [("OLLAMA_KV_CACHE_TYPE", Some("q4_0"))];
    let mark = preview(&units, &values).await.mark;
    let EnvironmentChange { id, values } = change(&units, &values);
    let request = ApplyEnvironment { id, values, mark };
    units.bench.ask::<call::Apply>(request).await.expect("begun");
    let file = units.drop_in("zz-corral.conf");
    until(&units.bench.core, "the restart", async || {
        units.systemd.calls().iter().any(|call| call.starts_with("Restart")).then_some(())
    })
    .await;
    units.bench.core.shutdown().await;
    assert!(file.exists(), "the end came in between");

    let mut config = CoreConfig::in_folder(units.bench.folder.path());
    config.registry = out_of_reach();
    config.workers = Workers::All;
    config.machine = units.bench.core.config.machine.clone();
    config.clock = Arc::new(units.bench.clock.clone());
    config.steering = units.bench.core.config.steering.clone();
    config.steering.patience = Duration::from_secs(1);
    let core = Core::start(config).await.expect("the core starts again");
    until(&core, "the former variables", async || (!file.exists()).then_some(())).await;
    until(&core, "an answer", async || {
        let client = reqwest::get(format!("{}/api/version", units.fake.url())).await;
        client.is_ok_and(|answer| answer.status().is_success()).then_some(())
    })
    .await;
    core.shutdown().await;
}
