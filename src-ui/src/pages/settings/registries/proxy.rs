use corral_contract::{
    WireError,
    registries::{ProxyDraft, ProxyMode, ProxyView, call},
};
use leptos::prelude::*;

use super::super::Row;
use crate::{
    components::{Button, Field, Segmented, TextInput},
    pages::sending::Sending,
    problem,
    words::use_words,
};

/// The proxy: whose it is and, for one's own, where.
#[component]
pub(super) fn ProxyRows(
    view: ProxyView,
    sending: Sending,
    #[prop(into)] on_set: Callback<()>,
) -> impl IntoView {
    let words = use_words();
    let in_force = view.mode;
    let mode = RwSignal::new(view.mode);
    let (address, user) = (RwSignal::new(view.address), RwSignal::new(view.user));
    let password = RwSignal::new(String::new());
    let refused = RwSignal::new(None::<WireError>);
    let options = Signal::derive(move || {
        let text = |mode: &ProxyMode| {
            let key = match mode {
                ProxyMode::System => "registries.proxySystem",
                ProxyMode::None => "registries.proxyNone",
                ProxyMode::Own => "registries.proxyOwn",
            };
            (mode.as_str(), words.get(key))
        };
        ProxyMode::ALL.iter().map(text).collect::<Vec<_>>()
    });
    let send = Callback::new(move |()| {
        refused.set(None);
        let draft = ProxyDraft {
            mode: mode.get_untracked(),
            address: address.get_untracked(),
            user: user.get_untracked(),
            secret: Some(password.get_untracked()).filter(|text| !text.is_empty()),
        };
        sending.ask::<call::SetProxy>("proxy", draft, move |answer| match answer {
            Ok(_) => {
                password.set(String::new());
                sending.good(words.get("registries.proxySaved"));
                on_set.try_run(());
            }
            Err(problem) => refused.set(Some(problem)),
        });
    });
    let choose = move |to: &'static str| {
        let Some(to) = ProxyMode::parse(to) else { return };
        mode.set(to);
        refused.set(None);
        // One's own takes effect once its address is saved.
        if to != ProxyMode::Own && to != in_force {
            send.run(());
        }
    };
    let said = move |field: &'static str| {
        Signal::derive(move || {
            refused
                .with(|refused| {
                    let problem = refused.as_ref()?;
                    let named = problem.params.get("field").map_or("address", String::as_str);
                    (named == field).then(|| match problem.params.get("reason") {
                        Some(reason) => words.get_or(&format!("reason.{reason}"), reason),
                        None => problem::line(words, problem),
                    })
                })
                .unwrap_or_default()
        })
    };
    let wrong = move |field| {
        let said = said(field);
        Signal::derive(move || said.with(|text| !text.is_empty()))
    };
    let kept = view.has_password;
    let secret_hint = Signal::derive(move || match kept {
        true => words.get("registries.secretKept"),
        false => String::new(),
    });
    let hint = Signal::derive(move || {
        let unsaved = mode.get() == ProxyMode::Own && in_force != ProxyMode::Own;
        words.get(if unsaved { "registries.proxyUnsaved" } else { "registries.proxyHint" })
    });
    view! {
        <Row label=words.signal("registries.proxy") hint=hint>
            <Segmented
                label=words.signal("registries.proxy")
                options=options
                value=Signal::derive(move || mode.get().as_str().to_owned())
                on_change=choose
                attr:data-testid="proxy-mode"
            />
        </Row>
        <Show when=move || mode.get() == ProxyMode::Own>
            <form
                class="proxy-form"
                on:submit=move |event| {
                    event.prevent_default();
                    send.run(());
                }
            >
                <Field
                    id="proxy-address"
                    label=words.signal("registries.proxyAddress")
                    hint=words.signal("registries.proxyAddressHint")
                    error=said("address")
                >
                    <TextInput
                        id="proxy-address"
                        value=address
                        mono=true
                        placeholder="socks5h://10.0.0.1:1080"
                        invalid=wrong("address")
                        attr:data-testid="proxy-address"
                    />
                </Field>
                <div class="proxy-form__login">
                    <Field
                        id="proxy-user"
                        label=words.signal("registries.proxyUser")
                        error=said("user")
                    >
                        <TextInput
                            id="proxy-user"
                            value=user
                            invalid=wrong("user")
                            attr:data-testid="proxy-user"
                        />
                    </Field>
                    <Field
                        id="proxy-password"
                        label=words.signal("registries.password")
                        hint=secret_hint
                        error=said("secret")
                    >
                        <TextInput
                            id="proxy-password"
                            kind="password"
                            value=password
                            invalid=wrong("secret")
                            attr:data-testid="proxy-password"
                        />
                    </Field>
                </div>
                <div>
                    <Button
                        small=true
                        submit=true
                        pending=sending.pending("proxy")
                        attr:data-testid="proxy-save"
                    >
                        {words.signal("common.save")}
                    </Button>
                </div>
            </form>
        </Show>
    }
}
