use corral_contract::registries::{MOST_MIRRORS, MirrorDraft, MirrorView};
use leptos::prelude::*;

use crate::{
    components::{Button, Checkbox, IconButton, Ticked},
    words::use_words,
};

/// One address of the form.
#[derive(Clone, Copy)]
struct Row {
    key: u32,
    address: RwSignal<String>,
    plain: RwSignal<bool>,
}

/// The mirrors in the form, best first.
#[derive(Clone, Copy)]
pub(super) struct Mirrors {
    rows: RwSignal<Vec<Row>>,
    next: StoredValue<u32>,
}

impl Mirrors {
    pub(super) fn new(stored: &[MirrorView]) -> Mirrors {
        let mirrors = Mirrors { rows: RwSignal::default(), next: StoredValue::new(0) };
        for each in stored {
            mirrors.push(each.address.clone(), each.plain_http);
        }
        mirrors
    }

    fn push(self, address: String, plain: bool) -> u32 {
        let key = self.next.get_value();
        self.next.set_value(key + 1);
        let row = Row { key, address: RwSignal::new(address), plain: RwSignal::new(plain) };
        self.rows.update(|rows| rows.push(row));
        key
    }

    fn shift(self, key: u32, up: bool) {
        self.rows.update(|rows| {
            let Some(from) = rows.iter().position(|row| row.key == key) else { return };
            if let Some(to) = target(from, rows.len(), up) {
                rows.swap(from, to);
            }
        });
    }

    /// Everything that has an address; places are those of the rows.
    pub(super) fn drafts(self) -> Vec<MirrorDraft> {
        self.rows.with_untracked(|rows| {
            let draft = |row: &Row| MirrorDraft {
                address: row.address.get_untracked().trim().to_owned(),
                plain_http: row.plain.get_untracked(),
            };
            rows.iter().map(draft).collect()
        })
    }

    /// Takes out rows that were added and left alone.
    pub(super) fn tidy(self) {
        self.rows.update(|rows| {
            rows.retain(|row| row.address.with_untracked(|text| !text.trim().is_empty()));
        });
    }

    fn is_full(self) -> bool {
        self.rows.with(|rows| rows.len() >= MOST_MIRRORS)
    }
}

/// Where a row goes; `None` at the ends.
fn target(from: usize, count: usize, up: bool) -> Option<usize> {
    if up { from.checked_sub(1) } else { Some(from + 1).filter(|to| *to < count) }
}

fn control(what: &str, key: u32) -> String {
    format!("registry-mirror-{what}-{key}")
}

/// Gives the focus back once the list is drawn: what moves loses it.
fn refocus(id: String) {
    request_animation_frame(move || {
        if let Some(element) = document().get_element_by_id(&id) {
            crate::components::focus(&element);
        }
    });
}

/// The mirrors: a row each, moved by buttons.
#[component]
pub(super) fn MirrorsField(mirrors: Mirrors, error: Signal<String>) -> impl IntoView {
    let words = use_words();
    let place = move |key: u32| {
        mirrors.rows.with(|rows| rows.iter().position(|row| row.key == key).unwrap_or(0) + 1)
    };
    let named = move |text: &'static str, key: u32| {
        Signal::derive(move || words.fill(text, &[("n", &place(key).to_string())]))
    };
    view! {
        <fieldset class="headers-field" data-testid="registry-mirrors">
            <legend class="field__label">{words.signal("registries.mirrors")}</legend>
            <For each=move || mirrors.rows.get() key=|row| row.key let:row>
                <div class="mirrors-field__row">
                    <input
                        id=control("address", row.key)
                        class="text-input text-input--mono"
                        type="text"
                        spellcheck="false"
                        autocomplete="off"
                        aria-label=named("registries.mirror", row.key)
                        placeholder="https://mirror.example"
                        prop:value=row.address
                        data-testid="registry-mirror-address"
                        on:input=move |event| row.address.set(event_target_value(&event))
                    />
                    <Checkbox
                        ticked=Signal::derive(move || Ticked::from(row.plain.get()))
                        label=words.signal("registries.plainHttp")
                        on_toggle=move |_| row.plain.update(|plain| *plain = !*plain)
                    />
                    <span class="mirrors-field__moves">
                        <IconButton
                            icon=icondata::LuChevronUp
                            label=named("registries.mirrorUp", row.key)
                            on_press=move |_| {
                                mirrors.shift(row.key, true);
                                refocus(control("up", row.key));
                            }
                            attr:id=control("up", row.key)
                            attr:data-testid="registry-mirror-up"
                        />
                        <IconButton
                            icon=icondata::LuChevronDown
                            label=named("registries.mirrorDown", row.key)
                            on_press=move |_| {
                                mirrors.shift(row.key, false);
                                refocus(control("down", row.key));
                            }
                            attr:id=control("down", row.key)
                            attr:data-testid="registry-mirror-down"
                        />
                        <IconButton
                            icon=icondata::LuX
                            label=named("registries.mirrorRemove", row.key)
                            on_press=move |_| {
                                mirrors.rows.update(|rows| rows.retain(|each| each.key != row.key));
                            }
                            attr:data-testid="registry-mirror-remove"
                        />
                    </span>
                </div>
            </For>
            <Show when=move || !mirrors.is_full()>
                <div>
                    <Button
                        small=true
                        icon=icondata::LuPlus
                        on_press=move |()| {
                            let key = mirrors.push(String::new(), false);
                            refocus(control("address", key));
                        }
                        attr:data-testid="registry-mirror-add"
                    >
                        {words.signal("registries.mirrorAdd")}
                    </Button>
                </div>
            </Show>
            <p class="field__note" class:bad=move || error.with(|text| !text.is_empty()) aria-live="polite">
                {move || {
                    Some(error.get())
                        .filter(|text| !text.is_empty())
                        .unwrap_or_else(|| words.get("registries.mirrorsHint"))
                }}
            </p>
        </fieldset>
    }
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn a_mirror_moves_by_one_and_not_beyond_the_ends() {
        assert_eq!(target(0, 3, true), None);
        assert_eq!(target(2, 3, true), Some(1));
        assert_eq!(target(1, 3, false), Some(2));
        assert_eq!(target(2, 3, false), None);
        assert_eq!(target(0, 1, false), None);
    }
}
