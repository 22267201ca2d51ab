//! What these dialogs share.

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    bundles::{BundleItem, There, Way},
    desktop::{ChooseKind, FileKind, NewFile, call as desktop},
    size,
};
use leptos::prelude::*;

use super::super::list::List;
use crate::{
    components::{Button, Checkbox, ErrorCard, Field, Note, Select, TextInput, Tone},
    pages::{advice, sending::Sending},
    problem,
    words::Words,
};

/// The path of a file, typed or chosen.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) path: RwSignal<String>,
    /// A file of that name may be replaced. The system's own question has asked that already.
    pub(super) overwrite: RwSignal<bool>,
    pub(super) failure: RwSignal<Option<WireError>>,
    kind: FileKind,
    /// The name to begin with where a new file is to be; `None` = a file that is there.
    name: Option<Signal<String>>,
}

impl Place {
    /// A file that is there.
    pub(super) fn there(kind: FileKind) -> Place {
        Place {
            path: RwSignal::new(String::new()),
            overwrite: RwSignal::new(false),
            failure: RwSignal::new(None),
            kind,
            name: None,
        }
    }

    /// A file that is to be.
    pub(super) fn new(kind: FileKind, name: Signal<String>) -> Place {
        Place { name: Some(name), ..Place::there(kind) }
    }

    /// What is wrong with a field, in words.
    pub(super) fn wrong(self, words: Words, field: &'static str) -> Signal<String> {
        Signal::derive(move || {
            self.failure
                .with(|error| {
                    let error = error.as_ref().filter(|it| it.code == ErrorCode::InvalidInput)?;
                    if error.params.get("field").is_none_or(|named| named != field) {
                        return None;
                    }
                    let reason = error.params.get("reason")?;
                    Some(words.get_or(&format!("reason.{reason}"), reason))
                })
                .unwrap_or_default()
        })
    }

    fn exists(self) -> bool {
        self.failure.with(|error| {
            let reason = error.as_ref().and_then(|error| error.params.get("reason"));
            reason.is_some_and(|reason| reason == "fileExists")
        })
    }
}

/// The field of a path with the system's own question beside it. `changed` hears of each new path.
#[component]
pub(super) fn PlaceField(
    place: Place,
    sending: Sending,
    words: Words,
    #[prop(optional, into)] changed: Option<Callback<()>>,
) -> impl IntoView {
    let told = move || {
        place.failure.set(None);
        if let Some(changed) = changed {
            changed.run(());
        }
    };
    let choose = move |()| {
        let take = move |chosen: corral_contract::desktop::ChosenFile, overwrite: bool| {
            if let Some(path) = chosen.path {
                place.path.set(path);
                place.overwrite.set(overwrite);
                told();
            }
        };
        let kind = place.kind;
        match place.name {
            Some(name) => {
                let request = NewFile { kind, name: name.get_untracked() };
                sending.then::<desktop::ChooseSave>("choose", request, move |it| take(it, true));
            }
            None => {
                let request = ChooseKind { kind };
                sending.then::<desktop::ChooseOpen>("choose", request, move |it| take(it, false));
            }
        }
    };
    let hint = match (place.name.is_some(), place.kind) {
        (true, _) => "moving.newPathHint",
        (false, FileKind::Bundle) => "moving.bundleHint",
        (false, _) => "moving.listHint",
    };
    view! {
        <Field
            id="moving-path"
            label=words.signal("moving.path")
            hint=words.signal(hint)
            error=place.wrong(words, "path")
        >
            <span class="moving__path">
                <TextInput
                    id="moving-path"
                    value=place.path
                    mono=true
                    autofocus=true
                    on_change=move |_| {
                        place.overwrite.set(false);
                        told();
                    }
                    attr:data-testid="moving-path"
                />
                <Button pending=sending.pending("choose") on_press=choose>
                    {words.signal("checks.fileChoose")}
                </Button>
            </span>
        </Field>
        <Show when=move || place.exists() || place.overwrite.get()>
            <Consent
                words
                ticked=place.overwrite
                label="moving.overwriteFile"
                testid="moving-overwrite"
            />
        </Show>
    }
}

/// A box to tick before something is changed that could not be had back.
#[component]
pub(super) fn Consent(
    words: Words,
    ticked: RwSignal<bool>,
    label: &'static str,
    testid: &'static str,
) -> AnyView {
    view! {
        <span data-testid=testid>
            <Checkbox
                ticked=Signal::derive(move || ticked.get().into())
                label=words.signal(label)
                on_toggle=move |_| ticked.update(|on| *on = !*on)
            />
        </span>
    }
    .into_any()
}

/// What making models anew means, while any has to be.
#[component]
pub(super) fn Rebuild(words: Words, anew: Signal<bool>, ticked: RwSignal<bool>) -> AnyView {
    view! {
        <Show when=move || anew.get()>
            <Note tone=Tone::Warning>{words.signal("moving.rebuildText")}</Note>
            <Consent words ticked label="moving.rebuild" testid="moving-rebuild" />
        </Show>
    }
    .into_any()
}

/// What went wrong, where no field says it already.
#[component]
pub(super) fn Trouble(
    failure: RwSignal<Option<WireError>>,
    #[prop(default = &["path"])] shown: &'static [&'static str],
) -> impl IntoView {
    move || {
        let other = |error: &WireError| {
            let field = error.params.get("field").map(String::as_str).unwrap_or_default();
            error.code != ErrorCode::InvalidInput || !shown.contains(&field)
        };
        let error = failure.get().filter(other).map(advice::textual);
        error.map(|error| view! { <ErrorCard error=Signal::stored(error) /> })
    }
}

/// Which server, without those that are left out.
#[component]
pub(super) fn ServerField(
    list: List,
    words: Words,
    #[prop(into)] label: Signal<String>,
    chosen: RwSignal<Option<InstanceId>>,
    #[prop(optional)] without: Vec<InstanceId>,
    #[prop(optional, into)] error: Signal<String>,
    #[prop(optional, into)] changed: Option<Callback<()>>,
) -> impl IntoView {
    let options = Signal::derive(move || {
        list.stores.instances.with(|instances| {
            let all = instances.all().iter().filter(|each| !without.contains(&each.id));
            all.map(|each| (each.id.to_string(), each.name.clone())).collect::<Vec<_>>()
        })
    });
    let none = Memo::new(move |_| options.with(Vec::is_empty));
    view! {
        <Field
            id="moving-server"
            label=label
            hint=Signal::derive(move || if none.get() { words.get("moving.noOther") } else { String::new() })
            error=error
        >
            <Select
                id="moving-server"
                options=options
                value=Signal::derive(move || {
                    chosen.get().map(|id| id.to_string()).unwrap_or_default()
                })
                on_change=move |id: String| {
                    chosen.set(id.parse().ok().map(InstanceId));
                    if let Some(changed) = changed {
                        changed.run(());
                    }
                }
                attr:data-testid="moving-server"
            />
        </Field>
    }
}

/// What becomes of a model, in one line.
pub(super) fn fate(words: Words, item: &BundleItem) -> String {
    if let Some(trouble) = &item.problem {
        return problem::reason(words, trouble);
    }
    match (item.there, item.way) {
        (There::Same, _) => words.get("moving.same"),
        (There::Other, _) => words.get("moving.other"),
        (_, Way::Rebuild) => words.get("moving.rebuildOne"),
        _ => match item.missing {
            Some(0) => words.get("moving.layersThere"),
            Some(missing) => words.fill("moving.brings", &[("bytes", &size::format(missing))]),
            None => String::new(),
        },
    }
}

/// How many bytes move, and how many are free.
pub(super) fn weight(words: Words, missing: u64, free: Option<u64>) -> String {
    let missing = size::format(missing);
    match free {
        Some(free) => {
            words.fill("moving.weightFree", &[("bytes", &missing), ("free", &size::format(free))])
        }
        None => words.fill("moving.weight", &[("bytes", &missing)]),
    }
}
