//! The journal, played by a program that notes how it was called.

use std::{os::unix::fs::PermissionsExt, path::Path};

use corral_contract::{
    ErrorCode, Timestamp,
    event::AppEvent,
    instances::{self, InstanceDraft, InstanceRef, Runner},
    serverlogs::{FollowRequest, LineKind, LineLevel, OriginKind, PageRequest, call},
};
use corral_core::config::Workers;
use corral_testbed::patience::DEADLINE;

use crate::support::{Bench, until};

fn program(folder: &Path, body: &str) -> std::path::PathBuf {
    let file = folder.join("journalctl");
    std::fs::write(&file, format!("#!/bin/sh\necho \"$@\" >> {}/calls\n{body}", folder.display()))
        .expect("written");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("allowed");
    file
}

async fn desk(folder: &Path, body: &str) -> (Bench, PageRequest) {
    let journal = program(folder, body);
    let bench = Bench::with(|config| {
        config.workers = Workers::None;
        config.journal = journal;
    })
    .await;
    let draft = InstanceDraft {
        url: "http://127.0.0.1:9".to_owned(),
        force: true,
        found: Some(Runner::Systemd),
        ..InstanceDraft::default()
    };
    let instance = bench.ask::<instances::call::Add>(draft).await.expect("added").id;
    let request = PageRequest {
        instance,
        before: None,
        after: None,
        from: None,
        least: LineLevel::Debug,
        limit: 2,
    };
    (bench, request)
}

const ENTRIES: &str = r#"cat <<'END'
{"__CURSOR":"c3","__REALTIME_TIMESTAMP":"1795750203000000","PRIORITY":"6","MESSAGE":"time=2026-11-27T03:30:03Z level=WARN msg=three"}
{"__CURSOR":"c2","__REALTIME_TIMESTAMP":"1795750202000000","PRIORITY":"3","MESSAGE":[116,119,111,255]}
{"__CURSOR":"c1","__REALTIME_TIMESTAMP":"1795750201000000","MESSAGE":null}
END
"#;

#[tokio::test]
async fn a_unit_is_read_through_its_own_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, request) = desk(folder.path(), ENTRIES).await;
    let page = bench.ask::<call::Page>(request.clone()).await.expect("a page");
    assert_eq!(page.origin.kind, OriginKind::Journal);
    assert_eq!(page.origin.name.as_deref(), Some("ollama.service"));
    let texts: Vec<&str> = page.lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["two\u{fffd}", "three"]);
    assert_eq!((page.lines[0].level, page.lines[0].kind), (LineLevel::Error, LineKind::Plain));
    assert_eq!(page.lines[0].at, Some(Timestamp(1_795_750_202_000)));
    assert_eq!(page.earlier.as_deref(), Some("j:c2"));
    let before = PageRequest { before: page.earlier, ..request };
    bench.ask::<call::Page>(before).await.expect("the page before");
    let calls = std::fs::read_to_string(folder.path().join("calls")).expect("calls");
    let calls: Vec<&str> = calls.lines().collect();
    let plain = "--no-pager --output=json --all --unit ollama.service --reverse";
    assert_eq!(calls, [plain, &format!("{plain} --cursor=c2")]);
}

/// Plays `journalctl --follow`: what is in the file, and what is added to it until it is ended.
const FOLLOWS: &str = r#"case "$*" in
*--follow*) exec tail -n +1 -f "$(dirname "$0")/entries" ;;
*) cat "$(dirname "$0")/entries" ;;
esac
"#;

fn entry(cursor: u32, message: &str) -> String {
    format!(
        "{{\"__CURSOR\":\"c{cursor}\",\"__REALTIME_TIMESTAMP\":\"179575020{cursor}000000\",\
         \"PRIORITY\":\"6\",\"MESSAGE\":\"{message}\"}}\n"
    )
}

#[tokio::test]
async fn what_the_journal_gets_is_told_while_somebody_looks() {
    let folder = tempfile::tempdir().expect("a folder");
    let entries = folder.path().join("entries");
    std::fs::write(&entries, entry(1, "time=2026-11-27T03:30:03Z level=INFO msg=one"))
        .expect("written");
    let (bench, request) = desk(folder.path(), FOLLOWS).await;
    let id = request.instance;
    let mut events = bench.core.bus.listen();
    let follow =
        FollowRequest { instance: id, from: Some("j:c0".to_owned()), least: LineLevel::Info };
    bench.ask::<call::Follow>(follow).await.expect("followed");
    let mut next = async |count: usize| {
        let mut texts = Vec::new();
        let wait = async {
            while texts.len() < count {
                let envelope = events.next().await.expect("the core runs");
                if let AppEvent::LogLines(added) = &envelope.event {
                    assert_eq!((added.instance, &added.problem), (id, &None));
                    texts.extend(added.lines.iter().map(|line| line.text.clone()));
                }
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.expect("lines in time");
        texts
    };
    assert_eq!(next(1).await, ["one"]);
    let more = [
        entry(2, "time=2026-11-27T03:30:03Z level=DEBUG msg=hidden"),
        entry(3, "time=2026-11-27T03:30:03Z level=INFO msg=two"),
        entry(4, "time=2026-11-27T03:30:03Z level=WARN msg=three"),
    ];
    let mut file = std::fs::File::options().append(true).open(&entries).expect("the journal");
    std::io::Write::write_all(&mut file, more.concat().as_bytes()).expect("it grows");
    assert_eq!(next(2).await, ["two", "three"], "what is below the level is left out");
    let calls = std::fs::read_to_string(folder.path().join("calls")).expect("calls");
    let call = "--unit ollama.service --lines=all --after-cursor=c0 --follow";
    assert!(calls.lines().any(|line| line.ends_with(call)), "{calls}");

    // Nobody looks any more: the program that read for it ends.
    let reader = |folder: &Path| {
        let mut system = sysinfo::System::new().expect("the system is seen");
        let words = sysinfo::ProcessRefreshKind::nothing().with_cmd(sysinfo::UpdateKind::Always);
        system.refresh_processes_specifics(sysinfo::ProcessesToUpdate::All, true, words);
        let file = folder.join("entries");
        let reads = |process: &sysinfo::Process| {
            process.status() != sysinfo::ProcessStatus::Zombie
                && process.cmd().iter().any(|word| Path::new(word) == file)
        };
        system.processes().values().any(reads)
    };
    assert!(reader(folder.path()));
    bench.ask::<call::Unfollow>(InstanceRef { id }).await.expect("let go");
    until(&bench.core, "the end of the reader", async || (!reader(folder.path())).then_some(()))
        .await;
}

#[tokio::test]
async fn a_journal_that_ends_while_it_is_followed_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, request) = desk(folder.path(), "echo 'Failed to open files' >&2; exit 1").await;
    let id = request.instance;
    let mut events = bench.core.bus.listen();
    let follow = FollowRequest { instance: id, from: None, least: LineLevel::Debug };
    bench.ask::<call::Follow>(follow).await.expect("begun");
    let wait = async {
        loop {
            let envelope = events.next().await.expect("the core runs");
            if let AppEvent::LogLines(added) = &envelope.event {
                break added.problem.clone().expect("why");
            }
        }
    };
    let problem = tokio::time::timeout(DEADLINE, wait).await.expect("told");
    assert_eq!(problem.code, ErrorCode::ServiceRefused);
    assert!(problem.detail.is_some_and(|words| words.contains("Failed to open files")));
}

#[tokio::test]
async fn a_journal_that_refuses_or_is_not_there_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let refuses =
        "echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1";
    let (bench, request) = desk(folder.path(), refuses).await;
    let refused = bench.ask::<call::Page>(request.clone()).await.expect_err("refused");
    assert_eq!(refused.code, ErrorCode::ServiceRefused);
    assert!(refused.detail.is_some_and(|detail| detail.contains("insufficient permissions")));
    std::fs::remove_file(folder.path().join("journalctl")).expect("removed");
    let page = bench.ask::<call::Page>(request).await.expect("a page");
    assert_eq!(page.origin.why.as_deref(), Some("noJournal"));
}
