//! The cells of a row. Each follows only what it shows, so that a tick of progress moves a bar and
//! two texts and nothing else.

use std::sync::Arc;

use corral_contract::{
    InstanceId,
    models::ModelRow,
    status::{Install, Status},
};
use leptos::prelude::*;

use super::{
    actions::{Actions, icon, label, next_step, why_not},
    list::use_list,
};
use crate::{
    components::{Button, Checkbox, Glyph, IconButton, use_menu},
    format,
    state::Stores,
    words::{Words, use_words},
};

mod memory;
mod status;

pub use memory::memory_cell;
pub use status::StatusCell;

/// The row at a place, followed.
pub type Row = Memo<Option<Arc<ModelRow>>>;

/// The content of one cell.
#[must_use]
pub fn cell(row: Row, place: Memo<usize>, key: &'static str, actions: Actions) -> AnyView {
    let (words, stores) = (actions.words, actions.list.stores);
    match key {
        "select" => view! { <SelectCell row place /> }.into_any(),
        "status" => view! { <StatusCell row /> }.into_any(),
        "name" => view! { <NameCell row /> }.into_any(),
        "memory" => memory_cell(row, words, stores).into_any(),
        "actions" => view! { <ActionsCell row actions /> }.into_any(),
        _ => {
            let text = move || row.with(|row| plain(row.as_deref(), key, words, stores));
            // Made when somebody points at it: far more rows go by than are pointed at.
            let (pointed, set_pointed) = signal(false);
            view! {
                <span
                    class=class(key)
                    title=move || pointed.get().then(|| hint(row, key)).flatten()
                    on:pointerenter=move |_| set_pointed.set(true)
                    on:pointerleave=move |_| set_pointed.set(false)
                >
                    {text}
                </span>
            }
            .into_any()
        }
    }
}

fn class(key: &str) -> &'static str {
    match key {
        "size" => "num cut",
        "digest" => "mono cut dim",
        _ => "num cut dim",
    }
}

fn hint(row: Row, key: &str) -> Option<String> {
    row.with(|row| {
        let row = row.as_ref()?;
        match key {
            "created" => Some(format::moment(row.created_at)),
            "digest" => row.digest.clone(),
            "message" => Some(row.message.clone()),
            "tags" => Some(row.label.tags.join(", ")),
            "note" => Some(row.label.note.clone()),
            "capabilities" => Some(row.capabilities.join(", ")),
            "from" => Some(row.registry.clone()),
            "size" => row.bytes.map(|bytes| format!("{} B", format::count(bytes))),
            _ => None,
        }
    })
}

/// A cell that is a text.
fn plain(row: Option<&ModelRow>, key: &str, words: Words, stores: Stores) -> String {
    let Some(row) = row else {
        return String::new();
    };
    let none = || words.get("common.none");
    match key {
        "size" if row.cloud => words.get("status.cloud"),
        "size" if row.size.is_empty() => match row.progress.as_ref().and_then(|it| it.total) {
            Some(total) => corral_contract::size::format(total),
            None => words.get("common.unknown"),
        },
        "size" => row.size.clone(),
        "quantization" => row.quantization.clone().unwrap_or_else(none),
        "from" => words.get(&format!("origin.{}", row.from.as_str())),
        "unloads" => match &row.memory {
            Some(memory) => match memory.expires_at {
                Some(at) => format::clock(at.since(stores.now.get()) / 1000),
                None => words.get("models.pinned"),
            },
            None => none(),
        },
        "created" => format::day(words, row.created_at, stores.now.get_untracked()),
        "instance" => instance_name(stores, row.instance),
        "id" => row.id.to_string(),
        "message" => Some(row.message.clone()).filter(|text| !text.is_empty()).unwrap_or_else(none),
        "log" => words.get(if row.log_file_exist { "common.yes" } else { "common.no" }),
        "digest" => {
            row.digest.as_deref().map(format::short_digest).map_or_else(none, str::to_owned)
        }
        "modified" => row.modified_at.map_or_else(none, format::moment),
        "tags" if row.label.tags.is_empty() => none(),
        "tags" => row.label.tags.join(", "),
        "note" if row.label.note.is_empty() => none(),
        "note" => row.label.note.lines().next().unwrap_or_default().to_owned(),
        "parameters" => row.parameter_size.clone().unwrap_or_else(none),
        "family" => row.family.clone().unwrap_or_else(none),
        "context" => row.context_length.map_or_else(none, format::count),
        "preload" => words.get(if row.preload { "common.yes" } else { "common.no" }),
        "lastUsed" => match row.last_used {
            Some(at) => format::age(words, at, stores.now.get()),
            None => words.get("disk.neverSeen"),
        },
        "capabilities" if row.capabilities.is_empty() => none(),
        "capabilities" => row.capabilities.join(", "),
        _ => String::new(),
    }
}

/// The shown name of an instance.
#[must_use]
pub fn instance_name(stores: Stores, id: InstanceId) -> String {
    stores.instances.with(|instances| {
        instances.get(id).map(|each| each.name.clone()).unwrap_or_else(|| id.to_string())
    })
}

#[component]
fn SelectCell(row: Row, place: Memo<usize>) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let ticked =
        Memo::new(move |_| list.stores.models.with(|models| models.is_selected(place.get())));
    view! {
        <Show when=move || row.with(Option::is_some)>
            <Checkbox
                bare=true
                ticked=Signal::derive(move || ticked.get().into())
                label=Signal::derive(move || {
                    let name = row.with(|row| row.as_ref().map(|row| row.name.clone()));
                    words.fill("models.selectRow", &[("name", &name.unwrap_or_default())])
                })
                skip_tab=Signal::derive(move || list.active.get() != place.get())
                on_toggle=move |event: web_sys::MouseEvent| {
                    let place = place.get_untracked();
                    list.stores.models.update(|models| {
                        if event.shift_key() { models.extend(place) } else { models.toggle(place) }
                    });
                }
            />
        </Show>
    }
}

#[component]
fn NameCell(row: Row) -> impl IntoView {
    let list = use_list();
    let stores = list.stores;
    // Where several instances show, the row says whose it is.
    let instance = Memo::new(move |_| {
        let several = stores.instances.with(|instances| instances.all().len() > 1);
        let one = stores.models.with(|models| models.query().instance_id.is_some());
        let id = row.with(|row| row.as_ref().map(|row| row.instance));
        id.filter(|_| several && !one).map(|id| instance_name(stores, id))
    });
    let words = use_words();
    let name = Memo::new(move |_| {
        row.with(|row| {
            let row = row.as_ref()?;
            let marks = (row.label.favourite, row.pinned);
            Some((row.id, row.name.clone(), row.aliases.clone(), marks))
        })
    });
    // Under the name: whose it is, and what the user calls it.
    let under = Memo::new(move |_| {
        let tags = row.with(|row| {
            let tags = row.as_ref().map(|row| row.label.tags.clone()).unwrap_or_default();
            tags.iter().map(|tag| format!("#{tag}")).collect::<Vec<_>>().join(" ")
        });
        let parts = [instance.get().unwrap_or_default(), tags];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(" · ")
    });
    move || {
        name.get().map(|(id, name, aliases, (favourite, pinned))| {
            let (model, tag) = split(&name);
            let title = if aliases.is_empty() {
                name.clone()
            } else {
                format!("{name} = {}", aliases.join(" = "))
            };
            view! {
                <button
                    type="button"
                    class="models__name cut"
                    tabindex="-1"
                    title=title
                    on:click=move |event| {
                        if !event.ctrl_key() && !event.meta_key() && !event.shift_key() {
                            list.detail.set(Some(id));
                        }
                    }
                >
                    {favourite.then(|| {
                        view! {
                            <span class="models__star" role="img" aria-label=words.signal("models.favourite")>
                                <Glyph icon=icondata::LuStar />
                            </span>
                        }
                    })}
                    {model}
                    <span class="faint">{tag}</span>
                    {pinned.then(|| {
                        view! {
                            <span class="models__pin" role="img" aria-label=words.signal("models.keptPinned")>
                                <Glyph icon=icondata::LuPin />
                            </span>
                        }
                    })}
                </button>
                <small class="models__why cut">{under}</small>
            }
        })
    }
}

/// A name without its tag, and the tag with its colon.
#[must_use]
pub fn split(name: &str) -> (String, String) {
    match name.rfind(':') {
        Some(place) => (name[..place].to_owned(), name[place..].to_owned()),
        None => (name.to_owned(), String::new()),
    }
}

/// The next step as a button, everything else behind the dots.
#[component]
fn ActionsCell(row: Row, actions: Actions) -> impl IntoView {
    let (words, menu) = (use_words(), use_menu());
    let pending = Memo::new(move |_| {
        row.with(|row| row.as_ref().map(|row| row.id))
            .is_some_and(|id| actions.list.stores.pending.with(|pending| pending.of(id).is_some()))
    });
    let step = Memo::new(move |_| {
        row.with(|row| {
            let row = row.as_deref()?;
            let action = next_step(row)?;
            Some((action, row.status, why_not(words, action, row).unwrap_or_default()))
        })
    });
    let items = Signal::derive(move || {
        row.with(|row| row.as_deref().map(|row| actions.menu(row)).unwrap_or_default())
    });
    view! {
        <div class="models__actions">
            {move || {
                step.get().map(|(action, status, reason)| {
                    view! {
                        <Button
                            small=true
                            icon=if action == corral_contract::status::Action::Resume
                                && status == Status::Paused
                            {
                                icondata::LuPlay
                            } else {
                                icon(action)
                            }
                            reason=reason
                            pending=pending
                            on_press=move |()| {
                                if let Some(row) = row.get_untracked() {
                                    actions.act(action, &row);
                                }
                            }
                            attr:data-testid=format!("row-action-{}", action.as_str())
                        >
                            {words.signal(label(action, status))}
                        </Button>
                    }
                })
            }}
            <Show when=move || row.with(Option::is_some)>
                <IconButton
                    icon=icondata::LuEllipsis
                    label=words.signal("common.more")
                    popup=true
                    on_press=move |event: web_sys::MouseEvent| {
                        let name = row.with_untracked(|row| row.as_ref().map(|row| row.name.clone()));
                        menu.open_under(&event, name.unwrap_or_default(), items);
                    }
                    attr:data-testid="row-menu"
                />
            </Show>
        </div>
    }
}

/// Whether a row's download figures are worth a bar.
#[must_use]
pub(super) fn moving(row: &ModelRow) -> bool {
    row.progress.is_some() && !matches!(row.install, Install::Ready | Install::Unavailable)
}
