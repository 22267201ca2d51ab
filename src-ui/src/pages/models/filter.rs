//! What the list is restricted to and how it is ordered, as the toolbar shows it.

use corral_contract::{
    InstanceId,
    models::{ModelCounts, ModelSearchRequest, SortKey},
    size,
    status::{Origin, Status},
};
use serde::{Deserialize, Serialize};

/// Several statuses that one chip stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Group {
    #[default]
    All,
    Running,
    Downloading,
    Stopped,
    Problems,
}

impl Group {
    /// In the order of the chips.
    pub const ALL: &'static [Group] =
        &[Group::All, Group::Running, Group::Downloading, Group::Stopped, Group::Problems];

    /// The word under `group.`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Group::All => "all",
            Group::Running => "running",
            Group::Downloading => "downloading",
            Group::Stopped => "stopped",
            Group::Problems => "problems",
        }
    }

    /// The statuses it stands for; none for all.
    #[must_use]
    pub fn statuses(self) -> &'static [Status] {
        match self {
            Group::All => &[],
            Group::Running => &[Status::Running, Status::Starting, Status::Stopping],
            Group::Downloading => {
                &[Status::Downloading, Status::Verifying, Status::Queued, Status::Paused]
            }
            Group::Stopped => &[Status::Stopped],
            Group::Problems => &[Status::Failed, Status::Crashed, Status::Unavailable],
        }
    }

    /// How many models its chip stands for.
    #[must_use]
    pub fn count(self, counts: &ModelCounts) -> u64 {
        match self {
            Group::All => counts.total,
            _ => self.statuses().iter().map(|status| counts.of(*status)).sum(),
        }
    }
}

/// The toolbar's state; kept over restarts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    pub name: String,
    pub group: Group,
    pub from: Vec<Origin>,
    pub favourite: bool,
    pub tags: Vec<String>,
    pub capabilities: Vec<String>,
    /// As written; only valid sizes get here.
    pub min_size: String,
    pub max_size: String,
    pub sort_by: Option<SortKey>,
    pub sort_desc: bool,
}

impl Filter {
    /// The question for the core; page and page size are the loader's.
    #[must_use]
    pub fn request(&self, instance_id: Option<InstanceId>) -> ModelSearchRequest {
        let size = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        ModelSearchRequest {
            name: self.name.trim().to_owned(),
            status: self.group.statuses().to_vec(),
            from: self.from.clone(),
            favourite: self.favourite,
            tags: self.tags.clone(),
            capabilities: self.capabilities.clone(),
            min_size: size(&self.min_size),
            max_size: size(&self.max_size),
            sort_by: self.sort_by,
            sort_desc: self.sort_desc,
            instance_id,
            ..ModelSearchRequest::default()
        }
    }

    /// Whether anything is left out.
    #[must_use]
    pub fn restricts(&self) -> bool {
        !self.name.trim().is_empty() || self.group != Group::All || self.chosen() || self.sized()
    }

    /// Whether anything of the filter menu is on.
    #[must_use]
    pub fn chosen(&self) -> bool {
        self.favourite
            || !self.from.is_empty()
            || !self.tags.is_empty()
            || !self.capabilities.is_empty()
    }

    /// Turns everything of the filter menu off.
    pub fn choose_nothing(&mut self) {
        self.favourite = false;
        self.from.clear();
        self.tags.clear();
        self.capabilities.clear();
    }

    /// Whether a size is set.
    #[must_use]
    pub fn sized(&self) -> bool {
        !self.min_size.is_empty() || !self.max_size.is_empty()
    }

    /// Lets everything in; the order stays.
    pub fn clear(&mut self) {
        *self = Filter { sort_by: self.sort_by, sort_desc: self.sort_desc, ..Filter::default() };
    }

    /// From the smallest, from the largest, then the order of first sight again.
    pub fn sort(&mut self, key: SortKey) {
        (self.sort_by, self.sort_desc) = match (self.sort_by, self.sort_desc) {
            (Some(by), false) if by == key => (Some(key), true),
            (Some(by), true) if by == key => (None, false),
            _ => (Some(key), false),
        };
    }
}

/// What is wrong with two sizes as written, as keys under `reason.`; empty texts restrict nothing.
#[must_use]
pub fn check_sizes(min: &str, max: &str) -> (Option<&'static str>, Option<&'static str>) {
    let read = |text: &str| match text.trim() {
        "" => Ok(None),
        text => size::parse(text).map(Some),
    };
    match (read(min), read(max)) {
        (Ok(Some(min)), Ok(Some(max))) if min > max => (None, Some("minAboveMax")),
        (min, max) => (min.err().map(|why| why.as_str()), max.err().map(|why| why.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // criterion: 1.2
    #[test]
    fn every_condition_reaches_the_question() {
        let filter = Filter {
            name: " qwen ".to_owned(),
            group: Group::Problems,
            from: vec![Origin::Custom],
            min_size: "1GB".to_owned(),
            ..Filter::default()
        };
        let request = filter.request(Some(InstanceId(2)));
        assert_eq!(request.name, "qwen");
        assert_eq!(request.status, Group::Problems.statuses());
        assert_eq!(request.from, [Origin::Custom]);
        assert_eq!(request.min_size.as_deref(), Some("1GB"));
        assert_eq!(request.max_size, None);
        assert_eq!(request.instance_id, Some(InstanceId(2)));
        assert!(filter.restricts());
    }

    #[test]
    fn sizes_are_checked_while_they_are_written() {
        assert_eq!(check_sizes("", ""), (None, None));
        assert_eq!(check_sizes("1GB", "20 gb"), (None, None));
        assert_eq!(check_sizes("4 XB", ""), (Some("sizeUnknownUnit"), None));
        assert_eq!(check_sizes("", "-1"), (None, Some("sizeNegative")));
        assert_eq!(check_sizes("2GB", "1GB"), (None, Some("minAboveMax")));
    }

    // criterion: 1.3
    #[test]
    fn a_head_line_sorts_up_down_and_not_at_all() {
        let mut filter = Filter::default();
        filter.sort(SortKey::Size);
        assert_eq!((filter.sort_by, filter.sort_desc), (Some(SortKey::Size), false));
        filter.sort(SortKey::Size);
        assert_eq!((filter.sort_by, filter.sort_desc), (Some(SortKey::Size), true));
        filter.sort(SortKey::Size);
        assert_eq!((filter.sort_by, filter.sort_desc), (None, false));
        filter.sort(SortKey::Size);
        filter.sort(SortKey::Name);
        assert_eq!((filter.sort_by, filter.sort_desc), (Some(SortKey::Name), false));
    }

    // criterion: 0.9
    #[test]
    fn every_status_belongs_to_one_chip() {
        for status in Status::ALL {
            let chips = Group::ALL.iter().filter(|group| group.statuses().contains(status));
            assert_eq!(chips.count(), 1, "{status:?}");
        }
    }
}
