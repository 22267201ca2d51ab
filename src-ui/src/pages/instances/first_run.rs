use corral_contract::{instances::DetectedServer, settings::Language};
use leptos::prelude::*;

use super::{
    detect::{Search, machine, summary},
    install::FirstInstall,
};
use crate::{
    components::{Button, Glyph, Note, Segmented, Tone},
    pages::{sending::Sending, settings::Saving},
    problem,
    words::use_words,
};

/// Shown while no server is known: use one that was found here, or connect to another machine.
#[component]
pub(super) fn FirstRun(
    search: Search,
    sending: Sending,
    #[prop(into)] on_connect: Callback<()>,
    #[prop(into)] on_options: Callback<()>,
) -> impl IntoView {
    let words = use_words();
    search.look();
    let lead = move || {
        search.answer.with(|answer| match answer {
            Some(Ok(detected)) => {
                words.fill("instances.looked", &[("ms", &detected.took_ms.to_string())])
            }
            Some(Err(problem)) => problem::line(words, problem),
            None => words.get("instances.looking"),
        })
    };
    let servers = Memo::new(move |_| {
        search.answer.with(|answer| match answer {
            Some(Ok(detected)) => detected.servers.clone(),
            _ => Vec::new(),
        })
    });
    let found_none = move || {
        search.answer.with(|answer| {
            answer.as_ref().is_some_and(|it| it.as_ref().is_ok_and(|it| it.servers.is_empty()))
        })
    };
    view! {
        <div class="first-run" data-testid="first-run">
            <div class="first-run__box">
                <h1>{words.signal("instances.where")}</h1>
                <p class="dim" aria-live="polite">{words.signal("instances.nothingChanged")} " " {lead}</p>
                <p class="dim">{words.signal("instances.noAccount")}</p>
                <LanguageChoice />
                {move || {
                    search.answer.with(|answer| match answer {
                        Some(Ok(detected)) => {
                            let machine = machine(words, detected);
                            Some(view! { <Note tone=Tone::Good>{machine}</Note> })
                        }
                        _ => None,
                    })
                }}
                <For each=move || servers.get() key=|server| server.url.clone() let:server>
                    <Found server search sending />
                </For>
                <Show when=found_none>
                    <Note tone=Tone::Info>{words.signal("instances.nothingFoundText")}</Note>
                </Show>
                <FirstInstall sending on_options />
                <Choice
                    icon=icondata::LuGlobe
                    title=words.signal("instances.connect")
                    text=words.signal("instances.connectText")
                    on_press=on_connect
                    attr:data-testid="first-run-connect"
                />
                <div>
                    <Button
                        icon=icondata::LuRefreshCw
                        pending=Signal::derive(move || search.answer.with(Option::is_none))
                        on_press=move |()| search.look()
                        attr:data-testid="first-run-again"
                    >
                        {words.signal("instances.again")}
                    </Button>
                </div>
            </div>
        </div>
    }
}

/// The language of everything, before anything else is asked.
#[component]
fn LanguageChoice() -> impl IntoView {
    let words = use_words();
    let saving = Saving::new();
    let options = Signal::derive(move || {
        let option =
            |each: &Language| (each.as_str(), words.get(&format!("language.{}", each.as_str())));
        Language::ALL.iter().map(option).collect::<Vec<_>>()
    });
    let choose = move |to: &'static str| {
        if let Some(language) = Language::parse(to) {
            saving.save(|settings| settings.language = language);
        }
    };
    view! {
        <Segmented
            label=words.signal("top.language")
            options=options
            value=Signal::derive(move || saving.read(|it| it.language.as_str().to_owned()))
            on_change=choose
            attr:data-testid="first-run-language"
        />
    }
}

#[component]
fn Found(server: DetectedServer, search: Search, sending: Sending) -> impl IntoView {
    let words = use_words();
    let url = server.url.clone();
    let testid = format!("first-run-use-{url}");
    let text = {
        let server = server.clone();
        Signal::derive(move || summary(words, &server))
    };
    view! {
        <Choice
            icon=icondata::LuServer
            title=Signal::derive(move || words.fill("instances.use", &[("url", &url)]))
            text=text
            on_press=move |()| search.add(&server, sending)
            attr:data-testid=testid
        />
    }
}

/// A large button with a line of explanation.
#[component]
pub(super) fn Choice(
    icon: icondata::Icon,
    title: Signal<String>,
    text: Signal<String>,
    #[prop(into)] on_press: Callback<()>,
) -> impl IntoView {
    view! {
        <button type="button" class="choice" on:click=move |_| on_press.run(())>
            <Glyph icon=icon />
            <span class="choice__text">
                <strong>{title}</strong>
                <span class="dim">{text}</span>
            </span>
            <Glyph icon=icondata::LuChevronRight />
        </button>
    }
}
