//! A loaded model: how long it stays, and changing that.

use corral_contract::running::{Retime, call::Stay};
use leptos::prelude::*;

use super::super::super::{cells::Row, list::use_list};
use crate::{
    components::{Button, Field, TextInput},
    format,
    pages::{advice, sending::Sending},
    words::use_words,
};

/// Offered times, in the form that the server takes.
const TIMES: [&str; 4] = ["5m", "1h", "24h", "-1"];

/// Shows only while the model is in memory.
#[component]
pub(super) fn LoadedNow(row: Row) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let sending = Sending::here();
    let other = RwSignal::new(String::new());
    let failure = RwSignal::new(None);
    let id = Memo::new(move |_| {
        row.with(|row| row.as_ref().filter(|row| row.memory.is_some()).map(|row| row.id))
    });
    let stays = move || {
        let expires =
            row.with(|row| row.as_ref().and_then(|row| row.memory).map(|it| it.expires_at));
        match expires.flatten() {
            Some(at) => {
                let left = format::clock(at.since(list.stores.now.get()) / 1000);
                words.fill("run.staysFor", &[("time", &left)])
            }
            None => words.get("run.staysForEver"),
        }
    };
    let stay = move |keep_alive: String| {
        if let Some(model) = id.get_untracked() {
            failure.set(None);
            sending.ask::<Stay>("stay", Retime { model, keep_alive }, move |answer| match answer {
                Ok(_) => other.set(String::new()),
                Err(error) if error.params.contains_key("field") => failure.set(Some(error)),
                Err(error) => sending.failed(error),
            });
        }
    };
    let wrong = Signal::derive(move || {
        failure.with(|error| {
            error.as_ref().map(|it| advice::reason(words, it, "keepAlive")).unwrap_or_default()
        })
    });
    view! {
        <Show when=move || id.get().is_some()>
            <section class="detail__section" data-testid="run-now">
                <h3>{words.signal("run.now")}</h3>
                <p class="num" data-testid="run-stays">{stays}</p>
                <div class="run__times" role="group" aria-label=words.signal("run.stay")>
                    {TIMES
                        .iter()
                        .map(|time| {
                            let key = if *time == "-1" { "run.forEver".to_owned() } else {
                                format!("run.time.{time}")
                            };
                            view! {
                                <Button
                                    small=true
                                    on_press=move |()| stay((*time).to_owned())
                                    attr:data-testid=format!("run-stay-{time}")
                                >
                                    {words.signal_of(key)}
                                </Button>
                            }
                        })
                        .collect_view()}
                </div>
                <form
                    on:submit=move |event| {
                        event.prevent_default();
                        stay(other.get_untracked());
                    }
                >
                    <Field
                        id="run-stay"
                        label=words.signal("run.otherTime")
                        hint=words.signal("run.keepHint")
                        error=wrong
                    >
                        <span class="check-file__path">
                            <TextInput id="run-stay" value=other />
                            <Button submit=true pending=sending.pending("stay")>
                                {words.signal("run.set")}
                            </Button>
                        </span>
                    </Field>
                </form>
            </section>
        </Show>
    }
}
