use corral_contract::{
    health::{Reach, RecoveryState, call},
    instances::{ApiState, InstanceRef},
};
use leptos::prelude::*;

use super::View;
use crate::{
    components::{Button, ErrorCard, StatusBadge},
    format,
    pages::advice,
    state::use_stores,
    words::use_words,
};

/// Where the starting of a server that is gone stands, and what the user can say to it.
#[component]
pub(super) fn RecoveryBox(view: View) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let recovery = Memo::new(move |_| view.read(|report| report.recovery.clone()));
    let state = Memo::new(move |_| recovery.with(|it| it.as_ref().map(|it| it.state)));
    let down = Memo::new(move |_| {
        stores
            .instances
            .with(|all| all.get(view.id).is_some_and(|it| it.api.state == ApiState::Down))
    });
    let reach = Memo::new(move |_| recovery.with(|it| it.as_ref().map(|it| it.reach)));
    let text = Signal::derive(move || {
        let Some(it) = recovery.get() else { return String::new() };
        let state = words.get(&format!("recoveryState.{}", it.state.as_str()));
        let failed = it.failed.to_string();
        let mut values = vec![("state", state.as_str())];
        if it.failed > 0 {
            values.push(("n", failed.as_str()));
        }
        words.fill("healthTab.state", &values)
    });
    let due = move || {
        let due = recovery.with(|it| it.as_ref().and_then(|it| it.due))?;
        let seconds = u64::try_from(due.since(stores.now.get()) / 1000).unwrap_or(0);
        let time = format::span(words, seconds);
        Some(words.fill("healthTab.due", &[("time", &time)]))
    };
    let problem =
        Memo::new(move |_| recovery.with(|it| it.as_ref().and_then(|it| it.problem.clone())));
    let look = move || match state.get() {
        Some(RecoveryState::GivenUp) => (icondata::LuCircleAlert, "bad"),
        Some(RecoveryState::Waiting | RecoveryState::Trying) => (icondata::LuLoaderCircle, "busy"),
        _ => (icondata::LuCircle, "off"),
    };
    let request = InstanceRef { id: view.id };
    let try_now = move |()| {
        view.sending.ask::<call::TryNow>("try now", request, move |answer| view.take(answer));
    };
    let stop = move |()| {
        view.sending
            .ask::<call::StopTrying>("stop trying", request, move |answer| view.take(answer));
    };
    let trying =
        move || matches!(state.get(), Some(RecoveryState::Waiting | RecoveryState::Trying));
    view! {
        <section aria-label=words.signal("healthTab.recovery") data-testid="health-recovery">
            <h3>{words.signal("healthTab.recovery")}</h3>
            <div class="health-tab__head">
                <p>
                    {move || {
                        let (icon, tone) = look();
                        view! { <StatusBadge icon=icon tone=tone text=text /> }
                    }}
                    " " <span class="faint num">{due}</span>
                </p>
                <span class="health-tab__buttons">
                    <Show when=move || down.get() && reach.get().is_some_and(|it| it != Reach::Never)>
                        <Button
                            small=true
                            pending=view.sending.pending("try now")
                            on_press=try_now
                            attr:data-testid="health-try-now"
                        >
                            {words.signal("healthTab.tryNow")}
                        </Button>
                    </Show>
                    <Show when=trying>
                        <Button small=true on_press=stop attr:data-testid="health-stop-trying">
                            {words.signal("healthTab.stopTrying")}
                        </Button>
                    </Show>
                </span>
            </div>
            {move || {
                problem.get().map(|problem| {
                    view! { <ErrorCard error=Signal::stored(advice::textual(problem)) /> }
                })
            }}
            <p class="faint">
                {move || {
                    let never = reach.get() == Some(Reach::Never);
                    words.get(if never { "healthTab.never" } else { "healthTab.recoveryText" })
                }}
            </p>
        </section>
    }
}
