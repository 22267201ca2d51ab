use leptos::prelude::*;

use crate::{
    components::{Button, IconButton},
    words::use_words,
};

/// One extra header. Values are secrets: one that is stored never comes back to the window.
#[derive(Clone, Copy)]
struct Header {
    key: u32,
    name: RwSignal<String>,
    value: RwSignal<String>,
    /// The core has a value for it, which stays unless another one is written.
    kept: bool,
}

/// The extra headers in the form.
#[derive(Clone, Copy)]
pub(super) struct Headers {
    rows: RwSignal<Vec<Header>>,
    next: StoredValue<u32>,
}

impl Headers {
    pub(super) fn new(names: &[String]) -> Headers {
        let headers = Headers { rows: RwSignal::default(), next: StoredValue::new(0) };
        for name in names {
            headers.push(name.clone(), true);
        }
        headers
    }

    fn push(self, name: String, kept: bool) {
        let key = self.next.get_value();
        self.next.set_value(key + 1);
        let row =
            Header { key, name: RwSignal::new(name), value: RwSignal::new(String::new()), kept };
        self.rows.update(|rows| rows.push(row));
    }

    fn remove(self, key: u32) {
        self.rows.update(|rows| rows.retain(|row| row.key != key));
    }

    /// Whether a stored value stays as it is.
    pub(super) fn any_kept(self) -> bool {
        self.rows.with(|rows| rows.iter().any(|row| row.kept && row.value.with(String::is_empty)))
    }

    /// Every row with a name.
    fn all(self) -> Vec<(String, Option<String>)> {
        self.rows.with_untracked(|rows| {
            let of = |row: &Header| {
                let value = row.value.get_untracked();
                let kept = row.kept && value.is_empty();
                (row.name.get_untracked().trim().to_owned(), (!kept).then_some(value))
            };
            rows.iter().map(of).filter(|(name, value)| !blank(name, value.as_deref())).collect()
        })
    }

    /// The values that were written here.
    pub(super) fn written(self) -> Vec<(String, String)> {
        self.all().into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// What to ask of the core; `None` when all stays.
    pub(super) fn changed(self, stored: &[String]) -> Option<Vec<(String, Option<String>)>> {
        changed(self.all(), stored)
    }
}

/// A row that was added and left alone.
fn blank(name: &str, value: Option<&str>) -> bool {
    name.is_empty() && value.is_none_or(str::is_empty)
}

fn changed(
    rows: Vec<(String, Option<String>)>,
    stored: &[String],
) -> Option<Vec<(String, Option<String>)>> {
    let same = rows.len() == stored.len()
        && rows.iter().zip(stored).all(|((name, value), stored)| name == stored && value.is_none());
    (!same).then_some(rows)
}

/// The extra headers: a row each, with its value hidden.
#[component]
pub(super) fn HeadersField(headers: Headers, error: Signal<String>) -> impl IntoView {
    let words = use_words();
    view! {
        <fieldset class="headers-field">
            <legend class="field__label">{words.signal("instances.headers")}</legend>
            <For each=move || headers.rows.get() key=|row| row.key let:row>
                <div class="headers-field__row">
                    <input
                        class="text-input text-input--mono"
                        type="text"
                        spellcheck="false"
                        autocomplete="off"
                        aria-label=words.signal("instances.headerName")
                        placeholder="Authorization"
                        // The stored value belongs to the stored name.
                        readonly=row.kept
                        prop:value=row.name
                        data-testid="instance-header-name"
                        on:input=move |event| row.name.set(event_target_value(&event))
                    />
                    <input
                        class="text-input text-input--mono"
                        type="password"
                        autocomplete="off"
                        aria-label=words.signal("instances.headerValue")
                        placeholder=move || {
                            words.get(if row.kept {
                                "instances.unchanged"
                            } else {
                                "instances.headerValue"
                            })
                        }
                        prop:value=row.value
                        data-testid="instance-header-value"
                        on:input=move |event| row.value.set(event_target_value(&event))
                    />
                    <IconButton
                        icon=icondata::LuX
                        label=words.signal("instances.headerRemove")
                        on_press=move |_| headers.remove(row.key)
                        attr:data-testid="instance-header-remove"
                    />
                </div>
            </For>
            <div>
                <Button
                    small=true
                    icon=icondata::LuPlus
                    on_press=move |()| headers.push(String::new(), false)
                    attr:data-testid="instance-header-add"
                >
                    {words.signal("instances.headerAdd")}
                </Button>
            </div>
            <p class="field__note" class:bad=move || error.with(|text| !text.is_empty()) aria-live="polite">
                {move || {
                    Some(error.get())
                        .filter(|text| !text.is_empty())
                        .unwrap_or_else(|| words.get("instances.headersHint"))
                }}
            </p>
        </fieldset>
    }
}

#[cfg(test)]
mod tests {
    use super::{blank, changed};

    fn row(name: &str, value: Option<&str>) -> (String, Option<String>) {
        (name.to_owned(), value.map(str::to_owned))
    }

    #[test]
    fn untouched_headers_are_not_sent() {
        let stored = ["X-Key".to_owned(), "Y".to_owned()];
        assert_eq!(changed(vec![row("X-Key", None), row("Y", None)], &stored), None);
        assert_eq!(changed(Vec::new(), &[]), None);
    }

    #[test]
    fn a_removed_added_or_new_value_sends_all() {
        let stored = ["X-Key".to_owned(), "Y".to_owned()];
        let removed = vec![row("Y", None)];
        assert_eq!(changed(removed.clone(), &stored), Some(removed));
        let other = vec![row("X-Key", None), row("Y", Some("1"))];
        assert_eq!(changed(other.clone(), &stored), Some(other));
    }

    #[test]
    fn an_empty_row_is_no_header() {
        assert!(blank("", Some("")));
        assert!(!blank("", Some("secret")));
        assert!(!blank("X", None));
    }
}
