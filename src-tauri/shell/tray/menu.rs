//! The menu as data: what it says is decided here and tested without a tray.

use corral_contract::{ModelId, instances::ApiState, size};
use corral_locale::{Locale, text};

use super::picture::{Named, Picture};

/// Models of one kind that the menu names; the window shows the others.
pub const MOST: usize = 8;

/// What an entry does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Stop(ModelId),
    Start(ModelId),
    /// With one of its presets.
    StartWith(ModelId, i64),
    StopAll,
    PauseAll,
    ResumeAll,
    Open,
    Quit,
}

impl Act {
    /// The entry's identifier towards the system.
    #[must_use]
    pub fn id(self) -> String {
        match self {
            Act::Stop(model) => format!("stop:{model}"),
            Act::Start(model) => format!("start:{model}"),
            Act::StartWith(model, preset) => format!("start-with:{model}:{preset}"),
            Act::StopAll => "stop-all".to_owned(),
            Act::PauseAll => "pause-all".to_owned(),
            Act::ResumeAll => "resume-all".to_owned(),
            Act::Open => "open".to_owned(),
            Act::Quit => "quit".to_owned(),
        }
    }

    /// Back from the identifier; `None` for any other text.
    #[must_use]
    pub fn parse(id: &str) -> Option<Act> {
        let model = |number: &str| number.parse().ok().map(ModelId);
        match id.split_once(':') {
            Some(("stop", number)) => model(number).map(Act::Stop),
            Some(("start", number)) => model(number).map(Act::Start),
            Some(("start-with", numbers)) => {
                let (number, preset) = numbers.split_once(':')?;
                Some(Act::StartWith(model(number)?, preset.parse().ok()?))
            }
            Some(_) => None,
            None => [Act::StopAll, Act::PauseAll, Act::ResumeAll, Act::Open, Act::Quit]
                .into_iter()
                .find(|act| act.id() == id),
        }
    }
}

/// One line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Says something and does nothing.
    Says(String),
    /// `None` when it cannot be done now.
    Does(String, Option<Act>),
    /// Opens to the side.
    Opens(String, Vec<Entry>),
    Line,
}

/// The whole menu. "Open" and "Quit" are always there: on Linux the menu is all that a click on
/// the icon can reach.
#[must_use]
pub fn entries(picture: &Picture, locale: Locale) -> Vec<Entry> {
    let say = |key: &str| text(locale, key, &[]);
    let mut entries = vec![Entry::Says(status(picture, locale)), Entry::Line];
    if !picture.loaded.is_empty() {
        entries.extend(named(&picture.loaded, locale, "tray.stop", Act::Stop));
        let stoppable = picture.loaded.iter().any(|model| !model.moving);
        entries.push(Entry::Does(say("tray.stopAll"), stoppable.then_some(Act::StopAll)));
        entries.push(Entry::Line);
    }
    if !picture.recent.is_empty() {
        entries.push(Entry::Opens(say("tray.start"), recent(&picture.recent, locale)));
        entries.push(Entry::Line);
    }
    if picture.queue.running + picture.queue.waiting > 0 {
        entries.push(Entry::Does(say("tray.pauseAll"), Some(Act::PauseAll)));
    }
    if picture.queue.paused > 0 {
        entries.push(Entry::Does(say("tray.resumeAll"), Some(Act::ResumeAll)));
    }
    if !matches!(entries.last(), Some(Entry::Line)) {
        entries.push(Entry::Line);
    }
    entries.push(Entry::Does(say("tray.open"), Some(Act::Open)));
    entries.push(Entry::Does(say("tray.quit"), Some(Act::Quit)));
    entries
}

/// One line about how things stand; also the tooltip.
#[must_use]
pub fn status(picture: &Picture, locale: Locale) -> String {
    if picture.instances.is_empty() {
        return text(locale, "tray.status.none", &[]);
    }
    let mut parts = Vec::new();
    let down: Vec<&str> = picture
        .instances
        .iter()
        .filter(|(_, _, state)| *state == ApiState::Down)
        .map(|(_, name, _)| name.as_str())
        .collect();
    match down.as_slice() {
        [] => {}
        [name] => parts.push(text(locale, "tray.status.down", &[("name", name)])),
        several => {
            let count = several.len().to_string();
            parts.push(text(locale, "tray.status.downSeveral", &[("count", &count)]));
        }
    }
    if !picture.ill.is_empty() {
        parts.push(text(locale, "tray.status.degraded", &[]));
    }
    if picture.crashed > 0 {
        let count = picture.crashed.to_string();
        parts.push(text(locale, "tray.status.crashed", &[("count", &count)]));
    }
    if !picture.loaded.is_empty() {
        let count = picture.loaded.len().to_string();
        parts.push(text(locale, "tray.status.loaded", &[("count", &count)]));
    }
    if picture.queue.running > 0 {
        let count = picture.queue.running.to_string();
        let speed = size::format(picture.queue.speed);
        let values = [("count", count.as_str()), ("speed", speed.as_str())];
        parts.push(text(locale, "tray.status.downloading", &values));
    }
    if parts.is_empty() {
        parts.push(text(locale, "tray.status.idle", &[]));
    }
    parts.join(" · ")
}

/// Models to start; one with presets opens to the side.
fn recent(models: &[Named], locale: Locale) -> Vec<Entry> {
    let mut entries = named(models, locale, "tray.startModel", Act::Start);
    for (entry, model) in entries.iter_mut().zip(models).filter(|(_, it)| !it.presets.is_empty()) {
        let mut ways = vec![Entry::Does(
            text(locale, "tray.usual", &[]),
            (!model.moving).then_some(Act::Start(model.id)),
        )];
        ways.extend(model.presets.iter().take(MOST).map(|(preset, name)| {
            let act = Act::StartWith(model.id, *preset);
            Entry::Does(name.clone(), (!model.moving).then_some(act))
        }));
        let title = text(locale, "tray.startModel", &[("name", &model.name)]);
        *entry = Entry::Opens(title, ways);
    }
    entries
}

fn named(models: &[Named], locale: Locale, key: &str, act: impl Fn(ModelId) -> Act) -> Vec<Entry> {
    let mut entries: Vec<Entry> = models
        .iter()
        .take(MOST)
        .map(|model| {
            let does = (!model.moving).then(|| act(model.id));
            Entry::Does(text(locale, key, &[("name", &model.name)]), does)
        })
        .collect();
    if models.len() > MOST {
        let count = (models.len() - MOST).to_string();
        entries.push(Entry::Says(text(locale, "tray.more", &[("count", &count)])));
    }
    entries
}
