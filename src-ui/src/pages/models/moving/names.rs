//! A server's models as a list of names, and fetching what such a list names.

use corral_contract::{
    bundles::{
        ChosenNames, InspectBundle, ListItem, ListPreview, ListState, ListTarget, RestoredList,
        call,
    },
    desktop::FileKind,
    size,
};
use leptos::prelude::*;

use super::{
    super::list::use_list,
    parts::{Place, PlaceField, ServerField, Trouble},
    shell::{Begin, Line, MovingDialog, lines},
};
use crate::{
    components::{Button, Note, Tone},
    format,
    pages::sending::Sending,
    problem,
    words::use_words,
};

/// Writes a list.
#[component]
pub(crate) fn SaveListDialog() -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let sending = Sending::here();
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
    let form = move || {
        view! {
            <p class="dim">{words.signal("moving.saveListText")}</p>
            <PlaceField place sending words />
            <ServerField list words label=words.signal("moving.of") chosen />
            <Trouble failure=failure />
        }
    };
    let begin = Begin {
        label: words.signal("moving.saveList"),
        icon: icondata::LuFileDown,
        pending: sending.pending("save"),
        reason,
        run: Callback::new(submit),
    };
    view! {
        <MovingDialog
            title="moving.saveListTitle"
            testid="dialog-save-list"
            begin
            begun=Signal::stored(false)
            form
            after=|| ()
            buttons=|| ()
        />
    }
}

/// Reads a list, and puts downloads for what is missing into the queue.
#[component]
pub(crate) fn RestoreListDialog() -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let sending = Sending::here();
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
    let pending =
        Signal::derive(move || sending.pending("look").get() || sending.pending("restore").get());
    let items = move || {
        let preview = seen.get()?;
        let line = |item: ListItem| {
            let look = match item.state {
                ListState::Present => (icondata::LuCircleCheck, "ok"),
                ListState::Differs => (icondata::LuCircleCheck, "warn"),
                ListState::Missing => (icondata::LuDownload, "busy"),
                ListState::Queued => (icondata::LuClock, "off"),
                ListState::Invalid => (icondata::LuCircleAlert, "bad"),
            };
            let why = match (item.reason, item.state, item.bytes) {
                (Some(reason), ..) => words.get_or(&format!("reason.{reason}"), &reason),
                (None, ListState::Missing, Some(bytes)) => {
                    words.fill("moving.listedBytes", &[("bytes", &size::format(bytes))])
                }
                (None, ListState::Missing, None) => words.get("moving.unknownBytes"),
                _ => String::new(),
            };
            let end = words.get(&format!("listState.{}", item.state.as_str()));
            Line { name: item.name, look: Some(look), end, why, faint: false }
        };
        Some(lines(preview.items.into_iter().map(line).collect(), "moving-preview"))
    };
    let result = move || {
        let restored = done.get()?;
        let (queued, present) =
            (format::count(u64::from(restored.queued)), format::count(u64::from(restored.present)));
        let text = words.fill("moving.restored", &[("queued", &queued), ("present", &present)]);
        let tone = if restored.failed.is_empty() { Tone::Good } else { Tone::Warning };
        let line = |item: corral_contract::bundles::MovedItem| Line {
            name: item.name,
            look: None,
            end: String::new(),
            why: item.problem.map(|trouble| problem::reason(words, &trouble)).unwrap_or_default(),
            faint: false,
        };
        Some(view! {
            <Note tone=tone>
                <span data-testid="moving-result">{text}</span>
            </Note>
            {lines(restored.failed.into_iter().map(line).collect(), "moving-items")}
        })
    };
    let form = move || {
        view! {
            <p class="dim">{words.signal("moving.restoreText")}</p>
            <PlaceField place sending words changed=forget />
            <ServerField list words label=words.signal("moving.into") chosen changed=forget />
            {items}
            <Trouble failure=failure />
        }
    };
    let begin = Begin {
        label: Signal::derive(move || {
            if seen.with(Option::is_none) {
                return words.get("moving.look");
            }
            let count = format::count(missing.with(Vec::len) as u64);
            words.fill("moving.fetch", &[("n", &count)])
        }),
        icon: icondata::LuDownload,
        pending,
        reason,
        run: Callback::new(submit),
    };
    view! {
        <MovingDialog
            title="moving.restoreTitle"
            testid="dialog-restore-list"
            begin
            begun=Signal::derive(move || done.with(Option::is_some))
            form
            after=move || view! { <div class="create" role="status">{result}</div> }
            buttons=move || {
                view! {
                    <Button
                        autofocus=true
                        on_press=move |()| list.close()
                        attr:data-testid="moving-close"
                    >
                        {words.signal("common.close")}
                    </Button>
                }
            }
        />
    }
}
