//! The list itself.

use std::sync::Arc;

use leptos::prelude::*;

use super::{
    actions::Actions,
    cells::{Row, cell},
    columns,
    list::{Open, use_list},
    states::{Empty, Failure},
};
use crate::{
    components::{Checkbox, RowCells, RowEvent, Skeleton, Table, Ticked, use_menu},
    frame::media::use_narrow,
    paint::after_paint,
    words::use_words,
};

/// The table with all that can stand in its place.
#[component]
pub(super) fn ModelTable(actions: Actions) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let models = list.stores.models;
    let answered = Memo::new(move |_| models.with(|models| models.answered()));
    let empty = Memo::new(move |_| models.with(|models| models.total() == 0));
    view! {
        <Show when=move || list.failure.with(Option::is_some)>
            {move || list.failure.get().map(|error| view! { <Failure error /> })}
        </Show>
        <Show
            when=move || answered.get()
            fallback=move || {
                list.failure.with(Option::is_none).then(|| view! { <Skeleton rows=8 /> })
            }
        >
            <Show when=move || !empty.get() fallback=|| view! { <Empty /> }>
                <Rows actions />
            </Show>
        </Show>
        <span class="visually-hidden" role="status" aria-live="polite">
            {move || {
                let total = models.with(|models| models.total()).to_string();
                answered.get().then(|| words.fill("models.found", &[("n", &total)]))
            }}
        </span>
    }
}

#[component]
fn Rows(actions: Actions) -> impl IntoView {
    let (words, list, menu) = (use_words(), use_list(), use_menu());
    let models = list.stores.models;
    mark_painted();
    let total = Memo::new(move |_| models.with(|models| models.total()));
    let cells = move |place: Memo<usize>| -> RowCells {
        // A row that has changed is another one; what is in it need not be compared.
        let row: Row = Memo::new_with_compare(
            move |_| models.with(|models| models.at(place.get()).cloned()),
            |old, new| match (old.and_then(Option::as_ref), new.and_then(Option::as_ref)) {
                (Some(old), Some(new)) => !Arc::ptr_eq(old, new),
                (None, None) => old.is_none(),
                _ => true,
            },
        );
        Arc::new(move |key| cell(row, place, key, actions))
    };
    let sort = Signal::derive(move || {
        list.filter.with(|filter| {
            let key = filter.sort_by.and_then(columns::sorted_column)?;
            Some((key, filter.sort_desc))
        })
    });
    let on_row = move |event: RowEvent| match event {
        RowEvent::Open(place) => {
            let id = models.with_untracked(|models| models.at(place).map(|row| row.id));
            list.detail.set(id);
        }
        RowEvent::Toggle(place) => models.update(|models| models.toggle(place)),
        RowEvent::Extend(place) => models.update(|models| models.extend(place)),
        RowEvent::All => select_view(list.range.get_untracked(), models),
        RowEvent::Delete(place) => {
            let ids = models.with_untracked(|models| {
                if models.selected().is_empty() {
                    models.at(place).map(|row| row.id).into_iter().collect()
                } else {
                    models.selected().iter().copied().collect::<Vec<_>>()
                }
            });
            list.open.set(Open::Delete(ids));
        }
        RowEvent::Menu { place, x, y } => {
            let items = Signal::derive(move || {
                models
                    .with(|models| models.at(place).map(|row| actions.menu(row)))
                    .unwrap_or_default()
            });
            let name = models.with_untracked(|models| models.at(place).map(|row| row.name.clone()));
            menu.open(x, y, name.unwrap_or_default(), items);
        }
    };
    let head = move |key: &'static str| match key {
        "select" => view! { <SelectHead /> }.into_any(),
        _ => ().into_any(),
    };
    let row_name = move |place: usize| {
        let name = models.with(|models| models.at(place).map(|row| row.name.clone()));
        name.map(|name| format!("row-{name}")).unwrap_or_default()
    };
    let row_class = move |place: usize| {
        let offline = models.with(|models| models.at(place).is_some_and(|row| !row.online));
        if offline { "models__row--dimmed" } else { "" }
    };
    view! {
        <Table
            label=words.signal("nav.models")
            columns=columns::columns(words, list.preferences, use_narrow())
            total=total
            active=list.active
            sort=sort
            on_sort=move |key: &'static str| {
                if let Some(key) = columns::sort_key(key) {
                    list.filter.update(|filter| filter.sort(key));
                }
            }
            on_resize=move |(key, width): (&'static str, f64)| {
                columns::resize(list.preferences, key, width);
            }
            on_range=move |range: (usize, usize)| list.range.set(range)
            selected=move |place: usize| models.with(|models| models.is_selected(place))
            row_class=row_class
            row_name=row_name
            on_row=on_row
            head=head
            cells=Arc::new(cells)
        />
    }
}

/// Leaves a mark in the performance timeline once rows have been painted: what a person waits for
/// at a start.
fn mark_painted() {
    after_paint(|| {
        if let Some(performance) = window().performance() {
            // Only fails for a name that the browser keeps for itself.
            let _ = performance.mark("models-painted");
        }
    });
}

/// Ctrl+A and the box in the head take the rows of the pages in view; the bar then offers all.
pub(super) fn select_view(range: (usize, usize), models: RwSignal<crate::state::models::Models>) {
    const PAGE: usize = crate::state::models::PAGE;
    let first = range.0 / PAGE * PAGE;
    let end = range.1.div_ceil(PAGE) * PAGE;
    models.update(|models| models.select_range(first, end));
}

#[component]
fn SelectHead() -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let models = list.stores.models;
    let ticked = Memo::new(move |_| {
        models.with(|models| match models.selected().len() {
            0 => Ticked::No,
            count if count >= models.total() => Ticked::Yes,
            _ => Ticked::Some,
        })
    });
    view! {
        <Checkbox
            bare=true
            ticked=ticked
            label=words.signal("models.selectPage")
            on_toggle=move |_| {
                if ticked.get_untracked() == Ticked::No {
                    select_view(list.range.get_untracked(), models);
                } else {
                    models.update(|models| models.select_none());
                }
            }
            attr:data-testid="select-page"
        />
    }
}
