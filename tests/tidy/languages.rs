//! Both languages say the same things.

use std::collections::{BTreeMap, BTreeSet};

use corral_contract::ErrorCode;
use serde_json::Value;

use crate::repository::{below, none, text};
use crate::words::literals;

const CHINESE: &str = "src-ui/locales/zh-CN.json";
const ENGLISH: &str = "src-ui/locales/en.json";

#[test]
fn both_languages_have_the_same_keys() {
    let (chinese, english) = (table(CHINESE), table(ENGLISH));
    let missing =
        |from: &BTreeMap<String, String>, other: &BTreeMap<String, String>, name: &str| {
            from.keys()
                .filter(|key| !other.contains_key(*key))
                .map(|key| format!("{name}: {key}"))
                .collect::<Vec<_>>()
        };
    let mut findings = missing(&english, &chinese, CHINESE);
    findings.extend(missing(&chinese, &english, ENGLISH));
    none(&findings, "texts that one language lacks");
}

#[test]
fn both_languages_take_the_same_values() {
    let (chinese, english) = (table(CHINESE), table(ENGLISH));
    let findings: Vec<String> = english
        .iter()
        .filter_map(|(key, text)| Some((key, values(text), values(chinese.get(key)?))))
        .filter(|(_, english, chinese)| english != chinese)
        .map(|(key, english, chinese)| format!("{key}: en {english:?}, zh-CN {chinese:?}"))
        .collect();
    none(&findings, "texts that take other values in the other language");
}

#[test]
fn no_text_is_empty() {
    let findings: Vec<String> = [CHINESE, ENGLISH]
        .iter()
        .flat_map(|path| table(path).into_iter().map(move |(key, text)| (path, key, text)))
        .filter(|(_, _, text)| text.trim().is_empty())
        .map(|(path, key, _)| format!("{path}: {key}"))
        .collect();
    none(&findings, "empty texts");
}

#[test]
fn every_text_that_is_asked_for_exists() {
    let table = table(ENGLISH);
    let groups: BTreeSet<&str> = table.keys().filter_map(|key| key.split('.').next()).collect();
    let mut findings = Vec::new();
    for folder in ["src-ui/src/", "src-tauri/shell/"] {
        for (path, source) in below(folder, &["rs"]) {
            for literal in literals(&source) {
                if is_key(&literal, &groups)
                    && !table.contains_key(&literal)
                    && !is_command(&literal)
                {
                    findings.push(format!("{path}: {literal}"));
                }
            }
        }
    }
    none(&findings, "keys without a text");
}

// criterion: 0.6
#[test]
fn every_error_has_its_words_in_both_languages() {
    let mut findings = Vec::new();
    for path in [CHINESE, ENGLISH] {
        let table = table(path);
        for code in ErrorCode::ALL {
            for part in ["title", "cause", "advice"] {
                let key = format!("error.{}.{part}", code.as_str());
                if !table.contains_key(&key) {
                    findings.push(format!("{path}: {key}"));
                }
            }
        }
    }
    none(&findings, "errors without words");
}

/// A literal such as `nav.models`: dotted, its first part a group of the tables. What is completed
/// at run time ends with a dot or holds braces and is no key yet.
fn is_key(literal: &str, groups: &BTreeSet<&str>) -> bool {
    let mut parts = literal.split('.');
    let known = parts.next().is_some_and(|group| groups.contains(group));
    let rest: Vec<&str> = parts.collect();
    known
        && !rest.is_empty()
        && rest.iter().all(|part| {
            !part.is_empty() && part.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
        })
}

fn table(path: &str) -> BTreeMap<String, String> {
    let parsed: Value = serde_json::from_str(&text(path)).expect("the tables are JSON");
    let mut table = BTreeMap::new();
    flatten("", &parsed, &mut table);
    table
}

fn flatten(prefix: &str, value: &Value, table: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(entries) => {
            for (name, value) in entries {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&key, value, table);
            }
        }
        Value::String(text) => {
            table.insert(prefix.to_owned(), text.clone());
        }
        other => panic!("{prefix} is no text but {other}"),
    }
}

/// Names of the values in a text: `{name}` and the counted `{n|one|other}`.
fn values(text: &str) -> BTreeSet<String> {
    text.split('{')
        .skip(1)
        .filter_map(|part| part.split(['}', '|']).next())
        .map(|name| name.trim().to_owned())
        .collect()
}

/// `models.delete` in the audit is a command, not a text.
fn is_command(literal: &str) -> bool {
    literal.split_once('.').is_some_and(|(domain, name)| {
        corral_contract::DOMAINS
            .iter()
            .filter(|each| each.name == domain)
            .any(|each| each.commands.iter().any(|command| command.name == name))
    })
}
