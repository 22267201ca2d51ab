use corral_contract::{
    InstanceId, JobId, Timestamp,
    progress::{Phase, Progress},
    status::{Install, Origin, Run, Status},
};

use super::*;

fn row(id: i64, status: Status) -> ModelRow {
    ModelRow {
        label: Default::default(),
        preload: false,
        id: ModelId(id),
        name: format!("model{id}:latest"),
        size: "1.0 GB".to_owned(),
        from: Origin::Official,
        log_file_exist: false,
        status,
        message: String::new(),
        created_at: Timestamp(id),
        instance: InstanceId(1),
        install: Install::Ready,
        run: Run::Stopped,
        bytes: Some(1_000_000_000),
        registry: "registry.ollama.ai".to_owned(),
        digest: None,
        modified_at: None,
        family: None,
        parameter_size: None,
        quantization: None,
        context_length: None,
        capabilities: Vec::new(),
        cloud: false,
        aliases: Vec::new(),
        memory: None,
        progress: None,
        job: None,
        operation: None,
        last_task: None,
        problem: None,
        actions: Vec::new(),
        online: true,
        seen_at: None,
        checked: None,
        update: None,
        last_used: None,
        pinned: false,
    }
}

fn page(number: u32, ids: std::ops::Range<i64>, total: u64, seq: u64) -> ModelPage {
    ModelPage {
        items: ids.map(|id| row(id, Status::Stopped)).collect(),
        total,
        bytes: total * 1_000_000_000,
        page: number,
        seq,
    }
}

/// 250 models, the first page loaded.
fn loaded() -> Models {
    let mut models = Models::default();
    let query = models.query().clone();
    let stale = models.stale();
    assert!(models.fill(&query, stale, &[page(1, 0..50, 250, 10)]));
    models
}

// criterion: 1.1
#[test]
fn only_the_pages_in_view_are_asked_for() {
    let mut models = Models::default();
    assert_eq!(models.missing(0, 20), [1]);
    models = loaded();
    assert_eq!(models.total(), 250);
    assert_eq!(models.missing(0, 20), Vec::<u32>::new());
    assert_eq!(models.missing(40, 60), [2]);
    assert_eq!(models.missing(90, 115), [2, 3]);
    assert!(models.at(49).is_some());
    assert!(models.at(50).is_none());
}

// criterion: 12.8
#[test]
fn an_event_changes_its_row_and_asks_nothing() {
    let mut models = loaded();
    assert!(models.apply(11, &AppEvent::Models(vec![row(5, Status::Running)])));
    assert_eq!(models.at(5).map(|row| row.status), Some(Status::Running));
    assert_eq!(models.missing(0, 20), Vec::<u32>::new());
}

#[test]
fn a_change_that_moves_a_row_asks_again() {
    let mut models = loaded();
    models.ask(ModelSearchRequest { sort_by: Some(SortKey::Status), ..Default::default() });
    let query = models.query().clone();
    let stale = models.stale();
    assert!(models.fill(&query, stale, &[page(1, 0..50, 250, 11)]));
    models.apply(12, &AppEvent::Models(vec![row(5, Status::Running)]));
    assert_eq!(models.missing(0, 20), [1]);
    // What shows stays until the answer is there.
    assert!(models.at(0).is_some());
}

// criterion: 12.8
#[test]
fn a_row_out_of_view_asks_once_and_then_only_when_its_place_may_change() {
    let mut models = loaded();
    let answer = |models: &mut Models| {
        let (query, stale) = (models.query().clone(), models.stale());
        assert!(models.fill(&query, stale, &[page(1, 0..50, 250, 20)]));
    };
    // Nothing is known of it: it may be new.
    models.apply(21, &AppEvent::Models(vec![row(200, Status::Starting)]));
    assert_eq!(models.missing(0, 20), [1]);
    answer(&mut models);
    models.apply(22, &AppEvent::Models(vec![row(200, Status::Running)]));
    assert_eq!(models.missing(0, 20), Vec::<u32>::new());

    let by_status = ModelSearchRequest { sort_by: Some(SortKey::Status), ..Default::default() };
    models.ask(by_status);
    answer(&mut models);
    models.apply(23, &AppEvent::Models(vec![row(200, Status::Stopped)]));
    assert_eq!(models.missing(0, 20), [1], "the order is by what has changed");
    answer(&mut models);

    // One that was removed is new when it comes back.
    models.apply(24, &AppEvent::ModelsRemoved(vec![ModelId(200)]));
    answer(&mut models);
    models.apply(25, &AppEvent::Models(vec![row(200, Status::Stopped)]));
    assert_eq!(models.missing(0, 20), [1]);
}

// criterion: 0.8
#[test]
fn an_older_page_does_not_undo_an_event() {
    let mut models = loaded();
    models.apply(20, &AppEvent::Models(vec![row(5, Status::Running)]));
    models.apply(21, &AppEvent::ModelsRemoved(vec![ModelId(6)]));
    let query = models.query().clone();
    let stale = models.stale();
    assert!(models.fill(&query, stale, &[page(1, 0..50, 250, 15)]));
    assert_eq!(models.at(5).map(|row| row.status), Some(Status::Running));
    assert!(models.get(ModelId(6)).is_none());
}

// criterion: 0.8
#[test]
fn rows_that_are_older_than_the_snapshot_show_and_are_asked_for_again() {
    let mut models = Models::default();
    models.load(12, &ModelCounts::default());
    let (query, stale) = (models.query().clone(), models.stale());
    assert!(models.fill(&query, stale, &[page(1, 0..0, 0, 11)]));
    assert!(models.answered());
    assert_eq!(models.missing(0, 20), [1]);
    let stale = models.stale();
    assert!(models.fill(&query, stale, &[page(1, 0..1, 1, 12)]));
    assert_eq!(models.missing(0, 20), Vec::<u32>::new());
    assert!(models.at(0).is_some());
}

#[test]
fn a_removed_row_goes_at_once_and_the_list_closes_up() {
    let mut models = loaded();
    models.apply(11, &AppEvent::ModelsRemoved(vec![ModelId(0)]));
    assert_eq!(models.total(), 249);
    assert_eq!(models.at(0).map(|row| row.id), Some(ModelId(1)));
}

#[test]
fn the_answer_of_another_query_is_dropped() {
    let mut models = loaded();
    let old = models.query().clone();
    let stale = models.stale();
    models.ask(ModelSearchRequest { name: "x".to_owned(), ..Default::default() });
    assert!(!models.fill(&old, stale, &[page(1, 0..50, 250, 12)]));
    assert_eq!(models.missing(0, 20), [1]);
}

#[test]
fn pages_after_a_change_replace_all_older_ones() {
    let mut models = loaded();
    models.apply(11, &AppEvent::ModelsReload(None));
    let query = models.query().clone();
    let stale = models.stale();
    assert!(models.fill(&query, stale, &[page(5, 200..230, 230, 12)]));
    assert_eq!(models.total(), 230);
    assert!(models.at(0).is_none());
    assert_eq!(models.at(229).map(|row| row.id), Some(ModelId(229)));
}

#[test]
fn progress_reaches_its_row_only() {
    let mut models = loaded();
    let progress = Progress {
        job: JobId(1),
        model: ModelId(3),
        phase: Phase::Fetching,
        done: 5,
        total: Some(10),
        speed: None,
        left_seconds: None,
        again: 0,
        shown: None,
        layers: Vec::new(),
    };
    assert!(models.apply(11, &AppEvent::Progress(vec![progress.clone()])));
    assert_eq!(models.at(3).and_then(|row| row.progress.clone()), Some(progress.clone()));
    let elsewhere = Progress { model: ModelId(200), ..progress };
    assert!(!models.apply(12, &AppEvent::Progress(vec![elsewhere])));
}

// criterion: 12.4
#[test]
fn a_range_takes_what_lies_between() {
    let models = loaded();
    let ids: Vec<_> = models.between(4, 2).collect();
    assert_eq!(ids, [ModelId(2), ModelId(3), ModelId(4)]);
    assert_eq!(models.between(240, 500).count(), 0);
}

// criterion: 12.4
#[test]
fn the_selection_follows_rows_and_not_places() {
    let mut models = loaded();
    models.toggle(2);
    models.extend(4);
    assert_eq!(models.selected().len(), 3);
    models.apply(11, &AppEvent::ModelsRemoved(vec![ModelId(0), ModelId(3)]));
    assert!(models.is_selected(1));
    assert!(models.is_selected(2));
    assert_eq!(models.selected().len(), 2);
    models.toggle(1);
    assert_eq!(models.selected_rows().len(), 1);
    models.select_none();
    assert!(models.selected().is_empty());
}
