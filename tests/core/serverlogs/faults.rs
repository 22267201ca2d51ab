use std::time::{Duration, Instant};

use corral_contract::{
    ErrorCode,
    serverlogs::{LINE_LENGTH, LineLevel, PageRequest, call},
};

use super::{Desk, line, lines, texts};

#[tokio::test]
async fn junk_long_lines_and_half_ones_are_shown_as_they_are() {
    let desk = Desk::new().await;
    let mut bytes = lines(0..2).into_bytes();
    bytes.extend(b"\x00\xff\xfe\x1b[31mred\x1b[0m <b>no html</b>\n");
    bytes.extend(vec![b'x'; 3 * 1024 * 1024]);
    bytes.extend(b"\n\r\n\n");
    bytes.extend(line(2).trim_end().as_bytes());
    desk.write(&bytes);
    let page = desk.page(desk.asks()).await;
    assert_eq!(texts(&page).first(), Some(&"line 0"));
    assert!(page.lines[2].text.ends_with("red <b>no html</b>"), "{}", page.lines[2].text);
    assert!(page.lines.iter().any(|line| line.cut > 100_000 && line.text.len() == LINE_LENGTH));
    assert_eq!(texts(&page).last(), Some(&"line 2"), "the half line shows");
    assert!(page.earlier.is_none());
    // Nothing but junk.
    desk.write(vec![0xff; 5000]);
    let page = desk.page(desk.asks()).await;
    assert_eq!(page.lines.len(), 1);
}

#[tokio::test]
async fn a_place_that_is_gone_leads_to_the_end() {
    let desk = Desk::new().await;
    desk.write(lines(0..500));
    let page = desk.page(PageRequest { limit: 10, ..desk.asks() }).await;
    let earlier = page.earlier.expect("more before");
    desk.rotate();
    desk.write(lines(500..520));
    let before = PageRequest { before: Some(earlier.clone()), limit: 1, ..desk.asks() };
    let page = desk.page(before.clone()).await;
    assert_eq!((texts(&page), page.lost), (vec!["line 489"], false), "found in the rotated file");
    std::fs::remove_file(desk.rotated()).expect("removed");
    let page = desk.page(before).await;
    assert_eq!((texts(&page), page.lost), (vec!["line 519"], true));
    let wrong = PageRequest { before: Some("x".to_owned()), ..desk.asks() };
    let refused = desk.bench.ask::<call::Page>(wrong).await.expect_err("refused");
    assert_eq!(refused.code, ErrorCode::InvalidInput);
}

#[cfg(unix)]
#[tokio::test]
async fn a_log_that_may_not_be_read_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new().await;
    desk.write(lines(0..5));
    let closed = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(&desk.file, closed).expect("closed");
    if std::fs::File::open(&desk.file).is_ok() {
        // Whoever may read everything cannot be refused; a folder in its place can.
        std::fs::remove_file(&desk.file).expect("removed");
        std::fs::create_dir(&desk.file).expect("a folder");
    }
    let refused = desk.bench.ask::<call::Page>(desk.asks()).await.expect_err("refused");
    assert_eq!(refused.code, ErrorCode::FileSystem);
    assert!(refused.params.contains_key("path") && refused.detail.is_some());
}

#[tokio::test]
async fn a_gigabyte_is_not_read_for_a_page() {
    let desk = Desk::new().await;
    desk.write(lines(0..100));
    {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = std::fs::File::options().write(true).open(&desk.file).expect("opens");
        // A hole, which reads as zeros: one line without an end.
        file.seek(SeekFrom::Start(1_000_000_000)).expect("moves");
        file.write_all(format!("\n{}", lines(100..400)).as_bytes()).expect("writes");
    }
    let began = Instant::now();
    let page = desk.page(desk.asks()).await;
    assert_eq!(page.lines.len(), 200);
    assert_eq!(page.origin.bytes.map(|bytes| bytes / 1_000_000_000), Some(1));
    // Reading all of it would take far longer on any machine; the bench holds the real limit.
    assert!(began.elapsed() < Duration::from_secs(5));
    let earlier = PageRequest { before: page.earlier, least: LineLevel::Warn, ..desk.asks() };
    let page = desk.page(earlier).await;
    assert!(page.earlier.is_some(), "it answers in between: {:?}", page.lines.len());
}
