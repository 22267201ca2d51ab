//! Versions beside each other: newer ones, the way back, and what an interruption leaves.

use corral_contract::{
    ErrorCode,
    command::Nothing,
    installs::{InstallOllama, PinVersion, ServerPhase, UpdateOllama, call},
    models::OpRef,
    tasks::{TaskState, TaskView},
};
use corral_core::config::Workers;
use corral_testbed::serve::Behaviour;

use super::{Home, processes, told};

async fn update(home: &Home) -> TaskView {
    let begun = home.bench.ask::<call::Update>(UpdateOllama::default()).await;
    let OpRef { task } = begun.expect("it begins");
    home.ended(task).await
}

async fn active(home: &Home) -> (String, Option<String>) {
    let versions = home.view().await.versions;
    let active = versions.iter().find(|version| version.active).expect("an active one");
    let previous = versions.iter().find(|version| version.previous);
    (active.version.clone(), previous.map(|version| version.version.clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_is_gone_over_to_and_back_from() {
    let home = Home::running(Behaviour::version("0.40.0")).await;
    home.site.publish(&Behaviour::version("0.41.0")).expect("published");
    let view = home.bench.ask::<call::Check>(Nothing {}).await.expect("asked");
    let offer = view.offer().expect("a newer one").clone();
    assert_eq!((offer.version.as_str(), offer.notes.as_str()), ("0.41.0", "What is new in 0.41.0"));
    assert!(offer.size.is_some_and(|size| size > 0));
    let task = update(&home).await;
    assert_eq!(task.state, TaskState::Done, "{task:#?}");
    assert_eq!(active(&home).await, ("0.41.0".to_owned(), Some("0.40.0".to_owned())));
    assert_eq!(home.instances().await[0].api.version.as_deref(), Some("0.41.0"));

    let begun = home.bench.ask::<call::RollBack>(Nothing {}).await;
    let OpRef { task } = begun.expect("it begins");
    assert_eq!(home.ended(task).await.state, TaskState::Done);
    assert_eq!(active(&home).await, ("0.40.0".to_owned(), Some("0.41.0".to_owned())));
    let view = home.view().await;
    assert!(view.pinned && view.offer().is_none(), "who goes back wants to stay");
    let view = home.bench.ask::<call::Pin>(PinVersion { pinned: false }).await.expect("unpinned");
    assert!(view.offer().is_some());

    home.site.publish(&Behaviour::version("0.42.0")).expect("published");
    assert_eq!(update(&home).await.state, TaskState::Done);
    assert_eq!(active(&home).await, ("0.42.0".to_owned(), Some("0.40.0".to_owned())));
    let left = std::fs::read_dir(home.versions()).expect("the folder").count();
    assert_eq!(left, 2, "only what runs and what one can go back to");
    home.bench.core.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_do_leaves_the_old_one_running() {
    let model = Some("llama3.2:1b".to_owned());
    let good = Behaviour { model: model.clone(), ..Behaviour::version("0.40.0") };
    let home = Home::running(good).await;
    let cases = [
        (Behaviour { exits: Some(1), ..Behaviour::version("0.41.0") }, "exited"),
        (
            Behaviour { reports: Some("9.9.9".to_owned()), ..Behaviour::version("0.42.0") },
            "otherVersion",
        ),
        (Behaviour { loads_nothing: true, model, ..Behaviour::version("0.43.0") }, "noModel"),
    ];
    for (behaviour, reason) in cases {
        home.site.publish(&behaviour).expect("published");
        let task = update(&home).await;
        let problem = task.problem.expect("a reason");
        assert_eq!(told(&problem), (ErrorCode::ServerNotStarted, reason), "{problem}");
        assert_eq!(active(&home).await, ("0.40.0".to_owned(), None));
        let view = home.view().await;
        let server = view.server.expect("a server");
        assert_eq!(server.phase, ServerPhase::Running, "{server:#?}");
        assert_eq!(view.versions.len(), 1, "what does not do is not kept");
        assert_eq!(processes(home.bench.folder.path()).len(), 1);
    }
    home.bench.core.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_is_known_without_descriptions_too() {
    let home = Home::new().await;
    home.site.publish(&Behaviour::version("0.40.0")).expect("published");
    home.site.ration(true);
    let view = home.bench.ask::<call::Check>(Nothing {}).await.expect("asked");
    let newest = view.newest.expect("the newest");
    assert_eq!((newest.version.as_str(), newest.notes.as_str()), ("0.40.0", ""));
    assert_eq!(newest.size, None, "nobody told");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_corrals_end_interrupts_goes_on_at_the_next_start() {
    let mut home = Home::new().await;
    home.site.publish(&Behaviour::version("0.40.0")).expect("published");
    // Connections break for as long as this Corral runs.
    home.site.cut(Some(64 * 1024));
    home.begin(InstallOllama::default()).await.expect("it begins");
    home.until("a beginning", |view| view.task.is_some()).await;
    let asked = || home.site.requests().iter().any(|path| path.starts_with("/assets/"));
    crate::support::until(&home.bench.core, "bytes that come", async || asked().then_some(()))
        .await;
    home.killed_and_started(Workers::All, |home| home.site.cut(None)).await;
    home.until("a running server", |view| {
        view.server.as_ref().is_some_and(|server| server.phase == ServerPhase::Running)
    })
    .await;
    home.until("the end of it", |view| view.task.is_none()).await;
    assert_eq!(home.instances().await.len(), 1);
    home.bench.core.shutdown().await;
}
