//! What was told of the servers that a page looks at closely: lines that were added to a log, a
//! search in it, and that a report on its health is out of date.

use std::collections::HashMap;

use corral_contract::{
    InstanceId,
    event::AppEvent,
    serverlogs::{AddedLines, LogSearch},
};

/// Told and not taken by a page yet; more than this was told to nobody.
const MOST: usize = 50;

/// Per instance.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    health: HashMap<InstanceId, u64>,
    added: HashMap<InstanceId, (u64, Vec<AddedLines>)>,
    searches: HashMap<InstanceId, LogSearch>,
}

impl Watched {
    /// Applies an event; whether anything changed.
    pub fn apply(&mut self, event: &AppEvent) -> bool {
        match event {
            AppEvent::HealthChanged(id) => *self.health.entry(*id).or_default() += 1,
            AppEvent::LogLines(lines) => {
                let (times, waiting) = self.added.entry(lines.instance).or_default();
                *times += 1;
                waiting.push(lines.clone());
                if waiting.len() > MOST {
                    waiting.remove(0);
                    if let Some(first) = waiting.first_mut() {
                        first.gap = true;
                    }
                }
            }
            AppEvent::LogSearch(search) => {
                self.searches.insert(search.instance, search.clone());
            }
            AppEvent::InstanceRemoved(id) => {
                self.health.remove(id);
                self.added.remove(id);
                self.searches.remove(id);
            }
            _ => return false,
        }
        true
    }

    /// What was missed is not known: every report is out of date.
    pub fn load(&mut self) {
        self.health.values_mut().for_each(|changes| *changes += 1);
    }

    /// Rises whenever the health of a server changed.
    #[must_use]
    pub fn health(&self, id: InstanceId) -> u64 {
        self.health.get(&id).copied().unwrap_or(0)
    }

    /// Rises whenever lines were added to a log that is followed.
    #[must_use]
    pub fn times(&self, id: InstanceId) -> u64 {
        self.added.get(&id).map_or(0, |(times, _)| *times)
    }

    /// The lines that nobody took yet, in their order.
    pub fn take(&mut self, id: InstanceId) -> Vec<AddedLines> {
        self.added.get_mut(&id).map(|(_, waiting)| std::mem::take(waiting)).unwrap_or_default()
    }

    /// The last search in the log of a server.
    #[must_use]
    pub fn search(&self, id: InstanceId) -> Option<&LogSearch> {
        self.searches.get(&id)
    }
}

#[cfg(test)]
mod tests {
    use corral_contract::{InstanceId, event::AppEvent, serverlogs::AddedLines};

    use super::{MOST, Watched};

    #[test]
    fn lines_wait_until_they_are_taken_and_a_loss_is_a_gap() {
        let id = InstanceId(1);
        let lines = || {
            AppEvent::LogLines(AddedLines {
                instance: id,
                lines: Vec::new(),
                gap: false,
                problem: None,
            })
        };
        let mut watched = Watched::default();
        assert!(watched.apply(&lines()) && watched.apply(&lines()));
        assert_eq!((watched.times(id), watched.take(id).len()), (2, 2));
        assert!(watched.take(id).is_empty());
        for _ in 0..=MOST {
            watched.apply(&lines());
        }
        let taken = watched.take(id);
        assert_eq!((taken.len(), taken[0].gap), (MOST, true));
        watched.apply(&AppEvent::HealthChanged(id));
        watched.load();
        assert_eq!(watched.health(id), 2);
    }
}
