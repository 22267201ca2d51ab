//! `cargo xtask criteria`: which criteria of acceptance a test shows.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::place;

mod list;

use list::CRITERIA;

/// Above the fn of a test that shows a criterion; several ids are separated by commas.
const MARK: &str = "// criterion:";

/// Folders with tests: their own, and those with tests beside the code.
const FOLDERS: &[&str] = &["tests", "src-tauri", "src-ui/src", "xtask/src"];

/// List the criteria of acceptance with the tests that show them; unknown numbers fail
#[derive(Args)]
pub(crate) struct Criteria {
    /// Only those that no test shows
    #[arg(long)]
    missing: bool,
}

/// A test and a criterion it names.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    id: String,
    test: String,
    /// File and line of the mark.
    place: String,
}

impl Criteria {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let found = scan()?;
        let mut tests: BTreeMap<&str, Vec<&Shown>> = BTreeMap::new();
        for shown in &found {
            tests.entry(&shown.id).or_default().push(shown);
        }
        let mut count = 0;
        for (id, title) in CRITERIA {
            let Some(by) = tests.remove(id) else {
                println!("{id:<6} not shown  {title}");
                continue;
            };
            count += 1;
            if !self.missing {
                println!("{id:<6} shown      {title}");
                for shown in by {
                    println!("                    {} ({})", shown.test, shown.place);
                }
            }
        }
        println!("{count} of {} shown", CRITERIA.len());
        for shown in tests.values().flatten() {
            eprintln!("error: {} names {}, which is no criterion", shown.place, shown.id);
        }
        Ok(if tests.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn scan() -> Result<Vec<Shown>> {
    let root = place::root();
    let mut found = Vec::new();
    for folder in FOLDERS {
        scan_folder(&root, &root.join(folder), &mut found)?;
    }
    Ok(found)
}

fn scan_folder(root: &Path, folder: &Path, found: &mut Vec<Shown>) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            scan_folder(root, &path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            found.extend(scan_text(&name, &text));
        }
    }
    Ok(())
}

fn scan_text(name: &str, text: &str) -> Vec<Shown> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(ids) = line.trim_start().strip_prefix(MARK) else { continue };
        let test = lines.iter().skip(index).find_map(|line| function(line));
        for id in ids.split(',') {
            found.push(Shown {
                id: id.trim().to_owned(),
                test: test.unwrap_or("no fn follows").to_owned(),
                place: format!("{name}:{}", index + 1),
            });
        }
    }
    found
}

/// Name of the function whose signature begins on this line.
fn function(line: &str) -> Option<&str> {
    let mut line = line.trim_start();
    for word in ["pub(crate) ", "pub ", "async "] {
        line = line.strip_prefix(word).unwrap_or(line);
    }
    line.strip_prefix("fn ")?.split(['(', '<']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_names_the_function_that_follows() {
        let mark = MARK;
        let text = format!("    {mark} 2.3, 12.6\n    #[tokio::test]\n    async fn bar_grows() {{");
        let found = scan_text("tests/a.rs", &text);
        let ids: Vec<&str> = found.iter().map(|shown| shown.id.as_str()).collect();
        assert_eq!(ids, ["2.3", "12.6"]);
        assert!(found.iter().all(|shown| shown.test == "bar_grows"));
        assert!(found.iter().all(|shown| shown.place == "tests/a.rs:1"));
    }

    #[test]
    fn every_named_criterion_exists() {
        let unknown: Vec<Shown> = scan()
            .expect("the sources can be read")
            .into_iter()
            .filter(|shown| !CRITERIA.iter().any(|(id, _)| *id == shown.id))
            .collect();
        assert_eq!(unknown, []);
    }
}
