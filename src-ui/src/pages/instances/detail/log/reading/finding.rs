//! Searches in a log: one at a time, and from one hit to the next.

use corral_contract::{
    instances::InstanceRef,
    serverlogs::{FindRequest, LogSearch, call},
};
use leptos::prelude::*;

use super::{From, Reading};

impl Reading {
    /// The search that shows, as far as it is.
    pub(in super::super) fn found(self) -> Option<LogSearch> {
        let wanted = self.search.get()?;
        let of_this = |search: &&LogSearch| search.search == wanted;
        self.stores.watched.with(|all| all.search(self.id).filter(of_this).cloned())
    }

    /// Whether a search was begun that is not over.
    pub(in super::super) fn searching(self) -> bool {
        self.search.get().is_some() && self.found().is_none_or(|found| !found.ended)
    }

    /// Looks for what stands in the field.
    pub(in super::super) fn find(self) {
        self.search.set(None);
        self.hit.set(0);
        self.wanted.update_value(|(turn, any)| (*turn, *any) = (*turn + 1, true));
        self.ask_find();
    }

    /// Asked beside an earlier question that is still under way, the core might take the two the
    /// other way round: it is asked after that one's answer.
    fn ask_find(self) {
        let text = self.query.get_untracked();
        if text.trim().is_empty() {
            return;
        }
        let (turn, _) = self.wanted.get_value();
        let request = FindRequest {
            instance: self.id,
            text,
            least: self.least.get_untracked(),
            from: self.from.get_untracked(),
            to: self.to.get_untracked(),
        };
        self.sending.ask::<call::Find>("find", request, move |answer| {
            // The log may have been closed.
            let wanted = self.wanted.try_get_value().unwrap_or_default();
            match (wanted, answer) {
                ((_, false), _) => {}
                ((now, true), _) if now != turn => self.ask_find(),
                (_, Ok(begun)) => self.search.set(Some(begun.search)),
                (_, Err(problem)) => self.problem.set(Some(problem)),
            }
        });
    }

    /// Ends the search.
    pub(in super::super) fn stop_finding(self) {
        self.search.set(None);
        self.wanted.update_value(|(turn, any)| (*turn, *any) = (*turn + 1, false));
        self.sending.send::<call::StopFind>("stop find", InstanceRef { id: self.id });
    }

    /// Goes to another hit; 1 is earlier in the log, as hits are the newest first.
    pub(in super::super) fn step(self, by: isize) {
        let Some(found) = untrack(|| self.found()) else { return self.find() };
        let count = found.hits.len() as isize;
        if count == 0 {
            return;
        }
        let next = (self.hit.get_untracked() as isize + by).rem_euclid(count) as usize;
        self.hit.set(next);
        self.show_hit(&found.hits[next]);
    }

    /// Shows the line of a hit.
    pub(in super::super) fn show_hit(self, place: &str) {
        self.stop_following();
        let place = place.to_owned();
        self.chosen.set(Some(place.clone()));
        let here = self.lines.with_untracked(|lines| lines.iter().any(|it| it.place == place));
        if here {
            self.reveal.set(Some(place));
        } else {
            self.replace(From::After(place.clone()), Some(place));
        }
    }
}
