use corral_contract::{
    ErrorCode, ModelId,
    event::AppEvent,
    instances::InstanceRef,
    labels::{EditLabels, Label, PutLabels, SaveView, ViewRef, call},
    models::{self, DeleteModels, ListExport, ListFormat, ModelSearchRequest},
    settings::{self, Settings},
    sync,
    tasks::TaskState,
};
use corral_testbed::ollama::library;

use crate::stage::Stage;

fn tagged(ids: &[ModelId], tags: &[&str]) -> EditLabels {
    let add_tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    EditLabels { ids: ids.to_vec(), add_tags, ..EditLabels::default() }
}

async fn names(stage: &Stage, request: ModelSearchRequest) -> Vec<String> {
    let page = stage.bench.ask::<models::call::Search>(request).await.expect("a page");
    page.items.into_iter().map(|row| row.name).collect()
}

/// Another client copies a model.
async fn copied(stage: &Stage, from: &str, to: &str) {
    let body = serde_json::json!({ "source": from, "destination": to });
    let copy = reqwest::Client::new().post(format!("{}/api/copy", stage.server.url()));
    let answer = copy.body(body.to_string()).send().await.expect("it answers");
    assert!(answer.status().is_success());
}

async fn synced(stage: &Stage) {
    let request = InstanceRef { id: stage.instance };
    stage.bench.ask::<sync::call::Run>(request).await.expect("a sync");
}

async fn shelf() -> Stage {
    Stage::quiet(["llama3.2:3b", "qwen3:8b", "nomic-embed-text:latest"].map(library::pick)).await
}

// criterion: 1.2
#[tokio::test]
async fn models_are_found_by_favourite_tag_note_and_pinyin() {
    let stage = shelf().await;
    let (llama, qwen) = (stage.id("llama3.2:3b").await, stage.id("qwen3:8b").await);
    stage.bench.ask::<call::Edit>(tagged(&[llama, qwen], &["聊天", "Work"])).await.expect("tagged");
    let edit = EditLabels {
        ids: vec![qwen],
        favourite: Some(true),
        note: Some("给产品组用的".to_owned()),
        ..EditLabels::default()
    };
    stage.bench.ask::<call::Edit>(edit).await.expect("a favourite");

    let by_name = |name: &str| ModelSearchRequest { name: name.to_owned(), ..Default::default() };
    for text in ["聊天", "lt", "liaotian", "WORK"] {
        assert_eq!(names(&stage, by_name(text)).await, ["llama3.2:3b", "qwen3:8b"], "{text}");
    }
    assert_eq!(names(&stage, by_name("产品组")).await, ["qwen3:8b"]);
    assert_eq!(names(&stage, by_name("%")).await, [""; 0], "a sign of LIKE means itself");
    let favourites = ModelSearchRequest { favourite: true, ..Default::default() };
    assert_eq!(names(&stage, favourites).await, ["qwen3:8b"]);
    let by_tag =
        |tag: &str| ModelSearchRequest { tags: vec![tag.to_owned()], ..Default::default() };
    assert_eq!(names(&stage, by_tag("work")).await, ["llama3.2:3b", "qwen3:8b"]);
    assert_eq!(names(&stage, by_tag("wor")).await, [""; 0], "a tag is whole");
    let both = ModelSearchRequest { favourite: true, ..by_tag("work") };
    assert_eq!(names(&stage, both).await, ["qwen3:8b"], "conditions are combined");
    let can =
        ModelSearchRequest { capabilities: vec!["embedding".to_owned()], ..Default::default() };
    assert_eq!(names(&stage, can).await, ["nomic-embed-text:latest"]);
}

// Deletes are done by a worker.
#[tokio::test]
async fn labels_outlive_a_delete_and_follow_the_content() {
    let stage =
        Stage::alive(["llama3.2:3b", "qwen3:8b", "nomic-embed-text:latest"].map(library::pick))
            .await;
    let id = stage.id("qwen3:8b").await;
    stage.bench.ask::<call::Edit>(tagged(&[id], &["keep"])).await.expect("tagged");
    copied(&stage, "qwen3:8b", "mine:1").await;
    synced(&stage).await;
    assert_eq!(stage.row("mine:1").await.label.tags, ["keep"], "a copy inherits");

    let copy = stage.id("mine:1").await;
    let gone = EditLabels {
        ids: vec![copy],
        remove_tags: vec!["KEEP".to_owned()],
        ..EditLabels::default()
    };
    stage.bench.ask::<call::Edit>(gone).await.expect("taken off");
    assert!(stage.row("mine:1").await.label.is_empty(), "a name of its own is no longer inherits");
    assert_eq!(stage.row("qwen3:8b").await.label.tags, ["keep"]);

    let settings = Settings { undo_seconds: 0, ..Settings::default() };
    stage.bench.ask::<settings::call::Update>(settings).await.expect("no time to take it back");
    let those = DeleteModels { ids: vec![id], ..Default::default() };
    stage.bench.ask::<models::call::Delete>(those).await.expect("accepted");
    stage
        .server
        .until("it is deleted", |server| server.store(|store| store.len()) == 3)
        .await
        .expect("soon");
    stage.until("qwen3:8b", |row| row.is_none()).await;
    assert!(stage.find("qwen3:8b").await.is_none());
    stage.server.install(library::pick("qwen3:8b"));
    synced(&stage).await;
    assert_eq!(stage.row("qwen3:8b").await.label.tags, ["keep"], "it has its label again");
}

#[tokio::test]
async fn a_change_is_told_and_can_be_taken_back() {
    let stage = shelf().await;
    let ids = [stage.id("llama3.2:3b").await, stage.id("qwen3:8b").await];
    stage.bench.ask::<call::Edit>(tagged(&ids[..1], &["a"])).await.expect("tagged");
    let mut events = stage.bench.core.bus.listen();
    let edited = stage.bench.ask::<call::Edit>(tagged(&ids, &["A", "b"])).await.expect("tagged");
    let mut labels = None;
    while labels.is_none() {
        if let AppEvent::Labels(view) = &events.next().await.expect("the core lives").event {
            labels = Some(view.clone());
        }
    }
    let labels = labels.expect("it is told");
    let counts: Vec<_> =
        labels.tags.iter().map(|tag| (tag.tag.to_lowercase(), tag.models)).collect();
    assert_eq!(counts, [("a".to_owned(), 2), ("b".to_owned(), 2)], "one tag whatever its case");
    stage.bench.ask::<call::Put>(PutLabels { items: edited.before }).await.expect("taken back");
    assert_eq!(stage.row("llama3.2:3b").await.label.tags, ["a"]);
    assert_eq!(stage.row("qwen3:8b").await.label, Label::default());
}

#[tokio::test]
async fn bad_labels_and_views_are_refused_by_field() {
    let stage = shelf().await;
    let id = stage.id("qwen3:8b").await;
    let long = "x".repeat(41);
    for (request, reason) in [
        (tagged(&[id], &[" "]), "empty"),
        (tagged(&[id], &[&long]), "tooLong"),
        (tagged(&[id], &["a,b"]), "comma"),
        (tagged(&[id], &["a\u{202e}b"]), "controlCharacter"),
        (tagged(&[], &["a"]), "outOfRange"),
        (EditLabels { note: Some("x".repeat(4001)), ..tagged(&[id], &[]) }, "tooLong"),
    ] {
        let refused = stage.bench.ask::<call::Edit>(request).await.expect_err("it is refused");
        assert_eq!(
            (refused.code, refused.params["reason"].as_str()),
            (ErrorCode::InvalidInput, reason)
        );
    }
    let many: Vec<String> = (0..21).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let refused = stage.bench.ask::<call::Edit>(tagged(&[id], &many)).await.expect_err("refused");
    assert_eq!(refused.params["reason"], "tooMany");
    assert!(stage.row("qwen3:8b").await.label.is_empty(), "nothing was kept of it");
    let missing = stage.bench.ask::<call::Edit>(tagged(&[ModelId(9999)], &["a"])).await;
    assert_eq!(missing.expect_err("there is no such row").code, ErrorCode::NotFound);

    let view = |name: &str| SaveView {
        id: None,
        name: name.to_owned(),
        filter: serde_json::json!({"name": "q"}),
    };
    let kept = stage.bench.ask::<call::KeepView>(view(" Small ones ")).await.expect("kept");
    let twice = stage.bench.ask::<call::KeepView>(view("small ONES")).await;
    assert_eq!(twice.expect_err("the name is taken").code, ErrorCode::AlreadyExists);
    let again = SaveView { id: Some(kept.id), ..view("Larger ones") };
    stage.bench.ask::<call::KeepView>(again).await.expect("renamed");
    let gone = stage.bench.ask::<call::DropView>(ViewRef { id: kept.id }).await.expect("gone");
    assert_eq!((gone.name.as_str(), gone.filter["name"].as_str()), ("Larger ones", Some("q")));
    let nothing = stage.bench.ask::<call::DropView>(ViewRef { id: kept.id }).await;
    assert_eq!(nothing.expect_err("it is gone").code, ErrorCode::NotFound);
}

// criterion: 1.4
#[tokio::test]
async fn what_is_shown_is_written_as_a_table() {
    let stage = shelf().await;
    let id = stage.id("qwen3:8b").await;
    stage.bench.ask::<call::Edit>(tagged(&[id], &["=1+1"])).await.expect("tagged");
    let path = stage.bench.folder.path().join("list.csv");
    let search = ModelSearchRequest { name: "q".to_owned(), ..Default::default() };
    let request = ListExport {
        path: path.display().to_string(),
        format: ListFormat::Csv,
        search: search.clone(),
        ids: Vec::new(),
        columns: ["name", "bytes", "tags", "modelfile"].map(str::to_owned).to_vec(),
        overwrite: false,
    };
    let begun =
        stage.bench.ask::<models::call::ExportTable>(request.clone()).await.expect("begins");
    assert_eq!(stage.ended(begun.task).await.state, TaskState::Done);
    let text = std::fs::read_to_string(&path).expect("the file");
    let row = stage.row("qwen3:8b").await;
    let head = format!(
        "\u{feff}name,bytes,tags,modelfile\r\nqwen3:8b,{},'=1+1,",
        row.bytes.expect("a size")
    );
    assert!(text.starts_with(&head), "{text}");
    assert!(text.contains("FROM "), "with its Modelfile: {text}");

    let twice = stage.bench.ask::<models::call::ExportTable>(request.clone()).await;
    assert_eq!(twice.expect_err("it is there").code, ErrorCode::AlreadyExists);
    let json = ListExport {
        format: ListFormat::Json,
        overwrite: true,
        ids: vec![stage.id("llama3.2:3b").await],
        search: ModelSearchRequest::default(),
        columns: Vec::new(),
        ..request.clone()
    };
    let begun = stage.bench.ask::<models::call::ExportTable>(json).await.expect("begins");
    assert_eq!(stage.ended(begun.task).await.state, TaskState::Done);
    let list: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).expect("the file")).expect("JSON");
    assert_eq!(list["models"].as_array().map(Vec::len), Some(1));
    assert_eq!(list["models"][0]["name"], "llama3.2:3b");
    assert_eq!(list["models"][0]["instance"], "lab");

    let bad = |change: fn(&mut ListExport)| {
        let mut request = request.clone();
        change(&mut request);
        request
    };
    for (request, field, reason) in [
        (bad(|it| it.path = "list.csv".to_owned()), "path", "notAbsolute"),
        (bad(|it| it.path.push_str("/no/such.csv")), "path", "noSuchFolder"),
        (bad(|it| it.columns = vec!["secret".to_owned()]), "columns", "unknown"),
        (bad(|it| it.search.min_size = Some("many".to_owned())), "minSize", "sizeNotANumber"),
    ] {
        let request = ListExport { overwrite: true, ..request };
        let refused = stage.bench.ask::<models::call::ExportTable>(request).await;
        let refused = refused.expect_err("it is refused");
        let told = (refused.params["field"].as_str(), refused.params["reason"].as_str());
        assert_eq!(told, (field, reason));
    }
}
