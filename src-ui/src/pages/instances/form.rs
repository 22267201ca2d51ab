use corral_contract::{
    ErrorCode, WireError,
    instances::{ApiFact, ApiState, InstanceDraft, InstanceView, UpdateInstance, call},
};
use leptos::prelude::*;

use super::{address, said};
use crate::{
    components::{Button, ButtonKind, Dialog, ErrorCard, Field, Note, StatusBadge, TextInput},
    pages::{
        authority::{Authority, AuthorityField},
        sending::Sending,
    },
    problem,
    words::use_words,
};

mod headers;

use headers::{Headers, HeadersField};

/// What is written in the form.
#[derive(Clone, Copy)]
struct Form {
    url: RwSignal<String>,
    name: RwSignal<String>,
    headers: Headers,
    authority: Authority,
    /// The address was typed in or sent, so that what is wrong with it may show.
    touched: RwSignal<bool>,
    /// What the core refused.
    refused: RwSignal<Option<WireError>>,
    /// What a test answered.
    tested: RwSignal<Option<Result<ApiFact, WireError>>>,
}

impl Form {
    fn new(edit: Option<&InstanceView>) -> Form {
        Form {
            url: RwSignal::new(edit.map(|it| it.url.clone()).unwrap_or_default()),
            name: RwSignal::new(edit.map(|it| it.name.clone()).unwrap_or_default()),
            headers: Headers::new(edit.map(|it| it.header_names.as_slice()).unwrap_or_default()),
            authority: Authority::new(edit.is_some_and(|it| it.has_custom_ca)),
            touched: RwSignal::new(false),
            refused: RwSignal::new(None),
            tested: RwSignal::new(None),
        }
    }

    fn draft(self, force: bool) -> InstanceDraft {
        InstanceDraft {
            name: self.name.get_untracked(),
            url: self.url.get_untracked(),
            headers: self.headers.written(),
            custom_ca: self.authority.written(),
            force,
            found: None,
        }
    }

    fn update(self, known: &InstanceView) -> UpdateInstance {
        let (name, url) = (self.name.get_untracked(), self.url.get_untracked());
        UpdateInstance {
            id: known.id,
            name: (name != known.name).then_some(name),
            url: (url != known.url).then_some(url),
            headers: self.headers.changed(&known.header_names),
            custom_ca: self.authority.changed(),
        }
    }
}

/// Adds a server by its address, or changes one that is known.
#[component]
pub(super) fn FormDialog(
    edit: Option<InstanceView>,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let sending = Sending::here();
    let words = use_words();
    let form = Form::new(edit.as_ref());
    let editing = edit.is_some();
    let known = StoredValue::new(edit);
    let title = words.signal(if editing { "instances.editTitle" } else { "instances.addTitle" });
    let save = Callback::new(move |force: bool| {
        form.touched.set(true);
        if form.url.with_untracked(|url| address::wrong(url).is_some()) {
            return;
        }
        form.refused.set(None);
        match known.get_value() {
            Some(known) => {
                let request = form.update(&known);
                sending.ask::<call::Update>("save", request, move |answer| match answer {
                    Ok(_) => on_close.run(()),
                    Err(problem) => form.refused.set(Some(problem)),
                });
            }
            None => {
                let request = form.draft(force);
                sending.ask::<call::Add>("save", request, move |answer| match answer {
                    Ok(_) => on_close.run(()),
                    Err(problem) => form.refused.set(Some(problem)),
                });
            }
        }
    });
    let test = move |()| {
        form.touched.set(true);
        if form.url.with_untracked(|url| address::wrong(url).is_some()) {
            return;
        }
        form.tested.set(None);
        sending.ask::<call::Test>("test", form.draft(false), move |answer| {
            form.tested.set(Some(answer));
        });
    };
    let untestable = Signal::derive(move || {
        if form.headers.any_kept() { words.get("instances.testKept") } else { String::new() }
    });
    let footer = move || {
        view! {
            <span class="dialog__aside">
                <Button
                    icon=icondata::LuPlug
                    pending=sending.pending("test")
                    reason=untestable
                    on_press=test
                    attr:data-testid="instance-test"
                >
                    {words.signal("instances.test")}
                </Button>
            </span>
            <Button on_press=on_close attr:data-testid="instance-cancel">
                {words.signal("common.cancel")}
            </Button>
            <Button
                kind=ButtonKind::Primary
                pending=sending.pending("save")
                on_press=move |()| save.run(false)
                attr:data-testid="instance-save"
            >
                {words.signal(if editing { "common.save" } else { "instances.addOne" })}
            </Button>
        }
    };
    view! {
        <Dialog title=title on_close=on_close footer=footer attr:data-testid="dialog-instance">
            <form
                class="instance-form"
                on:submit=move |event| {
                    event.prevent_default();
                    save.run(false);
                }
            >
                <Fields form />
                <Tested form />
                <Refused form editing on_force=move |()| save.run(true) />
                // Enter in a field sends the form; the visible button stands in the footer.
                <button type="submit" class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
            </form>
        </Dialog>
    }
}

#[component]
fn Fields(form: Form) -> impl IntoView {
    let words = use_words();
    let url_error = Signal::derive(move || {
        let wrong = form.url.with(|url| address::wrong(url)).filter(|_| form.touched.get());
        match wrong {
            Some(reason) => words.get(&format!("reason.{reason}")),
            None => refusal(form, &["url"], words),
        }
    });
    let name_error = Signal::derive(move || refusal(form, &["name"], words));
    view! {
        <Field
            id="instance-url"
            label=words.signal("instances.url")
            hint=words.signal("instances.urlHint")
            error=url_error
        >
            <TextInput
                id="instance-url"
                value=form.url
                placeholder="192.168.1.5:11434"
                invalid=Signal::derive(move || url_error.with(|text| !text.is_empty()))
                mono=true
                autofocus=true
                on_change=move |text: String| {
                    form.touched.set(!text.is_empty());
                    form.refused.set(None);
                    form.tested.set(None);
                }
                attr:data-testid="instance-url"
            />
        </Field>
        <Field
            id="instance-name"
            label=words.signal("instances.name")
            hint=words.signal("instances.nameHint")
            error=name_error
        >
            <TextInput
                id="instance-name"
                value=form.name
                invalid=Signal::derive(move || name_error.with(|text| !text.is_empty()))
                attr:data-testid="instance-name"
            />
        </Field>
        <HeadersField
            headers=form.headers
            error=Signal::derive(move || refusal(form, &["headers"], words))
        />
        <AuthorityField
            id="instance-ca"
            authority=form.authority
            error=Signal::derive(move || refusal(form, &["customCa"], words))
        />
    }
}

/// What the core said about one of these fields; empty when nothing.
fn refusal(form: Form, fields: &[&str], words: crate::words::Words) -> String {
    form.refused
        .with(|refused| {
            let refused = refused.as_ref()?;
            let field = refused.params.get("field")?;
            fields.contains(&field.as_str()).then(|| match refused.params.get("reason") {
                Some(reason) => words.get_or(&format!("reason.{reason}"), reason),
                None => problem::line(words, refused),
            })
        })
        .unwrap_or_default()
}

/// What the test found.
#[component]
fn Tested(form: Form) -> impl IntoView {
    let words = use_words();
    move || {
        form.tested.get().map(|answer| match answer {
            Err(problem) => view! { <ErrorCard error=Signal::stored(problem) /> }.into_any(),
            Ok(fact) => {
                let (icon, tone) = said::api_look(fact.state);
                let text = said::api(words, &fact);
                let problem = fact.problem.filter(|_| fact.state != ApiState::Ok);
                view! {
                    <div role="status" data-testid="instance-test-result">
                        <StatusBadge icon=icon tone=tone text=text />
                    </div>
                    {problem.map(|problem| view! { <ErrorCard error=Signal::stored(problem) /> })}
                }
                .into_any()
            }
        })
    }
}

/// Why it was not saved, when no field can be blamed; and the way to add it all the same.
#[component]
fn Refused(form: Form, editing: bool, #[prop(into)] on_force: Callback<()>) -> impl IntoView {
    let words = use_words();
    let problem = Memo::new(move |_| {
        form.refused.get().filter(|problem| {
            let field = problem.params.get("field").map(String::as_str);
            !matches!(field, Some("url" | "name" | "headers" | "customCa"))
        })
    });
    let forcible = move |problem: &WireError| {
        !editing && !matches!(problem.code, ErrorCode::InvalidInput | ErrorCode::AlreadyExists)
    };
    move || {
        problem.get().map(|problem| {
            let offer = forcible(&problem);
            view! {
                <ErrorCard error=Signal::stored(problem) />
                {offer.then(|| view! {
                    <Note>
                        <span class="instance__asks">
                            <span>{words.signal("instances.forceHint")}</span>
                            <Button small=true on_press=on_force attr:data-testid="instance-force">
                                {words.signal("instances.force")}
                            </Button>
                        </span>
                    </Note>
                })}
            }
        })
    }
}
