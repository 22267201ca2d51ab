use corral_contract::{
    WireError,
    registries::{RegistryDraft, RegistryView, TestReport, Tested, call},
};
use leptos::prelude::*;

use super::{
    login::{LoginFields, LoginForm},
    mirrors::{Mirrors, MirrorsField},
    said,
};
use crate::{
    components::{
        Button, Dialog, DialogFoot, ErrorCard, Field, Note, StatusBadge, Switch, TextInput,
    },
    pages::{
        advice,
        authority::{Authority, AuthorityField},
        sending::Sending,
    },
    problem,
    words::{Words, use_words},
};

/// Fields that show what is wrong with them themselves.
const FIELDS: &[&str] = &["host", "mirrors", "mirrorsOnly", "user", "secret", "realm", "customCa"];

/// What is written in the form.
#[derive(Clone, Copy)]
struct Form {
    host: RwSignal<String>,
    mirrors: Mirrors,
    only: RwSignal<bool>,
    login: LoginForm,
    authority: Authority,
    plain: RwSignal<bool>,
    /// What the core refused.
    refused: RwSignal<Option<WireError>>,
    /// What a test answered.
    tested: RwSignal<Option<TestReport>>,
}

impl Form {
    fn new(edit: Option<&RegistryView>) -> Form {
        Form {
            host: RwSignal::new(edit.map(|it| it.host.clone()).unwrap_or_default()),
            mirrors: Mirrors::new(edit.map(|it| it.mirrors.as_slice()).unwrap_or_default()),
            only: RwSignal::new(edit.is_some_and(|it| it.mirrors_only)),
            login: LoginForm::new(edit),
            authority: Authority::new(edit.is_some_and(|it| it.has_custom_ca)),
            plain: RwSignal::new(edit.is_some_and(|it| it.plain_http)),
            refused: RwSignal::new(None),
            tested: RwSignal::new(None),
        }
    }

    fn draft(self) -> RegistryDraft {
        self.mirrors.tidy();
        self.refused.set(None);
        self.tested.set(None);
        RegistryDraft {
            host: self.host.get_untracked(),
            mirrors: self.mirrors.drafts(),
            mirrors_only: self.only.get_untracked(),
            login: self.login.kind.get_untracked(),
            user: self.login.user.get_untracked(),
            secret: self.login.secret(),
            realm: self.login.realm.get_untracked(),
            custom_ca: self.authority.changed(),
            plain_http: self.plain.get_untracked(),
        }
    }
}

/// What the core said about a field; empty when nothing.
fn refusal(form: Form, field: &str, words: Words) -> String {
    form.refused
        .with(|refused| {
            let refused = refused.as_ref()?;
            refused.params.get("field").filter(|it| *it == field)?;
            let reason = match refused.params.get("reason") {
                Some(reason) => words.get_or(&format!("reason.{reason}"), reason),
                None => problem::line(words, refused),
            };
            let place = refused.params.get("place").and_then(|text| text.parse::<usize>().ok());
            Some(match place {
                Some(place) => {
                    let values = [("n", (place + 1).to_string()), ("reason", reason)];
                    let values = values.each_ref().map(|(key, text)| (*key, text.as_str()));
                    words.fill("registries.mirrorWrong", &values)
                }
                None => reason,
            })
        })
        .unwrap_or_default()
}

/// Sets up a registry, or changes what was set up.
#[component]
pub(super) fn FormDialog(
    edit: Option<RegistryView>,
    #[prop(into)] on_saved: Callback<()>,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let sending = Sending::here();
    let words = use_words();
    let form = Form::new(edit.as_ref());
    let known = edit.map(|view| view.host);
    let named = known.clone();
    let title = Signal::derive(move || match &named {
        Some(host) => words.fill("registries.editTitle", &[("host", host)]),
        None => words.get("registries.addTitle"),
    });
    let save = Callback::new(move |()| {
        sending.ask::<call::Save>("save registry", form.draft(), move |answer| match answer {
            Ok(view) => {
                sending.good(words.fill("registries.saved", &[("host", &view.host)]));
                on_saved.run(());
                on_close.run(());
            }
            Err(problem) => form.refused.set(Some(problem)),
        });
    });
    let test = move |()| {
        sending.ask::<call::Test>("test registry", form.draft(), move |answer| match answer {
            Ok(report) => form.tested.set(Some(report)),
            Err(problem) => form.refused.set(Some(problem)),
        });
    };
    let testing = sending.pending("test registry");
    let footer = move || {
        view! {
            <span class="dialog__aside">
                <Button
                    icon=icondata::LuPlug
                    pending=testing
                    on_press=test
                    attr:data-testid="registry-test"
                >
                    {words.signal("registries.test")}
                </Button>
            </span>
            <DialogFoot
                cancel="registry-cancel"
                submit="registry-save"
                go=words.signal("common.save")
                pending=sending.pending("save registry")
                on_go=save
                on_close=on_close
            />
        }
    };
    view! {
        <Dialog title=title on_close=on_close footer=footer attr:data-testid="dialog-registry">
            <form
                class="instance-form"
                on:submit=move |event| {
                    event.prevent_default();
                    save.run(());
                }
            >
                <Fields form known />
                <Show when=move || testing.get()>
                    <p class="dim" role="status">{words.signal("registries.loading")}</p>
                </Show>
                <Report form />
                <Refused form />
                // Enter in a field sends the form; the visible button stands in the footer.
                <button type="submit" class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
            </form>
        </Dialog>
    }
}

#[component]
fn Fields(form: Form, known: Option<String>) -> impl IntoView {
    let words = use_words();
    let error = move |field: &'static str| Signal::derive(move || refusal(form, field, words));
    let wrong = move |field| {
        let error = error(field);
        Signal::derive(move || error.with(|text| !text.is_empty()))
    };
    let hugging = known.as_deref() == Some("hf.co");
    view! {
        {known.is_none().then(|| view! {
            <Field
                id="registry-host"
                label=words.signal("registries.host")
                hint=words.signal("registries.hostHint")
                error=error("host")
            >
                <TextInput
                    id="registry-host"
                    value=form.host
                    mono=true
                    placeholder="registry.example:5000"
                    invalid=wrong("host")
                    autofocus=true
                    attr:data-testid="registry-host"
                />
            </Field>
        })}
        {hugging.then(|| view! { <Note>{words.signal("registries.hfHint")}</Note> })}
        <LoginFields
            form=form.login
            refused=move |field: &'static str| refusal(form, field, words)
        />
        <MirrorsField mirrors=form.mirrors error=error("mirrors") />
        <Switch
            on=form.only
            label=words.signal("registries.mirrorsOnly")
            hint=words.signal("registries.mirrorsOnlyHint")
            on_change=move |on| form.only.set(on)
            attr:data-testid="registry-only"
        />
        <p class="setting__error" aria-live="polite">{error("mirrorsOnly")}</p>
        <Switch
            on=form.plain
            label=words.signal("registries.plainHttp")
            hint=words.signal("registries.plainHttpHint")
            on_change=move |on| form.plain.set(on)
            attr:data-testid="registry-plain"
        />
        <AuthorityField id="registry-ca" authority=form.authority error=error("customCa") />
    }
}

/// What the test found, an address a line.
#[component]
fn Report(form: Form) -> impl IntoView {
    let words = use_words();
    let line = move |item: Tested| {
        let good = item.problem.is_none();
        let (icon, tone) = match good {
            true => (icondata::LuCircleCheck, "ok"),
            false => (icondata::LuCircleAlert, "bad"),
        };
        let text = Signal::derive(move || {
            let ms = item.latency_ms.unwrap_or_default().to_string();
            match &item.problem {
                None => {
                    words.fill("registries.testGood", &[("address", &item.address), ("ms", &ms)])
                }
                Some(problem) => {
                    let reason = said::reason(words, problem);
                    let values = [("address", item.address.as_str()), ("reason", &reason)];
                    words.fill("registries.testBad", &values)
                }
            }
        });
        view! { <li><StatusBadge icon=icon tone=tone text=text /></li> }
    };
    move || {
        form.tested.get().map(|report| {
            view! {
                <ul class="registry-report" role="status" data-testid="registry-test-result">
                    {report.items.into_iter().map(line).collect_view()}
                </ul>
            }
        })
    }
}

/// Why it was not saved, when no field can be blamed.
#[component]
fn Refused(form: Form) -> impl IntoView {
    let problem = Memo::new(move |_| {
        form.refused.get().filter(|problem| {
            let field = problem.params.get("field").map(String::as_str);
            !field.is_some_and(|field| FIELDS.contains(&field))
        })
    });
    move || {
        problem.get().map(advice::textual).map(|problem| {
            view! { <ErrorCard error=Signal::stored(problem) /> }
        })
    }
}
