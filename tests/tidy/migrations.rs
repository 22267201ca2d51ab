//! Migrations: a database in somebody's home has run them, so they never change again.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::repository::{below, none, text};

const CHECKSUMS: &str = "tests/tidy/migrations.sha256";

#[test]
fn a_migration_never_changes() {
    let mut known: BTreeMap<String, String> = text(CHECKSUMS)
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, name)| (name.to_owned(), sum.to_owned()))
        .collect();
    let mut findings = Vec::new();
    for (path, sql) in below("migrations/", &["sql"]) {
        let sum = hex(&Sha256::digest(sql.as_bytes()));
        match known.remove(&path) {
            Some(before) if before == sum => {}
            Some(_) => findings.push(format!("{path} was changed; write a new migration instead")),
            None => findings.push(format!("{path} is new; add to {CHECKSUMS}: {sum}  {path}")),
        }
    }
    findings.extend(known.into_keys().map(|path| format!("{path} was removed")));
    none(&findings, "migrations are only ever added");
}

#[test]
fn every_table_is_strict() {
    let mut findings = Vec::new();
    for (path, sql) in below("migrations/", &["sql"]) {
        for statement in without_comments(&sql).split(';').map(str::trim) {
            let begins = statement.to_ascii_uppercase();
            if begins.starts_with("CREATE TABLE") && !begins.trim_end().ends_with("STRICT") {
                let name = statement.split_whitespace().nth(2).unwrap_or("?");
                findings.push(format!("{path}: table {name}"));
            }
        }
    }
    none(&findings, "tables that are not STRICT take a text for a number");
}

#[test]
fn names_carry_the_time_they_were_made() {
    let findings: Vec<String> = below("migrations/", &["sql"])
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| {
            let name = path.trim_start_matches("migrations/");
            let time = name.split('_').next().unwrap_or_default();
            time.len() != 14 || !time.bytes().all(|byte| byte.is_ascii_digit())
        })
        .collect();
    none(&findings, "a migration is named YYYYMMDDhhmmss_what.sql");
}

fn without_comments(sql: &str) -> String {
    sql.lines()
        .map(|line| line.split("--").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
