//! What the parts of the page share: the filter, the loader, what is open.

use std::time::Duration;

use corral_contract::{
    ModelId, WireError,
    models::{
        CountModels, ModelRow, ModelSearchRequest,
        call::{Counts, Search},
    },
};
use leptos::{prelude::*, task::spawn_local};

use super::{
    filter::Filter,
    make::{Beginning, Naming},
    make_room::MakeRoom,
};
use crate::{
    frame::scope::Scope,
    ipc,
    preferences::Preferences,
    state::{Link, Stores, models::PAGE},
};

/// Pages asked for at once; a view never needs more.
const AT_ONCE: usize = 4;
/// Between two questions caused by events, so that a burst of them is answered once.
const PAUSE: Duration = Duration::from_millis(120);
/// Questions without any effect before the loader waits for the next change.
const TRIES: u32 = 5;
/// More selected models than this are not kept over a reload.
const KEPT_SELECTION: usize = 500;

/// What is open above the list.
#[derive(Debug, Clone, PartialEq)]
pub enum Open {
    Nothing,
    /// The create dialog with a name in it.
    Create(String),
    /// The delete dialog about these.
    Delete(Vec<ModelId>),
    /// The question before an operation over the selection.
    Batch(corral_contract::models::BatchOp),
    /// Newer versions of installed models.
    Updates,
    /// The dialog about a file that is to be imported.
    CheckFile,
    /// Favourite, tags and note of these.
    Labels(Vec<ModelId>),
    /// The name of a new view.
    SaveView,
    /// The views that are kept.
    Views,
    /// The list as a table in a file.
    Table,
    /// The question before others make room for a model.
    MakeRoom(Box<MakeRoom>),
    /// Writing these into one file.
    Export(Vec<ModelId>),
    /// Copying these to another server.
    CopyTo(Vec<ModelId>),
    /// Bringing models out of a file.
    Import,
    /// Writing the names of models into a file.
    SaveList,
    /// Fetching what such a file names.
    RestoreList,
    /// Making a model by a Modelfile; `None` = where it was left.
    Make(Option<Box<Beginning>>),
    /// Importing these files, or none yet.
    ImportFiles(Vec<String>),
    /// The Modelfile of a model, to keep it.
    Modelfile(ModelId),
    /// A second name for a model, or another one.
    Name(ModelId, Naming),
    /// The question before a running model is interrupted.
    Recreate(ModelId),
}

/// The state of the page.
#[derive(Clone, Copy)]
pub struct List {
    pub stores: Stores,
    pub scope: Scope,
    pub preferences: Preferences,
    pub filter: RwSignal<Filter>,
    pub open: RwSignal<Open>,
    /// The model whose details show, and the tab.
    pub detail: RwSignal<Option<ModelId>>,
    pub tab: RwSignal<&'static str>,
    /// The active row's place.
    pub active: RwSignal<usize>,
    /// Places in view.
    pub range: RwSignal<(usize, usize)>,
    /// Why the list could not be loaded.
    pub failure: RwSignal<Option<WireError>>,
    under: StoredValue<Option<Open>>,
    busy: StoredValue<bool>,
    tries: StoredValue<u32>,
}

impl List {
    /// Provides the page's state and starts loading.
    #[must_use]
    pub fn provide(stores: Stores, scope: Scope, preferences: Preferences) -> List {
        let list = List {
            stores,
            scope,
            preferences,
            filter: RwSignal::new(Filter::default()),
            open: RwSignal::new(Open::Nothing),
            detail: RwSignal::new(None),
            tab: RwSignal::new("overview"),
            active: RwSignal::new(0),
            range: RwSignal::new((0, 0)),
            failure: RwSignal::new(None),
            under: StoredValue::new(None),
            busy: StoredValue::new(false),
            tries: StoredValue::new(0),
        };
        provide_context(list);
        list.remember();
        let request =
            Memo::new(move |_| list.filter.with(|filter| filter.request(scope.chosen.get())));
        Effect::new(move |_| stores.models.update(|models| models.ask(request.get())));
        let wanted = Memo::new(move |_| {
            let (first, end) = list.range.get();
            stores
                .models
                .with(|models| (models.stale(), models.query().clone(), models.missing(first, end)))
        });
        // Before preferences and instances are known the question would be another one.
        let known = Memo::new(move |_| {
            preferences.loaded()
                && stores.link.with(|link| *link != Link::Connecting)
                && stores.models.with(|models| *models.query() == request.get())
        });
        Effect::new(move |_| {
            if known.get() {
                // A memo that is not read never runs.
                wanted.with(|_| ());
                list.tries.set_value(0);
                list.load();
            }
        });
        Effect::new(move |_| {
            if known.get() {
                ipc::remember_first_rows(&first_page(&request.get()));
            }
        });
        let counted = Memo::new(move |_| {
            stores.models.with(|models| (models.counted, models.query().instance_id))
        });
        Effect::new(move |_| {
            let (_, instance_id) = counted.get();
            if instance_id.is_some() {
                spawn_local(list.count(instance_id));
            }
        });
        list
    }

    /// Takes filter and selection of last time, and keeps them from then on.
    fn remember(self) {
        let preferences = self.preferences;
        Effect::new(move |restored: Option<bool>| {
            if restored == Some(true) {
                self.filter.with(|filter| preferences.set("models-filter", filter));
                return true;
            }
            if !preferences.loaded() {
                return false;
            }
            untrack(|| {
                if let Some(filter) = preferences.get::<Filter>("models-filter") {
                    self.filter.set(filter);
                }
                let ids = preferences.get::<Vec<ModelId>>("models-selected").unwrap_or_default();
                self.stores.models.maybe_update(|models| {
                    let fresh = models.selected().is_empty() && !ids.is_empty();
                    if fresh {
                        models.select_only(ids);
                    }
                    fresh
                });
            });
            self.filter.track();
            true
        });
        let selected = Memo::new(move |_| {
            self.stores.models.with(|models| {
                let mut ids: Vec<_> = models.selected().iter().copied().collect();
                ids.sort_unstable();
                ids.truncate(KEPT_SELECTION);
                ids
            })
        });
        Effect::new(move |_| {
            let ids = selected.get();
            if preferences.loaded() {
                preferences.set("models-selected", &ids);
            }
        });
    }

    async fn count(self, instance_id: Option<corral_contract::InstanceId>) {
        let answer = ipc::call::<Counts>(CountModels { instance_id }).await;
        if let Ok(counts) = answer {
            self.stores.models.maybe_update(|models| {
                let same = models.query().instance_id == instance_id;
                if same {
                    models.chosen = Some(counts);
                }
                same
            });
        }
    }

    /// Asks for the pages in view that are missing or old; one question at a time.
    pub fn load(self) {
        // It is also called a while after an answer: the page may have been left.
        let Some((first, end)) = self.range.try_get_untracked() else { return };
        let (stale, query, mut pages) = self.stores.models.with_untracked(|models| {
            (models.stale(), models.query().clone(), models.missing(first, end))
        });
        if pages.is_empty() || self.busy.get_value() || self.tries.get_value() >= TRIES {
            return;
        }
        pages.truncate(AT_ONCE);
        self.busy.set_value(true);
        self.tries.update_value(|tries| *tries += 1);
        spawn_local(async move {
            let mut answers = Vec::with_capacity(pages.len());
            let mut failure = None;
            for page in pages {
                match self.ask(&query, page).await {
                    Ok(answer) => answers.push(answer),
                    Err(error) => {
                        failure = Some(error);
                        break;
                    }
                }
            }
            self.busy.try_set_value(false);
            let failed = failure.is_some();
            self.failure.try_set(failure);
            let used = self
                .stores
                .models
                .try_update(|models| models.fill(&query, stale, &answers))
                .unwrap_or(true);
            if !failed && !used {
                // Another question was asked meanwhile.
                self.load();
            } else if !failed {
                set_timeout(move || self.load(), PAUSE);
            }
        });
    }

    async fn ask(
        self,
        query: &ModelSearchRequest,
        page: u32,
    ) -> Result<corral_contract::models::ModelPage, WireError> {
        ipc::call::<Search>(ModelSearchRequest { page, ..first_page(query) }).await
    }

    /// Selects every match, loaded or not.
    pub fn select_all_results(self) {
        let query = self.stores.models.with_untracked(|models| models.query().clone());
        spawn_local(async move {
            let mut page = 1;
            loop {
                let request = ModelSearchRequest { page, page_size: 500, ..query.clone() };
                match ipc::call::<Search>(request).await {
                    Ok(answer) => {
                        self.stores.models.update(|models| models.select_rows(&answer.items));
                        if u64::from(page) * 500 >= answer.total || answer.items.is_empty() {
                            break;
                        }
                        page += 1;
                    }
                    Err(error) => {
                        self.failure.set(Some(error));
                        break;
                    }
                }
            }
        });
    }

    /// Selects the matches that are not selected, and only those.
    pub fn invert(self) {
        let before = self.stores.models.with_untracked(|models| models.selected().clone());
        let query = self.stores.models.with_untracked(|models| models.query().clone());
        spawn_local(async move {
            let mut rows: Vec<ModelRow> = Vec::new();
            let mut page = 1;
            loop {
                let request = ModelSearchRequest { page, page_size: 500, ..query.clone() };
                let Ok(answer) = ipc::call::<Search>(request).await else {
                    return;
                };
                let over = u64::from(page) * 500 >= answer.total || answer.items.is_empty();
                rows.extend(answer.items);
                if over {
                    break;
                }
                page += 1;
            }
            rows.retain(|row| !before.contains(&row.id));
            self.stores.models.update(|models| {
                models.select_none();
                models.select_rows(&rows);
            });
        });
    }

    /// Closes what is open above the list; what it was opened over shows again.
    pub fn close(self) {
        self.open.set(self.under.try_update_value(Option::take).flatten().unwrap_or(Open::Nothing));
    }

    /// Opens something over what is open.
    pub fn open_over(self, next: Open, under: Open) {
        self.under.set_value(Some(under));
        self.open.set(next);
    }
}

/// The question for the first rows of a list.
fn first_page(query: &ModelSearchRequest) -> ModelSearchRequest {
    ModelSearchRequest { page: 1, page_size: PAGE as u32, ..query.clone() }
}

/// The state of the page.
#[must_use]
pub fn use_list() -> List {
    expect_context()
}
