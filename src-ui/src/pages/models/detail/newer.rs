//! A newer version of the model, or the way back to the one before.

use corral_contract::{
    models::{ModelRef, ModelRefs},
    size,
    updates::{
        RowUpdate, UpdateState,
        call::{Accept, Snooze},
    },
};
use leptos::prelude::*;

use super::super::{
    cells::Row,
    update_item::{apply, roll_back},
};
use crate::{
    components::{Button, ButtonKind, Note, Tone},
    frame::toasts::use_toasts,
    pages::sending::Sending,
    words::use_words,
};

/// What is newer, with its buttons; nothing when nothing is.
#[component]
pub(super) fn Newer(row: Row) -> impl IntoView {
    let update = Memo::new(move |_| {
        row.with(|row| {
            let row = row.as_ref()?;
            Some((row.id, row.name.clone(), row.update.clone()?))
        })
    });
    view! {
        {move || {
            update.get().map(|(id, name, update)| {
                view! { <section class="detail__section"><Said id name update /></section> }
            })
        }}
    }
}

#[component]
fn Said(id: corral_contract::ModelId, name: String, update: RowUpdate) -> impl IntoView {
    let (words, toasts, sending) = (use_words(), use_toasts(), Sending::here());
    let one = ModelRef { id };
    let busy = RwSignal::new(false);
    let free = move || {
        busy.try_set(false);
    };
    let ids = move || ModelRefs { ids: vec![id] };
    let bytes = update.bytes.filter(|bytes| *bytes > 0).map(size::format);
    let text = match (update.state, bytes) {
        (UpdateState::Available, Some(bytes)) => {
            words.fill("updates.availableBytes", &[("bytes", &bytes)])
        }
        (state, _) => words.get(&format!("updates.state.{}", state.as_str())),
    };
    let (updated, back) = (name.clone(), name);
    let buttons = match update.state {
        UpdateState::Available => view! {
            {(!update.snoozed).then(|| view! {
                <Button small=true pending=sending.pending("later") on_press=move |()| { sending.send::<Snooze>("later", ids()) }>
                    {words.signal("updates.later")}
                </Button>
            })}
            <Button
                small=true
                kind=ButtonKind::Primary
                icon=icondata::LuDownload
                pending=busy
                on_press=move |()| {
                    busy.set(true);
                    apply(toasts, words, (id, updated.clone()), free);
                }
                attr:data-testid="detail-update"
            >
                {words.signal("updates.one")}
            </Button>
        }
        .into_any(),
        UpdateState::Unproven => view! {
            <Button small=true pending=sending.pending("accept") on_press=move |()| { sending.send::<Accept>("accept", one) } attr:data-testid="detail-accept">
                {words.signal("updates.accept")}
            </Button>
            <Button
                small=true
                icon=icondata::LuUndo2
                pending=busy
                on_press=move |()| {
                    busy.set(true);
                    roll_back(toasts, words, (id, back.clone()), free);
                }
                attr:data-testid="detail-rollback"
            >
                {words.signal("updates.rollBack")}
            </Button>
        }
        .into_any(),
        UpdateState::Fetching | UpdateState::RollingBack => ().into_any(),
    };
    view! {
        <Note tone=Tone::Info icon=icondata::LuCircleArrowUp>
            <span data-testid="detail-newer">{text}</span>
            <span class="instance__actions">{buttons}</span>
        </Note>
    }
}
