//! A change that works.

use corral_contract::{
    environment::{SetBy, Side, Warning},
    instances::{InstanceRef, call},
    tasks::TaskState,
};
use corral_testbed::{FakeOllama, ollama::library};

use super::{allow, apply, preview, variable};
use crate::steering::units::Units;

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_written_beside_the_users_own_and_tried_out() {
    let models = [library::pick("llama3.2:3b")];
    let units = Units::open(FakeOllama::builder().models(models)).await;
    allow(&units).await;
    let own = units.drop_in("override.conf");
    std::fs::create_dir_all(own.parent().expect("a folder")).expect("a folder");
    let text = "# mine\n[Service]\nEnvironment=OLLAMA_KEEP_ALIVE=10m\nNice=5\n";
    std::fs::write(&own, text).expect("an own drop-in");
    assert_eq!(variable(&units, "OLLAMA_HOST").await.set_by, SetBy::Hand);
    assert_eq!(variable(&units, "OLLAMA_DEBUG").await.set_by, SetBy::Nobody);

    let values = [("OLLAMA_NUM_PARALLEL", Some("4")), ("OLLAMA_ORIGINS", Some("*"))];
    let seen = preview(&units, &values).await;
    assert_eq!((seen.problems.len(), seen.restarts), (0, true));
    assert_eq!(seen.warnings, [Warning::AnyOrigin]);
    assert!(seen.lines.iter().all(|line| line.side == Side::After));
    assert_eq!(seen.equivalent[0], "systemctl --user edit ollama.service");
    assert!(units.systemd.calls().is_empty(), "a preview changes nothing");

    let task = apply(&units, &values).await;
    assert_eq!(task.state, TaskState::Done, "{task:?}");
    assert_eq!(
        std::fs::read_to_string(units.drop_in("zz-corral.conf")).expect("Corral's own"),
        "# Written by Corral. Other lines in here are left alone.\n[Service]\n\
         Environment=\"OLLAMA_NUM_PARALLEL=4\"\nEnvironment=\"OLLAMA_ORIGINS=*\"\n"
    );
    assert_eq!(std::fs::read_to_string(&own).expect("the user's"), text);
    assert_eq!(units.systemd.calls(), ["Reload", "RestartUnit ollama.service replace"]);
    let loads = units.fake.control().requests_to("POST", "/api/generate");
    assert!(!loads.is_empty(), "a model was loaded to try it");
    let now = variable(&units, "OLLAMA_NUM_PARALLEL").await;
    assert_eq!((now.next.as_deref(), now.set_by), (Some("4"), SetBy::Corral));
    let kept = variable(&units, "OLLAMA_KEEP_ALIVE").await;
    assert_eq!((kept.next.as_deref(), kept.set_by, kept.fixed), (Some("10m"), SetBy::Hand, true));

    // Left to the server again, nothing of it stays.
    let back = [("OLLAMA_NUM_PARALLEL", None), ("OLLAMA_ORIGINS", None)];
    assert_eq!(apply(&units, &back).await.state, TaskState::Done);
    assert!(!units.drop_in("zz-corral.conf").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn values_with_spaces_quotes_and_percent_signs_arrive_as_they_are() {
    let units = Units::open(FakeOllama::builder()).await;
    allow(&units).await;
    let folder = units.folder("my \"models\" 100% 模型").display().to_string();
    let task = apply(&units, &[("OLLAMA_MODELS", Some(&folder))]).await;
    assert_eq!(task.state, TaskState::Done, "{task:?}");
    assert_eq!(variable(&units, "OLLAMA_MODELS").await.next.as_deref(), Some(folder.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_a_proxy_is_not_shown() {
    let units = Units::open(FakeOllama::builder()).await;
    allow(&units).await;
    let values = [("HTTPS_PROXY", Some("http://me:hunter2@proxy.test:3128"))];
    let seen = preview(&units, &values).await;
    assert!(seen.lines.iter().all(|line| !line.text.contains("hunter2")), "{seen:?}");
    assert_eq!(apply(&units, &values).await.state, TaskState::Done);
    let told = variable(&units, "HTTPS_PROXY").await;
    assert_eq!(told.next.as_deref(), Some("http://***@proxy.test:3128"));
    let written = std::fs::read_to_string(units.drop_in("zz-corral.conf")).expect("written");
    assert!(written.contains("me:hunter2@"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_is_written_for_and_not_started() {
    let units = Units::open(FakeOllama::builder()).await;
    allow(&units).await;
    units.fake.control().offline(true);
    units.bench.ask::<call::Probe>(InstanceRef { id: units.id }).await.expect("a look");
    let task = apply(&units, &[("OLLAMA_DEBUG", Some("1"))]).await;
    assert_eq!(task.state, TaskState::Done, "{task:?}");
    assert_eq!(units.systemd.calls(), ["Reload"]);
}
