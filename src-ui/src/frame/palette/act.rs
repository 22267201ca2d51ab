//! What can be done to models: to the selected ones, and to those that are named.

use corral_contract::{
    models::{BatchOp, ModelRow, StartOptions},
    status::{Action, Status},
};
use corral_locale::Locale;
use leptos::{prelude::*, task::spawn_local};

use super::{
    entry::{Doing, Entry, Section},
    matching::score,
};
use crate::{
    frame::shortcuts::Wish,
    navigation::Page,
    pages::{
        downloads::back,
        models::actions::{self, icon, label},
    },
};

/// Actions that a question can begin with.
const ACTIONS: [Action; 7] = [
    Action::Start,
    Action::Close,
    Action::Pause,
    Action::Resume,
    Action::Cancel,
    Action::Recreate,
    Action::Delete,
];

/// What can be done to the selected rows, if the question fits.
pub(super) fn of_selection(doing: Doing, question: &str) -> Vec<Entry> {
    let Doing { stores, words, keyboard, navigation, .. } = doing;
    if navigation.page.get_untracked() != Page::Models {
        return Vec::new();
    }
    let (count, rows) =
        stores.models.with_untracked(|models| (models.selected().len(), models.selected_rows()));
    if count == 0 {
        return Vec::new();
    }
    let ops = [
        (BatchOp::Start, Action::Start),
        (BatchOp::Stop, Action::Close),
        (BatchOp::Recreate, Action::Recreate),
        (BatchOp::Delete, Action::Delete),
    ];
    let entries = ops.into_iter().filter(|(_, action)| {
        rows.len() < count || rows.iter().any(|row| row.actions.contains(action))
    });
    entries
        .filter_map(|(op, action)| {
            let name = format!("selected-{}", op.as_str());
            let of = words.fill("palette.selected", &[("n", &count.to_string())]);
            let mut texts = verb(doing, action);
            texts[0] = words.get(&format!("batchOp.{}", op.as_str())).to_lowercase();
            let wish = if op == BatchOp::Delete { Wish::Delete } else { Wish::Batch(op) };
            Some(Entry {
                section: Section::Selection,
                name,
                icon: icon(action),
                label: words.get(&format!("batchOp.{}", op.as_str())),
                object: Some(of),
                shortcut: (op == BatchOp::Delete).then(|| "Del".to_owned()),
                score: score(question, &texts)?,
                run: Callback::new(move |()| keyboard.ask(wish)),
            })
        })
        .collect()
}

/// What a line gains when its model was named too.
const NAMED: u32 = 20;

/// How a question is read: `stop qw` names an action and a model; anything may be a model's name.
pub(super) struct Reading {
    /// Actions that the first word fits, the best first.
    actions: Vec<(Action, u32)>,
    /// What comes after it.
    rest: String,
}

impl Reading {
    pub(super) fn of(doing: Doing, question: &str) -> Reading {
        let (first, rest) = question.split_once(' ').unwrap_or((question, ""));
        let mut actions: Vec<(Action, u32)> = ACTIONS
            .into_iter()
            .filter_map(|action| Some((action, score(first, &verb(doing, action))?)))
            .filter(|(_, score)| !first.is_empty() && *score > 1)
            .collect();
        actions.sort_by_key(|(_, score)| std::cmp::Reverse(*score));
        Reading { actions, rest: rest.trim().to_owned() }
    }

    /// The name to look for besides the whole question; `None` when it names no action.
    pub(super) fn name(&self) -> Option<&str> {
        (!self.actions.is_empty()).then_some(self.rest.as_str())
    }

    /// The named actions on those rows that allow them.
    pub(super) fn entries(&self, doing: Doing, rows: &[ModelRow]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (action, points) in &self.actions {
            let able = rows.iter().filter(|row| row.actions.contains(action));
            // An action with the name of a model leaves little doubt.
            let points = if self.rest.is_empty() { *points } else { points + NAMED };
            entries.extend(able.map(|row| on_model(doing, *action, row, points)));
        }
        entries
    }
}

/// An action in lower case words: in the language of the moment, its pinyin, the other language.
fn verb(doing: Doing, action: Action) -> Vec<String> {
    let key = label(action, Status::Paused);
    let mut texts = vec![doing.words.get(key).to_lowercase()];
    for locale in Locale::ALL {
        texts.extend(corral_locale::lookup(*locale, key, &[]).map(|text| text.to_lowercase()));
        let keys = format!("palette.keys.action-{}", action.as_str());
        texts.extend(corral_locale::lookup(*locale, &keys, &[]));
    }
    texts
}

fn on_model(doing: Doing, action: Action, row: &ModelRow, points: u32) -> Entry {
    let acted = row.clone();
    Entry {
        section: Section::Actions,
        name: format!("{}-{}", action.as_str(), row.name),
        icon: icon(action),
        label: doing.words.get(label(action, row.status)),
        object: Some(row.name.clone()),
        shortcut: None,
        score: points,
        run: Callback::new(move |()| act(doing, action, acted.clone())),
    }
}

/// Opens the details of a model.
pub(super) fn model(doing: Doing, question: &str, row: &ModelRow) -> Entry {
    let id = row.id;
    Entry {
        section: Section::Models,
        name: format!("model-{}", row.name),
        icon: if row.cloud { icondata::LuCloud } else { icondata::LuBox },
        label: row.name.clone(),
        object: None,
        shortcut: None,
        score: score(question, &[row.name.to_lowercase()]).unwrap_or_default(),
        run: Callback::new(move |()| on_page(doing, Wish::Details(id))),
    }
}

/// Does it, or opens the question that comes before it.
fn act(doing: Doing, action: Action, row: ModelRow) {
    match action {
        Action::Delete => on_page(doing, Wish::DeleteModel(row.id)),
        Action::Recreate if row.status == Status::Running => {
            on_page(doing, Wish::Recreate(row.id));
        }
        _ => {
            doing.stores.pending.update(|pending| pending.begin(row.id, action));
            let noted = row.job.filter(|_| action == Action::Cancel);
            let noted = noted.and_then(|job| back::again(doing.stores, job));
            spawn_local(async move {
                let answer = actions::ask(action, &row, StartOptions::default()).await;
                if let Err(error) = answer {
                    doing.stores.pending.maybe_update(|pending| pending.end(row.id));
                    let text = doing.words.fill("failed.action", &[("name", &row.name)]);
                    doing.toasts.error(text, error);
                } else {
                    back::say_cancelled(doing.toasts, doing.words, noted);
                }
            });
        }
    }
}

fn on_page(doing: Doing, wish: Wish) {
    doing.navigation.open(Page::Models);
    doing.then(move || doing.keyboard.ask(wish));
}
