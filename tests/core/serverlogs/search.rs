use corral_contract::{
    Timestamp,
    event::AppEvent,
    instances::InstanceRef,
    serverlogs::{FindRequest, LineLevel, LogSearch, MOST_HITS, PageRequest, call},
};

use super::{Desk, lines};

async fn find(desk: &Desk, request: FindRequest) -> LogSearch {
    let mut events = desk.bench.core.bus.listen();
    let begun = desk.bench.ask::<call::Find>(request).await.expect("begun");
    let wait = async {
        loop {
            let envelope = events.next().await.expect("the core runs");
            if let AppEvent::LogSearch(found) = &envelope.event
                && found.search == begun.search
                && found.ended
            {
                return found.clone();
            }
        }
    };
    tokio::time::timeout(corral_testbed::patience::DEADLINE, wait).await.expect("found in time")
}

fn asks(desk: &Desk, text: &str) -> FindRequest {
    FindRequest {
        instance: desk.id,
        text: text.to_owned(),
        least: LineLevel::Debug,
        from: None,
        to: None,
    }
}

#[tokio::test]
async fn finds_a_text_whatever_its_case_in_all_files() {
    let desk = Desk::new().await;
    desk.write(lines(0..100) + "Größe (a+b)* ÄRGER\n");
    desk.rotate();
    desk.write(lines(100..200) + "half ärger");
    let found = find(&desk, asks(&desk, "ärger")).await;
    assert_eq!((found.count, found.hits.len()), (2, 2));
    assert_eq!((found.done, found.problem), (found.total.expect("known"), None));
    // The newest first, and each names its place.
    let page =
        desk.page(PageRequest { after: Some(found.hits[1].clone()), limit: 1, ..desk.asks() });
    assert_eq!(page.await.lines[0].text, "Größe (a+b)* ÄRGER");
    assert_eq!(find(&desk, asks(&desk, "(A+B)*")).await.count, 1, "no pattern, a text");
    assert_eq!(find(&desk, asks(&desk, "LINE 15")).await.count, 11);
    assert_eq!(find(&desk, asks(&desk, "nothing of this")).await.count, 0);
    for (text, reason) in [(" ", "empty"), ("a\nb", "controlCharacter")] {
        let refused = desk.bench.ask::<call::Find>(asks(&desk, text)).await.expect_err("refused");
        assert_eq!(refused.params.get("reason").map(String::as_str), Some(reason));
    }
}

#[tokio::test]
async fn level_and_time_narrow_a_search() {
    let desk = Desk::new().await;
    desk.write(lines(0..5000).replace("INFO source=x.go:1 msg=\"line 40", "ERROR msg=\"line 40"));
    let level = FindRequest { least: LineLevel::Error, ..asks(&desk, "line") };
    assert_eq!(find(&desk, level).await.count, 111);
    let at = |second: i64| Some(Timestamp(1_795_737_600_000 + second * 1000));
    let time = FindRequest { from: at(1000), to: at(1999), ..asks(&desk, "line") };
    let found = find(&desk, time).await;
    assert_eq!((found.count, found.hits.len()), (1000, MOST_HITS));
    assert!(found.total.expect("known") < 200_000, "only that part was looked through");
}

#[tokio::test]
async fn a_new_search_ends_the_one_before() {
    let desk = Desk::new().await;
    desk.write(lines(0..200_000));
    let first = desk.bench.ask::<call::Find>(asks(&desk, "nowhere at all")).await.expect("begun");
    let second = find(&desk, asks(&desk, "line 199999")).await;
    assert!(second.search > first.search && second.count == 1);
    desk.bench.ask::<call::StopFind>(InstanceRef { id: desk.id }).await.expect("stopped");
}
