//! Variables as a text of `NAME=value` lines, and the way between two such texts.

use std::collections::BTreeMap;

use super::Changes;

/// One line for each variable, by name.
pub(super) fn list(variables: &BTreeMap<String, String>) -> String {
    variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

/// What is there after a change.
pub(super) fn changed(
    variables: &BTreeMap<String, String>,
    changes: &Changes,
) -> BTreeMap<String, String> {
    let mut variables = variables.clone();
    for (name, value) in changes {
        match value {
            Some(value) => variables.insert(name.clone(), value.clone()),
            None => variables.remove(name),
        };
    }
    variables
}

/// What undoes a change.
pub(super) fn undo(variables: &BTreeMap<String, String>, changes: &Changes) -> Changes {
    changes.keys().map(|name| (name.clone(), variables.get(name).cloned())).collect()
}

/// The change that makes one list of the other.
pub(super) fn between(from: &str, to: &str) -> Changes {
    let (from, to) = (read(from), read(to));
    let gone = from.keys().filter(|name| !to.contains_key(*name));
    let gone = gone.map(|name| (name.clone(), None));
    let new = to.iter().filter(|(name, value)| from.get(*name) != Some(*value));
    gone.chain(new.map(|(name, value)| (name.clone(), Some(value.clone())))).collect()
}

fn read(text: &str) -> BTreeMap<String, String> {
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.into(), value.into()));
    text.lines().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{between, changed, list, undo};

    #[test]
    fn a_change_and_its_undo_meet() {
        let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let before: BTreeMap<_, _> = [of("A", "1"), of("B", "x=\"y\" z")].into();
        let changes = [("A".to_owned(), None), ("C".to_owned(), Some("3".to_owned()))].into();
        let after = changed(&before, &changes);
        assert_eq!(list(&after), "B=x=\"y\" z\nC=3\n");
        assert_eq!(changed(&after, &undo(&before, &changes)), before);
        assert_eq!(between(&list(&before), &list(&after)), changes);
    }
}
