//! Asking a model something: the answer as it comes, and how fast.

use std::time::Duration;

use corral_contract::{
    ErrorCode, WireError,
    event::AppEvent,
    models::StartOptions,
    running::{ANSWER_LENGTH, AskModel, Trial, Vector},
};
use futures_util::StreamExt;
use tokio::time::Instant;

use crate::{
    Core, Result, health,
    ollama::{AnswerLine, EmbeddingModel, OllamaApi},
    tasks::Task,
};

/// The window is told at most this often.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// Numbers of a vector that are shown.
const FIRST: usize = 8;
const NS_PER_MS: u64 = 1_000_000;

/// Who is asked, and how.
pub(crate) struct Asking<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: EmbeddingModel,
    pub(crate) options: StartOptions,
}

/// The operation behind `running.ask`, once it is known how the model is asked. Told as
/// [`Trial`] while it goes on, and at its end.
pub(crate) async fn ask(
    core: &Core,
    client: &dyn OllamaApi,
    asking: &Asking<'_>,
    request: &AskModel,
    task: &Task,
) -> Result<()> {
    let mut telling = Telling::new(core, request, task);
    let limit = Duration::from_secs(core.settings().load_timeout_seconds.into());
    let token = task.token();
    task.phase("asking");
    let work = async {
        match asking.kind {
            EmbeddingModel::Yes => embed(client, asking, &request.prompt, &mut telling).await,
            EmbeddingModel::No => generate(client, asking, request, limit, &mut telling).await,
        }
    };
    let done = tokio::select! {
        biased;
        () = token.cancelled() => Err(WireError::new(ErrorCode::Cancelled)),
        done = work => done,
    };
    telling.trial.done = true;
    telling.trial.problem = done.as_ref().err().cloned();
    telling.tell();
    if done.is_ok() {
        let trial = &telling.trial;
        health::measured(core, request.model, trial.speed, trial.load_ms);
        task.note(format!(
            "answered after {} ms, first piece after {:?} ms, {:?} tokens, {:?} tokens/s",
            trial.took_ms, trial.first_ms, trial.answer_tokens, trial.speed
        ));
    }
    done
}

async fn embed(
    client: &dyn OllamaApi,
    asking: &Asking<'_>,
    text: &str,
    telling: &mut Telling<'_>,
) -> Result<()> {
    let answer = client.embed(asking.name, text, &asking.options).await?;
    let trial = &mut telling.trial;
    trial.vector = Some(Vector {
        dimensions: answer.vector.len() as u32,
        first: answer.vector.iter().take(FIRST).copied().collect(),
    });
    trial.load_ms = answer.load_duration.map(|ns| ns / NS_PER_MS);
    trial.prompt_tokens = answer.prompt_tokens;
    Ok(())
}

async fn generate(
    client: &dyn OllamaApi,
    asking: &Asking<'_>,
    request: &AskModel,
    limit: Duration,
    telling: &mut Telling<'_>,
) -> Result<()> {
    let silent = || WireError::new(ErrorCode::LoadTimedOut).with("seconds", limit.as_secs());
    let Asking { name, options, .. } = asking;
    let asked = client.generate(name, &request.prompt, request.most, options);
    let mut lines = tokio::time::timeout(limit, asked).await.map_err(|_| silent())??;
    // A model that says nothing for as long as a load may take hangs.
    while let Some(line) = tokio::time::timeout(limit, lines.next()).await.map_err(|_| silent())? {
        telling.line(&line?);
    }
    Ok(())
}

struct Telling<'a> {
    core: &'a Core,
    trial: Trial,
    began: Instant,
    told: Instant,
}

impl<'a> Telling<'a> {
    fn new(core: &'a Core, request: &AskModel, task: &Task) -> Self {
        let trial = Trial {
            task: task.id(),
            model: request.model,
            text: String::new(),
            thinking: String::new(),
            first_ms: None,
            took_ms: 0,
            load_ms: None,
            prompt_tokens: None,
            answer_tokens: None,
            speed: None,
            vector: None,
            done: false,
            problem: None,
        };
        let now = Instant::now();
        let mut telling = Telling { core, trial, began: now, told: now };
        telling.tell();
        telling
    }

    fn line(&mut self, line: &AnswerLine) {
        let something = !line.text.is_empty() || !line.thinking.is_empty();
        let first = something && self.trial.first_ms.is_none();
        if first {
            self.trial.first_ms = Some(self.took());
        }
        append(&mut self.trial.text, &line.text);
        append(&mut self.trial.thinking, &line.thinking);
        if line.done {
            self.trial.load_ms = line.load_duration.map(|ns| ns / NS_PER_MS);
            self.trial.prompt_tokens = line.prompt_tokens;
            self.trial.answer_tokens = line.answer_tokens;
            self.trial.speed = line
                .answer_tokens
                .zip(line.answer_duration.filter(|ns| *ns > 0))
                .map(|(tokens, ns)| tokens as f64 / Duration::from_nanos(ns).as_secs_f64());
        }
        if first || self.told.elapsed() >= TELL_EVERY {
            self.tell();
        }
    }

    fn took(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn tell(&mut self) {
        self.trial.took_ms = self.took();
        self.told = Instant::now();
        self.core.bus.send(AppEvent::Trial(Box::new(self.trial.clone())));
    }
}

/// Adds a piece as far as there is room, at a border between characters.
fn append(text: &mut String, piece: &str) {
    let room = ANSWER_LENGTH.saturating_sub(text.len());
    text.push_str(&piece[..piece.floor_char_boundary(room)]);
}
