//! Naming the file of a log that Corral does not find.

use corral_contract::{
    WireError,
    serverlogs::{SetFile, call::ChooseFile},
};
use leptos::prelude::*;

use super::reading::Reading;
use crate::{
    components::{Button, ButtonKind, Dialog, Field, TextInput},
    pages::advice,
    state::use_stores,
    words::use_words,
};

/// The button and its dialog.
#[component]
pub(super) fn NameFile(reading: Reading) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let open = RwSignal::new(false);
    let path = RwSignal::new(String::new());
    let failure = RwSignal::new(None::<WireError>);
    let id = reading.id;
    let title = Signal::derive(move || {
        let name = stores.instances.with(|all| all.get(id).map(|it| it.name.clone()));
        words.fill("serverlogs.fileTitle", &[("name", &name.unwrap_or_default())])
    });
    let show = move |()| {
        let known = reading.origin.get_untracked().filter(|origin| origin.chosen);
        path.set(known.and_then(|origin| origin.name).unwrap_or_default());
        failure.set(None);
        open.set(true);
    };
    let close = Callback::new(move |()| open.set(false));
    let save = Callback::new(move |()| {
        let text = path.get_untracked().trim().to_owned();
        let request = SetFile { instance: id, path: (!text.is_empty()).then_some(text) };
        reading.sending.ask::<ChooseFile>("name file", request, move |answer| match answer {
            Ok(_) => {
                open.set(false);
                reading.to_end();
            }
            Err(error) => failure.set(Some(error)),
        });
    });
    let wrong = Signal::derive(move || {
        failure.get().map(|error| advice::reason(words, &error, "path")).unwrap_or_default()
    });
    let footer = move || {
        view! {
            <Button on_press=close attr:data-testid="log-file-cancel">
                {words.signal("common.cancel")}
            </Button>
            <Button
                kind=ButtonKind::Primary
                pending=reading.sending.pending("name file")
                on_press=save
                attr:data-testid="log-file-save"
            >
                {words.signal("common.save")}
            </Button>
        }
    };
    view! {
        <Button small=true on_press=show attr:data-testid="log-file">
            {words.signal("serverlogs.file")}
        </Button>
        <Show when=move || open.get()>
            <Dialog title=title on_close=close footer=footer>
                <Field
                    id="log-file-path"
                    label=words.signal("serverlogs.tab")
                    hint=words.signal("serverlogs.fileHint")
                    error=wrong
                >
                    <TextInput
                        id="log-file-path"
                        value=path
                        mono=true
                        autofocus=true
                        on_enter=move |_| save.run(())
                        attr:data-testid="log-file-path"
                    />
                </Field>
            </Dialog>
        </Show>
    }
}
