//! What the tray shows, as a function of what is.

use corral_contract::{
    InstanceId, ModelId,
    app::{Health, Subsystem},
    downloads::QueueMetrics,
    event::AppEvent,
    instances::ApiState,
    models::ModelCounts,
    settings::{Language, Settings},
    status::Status,
};
use corral_locale::Locale;
use corral_shell::tray::{
    menu::{Act, Entry, MOST, entries, status},
    picture::{Icon, Named, Picture, Step},
};

fn named(id: i64, name: &str) -> Named {
    Named { id: ModelId(id), name: name.to_owned(), moving: false, presets: Vec::new() }
}

fn with_instances(states: &[ApiState]) -> Picture {
    let instances = states
        .iter()
        .enumerate()
        .map(|(place, state)| (InstanceId(place as i64 + 1), format!("desk{}", place + 1), *state))
        .collect();
    Picture { instances, ..Picture::default() }
}

fn acts(entries: &[Entry]) -> Vec<Act> {
    entries
        .iter()
        .flat_map(|entry| match entry {
            Entry::Does(_, act) => act.iter().copied().collect(),
            Entry::Opens(_, inner) => acts(inner),
            Entry::Says(_) | Entry::Line => Vec::new(),
        })
        .collect()
}

#[test]
fn the_icon_shows_the_most_pressing_state() {
    assert_eq!(Picture::default().icon(), Icon::Off, "no instance");
    assert_eq!(with_instances(&[ApiState::Down]).icon(), Icon::Off);
    assert_eq!(with_instances(&[ApiState::Checking]).icon(), Icon::Off);
    assert_eq!(with_instances(&[ApiState::Ok]).icon(), Icon::Idle);
    assert_eq!(with_instances(&[ApiState::Ok, ApiState::Down]).icon(), Icon::Warning);

    let mut picture = with_instances(&[ApiState::Ok]);
    picture.loaded = vec![named(1, "a:latest")];
    assert_eq!(picture.icon(), Icon::Running);
    picture.queue.running = 1;
    assert_eq!(picture.icon(), Icon::Busy);
    picture.crashed = 1;
    assert_eq!(picture.icon(), Icon::Warning);

    let mut starting = with_instances(&[ApiState::Limited]);
    starting.loaded = vec![Named { moving: true, ..named(1, "a:latest") }];
    assert_eq!(starting.icon(), Icon::Busy);
}

#[test]
fn open_and_quit_are_always_in_the_menu() {
    for picture in [Picture::default(), with_instances(&[ApiState::Ok])] {
        for locale in Locale::ALL {
            assert_eq!(acts(&entries(&picture, *locale)), [Act::Open, Act::Quit]);
        }
    }
}

#[test]
fn loaded_models_can_be_stopped_and_recent_ones_started() {
    let mut picture = with_instances(&[ApiState::Ok]);
    picture.loaded = vec![named(1, "a:latest"), Named { moving: true, ..named(2, "b:latest") }];
    picture.recent = vec![named(3, "c:latest")];
    let entries = entries(&picture, Locale::En);
    assert_eq!(
        acts(&entries),
        [Act::Stop(ModelId(1)), Act::StopAll, Act::Start(ModelId(3)), Act::Open, Act::Quit]
    );
    assert!(entries.contains(&Entry::Does("Stop b:latest".to_owned(), None)), "on its way already");
}

#[test]
fn downloads_can_be_paused_and_resumed() {
    let mut picture = with_instances(&[ApiState::Ok]);
    picture.queue = QueueMetrics { waiting: 1, ..QueueMetrics::default() };
    assert_eq!(acts(&entries(&picture, Locale::En)), [Act::PauseAll, Act::Open, Act::Quit]);
    picture.queue = QueueMetrics { running: 1, paused: 1, ..QueueMetrics::default() };
    assert_eq!(
        acts(&entries(&picture, Locale::En)),
        [Act::PauseAll, Act::ResumeAll, Act::Open, Act::Quit]
    );
    picture.queue = QueueMetrics { paused: 2, ..QueueMetrics::default() };
    assert_eq!(acts(&entries(&picture, Locale::En)), [Act::ResumeAll, Act::Open, Act::Quit]);
}

#[test]
fn a_long_list_names_some_and_counts_the_rest() {
    let mut picture = with_instances(&[ApiState::Ok]);
    picture.loaded = (0..20).map(|id| named(id, &format!("m{id}:latest"))).collect();
    let entries = entries(&picture, Locale::En);
    let stops = acts(&entries).iter().filter(|act| matches!(act, Act::Stop(_))).count();
    assert_eq!(stops, MOST);
    assert!(entries.contains(&Entry::Says("and 12 more".to_owned())), "{entries:?}");
    assert!(status(&picture, Locale::En).contains("20 models loaded"));
}

#[test]
fn the_status_line_speaks_both_languages() {
    let mut picture = with_instances(&[ApiState::Ok, ApiState::Down]);
    picture.loaded = vec![named(1, "a:latest")];
    picture.queue = QueueMetrics { running: 2, speed: 12_300_000, ..QueueMetrics::default() };
    assert_eq!(
        status(&picture, Locale::En),
        "desk2 does not answer · 1 model loaded · 2 downloads, 12 MB/s"
    );
    assert_eq!(
        status(&picture, Locale::ZhCn),
        "desk2 没有响应 · 1 个模型已加载 · 2 个下载，12 MB/s"
    );
    assert_eq!(status(&with_instances(&[ApiState::Ok]), Locale::En), "Nothing loaded");
}

#[test]
fn identifiers_of_the_menu_lead_back() {
    for act in [
        Act::Stop(ModelId(42)),
        Act::Start(ModelId(7)),
        Act::StopAll,
        Act::PauseAll,
        Act::ResumeAll,
        Act::Open,
        Act::Quit,
    ] {
        assert_eq!(Act::parse(&act.id()), Some(act));
    }
    for foreign in ["", "stop", "stop:", "stop:x", "delete:1", "open:1"] {
        assert_eq!(Act::parse(foreign), None, "{foreign}");
    }
}

// criterion: 12.8
#[test]
fn the_picture_follows_the_same_events_as_the_window() {
    let mut picture = with_instances(&[ApiState::Ok]);
    let queue = QueueMetrics { running: 3, ..QueueMetrics::default() };
    assert_eq!(picture.follow(&AppEvent::Queue(queue.clone())), Step::Redraw);
    assert_eq!(picture.queue, queue);

    let counts = ModelCounts {
        total: 2,
        bytes: 0,
        by_status: vec![(Status::Crashed, 2)],
        ..Default::default()
    };
    assert_eq!(picture.follow(&AppEvent::Counts(counts)), Step::Redraw);
    assert_eq!(picture.crashed, 2);

    let settings = Settings { language: Language::En, ..Settings::default() };
    assert_eq!(picture.follow(&AppEvent::Settings(settings)), Step::Redraw);
    assert_eq!(picture.language, Some(Language::En));

    let part = |health| {
        let name = "sync".to_owned();
        AppEvent::Subsystem(Subsystem { name, health, restarts: 1, problem: None })
    };
    picture.follow(&part(Health::Degraded));
    picture.follow(&part(Health::Degraded));
    assert_eq!(picture.ill, ["sync"]);
    picture.follow(&part(Health::Ok));
    assert!(picture.ill.is_empty());

    assert_eq!(picture.follow(&AppEvent::ModelsReload(None)), Step::AskModels);
    assert_eq!(picture.follow(&AppEvent::Models(Vec::new())), Step::Nothing);
    assert_eq!(picture.follow(&AppEvent::Progress(Vec::new())), Step::Nothing);
    assert_eq!(picture.follow(&AppEvent::Resync), Step::AskAll);
    assert_eq!(picture.follow(&AppEvent::InstanceRemoved(InstanceId(1))), Step::AskModels);
    assert!(picture.instances.is_empty());
}

#[test]
fn a_recent_model_with_presets_can_be_started_with_each() {
    let mut picture = with_instances(&[ApiState::Ok]);
    let presets = vec![(7, "long".to_owned()), (9, "short".to_owned())];
    picture.recent = vec![named(1, "a:latest"), Named { presets, ..named(3, "c:latest") }];
    let offered = acts(&entries(&picture, Locale::ZhCn));
    let with = |preset| Act::StartWith(ModelId(3), preset);
    let wanted =
        [Act::Start(ModelId(1)), Act::Start(ModelId(3)), with(7), with(9), Act::Open, Act::Quit];
    assert_eq!(offered, wanted);
    assert_eq!(Act::parse(&with(9).id()), Some(with(9)));
    assert_eq!(Act::parse("start-with:3"), None);
}
