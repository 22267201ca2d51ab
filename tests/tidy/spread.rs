//! Attributes laid onto a component from outside.

use crate::repository::texts;

/// What is laid onto a component here and changes while the window is open: a signal, a closure, a
/// listener.
fn changing(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut component = false;
    for line in source.lines().map(str::trim) {
        if let Some(tag) = line.strip_prefix('<') {
            component = tag.starts_with(|letter: char| letter.is_ascii_uppercase());
        }
        let attribute = |value: &str| {
            let changes = ["move ", "Signal::", "words."].iter().any(|one| value.starts_with(one));
            changes && !value.contains(".then(")
        };
        let attributes = line.split("attr:").skip(1);
        let changes =
            attributes.filter_map(|text| text.split_once('=')).any(|(_, it)| attribute(it));
        if changes || (component && line.starts_with("on:")) {
            found.push(line.to_owned());
        }
        // The children of a component are elements of their own.
        component &= !line.ends_with('>') || line.ends_with("=>");
    }
    found
}

/// Leptos 0.8 drops such an attribute of a component when the part around it is made anew in place:
/// it stays as it was, and what it was before goes on with signals that are gone.
#[test]
fn what_changes_is_a_property_of_a_component_and_not_laid_onto_it() {
    let sources = texts(&["rs"]);
    let all: Vec<String> = sources
        .iter()
        .filter(|(path, _)| path.starts_with("src-ui/"))
        .flat_map(|(path, text)| {
            changing(text).into_iter().map(move |line| format!("{path}: {line}"))
        })
        .collect();
    assert!(all.is_empty(), "give the component a property: {all:#?}");
    assert_eq!(changing("<A\n attr:title=words.signal(x)\n on:click=y\n/>").len(), 2);
    assert_eq!(changing("<A attr:title=move || x />").len(), 1);
    assert!(changing("<A attr:title=\"x\">\n <b\n on:click=y\n title=move || z>").is_empty());
}
