//! Taking back what was just done.

use corral_contract::{
    Command,
    downloads::{
        JobLimit,
        call::{Move, SetJobLimit},
    },
    makes::{NewName, call::Rename},
    models::{
        BatchRef,
        call::{Create, UndoDelete},
    },
};
use leptos::{prelude::*, task::spawn_local};

use super::{Offer, Toasts};
use crate::{ipc, words::Words};

impl Toasts {
    /// What Ctrl+Z takes back: the latest that can be, with the message that offers it.
    #[must_use]
    pub fn undoable(self) -> Option<(u64, Offer)> {
        self.shown.with_untracked(|shown| {
            let toast = shown.iter().rev().find(|toast| can_undo(&toast.offer))?;
            Some((toast.id, toast.offer.clone()))
        })
    }

    /// Takes it back, and the message away; says so when that fails.
    pub fn undo(self, id: u64, offer: Offer, words: Words) {
        self.dismiss(id);
        match offer {
            Offer::Undo { batch, .. } => {
                let text = words.get("delete.undoFailed");
                self.send::<UndoDelete>(BatchRef { batch }, text, move |done| {
                    let count = done.restored.to_string();
                    self.good(words.fill("delete.undone", &[("n", &count)]));
                });
            }
            Offer::NameBack { model, name } => {
                let text = words.fill("failed.rename", &[("name", &name)]);
                let request = NewName { id: model, name, overwrite: false };
                // How it ended is said as for every rename.
                self.send::<Rename>(request, text, |_| {});
            }
            Offer::Fetch { request, limit_kb } => {
                let text = words.get("downloads.undoFailed");
                self.send::<Create>(request, text.clone(), move |job| {
                    if limit_kb > 0 {
                        let limit = JobLimit { id: job.job, kb: limit_kb };
                        self.send::<SetJobLimit>(limit, text, |_| {});
                    }
                });
            }
            Offer::Place(place) => {
                self.send::<Move>(place, words.get("downloads.undoFailed"), |_| {});
            }
            Offer::Nothing
            | Offer::Batch(_)
            | Offer::Sync(_)
            | Offer::Report(_)
            | Offer::Compare(..) => {}
        }
    }

    fn send<C: Command>(
        self,
        request: C::Request,
        failed: String,
        done: impl FnOnce(C::Reply) + 'static,
    ) {
        spawn_local(async move {
            match ipc::call::<C>(request).await {
                Ok(reply) => done(reply),
                Err(error) => self.error(failed, error),
            }
        });
    }
}

/// Whether an offer is to take something back.
fn can_undo(offer: &Offer) -> bool {
    matches!(
        offer,
        Offer::Undo { .. } | Offer::NameBack { .. } | Offer::Fetch { .. } | Offer::Place(_)
    )
}
