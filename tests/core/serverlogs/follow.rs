use corral_contract::{
    event::AppEvent,
    instances::InstanceRef,
    serverlogs::{AddedLines, FollowRequest, LineLevel, call},
};
use corral_core::bus::Listener;

use super::{Desk, line, lines};

/// Waits for the next lines of the log.
async fn added(events: &mut Listener) -> AddedLines {
    let wait = async {
        loop {
            let envelope = events.next().await.expect("the core runs");
            if let AppEvent::LogLines(added) = &envelope.event {
                return added.clone();
            }
        }
    };
    tokio::time::timeout(corral_testbed::patience::DEADLINE, wait).await.expect("lines in time")
}

/// Collects lines until there are so many; whether there was a gap.
async fn collect(events: &mut Listener, count: usize) -> (Vec<String>, bool) {
    let (mut texts, mut gap) = (Vec::new(), false);
    while texts.len() < count {
        let added = added(events).await;
        gap |= added.gap;
        texts.extend(added.lines.into_iter().map(|line| line.text));
    }
    (texts, gap)
}

fn numbers(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|n| format!("line {n}")).collect()
}

async fn follow(desk: &Desk) -> Listener {
    let page = desk.page(desk.asks()).await;
    let events = desk.bench.core.bus.listen();
    let request = FollowRequest { instance: desk.id, from: page.end, least: LineLevel::Debug };
    desk.bench.ask::<call::Follow>(request).await.expect("followed");
    events
}

#[tokio::test]
async fn what_is_added_is_told_through_rotation() {
    let desk = Desk::new().await;
    desk.write(lines(0..10));
    let mut events = follow(&desk).await;
    desk.append(lines(10..12));
    assert_eq!(collect(&mut events, 2).await, (numbers(10..12), false));
    // The rest of the old file and the new one, in their order.
    desk.append(line(12));
    desk.rotate();
    desk.write(lines(13..15));
    assert_eq!(collect(&mut events, 3).await, (numbers(12..15), false));
    // A line that is written in two goes is told once, whole.
    let whole = line(15);
    let (first, rest) = whole.split_at(20);
    desk.append(first);
    desk.append(rest);
    desk.append(line(16));
    assert_eq!(collect(&mut events, 2).await, (numbers(15..17), false));
    desk.bench.ask::<call::Unfollow>(InstanceRef { id: desk.id }).await.expect("let go");
}

#[tokio::test]
async fn a_log_that_is_copied_and_cut_goes_on() {
    let desk = Desk::new().await;
    desk.write(lines(0..10));
    let mut events = follow(&desk).await;
    desk.append(line(10));
    assert_eq!(collect(&mut events, 1).await.0, numbers(10..11));
    desk.append(line(11));
    std::fs::copy(&desk.file, desk.rotated()).expect("copied");
    desk.write(lines(12..13));
    assert_eq!(collect(&mut events, 2).await, (numbers(11..13), false));
}

#[tokio::test]
async fn a_log_that_is_cut_or_removed_begins_anew() {
    let desk = Desk::new().await;
    desk.write(lines(0..10));
    let mut events = follow(&desk).await;
    desk.write("");
    while !added(&mut events).await.gap {}
    desk.append(lines(20..22));
    assert_eq!(collect(&mut events, 2).await.0, numbers(20..22));
    std::fs::remove_file(&desk.file).expect("removed");
    desk.append(lines(30..31));
    assert_eq!(collect(&mut events, 1).await.0, numbers(30..31));
}

#[tokio::test]
async fn a_flood_is_told_by_its_end() {
    let desk = Desk::new().await;
    desk.write(lines(0..10));
    let mut events = follow(&desk).await;
    desk.append(lines(10..60_000));
    let (mut texts, mut gap) = (Vec::new(), false);
    while texts.last().map(String::as_str) != Some("line 59999") {
        let added = added(&mut events).await;
        assert!(added.lines.len() <= 500);
        gap |= added.gap;
        texts.extend(added.lines.into_iter().map(|line| line.text));
    }
    assert!(gap);
}
