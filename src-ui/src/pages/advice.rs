//! Following the advice of an error card from one of these pages.

use corral_contract::{Advice, ErrorCode, InstanceId, TaskId, WireError};

use crate::{
    navigation::{Navigation, Page},
    words::Words,
};

/// Whether [`follow`] can do anything with an advice, or the page itself retries.
fn possible(advice: Advice) -> bool {
    !matches!(
        advice,
        // Both happen on the server's machine; the advice text says how.
        Advice::UpdateOllama | Advice::SignIn
            // These belong to the controls of a model.
            | Advice::LowerContext | Advice::Recreate | Advice::ChangeName
    )
}

/// The error without an advice that no button here can follow; its text stays.
#[must_use]
pub fn followable(mut problem: WireError) -> WireError {
    problem.hint = problem.hint.filter(|advice| possible(*advice));
    problem
}

/// The error without any button, for places that have no way to follow its advice.
#[must_use]
pub fn textual(mut problem: WireError) -> WireError {
    problem.hint = None;
    problem
}

/// What is wrong with a field, if that is what an error says; empty otherwise.
#[must_use]
pub fn reason(words: Words, problem: &WireError, field: &str) -> String {
    let about = problem.code == ErrorCode::InvalidInput
        && problem.params.get("field").is_some_and(|named| named == field);
    match problem.params.get("reason").filter(|_| about) {
        Some(reason) => words.get_or(&format!("reason.{reason}"), reason),
        None => String::new(),
    }
}

/// Goes where the advice is followed.
pub fn follow(
    advice: Advice,
    navigation: Navigation,
    instance: Option<InstanceId>,
    task: Option<TaskId>,
) {
    match (advice, instance, task) {
        (Advice::EditInstance, Some(id), _) => {
            navigation.open_place(Page::Instances, &format!("edit/{id}"));
        }
        (Advice::EditInstance | Advice::TryNow | Advice::UpdateOllama | Advice::SignIn, ..) => {
            navigation.open(Page::Instances);
        }
        (Advice::OpenLog | Advice::OpenTask, _, Some(task)) => {
            navigation.open_place(Page::Activity, &format!("task/{task}"));
        }
        (Advice::OpenLog | Advice::OpenTask, ..) => navigation.open(Page::Activity),
        (Advice::RestoreBackup, ..) => navigation.open(Page::Settings),
        (Advice::CleanUp, ..) => navigation.open(Page::Disk),
        (Advice::Refresh | Advice::ConfirmEmpty | Advice::ChangeName, ..) => {
            navigation.open(Page::Models);
        }
        (Advice::Retry | Advice::LowerContext | Advice::Recreate, ..) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // criterion: 0.6
    #[test]
    fn an_advice_without_a_button_here_is_only_text() {
        let old = followable(WireError::new(ErrorCode::NeedsNewerOllama));
        assert_eq!(old.hint, None);
        let gone = followable(WireError::new(ErrorCode::ConnectionLost));
        assert_eq!(gone.hint, Some(Advice::Retry));
    }
}
