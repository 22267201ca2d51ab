//! The chip that restricts the list by size.

use leptos::prelude::*;

use super::{filter::check_sizes, list::use_list};
use crate::{
    components::{Button, ButtonKind, Chip, Field, Popover, TextInput},
    words::use_words,
};

/// A chip with a popover of two sizes, checked while they are written.
#[component]
pub(super) fn SizeFilter() -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let open = RwSignal::new(false);
    let label = Signal::derive(move || {
        let (min, max) =
            list.filter.with(|filter| (filter.min_size.clone(), filter.max_size.clone()));
        match (min.is_empty(), max.is_empty()) {
            (true, true) => words.get("column.size"),
            (false, true) => words.fill("models.sizeFrom", &[("min", &min)]),
            (true, false) => words.fill("models.sizeTo", &[("max", &max)]),
            (false, false) => words.fill("models.sizeBetween", &[("min", &min), ("max", &max)]),
        }
    });
    let trigger = move || {
        view! {
            <Chip
                icon=icondata::LuListFilter
                label=label
                on=Signal::derive(move || list.filter.with(|filter| filter.sized()))
                on_press=move |()| open.set(true)
                on_clear=move |()| {
                    list.filter.update(|filter| {
                        filter.min_size.clear();
                        filter.max_size.clear();
                    });
                }
                attr:data-testid="filter-size"
            />
        }
    };
    view! {
        <Popover open label=words.signal("column.size") right=true trigger=trigger>
            <SizeForm open />
        </Popover>
    }
}

#[component]
fn SizeForm(open: RwSignal<bool>) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let min = RwSignal::new(list.filter.with_untracked(|filter| filter.min_size.clone()));
    let max = RwSignal::new(list.filter.with_untracked(|filter| filter.max_size.clone()));
    let wrong = Memo::new(move |_| min.with(|min| max.with(|max| check_sizes(min, max))));
    let say = move |key: Option<&'static str>| {
        key.map(|key| words.get(&format!("reason.{key}"))).unwrap_or_default()
    };
    let valid = move || wrong.get() == (None, None);
    view! {
        <form
            class="size-filter"
            on:submit=move |event| {
                event.prevent_default();
                if valid() {
                    list.filter.update(|filter| {
                        filter.min_size = min.get_untracked().trim().to_owned();
                        filter.max_size = max.get_untracked().trim().to_owned();
                    });
                    open.set(false);
                }
            }
        >
            <Field
                id="size-min"
                label=words.signal("models.minSize")
                error=Signal::derive(move || say(wrong.get().0))
                hint=words.signal("models.sizeHint")
            >
                <TextInput
                    id="size-min"
                    value=min
                    autofocus=true
                    invalid=Signal::derive(move || wrong.get().0.is_some())
                />
            </Field>
            <Field
                id="size-max"
                label=words.signal("models.maxSize")
                error=Signal::derive(move || say(wrong.get().1))
            >
                <TextInput
                    id="size-max"
                    value=max
                    invalid=Signal::derive(move || wrong.get().1.is_some())
                />
            </Field>
            <Button
                kind=ButtonKind::Primary
                submit=true
                reason=Signal::derive(move || {
                    if valid() { String::new() } else { words.get("models.sizeWrong") }
                })
                attr:data-testid="size-apply"
            >
                {words.signal("models.apply")}
            </Button>
        </form>
    }
}
