//! A server's models as a list of names, and fetching what such a list names.

use corral_contract::{
    bundles::{
        ChosenNames, InspectBundle, ListItem, ListPreview, ListState, ListTarget, RestoredList, call,
    },
    desktop::FileKind,
    size,
};
use leptos::prelude::*;

use super::{
    super::list::use_list,
    parts::{Place, PlaceField, ServerField, Trouble},
};
use crate::{
    components::{Button, ButtonKind, Dialog, Note, StatusBadge, Tone},
    format,
    pages::sending::Sending,
    problem,
    words::use_words,
};

/// Writes a list.
#[component]
pub(crate) fn SaveListDialog() -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let sending = Sending::of_page();
    let place = Place::new(FileKind::List, Signal::stored("corral-models.json".to_owned()));
    let failure = place.failure;
    let chosen = RwSignal::new(list.scope.target.get_untracked());
    let submit = move |()| {
        let Some(instance) = chosen.get_untracked() else { return };
        failure.set(None);
        let (path, overwrite) = (place.path.get_untracked(), place.overwrite.get_untracked());
        let request = ListTarget { path, instance, overwrite };
        sending.ask::<call::SaveList>("save", request, move |answer| match answer {
            Ok(saved) => {
                let count = format::count(u64::from(saved.models));
                sending.good(words.fill("moving.listSaved", &[("n", &count)]));
                list.close();
            }
            Err(error) => failure.set(Some(error)),
        });
    };
    let reason = Signal::derive(move || match chosen.get() {
        None => words.get("top.noInstance"),
        Some(_) => String::new(),
    });
    let footer = move || {
        view! {
            <Button on_press=move |()| list.close() attr:data-testid="moving-cancel">
                {words.signal("common.cancel")}
            </Button>
            <Button
                kind=ButtonKind::Primary
                icon=icondata::LuFileDown
                pending=sending.pending("save")
                reason=reason
                on_press=submit
                attr:data-testid="moving-submit"
            >
                {words.signal("moving.saveList")}
            </Button>
        }
    };
    view! {
        <Dialog
            title=words.signal("moving.saveListTitle")
            on_close=move |()| list.close()
            footer=footer
            narrow=true
            attr:data-testid="dialog-save-list"
        >
            <form
                class="create"
                on:submit=move |event| {
                    event.prevent_default();
                    submit(());
                }
            >
                <p class="dim">{words.signal("moving.saveListText")}</p>
                <PlaceField place sending words />
                <ServerField list words label=words.signal("moving.of") chosen />
                <Trouble failure=failure />
                // Enter anywhere in the form submits it.
                <button type="submit" class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
            </form>
        </Dialog>
    }
}

/// Reads a list, and puts downloads for what is missing into the queue.
#[component]
pub(crate) fn RestoreListDialog() -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let sending = Sending::of_page();
    let place = Place::there(FileKind::List);
    let failure = place.failure;
    let chosen = RwSignal::new(list.scope.target.get_untracked());
    let seen = RwSignal::new(None::<ListPreview>);
    let done = RwSignal::new(None::<RestoredList>);
    let forget = move |()| {
        seen.set(None);
        failure.set(None);
    };
    let missing = Signal::derive(move || {
        seen.with(|seen| {
            let items = seen.iter().flat_map(|seen| &seen.items);
            let missing = items.filter(|item| item.state == ListState::Missing);
            missing.map(|item| item.name.clone()).collect::<Vec<_>>()
        })
    });
    let submit = move |()| {
        let Some(instance) = chosen.get_untracked() else { return };
        let path = place.path.get_untracked();
        failure.set(None);
        if seen.with_untracked(Option::is_none) {
            let request = InspectBundle { path: path.clone(), instance };
            sending.ask::<call::PreviewList>("look", request, move |answer| {
                if place.path.get_untracked() != path || chosen.get_untracked() != Some(instance) {
                    return;
                }
                match answer {
                    Ok(preview) => seen.set(Some(preview)),
                    Err(error) => failure.set(Some(error)),
                }
            });
            return;
        }
        let request = ChosenNames { path, instance, names: missing.get_untracked() };
        sending.ask::<call::RestoreList>("restore", request, move |answer| match answer {
            Ok(restored) => done.set(Some(restored)),
            Err(error) => failure.set(Some(error)),
        });
    };
    let reason = Signal::derive(move || {
        if chosen.with(Option::is_none) {
            words.get("top.noInstance")
        } else if seen.with(Option::is_some) && missing.with(Vec::is_empty) {
            words.get("moving.nothingMissing")
        } else {
            String::new()
        }
    });
    let pending = Signal::derive(move || {
        sending.pending("look").get() || sending.pending("restore").get()
    });
    let footer = move || {
        view! {
            <Button
                on_press=move |()| list.close()
                attr:data-testid=move || {
                    if done.with(Option::is_some) { "moving-close" } else { "moving-cancel" }
                }
            >
                {move || {
                    let over = done.with(Option::is_some);
                    words.get(if over { "common.close" } else { "common.cancel" })
                }}
            </Button>
            <Show when=move || done.with(Option::is_none)>
                <Button
                    kind=ButtonKind::Primary
                    icon=icondata::LuDownload
                    pending=pending
                    reason=reason
                    on_press=submit
                    attr:data-testid="moving-submit"
                >
                    {move || {
                        if seen.with(Option::is_none) {
                            words.get("moving.look")
                        } else {
                            let count = format::count(missing.with(Vec::len) as u64);
                            words.fill("moving.fetch", &[("n", &count)])
                        }
                    }}
                </Button>
            </Show>
        }
    };
    let items = move || {
        let preview = seen.get()?;
        let line = |item: ListItem| {
            let (icon, tone) = match item.state {
                ListState::Present => (icondata::LuCircleCheck, "ok"),
                ListState::Differs => (icondata::LuCircleCheck, "warn"),
                ListState::Missing => (icondata::LuDownload, "busy"),
                ListState::Queued => (icondata::LuClock, "off"),
                ListState::Invalid => (icondata::LuCircleAlert, "bad"),
            };
            let state = words.signal_of(format!("listState.{}", item.state.as_str()));
            let why = match (item.reason, item.state, item.bytes) {
                (Some(reason), ..) => words.get_or(&format!("reason.{reason}"), &reason),
                (None, ListState::Missing, Some(bytes)) => {
                    words.fill("moving.listedBytes", &[("bytes", &size::format(bytes))])
                }
                (None, ListState::Missing, None) => words.get("moving.unknownBytes"),
                _ => String::new(),
            };
            view! {
                <li class="result-list__item">
                    <span class="cut mono">{item.name}</span>
                    <StatusBadge icon=icon tone=tone text=state />
                    {(!why.is_empty()).then(|| view! { <small class="result-list__why">{why}</small> })}
                </li>
            }
        };
        let lines = preview.items.into_iter().map(line).collect_view();
        Some(view! { <ul class="result-list" data-testid="moving-preview">{lines}</ul> })
    };
    let result = move || {
        let restored = done.get()?;
        let (queued, present) =
            (format::count(u64::from(restored.queued)), format::count(u64::from(restored.present)));
        let text = words.fill("moving.restored", &[("queued", &queued), ("present", &present)]);
        let tone = if restored.failed.is_empty() { Tone::Good } else { Tone::Warning };
        let line = |item: corral_contract::bundles::MovedItem| {
            let why = item.problem.as_ref().map(|trouble| problem::reason(words, trouble));
            view! {
                <li class="result-list__item">
                    <span class="cut mono">{item.name}</span>
                    <small class="result-list__why">{why}</small>
                </li>
            }
        };
        let failed = restored.failed.into_iter().map(line).collect_view();
        Some(view! {
            <Note tone=tone>
                <span data-testid="moving-result">{text}</span>
            </Note>
            <ul class="result-list">{failed}</ul>
        })
    };
    view! {
        <Dialog
            title=words.signal("moving.restoreTitle")
            on_close=move |()| list.close()
            footer=footer
            attr:data-testid="dialog-restore-list"
        >
            <Show
                when=move || done.with(Option::is_some)
                fallback=move || {
                    view! {
                        <form
                            class="create"
                            on:submit=move |event| {
                                event.prevent_default();
                                submit(());
                            }
                        >
                            <p class="dim">{words.signal("moving.restoreText")}</p>
                            <PlaceField place sending words changed=forget />
                            <ServerField
                                list
                                words
                                label=words.signal("moving.into")
                                chosen
                                changed=forget
                            />
                            {items}
                            <Trouble failure=failure />
                            // Enter anywhere in the form submits it.
                            <button type="submit" class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
                        </form>
                    }
                }
            >
                <div class="create" role="status">{result}</div>
            </Show>
        </Dialog>
    }
}
