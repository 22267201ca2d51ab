//! The variables of Corral's own server: written, tried out, taken back, and where it listens.

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    environment::{ApplyEnvironment, EnvironmentChange, EnvironmentPreview, Side, call},
    instances::{ApiState, InstanceRef},
    tasks::TaskView,
};
use corral_core::config::Workers;
use corral_testbed::serve::Behaviour;

use super::{Home, free_port, processes, servers};

type Values<'a> = &'a [(&'a str, Option<&'a str>)];

impl Home {
    async fn id(&self) -> InstanceId {
        self.instances().await.remove(0).id
    }

    async fn change(&self, values: Values<'_>) -> EnvironmentChange {
        let of =
            |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(str::to_owned));
        EnvironmentChange { id: self.id().await, values: values.iter().map(of).collect() }
    }

    async fn shown(&self, values: Values<'_>) -> EnvironmentPreview {
        let change = self.change(values).await;
        self.bench.ask::<call::Preview>(change).await.expect("a preview")
    }

    async fn apply(&self, values: Values<'_>) -> Result<TaskView, WireError> {
        let mark = self.shown(values).await.mark;
        let EnvironmentChange { id, values } = self.change(values).await;
        let request = ApplyEnvironment { id, values, mark };
        let task = self.bench.ask::<call::Apply>(request).await?.task;
        Ok(self.ended(task).await)
    }

    /// What the process was started with.
    async fn started_with(&self, name: &str) -> Option<String> {
        let it = InstanceRef { id: self.id().await };
        let view = self.bench.ask::<call::Read>(it).await.expect("read");
        view.variables.into_iter().find(|it| it.name == name)?.current
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_is_shown_as_a_line_that_comes_and_the_server_runs_with_it() {
    let home = Home::running(Behaviour::version("0.40.0")).await;
    let before = home.pid().await;
    let seen = home.shown(&[("OLLAMA_NUM_PARALLEL", Some("3"))]).await;
    let new: Vec<_> = seen.lines.iter().filter(|line| line.side == Side::After).collect();
    assert_eq!(new.len(), 1);
    assert_eq!(new[0].text, "OLLAMA_NUM_PARALLEL=3");
    assert!(seen.lines.iter().all(|line| line.side != Side::Before), "{:?}", seen.lines);
    let task = home.apply(&[("OLLAMA_NUM_PARALLEL", Some("3"))]).await.expect("it begins");
    assert_eq!(task.problem, None);
    assert_ne!(home.pid().await, before, "it was started anew");
    assert_eq!(home.started_with("OLLAMA_NUM_PARALLEL").await.as_deref(), Some("3"));
    // And left to the server again.
    let task = home.apply(&[("OLLAMA_NUM_PARALLEL", None)]).await.expect("it begins");
    assert_eq!(task.problem, None);
    assert_eq!(home.started_with("OLLAMA_NUM_PARALLEL").await, None);
    home.bench.core.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_listens_elsewhere_is_followed() {
    let home = Home::running(Behaviour::version("0.40.0")).await;
    let port = free_port();
    let host = format!("127.0.0.1:{port}");
    let task = home.apply(&[("OLLAMA_HOST", Some(&host))]).await.expect("it begins");
    assert_eq!(task.problem, None);
    let instance = home.instances().await.remove(0);
    assert!(instance.url.ends_with(&format!(":{port}")), "{}", instance.url);
    assert_eq!(instance.api.state, ApiState::Ok);
    assert_eq!(home.view().await.server.expect("a server").port, port);
    assert_eq!(processes(home.bench.folder.path()).len(), 1);
    home.bench.core.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_would_be_two_lines_is_refused() {
    let home = Home::running(Behaviour::version("0.40.0")).await;
    let change = home.change(&[("OLLAMA_LLM_LIBRARY", Some("a\nOLLAMA_HOST=0.0.0.0"))]).await;
    match home.bench.ask::<call::Preview>(change).await {
        Ok(seen) => assert_eq!(seen.problems.len(), 1, "{seen:?}"),
        Err(refused) => assert_eq!(refused.code, ErrorCode::InvalidInput),
    }
    assert_eq!(home.started_with("OLLAMA_LLM_LIBRARY").await, None);
    home.bench.core.shutdown().await;
}

/// The server dies at its start while this variable is what it is: no program here does that, so the
/// port that it is told to listen on is taken after the look at it.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_work_is_taken_back_and_the_server_runs_as_before() {
    let mut home = Home::running(Behaviour::version("0.40.0")).await;
    let before = home.view().await.server.expect("a server");
    let port = free_port();
    let host = format!("127.0.0.1:{port}");
    let values = [("OLLAMA_HOST", Some(host.as_str())), ("OLLAMA_DEBUG", Some("1"))];
    let mark = home.shown(&values).await.mark;
    let EnvironmentChange { id, values } = home.change(&values).await;
    // It gets to its end only when it may: time enough to take the port.
    let file = home.bench.folder.path().join("go on");
    let waits = Behaviour { waits_for: Some(file.clone()), ..Behaviour::version("0.40.0") };
    home.behave(&waits);
    let ours = home.pid().await;
    let task = home.bench.ask::<call::Apply>(ApplyEnvironment { id, values, mark }).await;
    let task = task.expect("it begins").task;
    let folder = home.bench.folder.path().to_owned();
    crate::support::until(&home.bench.core, "another process", async || {
        let all = servers(&folder);
        (!all.is_empty() && !all.contains(&ours)).then_some(())
    })
    .await;
    let thief = std::net::TcpListener::bind(("127.0.0.1", port)).expect("nobody listens yet");
    std::fs::write(&file, "").expect("written");
    let problem = home.ended(task).await.problem.expect("why");
    assert_eq!(problem.code, ErrorCode::ChangeTakenBack, "{problem}");
    drop(thief);
    let after = home.view().await.server.expect("a server");
    assert_eq!((after.port, after.phase), (before.port, before.phase));
    assert_eq!(home.started_with("OLLAMA_DEBUG").await, None);
    let instance = home.instances().await.remove(0);
    assert_eq!(instance.api.state, ApiState::Ok);
    // Nor does it come back with the next Corral.
    home.killed_and_started(Workers::None, |_| {}).await;
    assert_eq!(home.started_with("OLLAMA_DEBUG").await, None);
    home.bench.core.shutdown().await;
}
