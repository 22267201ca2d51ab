//! A file that is to be imported: its checksums and what is in it.

use corral_contract::{
    ErrorCode, WireError,
    checks::{CheckFile, FileCheck, Structure, call},
    command::Nothing,
    desktop, size,
    tasks::{TaskKind, TaskRef, call::Cancel},
};
use leptos::prelude::*;

use super::list::use_list;
use crate::{
    components::{
        Button, ButtonKind, CopyButton, Dialog, ErrorCard, Field, Part, ProgressBar, StatusBadge,
        TextInput,
    },
    format,
    pages::{advice, sending::Sending},
    words::use_words,
};

/// The dialog with the result in it.
#[component]
pub(super) fn CheckFileDialog() -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let sending = Sending::here();
    let (path, md5, sha256) =
        (RwSignal::new(String::new()), RwSignal::new(String::new()), RwSignal::new(String::new()));
    let failure = RwSignal::new(None::<WireError>);
    let found = RwSignal::new(None::<FileCheck>);
    let pending = sending.pending("file");
    let task = Memo::new(move |_| {
        let mine = list.stores.tasks.with(|tasks| {
            let read = |it: &&corral_contract::tasks::TaskView| {
                it.kind == TaskKind::Check && it.instance.is_none()
            };
            tasks.running().find(read).cloned()
        });
        mine.filter(|_| pending.get())
    });
    let wrong = move |field: &'static str| {
        Signal::derive(move || {
            failure
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
    };
    let given = |text: RwSignal<String>| Some(text.get_untracked()).filter(|it| !it.is_empty());
    let submit = move |()| {
        failure.set(None);
        found.set(None);
        let request =
            CheckFile { path: path.get_untracked(), md5: given(md5), sha256: given(sha256) };
        sending.ask::<call::File>("file", request, move |answer| match answer {
            Ok(check) => found.set(Some(check)),
            Err(error) if error.code == ErrorCode::Cancelled => {}
            Err(error) => failure.set(Some(error)),
        });
    };
    let choose = move |()| {
        sending.then::<desktop::call::ChooseFile>("choose", Nothing {}, move |chosen| {
            if let Some(chosen) = chosen.path {
                path.set(chosen);
                failure.set(None);
            }
        });
    };
    let stop = move || {
        if let Some(task) = task.get_untracked() {
            sending.send::<Cancel>("cancel", TaskRef { id: task.id });
        }
    };
    let close = Callback::new(move |()| {
        stop();
        list.close();
    });
    let footer = move || {
        view! {
            <Button on_press=close attr:data-testid="check-file-close">
                {words.signal("common.close")}
            </Button>
            <Button
                kind=ButtonKind::Primary
                icon=icondata::LuShieldCheck
                pending=pending
                on_press=submit
                attr:data-testid="check-file-submit"
            >
                {words.signal("checks.fileBegin")}
            </Button>
        }
    };
    let other = move || {
        let card = |error: &WireError| error.code != ErrorCode::InvalidInput;
        failure.get().filter(card).map(advice::textual)
    };
    view! {
        <Dialog
            title=words.signal("checks.fileTitle")
            on_close=close
            footer=footer
            attr:data-testid="dialog-check-file"
        >
            <form
                class="create"
                on:submit=move |event| {
                    event.prevent_default();
                    submit(());
                }
            >
                <Field
                    id="check-path"
                    label=words.signal("checks.filePath")
                    hint=words.signal("checks.filePathHint")
                    error=wrong("path")
                >
                    <span class="check-file__path">
                        <TextInput id="check-path" value=path mono=true autofocus=true />
                        <Button
                            pending=sending.pending("choose")
                            on_press=choose
                            attr:data-testid="check-file-choose"
                        >
                            {words.signal("checks.fileChoose")}
                        </Button>
                    </span>
                </Field>
                <Field
                    id="check-sha256"
                    label=words.signal("checks.fileSha256")
                    hint=words.signal("checks.fileSumHint")
                    error=wrong("sha256")
                >
                    <TextInput id="check-sha256" value=sha256 mono=true />
                </Field>
                <Field id="check-md5" label=words.signal("checks.fileMd5") error=wrong("md5")>
                    <TextInput id="check-md5" value=md5 mono=true />
                </Field>
                // Enter anywhere in the form submits it.
                <button type="submit" class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
            </form>
            {move || {
                task.get().and_then(|task| task.figures).map(|figures| {
                    let text = format::part(figures.done, figures.total);
                    view! {
                        <ProgressBar
                            parts=vec![Part::of(figures.done, figures.total, "busy")]
                            label=Signal::stored(text.clone())
                            process=true
                        />
                        <p class="dim num">{text}</p>
                    }
                })
            }}
            {move || other().map(|error| view! { <ErrorCard error=Signal::stored(error) /> })}
            <div role="status">
                {move || found.get().map(|check| view! { <Result check /> })}
            </div>
        </Dialog>
    }
}

#[component]
fn Result(check: FileCheck) -> impl IntoView {
    let words = use_words();
    let same = move |matches: Option<bool>| {
        matches.map(|same| {
            let (icon, tone, key) = if same {
                (icondata::LuCircleCheck, "ok", "checks.matches")
            } else {
                (icondata::LuCircleAlert, "bad", "checks.differs")
            };
            view! { <StatusBadge icon=icon tone=tone text=words.signal(key) /> }
        })
    };
    let (icon, tone) = match check.structure {
        Structure::Sound => (icondata::LuCircleCheck, "ok"),
        Structure::Broken => (icondata::LuCircleAlert, "bad"),
        Structure::Unknown => (icondata::LuCircleDashed, "off"),
    };
    let structure = words.signal_of(format!("structure.{}", check.structure.as_str()));
    let kind = [
        check.architecture,
        check.quantization,
        check.parameters.map(|n| words.fill("checks.elements", &[("n", &format::count(n))])),
    ];
    let kind = kind.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let fact = move |key: &'static str, value: String| {
        (!value.is_empty()).then(|| {
            view! {
                <dt>{words.get(key)}</dt>
                <dd class="num">{value}</dd>
            }
        })
    };
    view! {
        <dl class="facts" data-testid="check-file-result">
            <dt>{words.get("checks.structure")}</dt>
            <dd>
                <StatusBadge icon=icon tone=tone text=structure />
                {check.detail.map(|text| view! { <small class="faint">" " {text}</small> })}
            </dd>
            {fact("checks.architecture", kind)}
            {fact("detail.context", check.context_length.map(format::count).unwrap_or_default())}
            {fact("column.size", size::format(check.bytes))}
            <dt>"SHA-256"</dt>
            <dd class="check-file__sum">
                <span class="mono">{check.sha256.clone()}</span>
                <CopyButton text=Signal::stored(check.sha256) />
                {same(check.sha256_matches)}
            </dd>
            <dt>"MD5"</dt>
            <dd class="check-file__sum">
                <span class="mono">{check.md5.clone()}</span>
                <CopyButton text=Signal::stored(check.md5) />
                {same(check.md5_matches)}
            </dd>
        </dl>
    }
}
