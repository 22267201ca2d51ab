use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::{Align, Column};
use crate::components::Glyph;

/// The head lines: press to sort, drag the edge to change the width.
#[component]
pub(super) fn Header(
    columns: Signal<Vec<Column>>,
    sort: Signal<Option<(&'static str, bool)>>,
    on_sort: Option<Callback<&'static str>>,
    on_resize: Option<Callback<(&'static str, f64)>>,
    head: Option<Callback<&'static str, AnyView>>,
) -> impl IntoView {
    view! {
        <div class="table__head" role="row" aria-rowindex="1">
            <For
                each=move || columns.get()
                key=|column| (column.key, column.label.clone())
                let:column
            >
                {
                    let key = column.key;
                    let order = move || sort.get().filter(|(by, _)| *by == key).map(|(_, desc)| desc);
                    view! {
                        <div
                            role="columnheader"
                            class="table__cell"
                            class:table__cell--end=column.align == Align::End
                            class:table__cell--pinned=column.pinned
                            aria-sort=move || {
                                column.sortable.then(|| match order() {
                                    None => "none",
                                    Some(false) => "ascending",
                                    Some(true) => "descending",
                                })
                            }
                        >
                            {match (on_sort.filter(|_| column.sortable), head) {
                                (Some(on_sort), _) => {
                                    let label = column.label.clone();
                                    view! {
                                        <button
                                            type="button"
                                            class="table__sort"
                                            data-testid=format!("sort-{key}")
                                            on:click=move |_| on_sort.run(key)
                                        >
                                            <span class="table__label">{label}</span>
                                            {move || order().map(|desc| {
                                                let icon = if desc {
                                                    icondata::LuArrowDown
                                                } else {
                                                    icondata::LuArrowUp
                                                };
                                                view! { <Glyph icon=icon /> }
                                            })}
                                        </button>
                                    }
                                        .into_any()
                                }
                                (None, Some(head)) if column.label.is_empty() => head.run(key),
                                _ => {
                                    let label = column.label.clone();
                                    view! { <span class="table__label">{label}</span> }.into_any()
                                }
                            }}
                            {on_resize
                                .filter(|_| !column.label.is_empty())
                                .map(|on_resize| view! { <Edge key on_resize /> })}
                        </div>
                    }
                }
            </For>
        </div>
    }
}

#[component]
fn Edge(key: &'static str, on_resize: Callback<(&'static str, f64)>) -> impl IntoView {
    view! {
        <span
            class="table__edge"
            aria-hidden="true"
            on:pointerdown=move |event| {
                event.prevent_default();
                let edge = event.target().and_then(|it| it.dyn_into::<web_sys::Element>().ok());
                if let Some(edge) = edge {
                    // Without the capture the drag only ends at the edge of the header.
                    let _ = edge.set_pointer_capture(event.pointer_id());
                }
            }
            on:pointermove=move |event| {
                if event.buttons() != 1 {
                    return;
                }
                let cell = event
                    .target()
                    .and_then(|it| it.dyn_into::<web_sys::Element>().ok())
                    .and_then(|edge| edge.parent_element());
                if let Some(cell) = cell {
                    let left = cell.get_bounding_client_rect().left();
                    let width = (f64::from(event.client_x()) - left).clamp(56.0, 800.0);
                    on_resize.run((key, width.round()));
                }
            }
        ></span>
    }
}
