//! Notifications: which, when, and what they say.

use std::time::Duration;

use corral_contract::{
    ErrorCode, Timestamp, WireError,
    app::{Notice, NoticeKind},
    settings::NotifySettings,
};
use corral_locale::Locale;
use corral_shell::notify::{
    group::{Group, MOST, PAUSE},
    message, wanted,
};
use tokio::time::Instant;

fn notice(kind: NoticeKind, subject: &str) -> Notice {
    Notice { id: 1, at: Timestamp(0), kind, subject: subject.to_owned(), problem: None }
}

fn done(subject: &str) -> Notice {
    notice(NoticeKind::DownloadDone, subject)
}

#[test]
fn each_kind_has_its_switch() {
    let on = NotifySettings::default();
    // These are told in the window alone: they are nothing to be interrupted for.
    let quiet = [
        NoticeKind::CleanupProposed,
        NoticeKind::CleanedUp,
        NoticeKind::ModelsRestored,
        NoticeKind::ModelSlower,
        NoticeKind::ResourceWell,
    ];
    for kind in NoticeKind::ALL {
        let told = wanted(*kind, on);
        assert_eq!(told, !quiet.contains(kind), "{kind:?} is told unless switched off");
    }
    let off = NotifySettings {
        download_done: false,
        failed: false,
        instance_down: false,
        model_crashed: false,
    };
    let still: Vec<NoticeKind> =
        NoticeKind::ALL.iter().copied().filter(|kind| wanted(*kind, off)).collect();
    assert_eq!(still, [NoticeKind::DatabaseRestored]);
    assert!(!wanted(NoticeKind::DownloadDone, NotifySettings { download_done: false, ..on }));
    assert!(!wanted(NoticeKind::InstanceDown, NotifySettings { instance_down: false, ..on }));
    assert!(wanted(NoticeKind::DownloadFailed, NotifySettings { download_done: false, ..on }));
}

#[test]
fn the_first_is_told_at_once_and_a_burst_together() {
    let start = Instant::now();
    let mut group = Group::default();
    assert_eq!(group.due(), None);
    assert_eq!(group.add(done("a"), start).len(), 1);
    assert_eq!(group.due(), None, "nothing waits");

    let soon = start + Duration::from_secs(1);
    assert!(group.add(done("b"), soon).is_empty());
    assert!(group.add(done("c"), soon).is_empty());
    assert_eq!(group.due(), Some(start + PAUSE));
    assert!(group.ripe(start + PAUSE - Duration::from_millis(1)).is_empty());
    let told = group.ripe(start + PAUSE);
    assert_eq!(told, [done("b"), done("c")]);
    assert_eq!(group.due(), None);

    let later = start + PAUSE * 3;
    assert_eq!(group.add(done("d"), later).len(), 1, "after a pause it is told at once again");
}

#[test]
fn a_flood_does_not_grow_without_end() {
    let start = Instant::now();
    let mut group = Group::default();
    group.add(done("first"), start);
    for number in 0..MOST * 2 {
        assert!(group.add(done(&number.to_string()), start).is_empty());
    }
    let told = group.ripe(start + PAUSE);
    assert_eq!(told.len(), MOST);
    assert_eq!(told.last(), Some(&done(&(MOST * 2 - 1).to_string())), "the newest are kept");
}

#[test]
fn one_thing_is_named_with_its_reason_in_both_languages() {
    let mut failed = notice(NoticeKind::DownloadFailed, "llama3:8b");
    failed.problem = Some(WireError::new(ErrorCode::DiskFull).with("needed", "4 GB"));
    let english = message(&[failed.clone()], Locale::En);
    assert!(english.title.contains("llama3:8b"), "{english:?}");
    assert!(!english.body.is_empty() && !english.body.contains("DISK_FULL"), "{english:?}");
    let chinese = message(&[failed], Locale::ZhCn);
    assert!(chinese.title.contains("llama3:8b"), "{chinese:?}");
    assert_ne!(chinese.title, english.title);
    assert_ne!(chinese.body, english.body);
}

#[test]
fn several_things_are_counted_and_the_first_ones_named() {
    let notices: Vec<Notice> = (0..6).map(|number| done(&format!("m{number}"))).collect();
    let told = message(&notices, Locale::En);
    assert!(told.title.contains('6'), "{told:?}");
    let lines: Vec<&str> = told.body.lines().collect();
    assert_eq!(lines.len(), 5, "{told:?}");
    assert!(lines[0].contains("m0") && lines[3].contains("m3"), "{told:?}");
    assert!(lines[4].contains('2'), "two more: {told:?}");
}
