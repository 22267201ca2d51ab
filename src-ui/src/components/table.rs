use std::sync::Arc;

use leptos::{html, prelude::*};
use wasm_bindgen::{JsCast, closure::Closure};

use crate::paint::after_paint;

mod header;
mod keys;

use header::Header;
pub use keys::RowEvent;

/// Rows drawn beyond each end of what shows.
const SPARE: usize = 8;
/// Rows of the first frame.
const FEW: usize = 5;
/// Height of the header row in px.
const HEADER: f64 = 30.0;

/// How much of a new table is drawn: the first rows are on the screen a good while before all of
/// them could be, and nobody scrolls before that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drawn {
    Few,
    InView,
    Spare,
}

impl Drawn {
    fn begin() -> RwSignal<Drawn> {
        let drawn = RwSignal::new(Drawn::Few);
        after_paint(move || {
            drawn.try_set(Drawn::InView);
            after_paint(move || {
                drawn.try_set(Drawn::Spare);
            });
        });
        drawn
    }
}

/// Which side a column's text is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Align {
    #[default]
    Start,
    End,
}

/// A column of a [`Table`].
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub key: &'static str,
    /// Head line; empty for columns of controls.
    pub label: String,
    /// In px.
    pub width: f64,
    /// Takes what room is left.
    pub grows: bool,
    pub align: Align,
    pub sortable: bool,
    /// Stays at the right edge while the rest scrolls.
    pub pinned: bool,
}

/// Makes the cells of one row, by the key of their column.
pub type RowCells = Arc<dyn Fn(&'static str) -> AnyView + Send + Sync>;

/// Makes what a row needs, once for all its cells. Rows are used again while the list scrolls: the
/// place of a row changes, and its cells follow.
pub type Cells = Arc<dyn Fn(Memo<usize>) -> RowCells + Send + Sync>;

/// A table of any length: only the rows in view are in the document. Rows have one height.
///
/// Keyboard: arrows, Home, End, Page Up and Down move; what Enter, Space, Ctrl+A and Shift with
/// these do is told through `on_row`.
#[component]
pub fn Table(
    /// Names the table.
    #[prop(into)]
    label: Signal<String>,
    /// Columns from the left.
    #[prop(into)]
    columns: Signal<Vec<Column>>,
    /// Rows in all.
    #[prop(into)]
    total: Signal<usize>,
    /// Height of a row in px.
    #[prop(default = 44.0)]
    row_height: f64,
    /// The row that Tab reaches.
    active: RwSignal<usize>,
    /// The column that orders the rows, and whether from the largest.
    #[prop(optional, into)]
    sort: Signal<Option<(&'static str, bool)>>,
    /// A head line was pressed.
    #[prop(optional, into)]
    on_sort: Option<Callback<&'static str>>,
    /// A column was dragged to a width.
    #[prop(optional, into)]
    on_resize: Option<Callback<(&'static str, f64)>>,
    /// Rows from the first to before the second are in view now.
    #[prop(optional, into)]
    on_range: Option<Callback<(usize, usize)>>,
    /// Whether the row at a place is selected.
    #[prop(optional, into)]
    selected: Option<Callback<usize, bool>>,
    /// Further classes of the row at a place.
    #[prop(optional, into)]
    row_class: Option<Callback<usize, &'static str>>,
    /// `data-testid` of the row at a place.
    #[prop(into)]
    row_name: Callback<usize, String>,
    /// What was done to a row.
    #[prop(into)]
    on_row: Callback<RowEvent>,
    /// Head of a column of controls, by key.
    #[prop(optional, into)]
    head: Option<Callback<&'static str, AnyView>>,
    /// Content of the rows.
    cells: Cells,
) -> impl IntoView {
    let node = NodeRef::<html::Div>::new();
    let top = RwSignal::new(0.0);
    let height = RwSignal::new(600.0);
    watch_height(node, height);

    let range = Memo::new(move |_| {
        let first = (top.get() / row_height) as usize;
        let shown = (height.get() / row_height).ceil() as usize + 1;
        (first.min(total.get()), (first + shown).min(total.get()))
    });
    if let Some(on_range) = on_range {
        Effect::new(move |_| {
            let (first, end) = range.get();
            on_range.run((first, end));
        });
    }
    // A ring of rows: one that leaves at one end comes back at the other with another place.
    let drawn = Drawn::begin();
    let spare = move || if drawn.get() == Drawn::Spare { SPARE } else { 0 };
    let slots = Memo::new(move |_| match drawn.get() {
        Drawn::Few => FEW,
        _ => (height.get() / row_height).ceil() as usize + 1 + 2 * spare(),
    });
    let first = Memo::new(move |_| range.get().0.saturating_sub(spare()));
    let gone = Memo::new(move |_| {
        let first = first.get();
        !(first..first + slots.get()).contains(&active.get())
    });
    Effect::new(move |_| {
        // The row with the focus is another one now; the table keeps the keyboard.
        if gone.get()
            && let Some(grid) = node.get_untracked()
            && grid.contains(document().active_element().as_deref())
        {
            let _ = grid.focus();
        }
    });
    let tracks = Signal::derive(move || {
        columns.with(|columns| {
            let mut tracks = String::new();
            for column in columns {
                let width = column.width;
                if column.grows {
                    tracks.push_str(&format!("minmax({width}px, 1fr) "));
                } else {
                    tracks.push_str(&format!("{width}px "));
                }
            }
            tracks
        })
    });
    let width =
        move || columns.with(|columns| columns.iter().map(|column| column.width).sum::<f64>());
    let keys = Memo::new(move |_| {
        columns.with(|all| {
            all.iter().map(|each| (each.key, each.align, each.pinned)).collect::<Vec<_>>()
        })
    });

    let go = move |place: usize| {
        active.set(place);
        let Some(grid) = node.get_untracked() else {
            return;
        };
        let (upper, view) = (place as f64 * row_height, height.get_untracked());
        let now = f64::from(grid.scroll_top());
        if upper < now {
            grid.set_scroll_top(upper as i32);
        } else if upper + row_height > now + view {
            grid.set_scroll_top((upper + row_height - view).ceil() as i32);
        }
        request_animation_frame(move || {
            let row = grid.query_selector(&format!("[data-place='{place}']")).ok().flatten();
            if let Some(row) = row {
                super::menu::focus(&row);
            }
        });
    };
    let on_key = move |event: web_sys::KeyboardEvent| {
        let page = (height.get_untracked() / row_height) as usize;
        keys::pressed(&event, active.get_untracked(), total.get_untracked(), page, &go, on_row);
    };

    view! {
        <div
            node_ref=node
            class="table"
            role="grid"
            aria-label=label
            tabindex=move || if gone.get() { "0" } else { "-1" }
            aria-multiselectable=selected.is_some().then_some("true")
            aria-rowcount=move || (total.get() + 1).to_string()
            aria-colcount=move || columns.with(Vec::len).to_string()
            style=("--tracks", tracks)
            on:scroll=move |_| {
                if let Some(grid) = node.get_untracked() {
                    top.set(f64::from(grid.scroll_top()));
                }
            }
            on:keydown=on_key
        >
            <div
                class="table__sheet"
                style:height=move || format!("{}px", total.get() as f64 * row_height + HEADER)
                style:min-width=move || format!("{}px", width())
            >
                <Header columns sort on_sort on_resize head />
                <For each=move || 0..slots.get() key=|slot| *slot let:slot>
                    {
                        let place = Memo::new(move |_| {
                            let (first, slots) = (first.get(), slots.get().max(1));
                            first + (slot + slots - first % slots) % slots
                        });
                        let cells = cells(place);
                        let unused = Memo::new(move |_| place.get() >= total.get());
                        let chosen = Memo::new(move |_| {
                            selected.is_some_and(|selected| selected.run(place.get()))
                        });
                        view! {
                            <div
                                role="row"
                                class=move || {
                                    let more = row_class.map_or("", |class| class.run(place.get()));
                                    let sort = if chosen.get() { "table__row--selected" } else { "" };
                                    format!("table__row {sort} {more}")
                                }
                                hidden=unused
                                aria-rowindex=move || (place.get() + 2).to_string()
                                aria-selected=move || {
                                    selected.map(|_| if chosen.get() { "true" } else { "false" })
                                }
                                data-place=move || place.get().to_string()
                                data-testid=move || row_name.run(place.get())
                                tabindex=move || if active.get() == place.get() { "0" } else { "-1" }
                                style:transform=move || {
                                    format!("translateY({}px)", place.get() as f64 * row_height + HEADER)
                                }
                                style:height=format!("{row_height}px")
                                on:focusin=move |_| active.set(place.get_untracked())
                                on:click=move |event| keys::clicked(&event, place.get_untracked(), on_row)
                                on:dblclick=move |_| on_row.run(RowEvent::Open(place.get_untracked()))
                                on:contextmenu=move |event| {
                                    event.prevent_default();
                                    let place = place.get_untracked();
                                    active.set(place);
                                    on_row.run(RowEvent::Menu {
                                        place,
                                        x: f64::from(event.client_x()),
                                        y: f64::from(event.client_y()),
                                    });
                                }
                            >
                                <For each=move || keys.get() key=|key| *key let:key>
                                    <div
                                        role="gridcell"
                                        class="table__cell"
                                        class:table__cell--end=key.1 == Align::End
                                        class:table__cell--pinned=key.2
                                    >
                                        {cells(key.0)}
                                    </div>
                                </For>
                            </div>
                        }
                    }
                </For>
            </div>
        </div>
    }
}

/// Follows the height of what shows under the header.
fn watch_height(node: NodeRef<html::Div>, height: RwSignal<f64>) {
    let observer = StoredValue::new_local(None::<(web_sys::ResizeObserver, Closure<dyn Fn()>)>);
    Effect::new(move |_| {
        let Some(grid) = node.get() else {
            return;
        };
        let measured = grid.clone();
        let on_change = Closure::<dyn Fn()>::new(move || {
            height.set((f64::from(measured.client_height()) - HEADER).max(44.0));
        });
        if let Ok(watch) = web_sys::ResizeObserver::new(on_change.as_ref().unchecked_ref()) {
            watch.observe(&grid);
            observer.set_value(Some((watch, on_change)));
        }
    });
    on_cleanup(move || {
        observer.try_update_value(|observer| {
            if let Some((watch, _)) = observer.take() {
                watch.disconnect();
            }
        });
    });
}
