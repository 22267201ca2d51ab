//! The list as a file.

use corral_contract::{
    ErrorCode, WireError,
    desktop::{FileKind, NewFile, call::ChooseSave},
    models::{ListExport, ListFormat, call::ExportTable},
};
use leptos::prelude::*;

use super::{columns, list::use_list};
use crate::{
    components::{Button, Dialog, DialogFoot, ErrorCard, Field, Segmented, Switch, TextInput},
    format,
    frame::media::use_narrow,
    pages::{advice, sending::Sending},
    words::use_words,
};

/// Columns of the window that are called otherwise in the file, or are several there.
fn written(key: &str) -> &'static [&'static str] {
    match key {
        "status" => &["status"],
        "name" => &["name"],
        "instance" => &["instance"],
        "size" => &["size", "bytes"],
        "quantization" => &["quantization"],
        "from" => &["from", "registry"],
        "memory" => &["memoryBytes", "vramBytes"],
        "created" => &["createdAt"],
        "modified" => &["modifiedAt"],
        "id" => &["id"],
        "message" => &["message"],
        "digest" => &["digest"],
        "capabilities" => &["capabilities"],
        "tags" => &["favourite", "tags"],
        "note" => &["note"],
        "parameters" => &["parameterSize"],
        "family" => &["family"],
        "context" => &["contextLength"],
        _ => &[],
    }
}

/// Where, what and how.
#[component]
pub(super) fn TableDialog() -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let narrow = use_narrow();
    let sending = Sending::here();
    let models = list.stores.models;
    let selected = models.with_untracked(|models| models.selected().len());
    let all = models.with_untracked(|models| models.total());
    let chosen = RwSignal::new(if selected > 0 { "selected" } else { "shown" });
    let kind = RwSignal::new("csv");
    let shown_only = RwSignal::new(true);
    let modelfiles = RwSignal::new(false);
    let path = RwSignal::new(String::new());
    let failure = RwSignal::new(None::<WireError>);
    let pending = sending.pending("export");
    let taken = Signal::derive(move || {
        failure.with(|error| {
            error.as_ref().is_some_and(|error| error.code == ErrorCode::AlreadyExists)
        })
    });
    let close = move |()| list.close();
    let submit = move |overwrite: bool| {
        failure.set(None);
        let mut columns: Vec<String> = if shown_only.get_untracked() {
            let shown = untrack(|| columns::shown(list.preferences, narrow));
            shown.into_iter().flat_map(written).map(|name| (*name).to_owned()).collect()
        } else {
            Vec::new()
        };
        if modelfiles.get_untracked() {
            if columns.is_empty() {
                columns = corral_contract::models::LIST_COLUMNS
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect();
            } else {
                columns.push("modelfile".to_owned());
            }
        }
        let ids = if chosen.get_untracked() == "selected" {
            models.with_untracked(|models| models.selected().iter().copied().collect())
        } else {
            Vec::new()
        };
        let request = ListExport {
            path: path.get_untracked(),
            format: if kind.get_untracked() == "csv" { ListFormat::Csv } else { ListFormat::Json },
            search: models.with_untracked(|models| models.query().clone()),
            ids,
            columns,
            overwrite,
        };
        sending.ask::<ExportTable>("export", request, move |answer| match answer {
            // How it ended is told as of every task.
            Ok(_) => list.close(),
            Err(error) => failure.set(Some(error)),
        });
    };
    let choose = move |()| {
        let name = format!("models.{}", kind.get_untracked());
        let kind = if kind.get_untracked() == "csv" { FileKind::Csv } else { FileKind::Json };
        sending.then::<ChooseSave>("choose", NewFile { kind, name }, move |file| {
            if let Some(file) = file.path {
                path.set(file);
                failure.set(None);
            }
        });
    };
    let wrong = Signal::derive(move || match failure.get() {
        Some(error) if error.code == ErrorCode::AlreadyExists => words.get("export.taken"),
        Some(error) => advice::reason(words, &error, "path"),
        None => String::new(),
    });
    let other = move || {
        let card = |error: &WireError| {
            error.code != ErrorCode::AlreadyExists
                && error.params.get("field").is_none_or(|field| field != "path")
        };
        failure.get().filter(card).map(advice::textual)
    };
    let footer = move || {
        view! {
            <DialogFoot
                cancel="table-cancel"
                submit="table-submit"
                go=Signal::derive(move || {
                    words.get(if taken.get() { "export.replace" } else { "export.go" })
                })
                icon=icondata::LuFileDown
                pending=pending
                on_go=move |()| submit(taken.get_untracked())
                on_close=close
            />
        }
    };
    view! {
        <Dialog
            title=words.signal("export.title")
            on_close=close
            footer=footer
            narrow=true
            attr:data-testid="dialog-table"
        >
            <form
                class="create"
                on:submit=move |event| {
                    event.prevent_default();
                    submit(taken.get_untracked());
                }
            >
                {(selected > 0).then(|| {
                    view! {
                        <Segmented
                            label=words.signal("export.what")
                            options=Signal::derive(move || {
                                let count = |n: usize| format::count(n as u64);
                                vec![
                                    (
                                        "selected",
                                        words.fill("export.selected", &[("n", &count(selected))]),
                                    ),
                                    ("shown", words.fill("export.shown", &[("n", &count(all))])),
                                ]
                            })
                            value=Signal::derive(move || chosen.get().to_owned())
                            on_change=move |choice: &'static str| chosen.set(choice)
                        />
                    }
                })}
                <Segmented
                    label=words.signal("export.format")
                    options=Signal::derive(|| {
                        vec![("csv", "CSV".to_owned()), ("json", "JSON".to_owned())]
                    })
                    value=Signal::derive(move || kind.get().to_owned())
                    on_change=move |choice: &'static str| kind.set(choice)
                />
                <Field
                    id="table-path"
                    label=words.signal("export.path")
                    hint=words.signal("checks.filePathHint")
                    error=wrong
                >
                    <span class="check-file__path">
                        <TextInput id="table-path" value=path mono=true autofocus=true />
                        <Button pending=sending.pending("choose") on_press=choose>
                            {words.signal("checks.fileChoose")}
                        </Button>
                    </span>
                </Field>
                <Switch
                    on=shown_only
                    label=words.signal("export.shownColumns")
                    hint=words.signal("export.shownColumnsHint")
                    on_change=move |on: bool| shown_only.set(on)
                    attr:data-testid="table-shown-columns"
                />
                <Switch
                    on=modelfiles
                    label=words.signal("export.modelfiles")
                    hint=words.signal("export.modelfilesHint")
                    on_change=move |on: bool| modelfiles.set(on)
                    attr:data-testid="table-modelfiles"
                />
                <button type="submit" class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
            </form>
            {move || other().map(|error| view! { <ErrorCard error=Signal::stored(error) /> })}
        </Dialog>
    }
}
