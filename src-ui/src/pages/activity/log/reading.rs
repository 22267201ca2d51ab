//! Reading a log: its end first, then what is added, and what came before when it is asked for.

use corral_contract::{
    TaskId, WireError,
    tasks::{LogPage, LogRequest, call},
};
use leptos::{prelude::*, task::spawn_local};

use super::super::lines;
use crate::{ipc, state::use_stores};

/// More than this of a log is not kept in the window, in bytes.
const MOST: usize = 4_000_000;
/// Past the end of any file, and still a whole number for the page's script.
const END: u64 = 9_007_199_254_740_991;

/// What was read of a log so far.
#[derive(Clone, Copy)]
pub(in crate::pages) struct Reading {
    id: TaskId,
    pub(super) text: RwSignal<String>,
    /// The byte of the file at which the text begins.
    pub(super) first: RwSignal<u64>,
    next: StoredValue<Option<u64>>,
    pub(super) growing: RwSignal<bool>,
    pub(super) exists: RwSignal<Option<bool>>,
    pub(super) problem: RwSignal<Option<WireError>>,
    busy: StoredValue<bool>,
}

impl Reading {
    /// Starts reading, and reads on as long as the task writes and the caller's view lives.
    pub(in crate::pages) fn open(id: TaskId) -> Reading {
        let reading = Reading {
            id,
            text: RwSignal::default(),
            first: RwSignal::new(0),
            next: StoredValue::new(None),
            growing: RwSignal::new(true),
            exists: RwSignal::new(None),
            problem: RwSignal::new(None),
            busy: StoredValue::new(false),
        };
        let now = use_stores().now;
        // A log that is being written has no events of its own: it is read on with the clock of
        // the window while it shows.
        Effect::new(move |_| {
            now.track();
            if untrack(|| reading.growing.get()) {
                reading.read_on();
            }
        });
        reading
    }

    /// Whether there is more of it before what was read, and room for it.
    pub(super) fn has_earlier(self) -> bool {
        self.first.get() > 0 && self.text.with(|text| text.len() < MOST)
    }

    /// Reads the page before what was read.
    pub(super) fn read_back(self) {
        let before = Some(self.first.get_untracked());
        self.ask(LogRequest { id: self.id, offset: 0, before }, move |page| {
            self.text.try_update(|text| text.insert_str(0, &page.text));
            self.first.try_set(page.offset);
            false
        });
    }

    /// Reads on to the end of what is there; the first time only the last page.
    fn read_on(self) {
        let next = self.next.get_value();
        let before = next.is_none().then_some(END);
        let offset = next.unwrap_or(0);
        self.ask(LogRequest { id: self.id, offset, before }, move |page| self.take(page, next));
    }

    /// Asks for one page; `took` answers whether to read on.
    fn ask(self, request: LogRequest, took: impl Fn(&LogPage) -> bool + 'static) {
        if self.busy.get_value() {
            return;
        }
        self.busy.set_value(true);
        spawn_local(async move {
            let answer = ipc::call::<call::Log>(request).await;
            // Free before it reads on.
            if self.busy.try_set_value(false).is_some() {
                return;
            }
            match answer {
                Ok(page) => {
                    self.problem.try_set(None);
                    self.exists.try_set(Some(page.exists));
                    if took(&page) {
                        self.read_on();
                    }
                }
                Err(problem) => {
                    self.problem.try_set(Some(problem));
                }
            }
        });
    }

    /// Takes a page that was read on; whether there is more to read now.
    fn take(self, page: &LogPage, asked: Option<u64>) -> bool {
        // Read anew: the first page, or the file was replaced by a shorter one.
        let anew = asked != Some(page.offset);
        if anew {
            self.first.try_set(page.offset);
        }
        if anew || !page.text.is_empty() {
            self.text.try_update(|text| {
                if anew {
                    text.clear();
                }
                text.push_str(&page.text);
                if text.len() > MOST {
                    let kept = lines::tail(text, MOST / 2).to_owned();
                    let gone = (text.len() - kept.len()) as u64;
                    self.first.try_update(|first| *first += gone);
                    *text = kept;
                }
            });
        }
        self.growing.try_set(page.growing);
        self.next.try_set_value(Some(page.next_offset));
        asked.is_some() && page.next_offset > page.offset && page.next_offset < page.total
    }
}
