//! The Help page: what each page is for, every key, where files lie, and whom Corral talks to.

use corral_contract::{
    command::Nothing,
    desktop::{Folder, FolderRef, call::Reveal},
    registries::{RegistryList, call::List},
};
use leptos::prelude::*;

use crate::{
    app::Desktop,
    components::{Button, Glyph, Skeleton},
    frame::shortcuts::{ShortcutList, use_keyboard},
    navigation::{Page, use_navigation},
    pages::sending::Sending,
    state::use_stores,
    words::use_words,
};

mod parts;

use parts::Parts;

/// The Help page.
#[component]
pub fn HelpPage() -> impl IntoView {
    let (words, keyboard) = (use_words(), use_keyboard());
    view! {
        <div class="page__head">
            <h1 class="page__title">{words.signal("nav.help")}</h1>
            <span class="page__gap"></span>
            <Button
                icon=icondata::LuSearch
                on_press=move |()| keyboard.open_palette()
                attr:data-testid="help-palette"
            >
                {words.signal("palette.title")}
                <kbd>"Ctrl K"</kbd>
            </Button>
        </div>
        <div class="help" tabindex="0" data-testid="help-page">
            <div class="help__column">
                <Pages />
                <section aria-label=words.signal("shortcuts.title")>
                    <h2>{words.signal("shortcuts.title")}</h2>
                    <p class="dim">{words.signal("help.keysRemark")}</p>
                    <ShortcutList />
                </section>
                <Files />
                <Hosts />
                <Parts />
            </div>
        </div>
    }
}

/// What each page is for, with the way there.
#[component]
fn Pages() -> impl IntoView {
    let (words, navigation) = (use_words(), use_navigation());
    let pages = Page::ALL.iter().filter(|page| **page != Page::Help);
    view! {
        <section aria-label=words.signal("help.pages")>
            <h2>{words.signal("help.pages")}</h2>
            <dl class="facts help__pages">
                {pages
                    .map(|page| {
                        let page = *page;
                        view! {
                            <dt>
                                <Button small=true icon=page.icon() on_press=move |()| navigation.open(page)>
                                    {words.signal(page.label())}
                                </Button>
                            </dt>
                            <dd>{words.signal_of(format!("help.page.{}", page.as_str()))}</dd>
                        }
                    })
                    .collect_view()}
            </dl>
        </section>
    }
}

/// Where Corral and the servers keep their files.
#[component]
fn Files() -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let desktop: Desktop = expect_context();
    let sending = Sending::here();
    let folders = move || {
        desktop.0.get().map(|facts| {
            let line = |key: &'static str, path: String, folder: Folder| {
                let name = format!("help-open-{}", folder.as_str());
                let open = move |()| sending.send::<Reveal>(folder.as_str(), FolderRef { folder });
                view! {
                    <dt>{words.signal(key)}</dt>
                    <dd class="help__folder">
                        <code class="mono">{path}</code>
                        <Button
                            small=true
                            icon=icondata::LuFolderOpen
                            on_press=open
                            name=Signal::derive(move || {
                                words.fill("help.open", &[("what", &words.get(key))])
                            })
                            attr:data-testid=name
                        >
                            {words.signal("settings.open")}
                        </Button>
                    </dd>
                }
            };
            view! {
                {line("help.data", facts.data_folder, Folder::Data)}
                {line("help.logs", facts.log_folder, Folder::Logs)}
            }
        })
    };
    let models = move || {
        stores.instances.with(|all| {
            let lines = all.all().iter().map(|each| {
                let path = each.store.path.clone();
                let name = each.name.clone();
                view! {
                    <dt>{words.fill("help.models", &[("name", &name)])}</dt>
                    <dd>
                        {match path {
                            Some(path) => view! { <code class="mono">{path}</code> }.into_any(),
                            None => words.get("instances.folderUnknown").into_any(),
                        }}
                    </dd>
                }
            });
            lines.collect_view()
        })
    };
    view! {
        <section aria-label=words.signal("help.files")>
            <h2>{words.signal("help.files")}</h2>
            <dl class="facts">{folders} {models}</dl>
            <p class="dim">{words.signal("help.filesRemark")}</p>
        </section>
    }
}

/// Every host that Corral contacts, and why.
#[component]
fn Hosts() -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let sending = Sending::here();
    let list = RwSignal::new(None::<RegistryList>);
    sending.then::<List>("hosts", Nothing {}, move |answer| list.set(Some(answer)));
    let servers = move || {
        stores.instances.with(|all| {
            let line = |name: &str, url: &str| {
                host(url.to_owned(), words.fill("help.server", &[("name", name)]))
            };
            all.all().iter().map(|each| line(&each.name, &each.url)).collect_view()
        })
    };
    let registries = move || {
        list.get().map(|list| {
            let lines = list.items.into_iter().map(|item| {
                let asked = (!item.mirrors_only)
                    .then(|| host(item.host.clone(), words.get("help.registry")));
                let mirrors = item.mirrors.into_iter().map(|mirror| {
                    host(mirror.address, words.fill("help.mirror", &[("host", &item.host)]))
                });
                view! { {asked} {mirrors.collect_view()} }
            });
            lines.collect_view()
        })
    };
    view! {
        <section aria-label=words.signal("help.privacy") data-testid="help-hosts">
            <h2>{words.signal("help.privacy")}</h2>
            <p>{words.signal("help.privacyText")}</p>
            <ul class="help__hosts">{servers} {registries}</ul>
            <Show when=move || list.with(Option::is_none)>
                <Skeleton rows=2 />
            </Show>
            <p class="dim">{words.signal("help.privacyMore")}</p>
        </section>
    }
}

fn host(address: String, why: String) -> impl IntoView {
    view! {
        <li>
            <Glyph icon=icondata::LuGlobe />
            <code class="mono">{address}</code>
            <span class="dim">{why}</span>
        </li>
    }
}
