//! What the benches that move models share: files to begin with, the programs that do the same by
//! hand, and the wait for Corral's own task.

use std::{fs::File, io::Write, path::Path, process::Command, time::Duration};

use corral_contract::{
    TaskId,
    audit::Actor,
    tasks::{TaskListRequest, TaskState, call::List},
};
use corral_core::Core;
use corral_testbed::content::Content;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Between two looks whether it is over.
const LOOK: Duration = Duration::from_millis(5);

/// Writes content to a file, on the disk at the end.
pub(crate) fn fill(file: &Path, content: &Content) -> Outcome<()> {
    let mut out = File::create(file)?;
    let mut at = 0;
    while at < content.size {
        let piece = content.piece(at, 1 << 20);
        out.write_all(&piece)?;
        at += piece.len() as u64;
    }
    Ok(out.sync_all()?)
}

/// Lets another program do its part; one that fails ends the bench.
pub(crate) fn run(command: &mut Command) -> Outcome<()> {
    let output = command.output()?;
    if output.status.success() { Ok(()) } else { Err(format!("{command:?} failed").into()) }
}

/// Waits for the end of a task.
pub(crate) async fn over(core: &Core, task: TaskId) -> Outcome<()> {
    loop {
        let list = core.run::<List>(Actor::Window, TaskListRequest::default()).await?;
        let view = list.items.into_iter().find(|view| view.id == task).ok_or("the task")?;
        match (view.state, view.problem) {
            (TaskState::Running | TaskState::Waiting, _) => tokio::time::sleep(LOOK).await,
            (TaskState::Done, _) => return Ok(()),
            (state, problem) => return Err(format!("{}: {problem:?}", state.as_str()).into()),
        }
    }
}
