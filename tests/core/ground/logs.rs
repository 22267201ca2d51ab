//! The log of a task, read in pages from either end.

use std::fmt::Write as _;

use corral_contract::{
    TaskId,
    tasks::{LogPage, LogRequest, call},
};

use crate::support::Bench;

/// As the window asks for the end of a log.
const END: u64 = 9_007_199_254_740_991;

async fn page(bench: &Bench, offset: u64, before: Option<u64>) -> LogPage {
    let request = LogRequest { id: TaskId(1), offset, before };
    bench.ask::<call::Log>(request).await.expect("a page")
}

fn write(bench: &Bench, lines: usize) -> String {
    let folder = bench.folder.path().join("logs/tasks");
    std::fs::create_dir_all(&folder).expect("the folder");
    let mut text = String::new();
    for line in 0..lines {
        writeln!(text, "2026-11-27T09:00:00.000Z INFO 第 {line} 行").expect("it is written");
    }
    std::fs::write(folder.join("1.log"), &text).expect("the log");
    text
}

#[tokio::test]
async fn a_huge_log_is_read_from_its_end_page_by_page_without_a_line_lost() {
    let bench = Bench::quiet().await;
    let whole = write(&bench, 20_000);
    let last = page(&bench, 0, Some(END)).await;
    assert!(last.text.ends_with("第 19999 行\n"), "the end comes first");
    assert!(last.text.len() <= 256 * 1024 && last.offset > 0);
    assert_eq!(last.next_offset, last.total);
    let mut read = last.text.clone();
    let mut first = last.offset;
    while first > 0 {
        let earlier = page(&bench, 0, Some(first)).await;
        assert_eq!(earlier.next_offset, first, "no line between two pages");
        read.insert_str(0, &earlier.text);
        first = earlier.offset;
    }
    assert!(read == whole, "every line is there once");
    // And forwards, as it is followed.
    let mut read = String::new();
    let mut next = 0;
    while next < whole.len() as u64 {
        let page = page(&bench, next, None).await;
        assert_eq!(page.offset, next);
        read.push_str(&page.text);
        next = page.next_offset;
    }
    assert!(read == whole, "every line is there once");
}

#[tokio::test]
async fn a_log_that_was_replaced_by_a_shorter_one_is_read_anew() {
    let bench = Bench::quiet().await;
    write(&bench, 100);
    let read = page(&bench, 0, Some(END)).await;
    let short = write(&bench, 3);
    let anew = page(&bench, read.next_offset, None).await;
    assert_eq!((anew.offset, anew.text), (0, short), "it says that it begins anew");
    std::fs::remove_file(bench.folder.path().join("logs/tasks/1.log")).expect("it goes");
    assert!(!page(&bench, 0, Some(END)).await.exists);
}
