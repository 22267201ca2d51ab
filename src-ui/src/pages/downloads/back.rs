//! The way back from a cancelled and from a moved download.

use corral_contract::{
    JobId,
    downloads::{JobIds, JobView, MoveJob, call},
    models::CreateModel,
};
use leptos::prelude::*;

use super::order;
use crate::{
    components::Tone,
    frame::toasts::{Offer, Toasts},
    pages::sending::Sending,
    state::Stores,
    words::Words,
};

/// What is needed to take a job into the queue again, noted while it is in it.
#[must_use]
pub fn again(stores: Stores, id: JobId) -> Option<(String, Offer)> {
    stores.downloads.with_untracked(|downloads| {
        let job = downloads.get(id)?;
        let request = CreateModel {
            instance: job.instance,
            name: job.name.clone(),
            priority: job.priority,
            start_when_done: job.start_when_done,
            // Whether it was one or not: what is there already is no reason to refuse.
            update: true,
            insecure: job.insecure,
            force: false,
        };
        Some((job.name.clone(), Offer::Fetch { request, limit_kb: job.limit_kb }))
    })
}

/// Says that a download left the queue, and offers to take it in again.
pub fn say_cancelled(toasts: Toasts, words: Words, noted: Option<(String, Offer)>) {
    if let Some((name, offer)) = noted {
        let text = untrack(|| words.fill("downloads.cancelled", &[("name", &name)]));
        toasts.say(Tone::Info, text, offer);
    }
}

/// Takes a job out of the queue.
pub(super) fn cancel(sending: Sending, stores: Stores, id: JobId) {
    let noted = again(stores, id);
    sending.then::<call::Cancel>(&format!("cancel {id}"), JobIds { ids: vec![id] }, move |_| {
        say_cancelled(sending.toasts, sending.words, noted);
    });
}

/// Moves a job, and offers to put it back.
pub(super) fn move_job(sending: Sending, stores: Stores, request: MoveJob) {
    let noted = noted(stores, request.id);
    sending.then::<call::Move>("move", request, move |_| say_moved(sending, noted));
}

/// Puts a waiting job before everything that waits, and offers to put it back.
pub(super) fn make_next(sending: Sending, stores: Stores, job: &JobView) {
    // One that was paused goes on by this: its old place is no longer the whole way back.
    let noted = noted(stores, job.id);
    let id = job.id;
    sending.then::<call::Next>(&format!("next {id}"), JobIds { ids: vec![id] }, move |_| {
        say_moved(sending, noted);
    });
}

fn noted(stores: Stores, id: JobId) -> Option<(String, MoveJob)> {
    stores.downloads.with_untracked(|downloads| {
        let back = order::back(downloads.jobs(), id)?;
        Some((downloads.get(id)?.name.clone(), back))
    })
}

fn say_moved(sending: Sending, noted: Option<(String, MoveJob)>) {
    if let Some((name, back)) = noted {
        let text = untrack(|| sending.words.fill("downloads.moved", &[("name", &name)]));
        sending.toasts.say(Tone::Info, text, Offer::Place(back));
    }
}
