use std::collections::HashSet;

use corral_contract::{
    WireError,
    command::Nothing,
    instances::{Detected, DetectedServer, InstanceDraft, call},
    size,
};
use leptos::{prelude::*, task::spawn_local};

use super::said;
use crate::{
    components::{
        Button, ButtonKind, Dialog, EmptyState, ErrorCard, Note, Skeleton, StatusBadge, Tag, Tone,
    },
    format, ipc,
    pages::sending::Sending,
    words::{Words, use_words},
};

/// A look at this machine and what it found.
#[derive(Clone, Copy)]
pub(super) struct Search {
    /// `None` while it looks.
    pub(super) answer: RwSignal<Option<Result<Detected, WireError>>>,
    /// Addresses that were added from here since.
    added: RwSignal<HashSet<String>>,
}

impl Search {
    pub(super) fn new() -> Search {
        Search { answer: RwSignal::new(None), added: RwSignal::default() }
    }

    /// Looks, again if it did before.
    pub(super) fn look(self) {
        self.answer.set(None);
        self.added.set(HashSet::new());
        spawn_local(async move {
            let answer = ipc::call::<call::Detect>(Nothing {}).await;
            self.answer.try_set(Some(answer));
        });
    }

    /// Adds a server that was found.
    pub(super) fn add(self, server: &DetectedServer, sending: Sending) {
        let url = server.url.clone();
        let draft = InstanceDraft {
            url: url.clone(),
            found: Some(server.runner),
            // It was found stopped: it is still this machine's server.
            force: server.api.version.is_none(),
            ..InstanceDraft::default()
        };
        sending.then::<call::Add>(&format!("add {url}"), draft, move |_| {
            self.added.try_update(|added| added.insert(url));
        });
    }

    fn is_known(self, server: &DetectedServer) -> bool {
        server.known.is_some() || self.added.with(|added| added.contains(&server.url))
    }
}

/// `version 0.33.0 · 21 models · /usr/share/ollama/.ollama/models`.
pub(super) fn summary(words: Words, server: &DetectedServer) -> String {
    let models = server.models.map(format::count);
    let version = server.api.version.clone();
    let parts: Vec<String> = [
        Some(words.get(&format!("runner.{}", server.runner.as_str()))),
        version.map(|version| words.fill("instances.version", &[("version", &version)])),
        server.api.version.is_none().then(|| said::api(words, &server.api)),
        models.map(|models| words.fill("instances.models", &[("n", &models)])),
        server.bytes.map(size::format),
        server.free.map(|free| words.fill("instances.freeThere", &[("free", &size::format(free))])),
    ]
    .into_iter()
    .flatten()
    .collect();
    parts.join(" · ")
}

/// The graphics cards, and how long the look took.
pub(super) fn machine(words: Words, detected: &Detected) -> String {
    let cards = detected.gpus.iter().map(|gpu| match gpu.memory {
        Some(memory) => format!("{}, {}", gpu.name, size::format(memory)),
        None => gpu.name.clone(),
    });
    let cards: Vec<String> = cards.collect();
    if cards.is_empty() { words.get("instances.noGpu") } else { cards.join(" · ") }
}

/// Looks at this machine and offers what it finds.
#[component]
pub(super) fn DetectDialog(
    search: Search,
    sending: Sending,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let words = use_words();
    search.look();
    let fresh = Signal::derive(move || {
        search.answer.with(|answer| match answer {
            Some(Ok(detected)) => {
                let unknown = detected.servers.iter().filter(|it| !search.is_known(it));
                unknown.cloned().collect::<Vec<_>>()
            }
            _ => Vec::new(),
        })
    });
    let took = move || {
        search.answer.with(|answer| match answer {
            Some(Ok(detected)) => {
                words.fill("instances.took", &[("ms", &detected.took_ms.to_string())])
            }
            _ => String::new(),
        })
    };
    let add_all = move |()| {
        for server in fresh.get_untracked() {
            search.add(&server, sending);
        }
    };
    let footer = move || {
        view! {
            <span class="dialog__aside num">{took}</span>
            <Button on_press=on_close autofocus=true attr:data-testid="instance-detect-close">
                {words.signal("common.close")}
            </Button>
            <Button
                icon=icondata::LuRefreshCw
                pending=Signal::derive(move || search.answer.with(Option::is_none))
                on_press=move |()| search.look()
                attr:data-testid="instance-detect-again"
            >
                {words.signal("instances.again")}
            </Button>
            <Show when=move || { fresh.with(Vec::len) > 1 }>
                <Button
                    kind=ButtonKind::Primary
                    on_press=add_all
                    attr:data-testid="instance-detect-all"
                >
                    {words.signal("instances.addAll")}
                </Button>
            </Show>
        }
    };
    view! {
        <Dialog
            title=words.signal("instances.detectTitle")
            on_close=on_close
            footer=footer
            attr:data-testid="dialog-detect"
        >
            {move || match search.answer.get() {
                None => view! { <Skeleton rows=3 /> }.into_any(),
                Some(Err(problem)) => view! { <ErrorCard error=Signal::stored(problem) /> }.into_any(),
                Some(Ok(detected)) => {
                    let machine = machine(words, &detected);
                    view! {
                        <Note tone=Tone::Info icon=icondata::LuCpu>{machine}</Note>
                        <Servers servers=detected.servers search sending />
                    }
                    .into_any()
                }
            }}
        </Dialog>
    }
}

#[component]
fn Servers(servers: Vec<DetectedServer>, search: Search, sending: Sending) -> impl IntoView {
    let words = use_words();
    if servers.is_empty() {
        return view! {
            <EmptyState
                icon=icondata::LuSearch
                title=words.signal("instances.nothingFound")
                text=words.signal("instances.nothingFoundText")
            />
        }
        .into_any();
    }
    let row = |server: DetectedServer| {
        let known = {
            let server = server.clone();
            Signal::derive(move || search.is_known(&server))
        };
        let (icon, tone) = said::api_look(server.api.state);
        let summary = {
            let server = server.clone();
            move || summary(words, &server)
        };
        let pending = sending.pending(&format!("add {}", server.url));
        let url = server.url.clone();
        let testid = format!("found-{url}");
        let state = server.api.state;
        let store = server.store.clone();
        let conflict = server.conflict.clone();
        let add = Callback::new(move |()| search.add(&server, sending));
        view! {
            <li class="found" data-testid=testid>
                <div class="found__text">
                    <p class="found__url mono">{url}</p>
                    <p class="dim">{summary}</p>
                    {store.map(|store| {
                        let title = store.clone();
                        view! { <p class="faint mono cut" title=title>{store}</p> }
                    })}
                    {conflict.map(|what| view! {
                        <p class="found__conflict">
                            {move || words.get(&format!("instances.conflictWith.{what}"))}
                        </p>
                    })}
                </div>
                <StatusBadge
                    icon=icon
                    tone=tone
                    text=Signal::derive(move || words.get(&format!("apiState.{}", state.as_str())))
                />
                <Show
                    when=move || known.get()
                    fallback=move || {
                        view! {
                            <Button
                                small=true
                                icon=icondata::LuPlus
                                pending=pending
                                on_press=add
                                attr:data-testid="instance-detect-add"
                            >
                                {words.signal("instances.addOne")}
                            </Button>
                        }
                    }
                >
                    <Tag>{words.signal("instances.known")}</Tag>
                </Show>
            </li>
        }
    };
    view! { <ul class="found-list">{servers.into_iter().map(row).collect_view()}</ul> }.into_any()
}
