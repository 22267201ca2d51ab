//! How models are run: presets, how long they stay, questions, and what is loaded at start.

use corral_contract::{
    ModelId,
    event::AppEvent,
    models::{ModelRow, StartModel, StartOptions, call::Start},
    running::{AskModel, Retime, SavePreset, SetPreload, StopAll, Trial, call},
    status::Status,
};
use corral_testbed::gguf::Gguf;

use crate::place::{Place, binary, can_load};

impl Place {
    async fn started(&self, id: ModelId) {
        let start = StartModel::with(id, StartOptions::default());
        let task = self.ask::<Start>(start).await.expect("it begins").task;
        self.well(task).await;
    }

    /// The last that is told about a question.
    async fn asked(&self, model: ModelId, prompt: &str) -> Trial {
        let mut events = self.core.bus.listen();
        let request = AskModel { model, prompt: prompt.to_owned(), most: 16 };
        let task = self.ask::<call::Ask>(request).await.expect("it begins").task;
        self.well(task).await;
        loop {
            let envelope = events.next().await.expect("the core lives");
            if let AppEvent::Trial(trial) = &envelope.event
                && trial.task == task
                && trial.done
            {
                return (**trial).clone();
            }
        }
    }
}

fn running(row: &ModelRow) -> bool {
    row.status == Status::Running && row.operation.is_none()
}

// criterion: 3.1
// criterion: 3.2
#[tokio::test(flavor = "multi_thread")]
async fn a_usual_preset_is_taken_a_stay_is_changed_and_all_are_stopped() {
    let Some(binary) = binary() else { return };
    if !can_load(&binary) {
        return;
    }
    let place = Place::start(&binary).await;
    let (first, _) = place.fetched("lab/first:latest", &Gguf::spelling()).await;
    let (other, _) = place.fetched("lab/other:latest", &Gguf::tiny()).await;
    let preset = SavePreset {
        model: first.id,
        id: None,
        name: "short".to_owned(),
        options: StartOptions { num_ctx: Some(512), ..StartOptions::default() },
        usual: true,
    };
    place.ask::<call::Save>(preset).await.expect("kept");
    place.started(first.id).await;
    let memory = place.row_when(&first.name, running).await.memory.expect("it is loaded");
    assert_eq!(memory.context_length, Some(512), "as the preset says");

    let until = |row: &ModelRow| row.memory.and_then(|memory| memory.expires_at);
    let before = memory.expires_at.expect("the server unloads it some time");
    let retime = |keep: &str| Retime { model: first.id, keep_alive: keep.to_owned() };
    place.ask::<call::Stay>(retime("2h")).await.expect("taken");
    let longer = |row: &ModelRow| until(row).is_some_and(|at| at.since(before) > 3_600_000);
    let kept = place.row_when(&first.name, longer).await;
    assert_eq!(kept.memory.and_then(|memory| memory.context_length), Some(512), "not loaded anew");
    place.ask::<call::Stay>(retime("-1")).await.expect("taken");
    place.row_when(&first.name, |row| running(row) && until(row).is_none()).await;
    assert_eq!(place.asked(first.id, "a horse").await.problem, None);
    let loaded = place.server_says("GET", "/api/ps", serde_json::Value::Null).await;
    assert!(loaded.contains("\"context_length\":512"), "the question found it as it was: {loaded}");

    place.started(other.id).await;
    place.ask::<call::Stop>(StopAll::default()).await.expect("accepted");
    for name in [&first.name, &other.name] {
        place.row_when(name, |row| row.status == Status::Stopped).await;
    }
    let loaded = place.server_says("GET", "/api/ps", serde_json::Value::Null).await;
    assert!(!loaded.contains("lab/"), "{loaded}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_with_the_figures_of_the_server() {
    let Some(binary) = binary() else { return };
    if !can_load(&binary) {
        return;
    }
    let place = Place::start(&binary).await;
    let (row, _) = place.fetched("lab/talks:latest", &Gguf::spelling()).await;
    let trial = place.asked(row.id, "where is the horse").await;
    assert_eq!(trial.problem, None);
    assert!(trial.prompt_tokens.is_some_and(|tokens| tokens > 0), "{trial:?}");
    assert!(trial.answer_tokens.is_some_and(|tokens| (1..=16).contains(&tokens)), "{trial:?}");
    assert!(trial.speed.is_some_and(|speed| speed > 0.0), "{trial:?}");
    assert_eq!(trial.vector, None);
    place.row_when(&row.name, running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedding_model_answers_with_its_vector() {
    let Some(binary) = binary() else { return };
    if !can_load(&binary) {
        return;
    }
    let place = Place::start(&binary).await;
    let (row, _) = place.fetched("lab/vectors:latest", &Gguf::embedding()).await;
    let trial = place.asked(row.id, "a horse").await;
    assert_eq!(trial.problem, None);
    let vector = trial.vector.expect("a vector");
    assert_eq!((vector.dimensions, vector.first.len()), (64, 8));
}

// criterion: 3.1
#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_loaded_when_corral_starts() {
    let Some(binary) = binary() else { return };
    if !can_load(&binary) {
        return;
    }
    let mut place = Place::start(&binary).await;
    let (row, _) = place.fetched("lab/early:latest", &Gguf::tiny()).await;
    let wish = SetPreload { model: row.id, on: true };
    assert!(place.ask::<call::Preload>(wish).await.expect("taken").preload);
    place.reopen().await;
    place.row_when(&row.name, running).await;
    let loaded = place.server_says("GET", "/api/ps", serde_json::Value::Null).await;
    assert!(loaded.contains(&row.name), "{loaded}");
}
