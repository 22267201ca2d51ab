//! What of a log is in the window, and how it moves: pages at both ends, what is added, hits.

mod finding;

use std::sync::Arc;

use corral_contract::{
    InstanceId, Timestamp, WireError,
    instances::InstanceRef,
    serverlogs::{FollowRequest, LineLevel, LinePage, LogLine, LogOrigin, PageRequest, call},
};
use leptos::{prelude::*, task::spawn_local};

use crate::{ipc, pages::sending::Sending, state::Stores};

/// Lines that are kept in the window; beyond it the other end goes.
const MOST: usize = 6000;
/// Lines asked for at once.
const PAGE: u32 = 300;

/// Where to look from.
#[derive(Debug, Clone, PartialEq)]
enum From {
    End,
    Before(String),
    After(String),
    Time(Timestamp),
}

/// A log in the window.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub(super) id: InstanceId,
    stores: Stores,
    pub(super) sending: Sending,
    pub(super) lines: RwSignal<Vec<Arc<LogLine>>>,
    pub(super) origin: RwSignal<Option<LogOrigin>>,
    pub(super) problem: RwSignal<Option<WireError>>,
    /// How to go on at both ends.
    earlier: RwSignal<Option<String>>,
    later: RwSignal<Option<String>>,
    pub(super) busy: RwSignal<bool>,
    pub(super) follow: RwSignal<bool>,
    /// Something is missing or moved: a key of a text.
    pub(super) remark: RwSignal<Option<&'static str>>,
    pub(super) least: RwSignal<LineLevel>,
    pub(super) from: RwSignal<Option<Timestamp>>,
    pub(super) to: RwSignal<Option<Timestamp>>,
    pub(super) query: RwSignal<String>,
    /// The search that was begun, and the hit that shows.
    search: RwSignal<Option<u64>>,
    /// Rises with each search that is begun or ended, and whether one is wanted at all: an answer
    /// to an earlier one is known by it.
    wanted: StoredValue<(u32, bool)>,
    pub(super) hit: RwSignal<usize>,
    /// Place of the line that is open.
    pub(super) chosen: RwSignal<Option<String>>,
    /// A line to be brought into view.
    pub(super) reveal: RwSignal<Option<String>>,
    /// Rises when lines come before those that show: by how many.
    pub(super) prepended: RwSignal<(u64, usize)>,
    /// Rises with each question whose answer replaces all.
    round: StoredValue<u32>,
}

impl Reading {
    /// Reads the end of a log and follows it as long as the caller's view lives.
    pub(super) fn open(id: InstanceId, stores: Stores, sending: Sending) -> Reading {
        let reading = Reading {
            id,
            stores,
            sending,
            lines: RwSignal::default(),
            origin: RwSignal::new(None),
            problem: RwSignal::new(None),
            earlier: RwSignal::new(None),
            later: RwSignal::new(None),
            busy: RwSignal::new(false),
            follow: RwSignal::new(true),
            remark: RwSignal::new(None),
            least: RwSignal::new(LineLevel::Debug),
            from: RwSignal::new(None),
            to: RwSignal::new(None),
            query: RwSignal::default(),
            search: RwSignal::new(None),
            wanted: StoredValue::new((0, false)),
            hit: RwSignal::new(0),
            chosen: RwSignal::new(None),
            reveal: RwSignal::new(None),
            prepended: RwSignal::new((0, 0)),
            round: StoredValue::new(0),
        };
        // What was told before belongs to another view.
        stores.watched.update_untracked(|watched| {
            watched.take(id);
        });
        reading.begin();
        let times = Memo::new(move |_| stores.watched.with(|watched| watched.times(id)));
        Effect::new(move |_| {
            // Read, not only tracked: what is never read is never computed, and so never changes.
            let _ = times.get();
            let added = stores.watched.try_update_untracked(|watched| watched.take(id));
            for added in added.unwrap_or_default() {
                reading.add(added);
            }
        });
        on_cleanup(move || {
            spawn_local(async move {
                // It ends by itself with the window, too.
                let _ = ipc::call::<call::Unfollow>(InstanceRef { id }).await;
                let _ = ipc::call::<call::StopFind>(InstanceRef { id }).await;
            });
        });
        reading
    }

    /// Reads anew: from the time that was set, before the other one, or the end, which is then
    /// followed.
    pub(super) fn begin(self) {
        match self.from.get_untracked().or(self.to.get_untracked()) {
            Some(at) => {
                self.stop_following();
                self.replace(From::Time(at), None);
            }
            None => self.to_end(),
        }
    }

    /// The lines that lie in the stretch of time that was set, and whether others came before or
    /// after them. One without a time belongs to the one before it.
    fn bounded(self, mut lines: Vec<LogLine>) -> (Vec<Arc<LogLine>>, bool, bool) {
        let (from, to) = (self.from.get_untracked(), self.to.get_untracked());
        let is = |at: Option<Timestamp>, test: &dyn Fn(Timestamp) -> bool| at.is_some_and(test);
        let after = to.and_then(|to| lines.iter().position(|line| is(line.at, &|at| at > to)));
        lines.truncate(after.unwrap_or(lines.len()));
        let before =
            from.and_then(|from| lines.iter().rposition(|line| is(line.at, &|at| at < from)));
        lines.drain(..before.map_or(0, |last| last + 1));
        (lines.into_iter().map(Arc::new).collect(), before.is_some(), after.is_some())
    }

    /// Shows the end and follows it.
    pub(super) fn to_end(self) {
        // It is past whatever stretch was looked at.
        for bound in [self.from, self.to] {
            if bound.with_untracked(Option::is_some) {
                bound.set(None);
            }
        }
        self.follow.set(true);
        self.replace(From::End, None);
    }

    /// Stays where it is from now on.
    pub(super) fn stop_following(self) {
        if self.follow.get_untracked() {
            self.follow.set(false);
            let id = self.id;
            spawn_local(async move {
                let _ = ipc::call::<call::Unfollow>(InstanceRef { id }).await;
            });
        }
    }

    fn request(self, from: &From) -> PageRequest {
        let place = |wanted: bool, place: &str| wanted.then(|| place.to_owned());
        PageRequest {
            instance: self.id,
            before: match from {
                From::Before(at) => place(true, at),
                _ => None,
            },
            after: match from {
                From::After(at) => place(true, at),
                _ => None,
            },
            from: match from {
                From::Time(at) => Some(*at),
                _ => None,
            },
            least: self.least.get_untracked(),
            limit: PAGE,
        }
    }

    /// Shows another part; `reveal` is brought into view.
    fn replace(self, from: From, reveal: Option<String>) {
        let round = self.round.get_value() + 1;
        self.round.set_value(round);
        self.busy.set(true);
        let request = self.request(&from);
        spawn_local(async move {
            let answer = ipc::call::<call::Page>(request).await;
            if self.round.try_get_value() != Some(round) {
                return;
            }
            self.busy.set(false);
            match answer {
                Ok(page) => {
                    self.problem.set(None);
                    self.remark.set(page.lost.then_some("serverlogs.lost"));
                    let LinePage { origin, lines, earlier, later, end, .. } = page;
                    self.origin.set(Some(origin));
                    let (lines, before, after) = self.bounded(lines);
                    let first = matches!(from, From::Time(_));
                    let begins = first && self.from.with_untracked(Option::is_some);
                    let reveal = reveal
                        .or_else(|| lines.first().filter(|_| first).map(|it| it.place.clone()));
                    let none = lines.is_empty();
                    self.lines.set(lines);
                    self.earlier.set(earlier.filter(|_| !before && !begins));
                    self.later.set(later.filter(|_| !after));
                    self.reveal.set(reveal);
                    if none {
                        // All of it lies before.
                        self.read_back();
                    }
                    if self.follow.get_untracked() {
                        self.follow_from(end);
                    }
                }
                Err(problem) => self.problem.set(Some(problem)),
            }
        });
    }

    fn follow_from(self, from: Option<String>) {
        let request = FollowRequest { instance: self.id, from, least: self.least.get_untracked() };
        spawn_local(async move {
            if let Err(problem) = ipc::call::<call::Follow>(request).await {
                self.problem.try_set(Some(problem));
            }
        });
    }

    fn add(self, added: corral_contract::serverlogs::AddedLines) {
        if let Some(problem) = added.problem {
            self.problem.set(Some(problem));
            self.follow.set(false);
            return;
        }
        if !self.follow.get_untracked() {
            return;
        }
        if added.gap {
            self.remark.set(Some("serverlogs.gap"));
        }
        self.lines.update(|lines| {
            for line in added.lines {
                // One that was half when it was first shown is whole now.
                match lines.last_mut().filter(|last| last.place == line.place) {
                    Some(last) => *last = Arc::new(line),
                    None => lines.push(Arc::new(line)),
                }
            }
            if lines.len() > MOST {
                let gone = lines.len() - MOST / 2;
                let first = lines[gone].place.clone();
                lines.drain(..gone);
                self.earlier.set(Some(first));
            }
        });
        if let Some(origin) = self.origin.get_untracked()
            && origin.why.is_some()
        {
            self.origin.set(Some(LogOrigin { why: None, ..origin }));
        }
    }

    /// Reads what comes before, when there is any and nothing is under way.
    pub(super) fn read_back(self) {
        let Some(place) = self.earlier.get_untracked() else { return };
        self.extend(From::Before(place));
    }

    /// Reads what comes after.
    pub(super) fn read_on(self) {
        let Some(place) = self.later.get_untracked() else { return };
        self.extend(From::After(place));
    }

    fn extend(self, from: From) {
        if self.busy.get_untracked() {
            return;
        }
        let round = self.round.get_value();
        self.busy.set(true);
        let request = self.request(&from);
        spawn_local(async move {
            let answer = ipc::call::<call::Page>(request).await;
            if self.round.try_get_value() != Some(round) {
                return;
            }
            self.busy.set(false);
            match answer {
                Ok(page) if page.lost => self.replace(From::End, None),
                Ok(page) => self.take(&from, page),
                Err(problem) => self.problem.set(Some(problem)),
            }
        });
    }

    fn take(self, from: &From, page: LinePage) {
        let (more, before, after) = self.bounded(page.lines);
        if matches!(from, From::Before(_)) {
            let count = more.len();
            self.earlier.set(page.earlier.filter(|_| !before));
            self.lines.update(|lines| {
                lines.splice(0..0, more);
                if lines.len() > MOST {
                    let cut = lines[MOST].place.clone();
                    lines.truncate(MOST);
                    self.later.set(Some(cut));
                    self.stop_following();
                }
            });
            self.prepended.update(|(times, by)| (*times, *by) = (*times + 1, count));
        } else {
            self.later.set(page.later.filter(|_| !after));
            self.lines.update(|lines| lines.extend(more));
        }
    }
}
