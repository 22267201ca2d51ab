use corral_contract::{
    Timestamp,
    models::{CountModels, ModelPage, ModelSearchRequest, SortKey, call},
    name::natural_key,
    status::{Install, Origin, Run, Status},
};
use corral_testbed::{
    clock::Clock,
    ollama::{Model, library},
};
use proptest::prelude::*;

use crate::{
    stage::{Stage, time},
    support::START,
};

fn named(name: &str) -> ModelSearchRequest {
    ModelSearchRequest { name: name.to_owned(), ..Default::default() }
}

fn sorted(by: SortKey, desc: bool) -> ModelSearchRequest {
    ModelSearchRequest { sort_by: Some(by), sort_desc: desc, ..Default::default() }
}

async fn page(stage: &Stage, request: ModelSearchRequest) -> ModelPage {
    stage.bench.ask::<call::Search>(request).await.expect("a page")
}

async fn names(stage: &Stage, request: ModelSearchRequest) -> Vec<String> {
    page(stage, request).await.items.into_iter().map(|row| row.name).collect()
}

async fn refused(stage: &Stage, request: ModelSearchRequest) -> (String, String) {
    let error = stage.bench.ask::<call::Search>(request).await.expect_err("it is refused");
    (error.params["field"].clone(), error.params["reason"].clone())
}

fn shelf() -> Vec<Model> {
    let day = |days: i64| time(START.plus(-days * 86_400_000));
    vec![
        Model::new("m:13b").weights_size(7_000_000_000).modified_at(day(3)),
        Model::new("M-small:7b").weights_size(4_000_000_000).modified_at(day(1)),
        Model::new("m:7b").weights_size(4_500_000_000).modified_at(day(2)),
        Model::new("under_score:1").weights_size(10_000_000).modified_at(day(9)),
        Model::new("hf.co/team/Big-GGUF:Q4").weights_size(20_000_000_000).modified_at(day(5)),
    ]
}

// criterion: 1.1
// criterion: 0.10
#[tokio::test]
async fn a_row_carries_all_eight_fields_and_the_rest() {
    let stage =
        Stage::quiet([library::pick("llama3.2:3b").modified_at(time(START.plus(-5000)))]).await;
    let row = stage.row("llama3.2:3b").await;
    assert_eq!(row.size, "2.0 GB");
    assert_eq!(row.from, Origin::Official);
    assert!(!row.log_file_exist);
    assert_eq!(row.status, Status::Stopped);
    assert_eq!(row.message, "");
    assert_eq!(row.created_at, START.plus(-5000), "a found model was made when it says so");
    assert_eq!(row.modified_at, Some(START.plus(-5000)));
    assert_eq!((row.install, row.run), (Install::Ready, Run::Stopped));
    assert_eq!(row.quantization.as_deref(), Some("Q4_K_M"));
    assert_eq!(row.registry, "registry.ollama.ai");
    assert_eq!(row.seen_at, Some(START));
    assert!(row.online);
    let json = serde_json::to_value(&row).expect("a row is JSON");
    for key in ["id", "name", "size", "from", "logFileExist", "status", "message", "createdAt"] {
        assert!(json.get(key).is_some(), "{key}");
    }
}

// criterion: 0.9
// criterion: 1.2
#[tokio::test]
async fn a_name_is_found_by_any_part_in_any_case_and_wildcards_mean_themselves() {
    let stage = Stage::quiet(shelf()).await;
    assert_eq!(names(&stage, named("BIG")).await, ["hf.co/team/Big-GGUF:Q4"]);
    assert_eq!(names(&stage, named("  13B ")).await, ["m:13b"]);
    assert_eq!(names(&stage, named("_")).await, ["under_score:1"]);
    assert!(names(&stage, named("%")).await.is_empty());
    assert!(names(&stage, named("\\")).await.is_empty());
    assert!(names(&stage, named("' OR 1=1 --")).await.is_empty());
    assert_eq!(page(&stage, ModelSearchRequest::default()).await.total, 5);
}

// criterion: 1.2
#[tokio::test]
async fn all_conditions_hold_at_once() {
    let stage = Stage::quiet(shelf()).await;
    stage.start("m:7b").await;
    let running = ModelSearchRequest {
        name: "m:".to_owned(),
        status: vec![Status::Running],
        from: vec![Origin::Official],
        min_size: Some("4.4 gb".to_owned()),
        max_size: Some("5GB".to_owned()),
        instance_id: Some(stage.instance),
        ..Default::default()
    };
    let found = page(&stage, running.clone()).await;
    assert_eq!(found.items.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["m:7b"]);
    assert_eq!(Some(found.bytes), found.items[0].bytes);
    for other in [
        ModelSearchRequest { name: "13".to_owned(), ..running.clone() },
        ModelSearchRequest { status: vec![Status::Failed], ..running.clone() },
        ModelSearchRequest { from: vec![Origin::Remote], ..running.clone() },
        ModelSearchRequest { min_size: Some("5 GB".to_owned()), ..running.clone() },
        ModelSearchRequest { max_size: Some("4.45GB".to_owned()), ..running.clone() },
    ] {
        assert_eq!(page(&stage, other.clone()).await.total, 0, "{other:?}");
    }
}

// criterion: 1.2
#[tokio::test]
async fn bad_sizes_and_pages_are_refused_by_field() {
    let stage = Stage::quiet([]).await;
    let sizes = |min: &str, max: &str| ModelSearchRequest {
        min_size: Some(min.to_owned()),
        max_size: Some(max.to_owned()),
        ..Default::default()
    };
    let cases = [
        (sizes("-1", "1"), "minSize", "sizeNegative"),
        (sizes("1e99", "1"), "minSize", "sizeUnknownUnit"),
        (sizes("1", "4 XB"), "maxSize", "sizeUnknownUnit"),
        (sizes("2GB", "1GB"), "minSize", "minAboveMax"),
        (ModelSearchRequest { page_size: 501, ..Default::default() }, "pageSize", "outOfRange"),
    ];
    for (request, field, reason) in cases {
        let expected = (field.to_owned(), reason.to_owned());
        assert_eq!(refused(&stage, request.clone()).await, expected, "{request:?}");
    }
}

// criterion: 1.2
#[tokio::test]
async fn a_page_past_the_end_is_the_last_page() {
    let stage = Stage::quiet(shelf()).await;
    let ask = |number| ModelSearchRequest { page: number, page_size: 2, ..Default::default() };
    let last = page(&stage, ask(99)).await;
    assert_eq!((last.page, last.total, last.items.len()), (3, 5, 1));
    let mut seen = Vec::new();
    for number in 1..=3 {
        seen.extend(names(&stage, ask(number)).await);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5, "every row on exactly one page");
    let none = page(&stage, ModelSearchRequest { page: 7, ..named("nothing like it") }).await;
    assert_eq!((none.page, none.total), (1, 0));
}

// criterion: 1.3
#[tokio::test]
async fn sorts_by_every_key_and_unknown_sizes_come_last_both_ways() {
    let mut shelf = shelf();
    let mut cloud = library::pick("qwen3:8b");
    cloud.name = Model::new("cloudy:480b-cloud").name;
    shelf.push(cloud);
    let stage = Stage::quiet(shelf).await;
    let up = names(&stage, sorted(SortKey::Name, false)).await;
    assert_eq!(
        up,
        [
            "cloudy:480b-cloud",
            "hf.co/team/Big-GGUF:Q4",
            "M-small:7b",
            "m:7b",
            "m:13b",
            "under_score:1"
        ]
    );
    let mut down = names(&stage, sorted(SortKey::Name, true)).await;
    down.reverse();
    assert_eq!(up, down);
    let created = names(&stage, sorted(SortKey::CreatedAt, false)).await;
    assert_eq!(created[..3], ["under_score:1", "hf.co/team/Big-GGUF:Q4", "m:13b"]);
    let sizes = page(&stage, sorted(SortKey::Size, true)).await.items;
    assert_eq!(sizes[0].name, "hf.co/team/Big-GGUF:Q4");
    stage.start("m:13b").await;
    assert_eq!(names(&stage, sorted(SortKey::Status, false)).await[0], "m:13b");
    let unsorted = page(&stage, ModelSearchRequest::default()).await.items;
    assert!(unsorted.is_sorted_by_key(|row| row.id), "without a key the order of first sight");
}

#[tokio::test]
async fn pages_of_every_order_join_without_gap_or_repetition() {
    let mut shelf = shelf();
    for name in ["cloudy:480b-cloud", "cloudier:1b-cloud"] {
        let mut cloud = library::pick("qwen3:8b");
        cloud.name = Model::new(name).name;
        shelf.push(cloud);
    }
    let stage = Stage::quiet(shelf).await;
    let orders = SortKey::ALL.iter().copied().map(Some).chain([None]);
    for (key, desc) in orders.flat_map(|key| [(key, false), (key, true)]) {
        let ask = |page, page_size| ModelSearchRequest {
            page,
            page_size,
            sort_by: key,
            sort_desc: desc,
            ..Default::default()
        };
        let whole = names(&stage, ask(1, 500)).await;
        assert_eq!(whole.len(), 7);
        for size in 1..=7 {
            let mut joined = Vec::new();
            for number in 1..=7_u32.div_ceil(size) {
                joined.extend(names(&stage, ask(number, size)).await);
            }
            assert_eq!(joined, whole, "{key:?} {desc} by {size}");
        }
    }
}

/// Pages far from the beginning are found from the end; down is the reverse of up.
#[tokio::test]
async fn far_pages_are_what_the_other_direction_begins_with() {
    let stage = Stage::quiet(library::many(2_450, &Clock::system())).await;
    let orders = SortKey::ALL.iter().copied().map(Some).chain([None]);
    for (key, desc) in orders.flat_map(|key| [(key, false), (key, true)]) {
        let ask = |page, desc| ModelSearchRequest {
            page,
            page_size: 100,
            sort_by: key,
            sort_desc: desc,
            ..Default::default()
        };
        let mut far = Vec::new();
        for number in 22..=25 {
            far.extend(names(&stage, ask(number, desc)).await);
        }
        let mut begin = Vec::new();
        for number in 1..=4 {
            begin.extend(names(&stage, ask(number, !desc)).await);
        }
        begin.truncate(350);
        begin.reverse();
        assert_eq!(far, begin, "{key:?} {desc}");
    }
}

#[tokio::test]
async fn counts_agree_with_what_a_search_finds() {
    let stage = Stage::quiet(shelf()).await;
    stage.start("m:7b").await;
    let counts = stage.bench.ask::<call::Counts>(CountModels::default()).await.expect("counts");
    let all = page(&stage, ModelSearchRequest::default()).await;
    assert_eq!((counts.total, counts.bytes), (all.total, all.bytes));
    assert_eq!((counts.of(Status::Running), counts.of(Status::Stopped)), (1, 4));
    let nowhere = CountModels { instance_id: Some(corral_contract::InstanceId(999)) };
    assert_eq!(stage.bench.ask::<call::Counts>(nowhere).await.expect("counts").total, 0);
}

#[test]
fn any_text_finds_what_contains_it_and_any_sort_is_stable() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let shelf: Vec<Model> = (0..40)
        .map(|index| {
            let base = ["a_b", "a-b", "A.b", "under__", "x1y22", "x1y3"][index % 6];
            Model::new(&format!("{base}{}:v{index}", index * 37 % 11))
                .weights_size(1_000 + (index as u64 % 7) * 500)
                .modified_at(time(Timestamp(START.0 - (index as i64 % 5) * 1000)))
        })
        .collect();
    let stage = runtime.block_on(Stage::quiet(shelf));
    let all =
        runtime.block_on(page(&stage, ModelSearchRequest { page_size: 500, ..Default::default() }));
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() };
    proptest!(config, |(text in "[a-zA-Z0-9_%.:\\\\-]{0,4}", key in 0_usize..5, desc: bool)| {
        let sort_by = (key < 4).then(|| SortKey::ALL[key]);
        let request = ModelSearchRequest {
            page_size: 500, sort_by, sort_desc: desc, ..named(&text)
        };
        let found = runtime.block_on(page(&stage, request));
        let mut expected: Vec<_> = all
            .items
            .iter()
            .filter(|row| row.name.to_lowercase().contains(&text.to_lowercase()))
            .collect();
        // `all` is in the order of ids, which decides between equals; down is the reverse of up.
        match sort_by {
            None => {}
            Some(SortKey::Name) => expected.sort_by_key(|row| natural_key(&row.name)),
            Some(SortKey::Size) => expected.sort_by_key(|row| row.bytes),
            Some(SortKey::CreatedAt) => expected.sort_by_key(|row| row.created_at),
            // All are stopped: by name.
            Some(SortKey::Status) => expected.sort_by_key(|row| natural_key(&row.name)),
        }
        if desc {
            expected.reverse();
        }
        let expected: Vec<_> = expected.iter().map(|row| &row.name).collect();
        let found: Vec<_> = found.items.iter().map(|row| &row.name).collect();
        prop_assert_eq!(found, expected);
    });
}
