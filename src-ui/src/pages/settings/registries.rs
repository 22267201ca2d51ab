use corral_contract::{
    command::Nothing,
    registries::{
        Login, MirrorView, RegistryList, RegistryRef, RegistryView, SecretPlace, SecretsFact, call,
    },
};
use leptos::prelude::*;

use super::Section;
use crate::{
    components::{Button, ButtonKind, Confirm, ErrorCard, StatusBadge},
    pages::{advice, sending::Sending},
    words::{Words, use_words},
};

mod form;
mod login;
mod mirrors;
mod proxy;
mod said;

use form::FormDialog;
use proxy::ProxyRows;

/// What is open over the section.
#[derive(Clone)]
enum Open {
    Add,
    Edit(Box<RegistryView>),
    Forget(String),
}

/// Registries, what stands for them, how one is let in, and the proxy on the way.
#[component]
pub(super) fn Registries() -> impl IntoView {
    let words = use_words();
    let sending = Sending::here();
    let list = RwSignal::new(None::<RegistryList>);
    let open = RwSignal::new(None::<Open>);
    let load = Callback::new(move |()| {
        sending.then::<call::List>("registries", Nothing {}, move |answer| list.set(Some(answer)));
    });
    load.run(());
    let items = Memo::new(move |_| {
        list.with(|list| list.as_ref().map(|it| it.items.clone())).unwrap_or_default()
    });
    let proxy = Memo::new(move |_| list.with(|list| list.as_ref().map(|it| it.proxy.clone())));
    let secrets = Memo::new(move |_| list.with(|list| list.as_ref().map(|it| it.secrets.clone())));
    let close = move |()| open.set(None);
    view! {
        <Section title=words.signal("registries.title")>
            <p class="settings__remark">{words.signal("registries.remark")}</p>
            {move || proxy.get().map(|view| view! { <ProxyRows view sending on_set=load /> })}
            <ul class="registries" data-testid="registries">
                // A row that changed in any way is drawn anew.
                <For each=move || items.get() key=|item| format!("{item:?}") let:item>
                    <Registry item open />
                </For>
            </ul>
            <div class="registries__foot">
                <Button
                    small=true
                    icon=icondata::LuPlus
                    on_press=move |()| open.set(Some(Open::Add))
                    attr:data-testid="registry-add"
                >
                    {words.signal("registries.add")}
                </Button>
            </div>
            {move || secrets.get().map(|fact| view! { <Secrets fact /> })}
        </Section>
        {move || {
            open.get().map(|what| match what {
                Open::Add => {
                    view! { <FormDialog edit=None on_saved=load on_close=close /> }.into_any()
                }
                Open::Edit(view) => {
                    view! { <FormDialog edit=Some(*view) on_saved=load on_close=close /> }
                        .into_any()
                }
                Open::Forget(host) => {
                    view! { <ForgetQuestion host sending list on_close=close /> }.into_any()
                }
            })
        }}
    }
}

#[component]
fn Registry(item: RegistryView, open: RwSignal<Option<Open>>) -> impl IntoView {
    let words = use_words();
    let RegistryView { host, stored, mirrors, mirrors_only, health, .. } = item.clone();
    let facts = item.clone();
    let facts = Signal::derive(move || said::facts(words, &facts));
    let own = health.clone();
    let state = Signal::derive(move || match mirrors_only {
        true => words.get("registries.notAsked"),
        false => said::state(words, &own),
    });
    let (icon, tone) = match mirrors_only {
        true => (icondata::LuCircle, "off"),
        false => said::look(health.state),
    };
    let (edit, forget, named) = (item.clone(), host.clone(), host.clone());
    view! {
        <li class="registry" data-testid=format!("registry-{host}")>
            <div class="registry__text">
                <strong>{host.clone()}</strong>
                <small>{facts}</small>
                <StatusBadge icon=icon tone=tone text=state />
            </div>
            <div class="registry__actions">
                <Button
                    small=true
                    on_press=move |()| open.set(Some(Open::Edit(Box::new(edit.clone()))))
                    name=Signal::derive(move || format!("{} {named}", words.get("registries.edit")))
                    attr:data-testid="registry-edit"
                >
                    {words.signal("registries.edit")}
                </Button>
                {stored.then(|| view! {
                    <Button
                        small=true
                        kind=ButtonKind::Ghost
                        on_press=move |()| open.set(Some(Open::Forget(forget.clone())))
                        attr:data-testid="registry-forget"
                    >
                        {words.signal("registries.forget")}
                    </Button>
                })}
            </div>
            {(!mirrors.is_empty()).then(|| view! {
                <ol class="registry__mirrors" aria-label=words.signal("registries.mirrors")>
                    {mirrors.into_iter().map(|mirror| view! { <Mirror mirror /> }).collect_view()}
                </ol>
            })}
        </li>
    }
}

#[component]
fn Mirror(mirror: MirrorView) -> impl IntoView {
    let words = use_words();
    let MirrorView { address, health, .. } = mirror;
    let (icon, tone) = said::look(health.state);
    view! {
        <li>
            <span class="mono cut">{address}</span>
            <StatusBadge icon=icon tone=tone text=Signal::derive(move || said::state(words, &health)) />
        </li>
    }
}

/// Where the key of the secrets lies, in plain words.
#[component]
fn Secrets(fact: SecretsFact) -> impl IntoView {
    let words = use_words();
    let text = match fact.place {
        Some(SecretPlace::Keychain) => "registries.secretsKeychain",
        Some(SecretPlace::File) => "registries.secretsFile",
        None => "registries.secretsNone",
    };
    view! {
        <p class="settings__remark" data-testid="secrets-place">{words.signal(text)}</p>
        {fact.problem.map(advice::textual).map(|problem| {
            view! { <ErrorCard error=Signal::stored(problem) /> }
        })}
    }
}

#[component]
fn ForgetQuestion(
    host: String,
    sending: Sending,
    list: RwSignal<Option<RegistryList>>,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let words = use_words();
    let named = host.clone();
    let title = Signal::derive(move || words.fill("registries.forgetTitle", &[("host", &named)]));
    let forget = Callback::new(move |()| {
        let (request, host) = (RegistryRef { host: host.clone() }, host.clone());
        sending.then::<call::Remove>("forget registry", request, move |left| {
            list.set(Some(left));
            sending.good(words.fill("registries.forgotten", &[("host", &host)]));
        });
    });
    view! {
        <Confirm
            title=title
            go=words.signal("registries.forget")
            keep=words.signal("common.cancel")
            name="registry-forget"
            on_go=forget
            on_close=on_close
            attr:data-testid="dialog-forget-registry"
        >
            <p>{words.signal("registries.forgetText")}</p>
        </Confirm>
    }
}

/// The ways of being let in, for a choice.
fn logins(words: Words) -> Vec<(&'static str, String)> {
    let text = |login: &Login| {
        let key = match login {
            Login::None => "registries.loginNone",
            Login::Basic => "registries.loginBasic",
            Login::Bearer => "registries.loginBearer",
        };
        (login.as_str(), words.get(key))
    };
    Login::ALL.iter().map(text).collect()
}
