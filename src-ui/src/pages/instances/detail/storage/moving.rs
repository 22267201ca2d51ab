use corral_contract::{
    InstanceId, WireError,
    command::Nothing,
    desktop,
    instances::{InstanceRef, call::Steering},
    size,
    steering::SteeringView,
    stores::{MovePreview, MoveStore, call},
};
use leptos::prelude::*;

use crate::{
    components::{Button, ButtonKind, ErrorCard, Field, Note, TextInput, Tone},
    format,
    pages::{
        advice,
        instances::steer::{Agreement, agreed},
        sending::Sending,
    },
    words::use_words,
};

/// Asks for the new folder, shows what a move would do, and begins it.
#[component]
pub(super) fn MoveForm(id: InstanceId, #[prop(into)] on_begun: Callback<()>) -> impl IntoView {
    let sending = Sending::here();
    let words = use_words();
    let to = RwSignal::new(String::new());
    let seen = RwSignal::new(None::<MovePreview>);
    let failure = RwSignal::new(None::<WireError>);
    let steering = RwSignal::new(None::<SteeringView>);
    let always = RwSignal::new(false);
    sending.ask::<Steering>("move steering", InstanceRef { id }, move |answer| match answer {
        Ok(view) => steering.set(Some(view)),
        Err(error) => failure.set(Some(error)),
    });
    let request = move || MoveStore { instance: id, to: to.get_untracked() };
    let look = move || {
        sending.ask::<call::Preview>("preview move", request(), move |answer| match answer {
            Ok(preview) => {
                failure.set(preview.problem.clone());
                seen.set(Some(preview));
            }
            Err(error) => {
                seen.set(None);
                failure.set(Some(error));
            }
        });
    };
    let choose = move |()| {
        sending.then::<desktop::call::ChooseFolder>("choose store", Nothing {}, move |folder| {
            if let Some(path) = folder.path {
                to.set(path);
                look();
            }
        });
    };
    let send = move || {
        sending.ask::<call::Move>("move store", request(), move |answer| match answer {
            Ok(_) => on_begun.run(()),
            Err(error) => failure.set(Some(error)),
        });
    };
    let begin = move |()| {
        failure.set(None);
        let consent = steering.with_untracked(|it| it.as_ref().map(|it| it.consent));
        agreed(sending, id, consent, always.get_untracked(), move |_| send());
    };
    // What is typed after a look is not what was looked at.
    let fits = Memo::new(move |_| {
        let typed = to.get();
        seen.with(|seen| {
            seen.as_ref().is_some_and(|it| it.problem.is_none() && it.to == typed.trim())
        })
    });
    let may = Memo::new(move |_| fits.get() && steering.with(Option::is_some));
    view! {
        <section class="storage__section" data-testid="storage-form">
            <h3>{words.signal("stores.moveTitle")}</h3>
            <Field id="store-to" label=words.signal("stores.to") hint=words.signal("stores.toHint")>
                <div class="storage__choose">
                    <TextInput
                        id="store-to"
                        value=to
                        mono=true
                        autofocus=true
                        attr:data-testid="store-to"
                    />
                    <Button
                        icon=icondata::LuFolderOpen
                        on_press=choose
                        attr:data-testid="store-choose"
                    >
                        {words.signal("stores.choose")}
                    </Button>
                </div>
            </Field>
            {move || {
                failure.get().map(|error| {
                    view! { <ErrorCard error=Signal::stored(advice::textual(error)) /> }
                })
            }}
            {move || fits.get().then(|| seen.get()).flatten().map(|it| view! { <Seen it steering always /> })}
            <div class="storage__buttons">
                <Button
                    icon=icondata::LuSearch
                    pending=sending.pending("preview move")
                    on_press=move |()| look()
                    attr:data-testid="store-look"
                >
                    {words.signal("stores.look")}
                </Button>
                <Show when=move || may.get()>
                    <Button
                        kind=ButtonKind::Primary
                        pending=sending.pending("move store")
                        on_press=begin
                        attr:data-testid="store-begin"
                    >
                        {words.signal("stores.begin")}
                    </Button>
                </Show>
            </div>
        </section>
    }
}

/// What a move would do.
#[component]
fn Seen(
    it: MovePreview,
    steering: RwSignal<Option<SteeringView>>,
    always: RwSignal<bool>,
) -> impl IntoView {
    let words = use_words();
    let way = it.way.map(|way| words.signal_of(format!("moveWay.{}", way.as_str())));
    let amount = {
        let (models, files) = (format::count(it.models), format::count(it.files));
        let bytes = size::format(it.bytes);
        move || {
            let values = [("models", &*models), ("files", &*files), ("bytes", &*bytes)];
            words.fill("stores.amount", &values)
        }
    };
    let free = it.free.map(size::format);
    let free = move || free.as_ref().map(|free| words.fill("stores.free", &[("free", free)]));
    let names = it.loaded.join(", ");
    let unloads = (!names.is_empty()).then_some(names);
    let pauses = (it.downloads > 0).then(|| it.downloads.to_string());
    let foreign = (it.foreign_count > 0).then(|| it.foreign_count.to_string());
    let list = it.foreign.join("\n");
    let after = it.after.trim().to_owned();
    let lines: Vec<String> =
        it.commands.into_iter().chain((!after.is_empty()).then_some(after)).collect();
    view! {
        <div class="storage__seen" data-testid="store-preview">
            <p class="num">{amount}</p>
            <p class="dim">{way}</p>
            <p class="dim num">{free}</p>
            <p>{words.signal("stores.stops")} " " {words.signal("stores.keeps")}</p>
            {unloads.map(|names| view! {
                <Note tone=Tone::Warning>
                    {move || words.fill("stores.unloads", &[("names", &names)])}
                </Note>
            })}
            {pauses.map(|n| view! {
                <p class="dim">{move || words.fill("stores.pauses", &[("n", &n)])}</p>
            })}
            {foreign.map(|n| view! {
                <p class="dim" title=list>{move || words.fill("stores.foreign", &[("n", &n)])}</p>
            })}
            {move || {
                let lines = lines.clone();
                steering.get().map(|seen| view! { <Agreement seen lines always /> })
            }}
        </div>
    }
}
