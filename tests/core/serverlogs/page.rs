use corral_contract::{
    ErrorCode, Timestamp,
    instances::{self, InstanceDraft},
    serverlogs::{ExportLog, LineKind, LineLevel, OriginKind, PageRequest, SetFile, call},
    tasks::{self, TaskListRequest, TaskState},
};

use super::{Desk, line, lines, texts};
use crate::support::until;

#[tokio::test]
async fn pages_lead_to_the_beginning_and_back_over_rotated_files() {
    let desk = Desk::new().await;
    desk.write(lines(0..1000));
    desk.rotate();
    desk.write(lines(1000..1500));
    let mut page = desk.page(PageRequest { limit: 70, ..desk.asks() }).await;
    assert_eq!(page.origin.kind, OriginKind::Files);
    assert_eq!((page.origin.files, page.origin.chosen), (2, true));
    assert_eq!(texts(&page).last(), Some(&"line 1499"));
    assert!(page.later.is_none() && page.end.is_some());
    let mut seen = texts(&page).len();
    let mut first = page.lines[0].text.clone();
    while let Some(earlier) = page.earlier.clone() {
        page = desk.page(PageRequest { before: Some(earlier), limit: 70, ..desk.asks() }).await;
        seen += page.lines.len();
        let last: u64 = page.lines.last().expect("lines").text[5..].parse().expect("a number");
        assert_eq!(format!("line {}", last + 1), first, "without a gap");
        first.clone_from(&page.lines[0].text);
    }
    assert_eq!((seen, first.as_str()), (1500, "line 0"));
    // And forward again.
    let mut place = Some(page.lines[0].place.clone());
    let mut count = 0;
    while let Some(after) = place {
        let page = desk.page(PageRequest { after: Some(after), limit: 70, ..desk.asks() }).await;
        assert_eq!(page.lines[0].text, format!("line {count}"));
        count += page.lines.len();
        place = page.later;
    }
    assert_eq!(count, 1500);
}

#[tokio::test]
async fn a_time_and_a_level_narrow_what_shows() {
    let desk = Desk::new().await;
    let mut text = lines(0..5000);
    text.push_str("llama_model_loader: no time of its own\n");
    text.push_str(&line(5000).replace("INFO", "WARN"));
    text.push_str("[GIN] 2026/11/27 - 02:00:00 | 500 | 1ms | 127.0.0.1 | POST \"/api/chat\"\n");
    text.push_str(&lines(7201..7300));
    desk.write(text);
    let at = Timestamp(1_795_737_600_000 + 3_000_000);
    let page = desk.page(PageRequest { from: Some(at), limit: 2, ..desk.asks() }).await;
    assert_eq!(texts(&page), ["line 3000", "line 3001"]);
    let past = Timestamp(at.0 + 86_400_000);
    let page = desk.page(PageRequest { from: Some(past), ..desk.asks() }).await;
    assert!(page.lines.is_empty() && page.earlier.is_some());
    let page = desk.page(PageRequest { least: LineLevel::Warn, ..desk.asks() }).await;
    assert_eq!(texts(&page), ["line 5000", "500 POST /api/chat"]);
    assert_eq!(page.lines[1].kind, LineKind::Access);
    assert!(page.earlier.is_none(), "looked through to the beginning");
}

#[tokio::test]
async fn a_log_is_written_into_a_file_without_secrets() {
    let desk = Desk::new().await;
    let mut text = lines(0..2000);
    text.push_str(
        "time=2026-11-27T01:00:00Z level=WARN msg=\"pull\" url=https://me:pw@host/x token=abc\n",
    );
    desk.write(text);
    let path = desk.bench.folder.path().join("out.log");
    let request = ExportLog {
        instance: desk.id,
        path: path.display().to_string(),
        least: LineLevel::Info,
        from: Some(Timestamp(1_795_737_600_000 + 1_990_000)),
        to: None,
    };
    let begun = desk.bench.ask::<call::Export>(request.clone()).await.expect("begun");
    until(&desk.bench.core, "the end of the export", async || {
        let list = desk.bench.ask::<tasks::call::List>(TaskListRequest::default()).await;
        let view = list.expect("tasks").items.into_iter().find(|view| view.id == begun.task)?;
        (view.state == TaskState::Done).then_some(())
    })
    .await;
    let written = std::fs::read_to_string(&path).expect("the file");
    assert_eq!(written.lines().count(), 11);
    assert!(written.starts_with("2026-11-27T00:33:10.000Z INFO line 1990\n"), "{written}");
    assert!(!written.contains("pw") && !written.contains("abc"), "{written}");
    let wrong = ExportLog { path: "relative".to_owned(), ..request };
    let refused = desk.bench.ask::<call::Export>(wrong).await.expect_err("refused");
    assert_eq!(refused.params.get("reason").map(String::as_str), Some("notAbsolute"));
}

#[tokio::test]
async fn a_log_that_is_nowhere_says_why() {
    let desk = Desk::new().await;
    let page = desk.page(desk.asks()).await;
    assert_eq!(page.origin.why.as_deref(), Some("noFile"), "not there yet");
    desk.choose(None).await.expect("looked for");
    let page = desk.page(desk.asks()).await;
    assert_eq!(
        (page.origin.kind, page.origin.why.as_deref()),
        (OriginKind::Nowhere, Some("notKept"))
    );
    let draft = InstanceDraft {
        url: "http://192.0.2.1:11434".to_owned(),
        force: true,
        ..InstanceDraft::default()
    };
    let far = desk.bench.ask::<instances::call::Add>(draft);
    let far = tokio::time::timeout(std::time::Duration::from_secs(30), far).await;
    let far = far.expect("in time").expect("added").id;
    let page = desk.page(PageRequest { instance: far, ..desk.asks() }).await;
    assert_eq!(page.origin.why.as_deref(), Some("elsewhere"));
    let path = Some(desk.file.display().to_string());
    let set = desk.bench.ask::<call::ChooseFile>(SetFile { instance: far, path }).await;
    assert_eq!(set.expect_err("refused").code, ErrorCode::StoreElsewhere);
    for (path, reason) in [("x.log", "notAbsolute"), ("/tmp/a\u{7}", "controlCharacter")] {
        let path = Some(path.to_owned());
        let set = desk.bench.ask::<call::ChooseFile>(SetFile { instance: desk.id, path }).await;
        let error = set.expect_err("refused");
        assert_eq!(error.params.get("reason").map(String::as_str), Some(reason));
    }
}
