use corral_contract::registries::{Login, RegistryView};
use leptos::prelude::*;

use super::logins;
use crate::{
    components::{Field, Segmented, TextInput},
    words::use_words,
};

/// How one is let in, in the form. A secret that is stored never comes back to the window.
#[derive(Clone, Copy)]
pub(super) struct LoginForm {
    pub(super) kind: RwSignal<Login>,
    pub(super) user: RwSignal<String>,
    secret: RwSignal<String>,
    pub(super) realm: RwSignal<String>,
    /// The way for which a secret is kept.
    kept: Option<Login>,
}

impl LoginForm {
    pub(super) fn new(edit: Option<&RegistryView>) -> LoginForm {
        LoginForm {
            kind: RwSignal::new(edit.map(|it| it.login).unwrap_or_default()),
            user: RwSignal::new(edit.map(|it| it.user.clone()).unwrap_or_default()),
            secret: RwSignal::default(),
            realm: RwSignal::new(edit.map(|it| it.realm.clone()).unwrap_or_default()),
            kept: edit.filter(|it| it.has_secret).map(|it| it.login),
        }
    }

    /// What was written here; `None` leaves what is kept.
    pub(super) fn secret(self) -> Option<String> {
        Some(self.secret.get_untracked()).filter(|text| !text.is_empty())
    }
}

/// The login: its kind, and the fields that go with it.
#[component]
pub(super) fn LoginFields(
    form: LoginForm,
    /// What the core said about a field.
    #[prop(into)]
    refused: Callback<&'static str, String>,
) -> impl IntoView {
    let words = use_words();
    let error = move |field: &'static str| Signal::derive(move || refused.run(field));
    let wrong = move |field: &'static str| Signal::derive(move || !refused.run(field).is_empty());
    let hint = Signal::derive(move || {
        let kept = form.kept == Some(form.kind.get());
        words.get(if kept { "registries.secretKept" } else { "registries.secretHint" })
    });
    let label = Signal::derive(move || {
        let token = form.kind.get() == Login::Bearer;
        words.get(if token { "registries.token" } else { "registries.password" })
    });
    view! {
        <div class="field">
            <span class="field__label">{words.signal("registries.login")}</span>
            <Segmented
                label=words.signal("registries.login")
                options=Signal::derive(move || logins(words))
                value=Signal::derive(move || form.kind.get().as_str().to_owned())
                on_change=move |to: &'static str| {
                    if let Some(kind) = Login::parse(to) {
                        form.kind.set(kind);
                    }
                }
                attr:data-testid="registry-login"
            />
        </div>
        <Show when=move || form.kind.get() == Login::Basic>
            <Field id="registry-user" label=words.signal("registries.user") error=error("user")>
                <TextInput
                    id="registry-user"
                    value=form.user
                    invalid=wrong("user")
                    attr:data-testid="registry-user"
                />
            </Field>
        </Show>
        <Show when=move || form.kind.get() != Login::None>
            <Field id="registry-secret" label=label hint=hint error=error("secret")>
                <TextInput
                    id="registry-secret"
                    kind="password"
                    value=form.secret
                    invalid=wrong("secret")
                    attr:data-testid="registry-secret"
                />
            </Field>
            <Field
                id="registry-realm"
                label=words.signal("registries.realm")
                hint=words.signal("registries.realmHint")
                error=error("realm")
            >
                <TextInput
                    id="registry-realm"
                    value=form.realm
                    mono=true
                    placeholder="auth.example"
                    invalid=wrong("realm")
                    attr:data-testid="registry-realm"
                />
            </Field>
        </Show>
    }
}
