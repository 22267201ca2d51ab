use corral_contract::{
    ErrorCode, ModelId,
    event::AppEvent,
    models::{self, BatchOp, BatchOperate, ModelRef, OpRef, StartModel, StartOptions},
    running::{
        AskModel, Eviction, PresetRef, Retime, SavePreset, SetPreload, StopAll, Trial, call,
    },
    status::{Cause, Run, Status},
    tasks::{TaskRef, TaskState},
};
use corral_core::bus::Listener;
use corral_testbed::ollama::{Model, library};

use crate::stage::Stage;

fn context(tokens: u32) -> StartOptions {
    StartOptions { num_ctx: Some(tokens), ..StartOptions::default() }
}

fn preset(model: ModelId, name: &str, tokens: u32, usual: bool) -> SavePreset {
    SavePreset { model, id: None, name: name.to_owned(), options: context(tokens), usual }
}

async fn loaded_with(stage: &Stage, request: StartModel) -> Option<u64> {
    let name = "llama3.2:3b";
    let id = request.id;
    let begun = stage.bench.ask::<models::call::Start>(request).await.expect("it begins");
    assert_eq!(stage.ended(begun.task).await.state, TaskState::Done);
    let length = stage.row(name).await.memory.expect("it is loaded").context_length;
    let close = stage.bench.ask::<models::call::Close>(ModelRef { id }).await.expect("closes");
    stage.ended(close.task).await;
    length
}

/// Everything that was told about a question, up to its end.
async fn trials(events: &mut Listener, task: corral_contract::TaskId) -> Vec<Trial> {
    let mut told = Vec::new();
    loop {
        let envelope = events.next().await.expect("the core lives");
        if let AppEvent::Trial(trial) = &envelope.event
            && trial.task == task
        {
            told.push((**trial).clone());
            if trial.done {
                return told;
            }
        }
    }
}

fn question(model: ModelId, prompt: &str) -> AskModel {
    AskModel { model, prompt: prompt.to_owned(), most: 8 }
}

// criterion: 3.1
#[tokio::test]
async fn presets_are_kept_per_model_and_the_usual_one_is_taken() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    let id = stage.id("llama3.2:3b").await;
    let save = |request| stage.bench.ask::<call::Save>(request);
    save(preset(id, "long", 16_384, false)).await.expect("kept");
    let view = save(preset(id, "short", 2048, true)).await.expect("kept");
    let names: Vec<_> = view.presets.iter().map(|it| (it.name.as_str(), it.usual)).collect();
    assert_eq!(names, [("long", false), ("short", true)]);

    let start = |options| StartModel::with(id, options);
    assert_eq!(loaded_with(&stage, start(StartOptions::default())).await, Some(2048));
    assert_eq!(loaded_with(&stage, start(context(8192))).await, Some(8192), "what is said wins");
    let long = view.presets[0].id;
    let by_preset = StartModel { preset: Some(long), ..start(StartOptions::default()) };
    assert_eq!(loaded_with(&stage, by_preset).await, Some(16_384));
    let plain = StartModel { plain: true, ..start(StartOptions::default()) };
    assert_eq!(loaded_with(&stage, plain).await, Some(4096), "the server's own choice");

    let view = stage.bench.ask::<call::OfModel>(ModelRef { id }).await.expect("its presets");
    assert_eq!(view.presets[0].name, "long", "the one used last comes first");
    let other = SavePreset { id: Some(long), ..preset(id, "SHORT", 1024, false) };
    assert_eq!(save(other).await.expect_err("taken").code, ErrorCode::AlreadyExists);
    let change = SavePreset { id: Some(long), ..preset(id, "long", 32_768, true) };
    let view = save(change).await.expect("changed");
    assert_eq!(view.presets.iter().filter(|it| it.usual).count(), 1, "one is the usual one");
    for (bad, field) in
        [(preset(id, " ", 4096, false), "name"), (preset(id, "tiny", 1, false), "numCtx")]
    {
        assert_eq!(save(bad).await.expect_err("refused").params["field"], field);
    }
    let gone = PresetRef { model: id, id: long };
    stage.bench.ask::<call::Remove>(gone).await.expect("removed");
    let by_preset = StartModel { preset: Some(long), ..start(StartOptions::default()) };
    let refused = stage.bench.ask::<models::call::Start>(by_preset).await;
    assert_eq!(refused.expect_err("it is gone").code, ErrorCode::NotFound);
}

// criterion: 3.2
#[tokio::test]
async fn a_loaded_model_is_kept_longer_and_everything_is_stopped_at_once() {
    let stage = Stage::alive(["llama3.2:3b", "nomic-embed-text:latest"].map(library::pick)).await;
    let id = stage.id("llama3.2:3b").await;
    let retime = |keep: &str| Retime { model: id, keep_alive: keep.to_owned() };
    let early = stage.bench.ask::<call::Stay>(retime("1h")).await;
    assert_eq!(early.expect_err("it is not loaded").code, ErrorCode::WrongState);
    stage.start("llama3.2:3b").await;
    let until = |row: &models::ModelRow| row.memory.and_then(|memory| memory.expires_at);
    let before = until(&stage.row("llama3.2:3b").await).expect("it goes some time");
    stage.bench.ask::<call::Stay>(retime("2h")).await.expect("taken");
    stage
        .until("llama3.2:3b", |row| {
            row.and_then(until).is_some_and(|at| at.since(before) > 3_600_000)
        })
        .await;
    stage.bench.ask::<call::Stay>(retime("-1")).await.expect("taken");
    stage.until("llama3.2:3b", |row| row.is_some_and(|row| until(row).is_none())).await;
    let bad = stage.bench.ask::<call::Stay>(retime("soon")).await.expect_err("refused");
    assert_eq!(bad.params["reason"], "badDuration");

    stage.start("nomic-embed-text:latest").await;
    stage.bench.ask::<call::Stop>(StopAll::default()).await.expect("accepted");
    stage.until("llama3.2:3b", |row| row.is_some_and(|row| row.run == Run::Stopped)).await;
    stage
        .until("nomic-embed-text:latest", |row| row.is_some_and(|row| row.run == Run::Stopped))
        .await;
    assert!(stage.server.loaded().is_empty());
    let nothing = stage.bench.ask::<call::Stop>(StopAll::default()).await;
    assert_eq!(nothing.expect_err("nothing runs").code, ErrorCode::WrongState);
}

#[tokio::test]
async fn a_question_is_answered_piece_by_piece_with_its_figures() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    let id = stage.id("llama3.2:3b").await;
    let mut events = stage.bench.core.bus.listen();
    let OpRef { task } =
        stage.bench.ask::<call::Ask>(question(id, "Where is the horse?")).await.expect("begins");
    let told = trials(&mut events, task).await;
    let last = told.last().expect("the end is told");
    assert_eq!(last.text, "A horse stands in the corral and waits");
    assert!(last.problem.is_none() && last.first_ms.is_some() && last.vector.is_none());
    assert_eq!(last.answer_tokens, Some(8));
    assert!(last.speed.is_some_and(|speed| speed > 0.0), "{last:?}");
    assert!(told.windows(2).all(|pair| pair[1].text.starts_with(&pair[0].text)));
    assert_eq!(stage.ended(task).await.state, TaskState::Done);
    let row = stage.row("llama3.2:3b").await;
    assert_eq!(row.run, Run::Running, "it stays as long as the server keeps it");
    assert_eq!(stage.history(id).await[0].cause, Cause::User);
}

// A server loads a model anew for a request with other options.
#[tokio::test]
async fn what_a_model_was_loaded_with_outlasts_a_question_and_another_time() {
    let stage = Stage::alive([library::pick("llama3.2:3b")]).await;
    let id = stage.id("llama3.2:3b").await;
    let options = StartOptions { num_thread: Some(2), ..context(2048) };
    let start = StartModel::with(id, options);
    let begun = stage.bench.ask::<models::call::Start>(start).await.expect("it begins");
    assert_eq!(stage.ended(begun.task).await.state, TaskState::Done);
    let begun = stage.bench.ask::<call::Ask>(question(id, "Where?")).await.expect("begins");
    assert_eq!(stage.ended(begun.task).await.state, TaskState::Done);
    let retime = Retime { model: id, keep_alive: "-1".to_owned() };
    stage.bench.ask::<call::Stay>(retime).await.expect("taken");
    let kept = stage
        .until("llama3.2:3b", |row| {
            row.and_then(|row| row.memory).is_some_and(|it| it.expires_at.is_none())
        })
        .await;
    let memory = kept.expect("it is there").memory.expect("it is loaded");
    assert_eq!(memory.context_length, Some(2048));
    let sent = stage.server.requests_to("POST", "/api/generate");
    let sent: Vec<_> = sent.iter().map(|request| request.json()["options"].clone()).collect();
    assert!(sent.len() >= 3, "{sent:?}");
    for options in &sent {
        assert_eq!((&options["num_ctx"], &options["num_thread"]), (&2048.into(), &2.into()));
    }
}

#[tokio::test]
async fn an_embedding_model_answers_with_a_vector() {
    let stage = Stage::quiet([library::pick("nomic-embed-text:latest")]).await;
    let id = stage.id("nomic-embed-text:latest").await;
    let mut events = stage.bench.core.bus.listen();
    let begun = stage.bench.ask::<call::Ask>(question(id, "horse")).await.expect("begins");
    let told = trials(&mut events, begun.task).await;
    let vector = told.last().and_then(|it| it.vector.clone()).expect("a vector");
    assert!(vector.dimensions > 0 && !vector.first.is_empty() && vector.first.len() <= 8);
}

#[tokio::test]
async fn a_question_is_cancelled_by_its_task_and_by_closing_the_model() {
    let stage = Stage::quiet([library::pick("llama3.2:3b")]).await;
    let id = stage.id("llama3.2:3b").await;
    stage.server.hold_words(true);
    let ask = async || {
        let begun = stage.bench.ask::<call::Ask>(question(id, "go on")).await.expect("begins");
        let busy = |server: &corral_testbed::ollama::Control| server.answering("llama3.2:3b") > 0;
        stage.server.until("it is answering", busy).await.expect("soon");
        begun.task
    };
    let task = ask().await;
    stage
        .bench
        .ask::<corral_contract::tasks::call::Cancel>(TaskRef { id: task })
        .await
        .expect("yes");
    assert_eq!(stage.ended(task).await.state, TaskState::Cancelled);

    let task = ask().await;
    let close = stage.bench.ask::<models::call::Close>(ModelRef { id }).await.expect("it closes");
    assert_eq!(stage.ended(task).await.state, TaskState::Cancelled);
    stage.server.hold_words(false);
    assert_eq!(stage.ended(close.task).await.state, TaskState::Done);
    assert_eq!(stage.row("llama3.2:3b").await.status, Status::Stopped);
    for (bad, field) in [
        (question(id, "  "), "prompt"),
        (question(id, &"x".repeat(40_000)), "prompt"),
        (AskModel { most: 0, ..question(id, "x") }, "most"),
    ] {
        let refused = stage.bench.ask::<call::Ask>(bad).await.expect_err("refused");
        assert_eq!(refused.params["field"], field);
    }
}

#[tokio::test]
async fn a_start_says_which_models_would_have_to_go() {
    let names = ["m1:1", "m2:1", "m3:1", "m4:1"];
    let stage = Stage::quiet(names.map(|name| Model::new(name).weights_size(1_000_000))).await;
    let preview = async |name: &str| {
        let id = stage.id(name).await;
        stage.bench.ask::<call::Preview>(ModelRef { id }).await.expect("a preview")
    };
    for name in &names[..2] {
        stage.start(name).await;
    }
    assert!(preview("m3:1").await.evicts.is_empty(), "there is room for a third");
    stage.start("m3:1").await;
    let full = preview("m4:1").await;
    let going: Vec<_> = full.evicts.iter().map(|it| it.name.as_str()).collect();
    assert_eq!((going.as_slice(), full.why), (&["m1:1"][..], Some(Eviction::Count)));
    assert_eq!(full.stay, 2);
    assert!(preview("m1:1").await.evicts.is_empty(), "it is loaded already");
}

// criterion: 1.4
#[tokio::test]
async fn many_starts_at_once_say_which_of_them_push_each_other_out() {
    let names = ["m1:1", "m2:1", "m3:1", "m4:1", "m5:1"];
    let stage = Stage::quiet(names.map(|name| Model::new(name).weights_size(1_000_000))).await;
    stage.start("m5:1").await;
    let preview = async |names: &[&str]| {
        let mut ids = Vec::new();
        for name in names {
            ids.push(stage.id(name).await);
        }
        let batch = BatchOperate { op: BatchOp::Start, ids };
        stage.bench.ask::<models::call::PreviewBatch>(batch).await.expect("a preview").start
    };
    assert_eq!(preview(&["m1:1", "m2:1"]).await, None, "there is room for two more");
    let start = preview(&names[..4]).await.expect("five do not stay together");
    let going: Vec<_> = start.evicts.iter().map(|it| it.name.as_str()).collect();
    assert_eq!((going.as_slice(), start.why), (&["m5:1", "m1:1"][..], Some(Eviction::Count)));
    assert_eq!(start.stay, 0);
}

/// A server with a small, a large and another model.
async fn three_sizes() -> corral_testbed::ollama::FakeOllama {
    corral_testbed::ollama::FakeOllama::builder()
        .clock(crate::stage::clock())
        .models([
            Model::new("small:1").weights_size(1_000),
            Model::new("large:1").weights_size(9_000),
            Model::new("other:1").weights_size(5_000),
        ])
        .start()
        .await
        .expect("the fake server starts")
}

// criterion: 3.1
#[tokio::test]
async fn models_are_loaded_at_start_the_largest_first() {
    let stage = Stage::on(three_sizes().await, |config| {
        config.workers = corral_core::config::Workers::None;
    })
    .await;
    for name in ["small:1", "large:1"] {
        let model = stage.id(name).await;
        let view = stage.bench.ask::<call::Preload>(SetPreload { model, on: true }).await;
        assert!(view.expect("taken").preload);
        assert!(stage.row(name).await.preload, "the list shows it");
    }
    stage.server.forget_requests();
    let Stage { bench, server, .. } = stage;
    bench.core.shutdown().await;
    let mut config = corral_core::CoreConfig::in_folder(bench.folder.path());
    config.clock = std::sync::Arc::new(bench.clock.clone());
    config.registry = crate::support::out_of_reach();
    let core = corral_core::Core::start(config).await.expect("it starts again");
    let both = |server: &corral_testbed::ollama::Control| server.loaded().len() == 2;
    server.until("both are loaded", both).await.expect("soon");
    let order: Vec<String> = server
        .requests_to("POST", "/api/generate")
        .iter()
        .filter_map(|request| Some(request.json()["model"].as_str()?.to_owned()))
        .collect();
    assert_eq!(order, ["large:1", "small:1"]);
    core.shutdown().await;
}

// criterion: 11.2
#[tokio::test]
async fn what_ran_is_loaded_again_the_largest_first_and_told() {
    let stage = Stage::on(three_sizes().await, |_| {}).await;
    let settings = corral_contract::settings::Settings {
        restore_running: true,
        ..stage.bench.core.settings()
    };
    stage.bench.ask::<corral_contract::settings::call::Update>(settings).await.expect("kept");
    for name in ["small:1", "large:1"] {
        let id = stage.id(name).await;
        let request = StartModel::with(id, StartOptions::default());
        let task = stage.bench.ask::<models::call::Start>(request).await.expect("it begins").task;
        assert_eq!(stage.ended(task).await.state, TaskState::Done);
    }
    let Stage { bench, server, .. } = stage;
    bench.core.shutdown().await;
    server.expire_now();
    server.forget_requests();
    let mut config = corral_core::CoreConfig::in_folder(bench.folder.path());
    config.clock = std::sync::Arc::new(bench.clock.clone());
    config.registry = crate::support::out_of_reach();
    let core = corral_core::Core::start(config).await.expect("it starts again");
    let both = |server: &corral_testbed::ollama::Control| server.loaded().len() == 2;
    server.until("both are loaded", both).await.expect("soon");
    let order: Vec<String> = server
        .requests_to("POST", "/api/generate")
        .iter()
        .filter_map(|request| Some(request.json()["model"].as_str()?.to_owned()))
        .collect();
    assert_eq!(order, ["large:1", "small:1"]);
    let told = async || {
        let snapshot = core
            .run::<corral_contract::app::call::Snapshot>(
                corral_contract::audit::Actor::Window,
                corral_contract::command::Nothing {},
            )
            .await
            .expect("a snapshot");
        let restored = corral_contract::app::NoticeKind::ModelsRestored;
        snapshot.notices.into_iter().find(|notice| notice.kind == restored)
    };
    let notice = crate::support::until(&core, "a report", told).await;
    assert_eq!(notice.problem, None);
    core.shutdown().await;
}
