//! How files look: size, names, line ends, and which of them may hold what.

use crate::repository::{below, none, root, text, texts};

/// Above this many lines a file holds more than one thing.
const LONGEST: usize = 400;

const WRITTEN: &[&str] =
    &["rs", "css", "md", "toml", "json", "sql", "html", "js", "c", "yml", "yaml", "txt", "sha256"];

/// Parts of the core that may speak SQL: the stores, and what opens and copies the database file.
const SQL_IN: &[&str] = &["/store.rs", "/store/", "/db.rs", "/db/", "/storage/"];

/// People who exist only in examples.
const PLAYED: &[&str] = &["me", "you"];

/// How a statement begins in a string literal.
const STATEMENTS: &[&str] = &[
    "\"SELECT ",
    "\"INSERT ",
    "\"UPDATE ",
    "\"DELETE FROM ",
    "\"PRAGMA ",
    "\"CREATE ",
    "\"ALTER ",
    "\"DROP ",
    "\"WITH ",
];

#[test]
fn no_source_file_is_too_long() {
    let long: Vec<String> = texts(&["rs", "css"])
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    none(&long, "files above 400 lines; split them by what they are about");
}

#[test]
fn a_module_lies_beside_its_folder() {
    let inside: Vec<String> = texts(&["rs"])
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| path.ends_with("/mod.rs"))
        .collect();
    none(&inside, "use name.rs beside the folder name/ instead of name/mod.rs");
}

#[test]
fn lines_end_with_a_line_feed() {
    let others: Vec<String> = texts(WRITTEN)
        .into_iter()
        .filter(|(_, text)| text.contains('\r') || !(text.is_empty() || text.ends_with('\n')))
        .map(|(path, _)| path)
        .collect();
    none(&others, "files with carriage returns or without a last line feed");
}

#[test]
fn nothing_unwraps() {
    // Written in two parts, or this file would be found.
    let call = concat!(".unwrap", "()");
    let found: Vec<String> = texts(&["rs"])
        .into_iter()
        .flat_map(|(path, text)| lines_with(&path, &text, call))
        .collect();
    none(&found, "say with expect why it cannot fail, or handle it");
}

#[test]
fn no_path_of_somebodys_machine_is_written_down() {
    // Written in two parts, or this file would be found.
    let homes = [concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("C:\\Us", "ers\\")];
    let found: Vec<String> = texts(WRITTEN)
        .into_iter()
        .filter(|(path, _)| !path.starts_with("tests/fixtures/"))
        .flat_map(|(path, text)| {
            let of_a_person = |line: &str| {
                homes.iter().any(|home| {
                    line.split(home)
                        .skip(1)
                        .any(|rest| !PLAYED.iter().any(|name| rest.starts_with(name)))
                })
            };
            lines_where(&path, &text, of_a_person)
        })
        .collect();
    none(&found, "paths below the home folder of a person who is not made up");
}

#[test]
fn no_registry_is_named() {
    let hosts = [concat!("crates", ".io"), concat!("npmjs", ".org"), concat!("pypi", ".org")];
    let found: Vec<String> = texts(WRITTEN)
        .into_iter()
        .flat_map(|(path, text)| {
            hosts.iter().flat_map(|host| lines_with(&path, &text, host)).collect::<Vec<_>>()
        })
        .collect();
    none(&found, "hosts of package registries");
}

#[test]
fn only_stores_speak_sql() {
    let found: Vec<String> = below("src-tauri/core/src/", &["rs"])
        .into_iter()
        .filter(|(path, _)| !SQL_IN.iter().any(|part| path.contains(part)))
        .filter(|(path, _)| !path.ends_with("_test.rs"))
        .flat_map(|(path, text)| {
            STATEMENTS
                .iter()
                .flat_map(|statement| lines_with(&path, &text, statement))
                .collect::<Vec<_>>()
        })
        .collect();
    none(&found, "SQL outside a domain's store");
}

#[test]
fn the_introduction_exists_in_both_languages() {
    for name in ["README.md", "README.zh-CN.md"] {
        assert!(root().join(name).is_file(), "{name} is missing");
        assert!(text(name).contains("cargo xtask run"), "{name} does not say how to start");
    }
}

fn lines_with(path: &str, text: &str, part: &str) -> Vec<String> {
    lines_where(path, text, |line| line.contains(part))
}

fn lines_where(path: &str, text: &str, is_found: impl Fn(&str) -> bool) -> Vec<String> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| is_found(line))
        .map(|(index, line)| format!("{path}:{}: {}", index + 1, line.trim()))
        .collect()
}
