//! The log of the model's last operation.

use corral_contract::{
    TaskId, WireError,
    tasks::{LogRequest, call},
};
use leptos::{prelude::*, task::spawn_local};

use super::super::cells::Row;
use crate::{
    components::{Button, CopyButton, EmptyState, ErrorCard, TextInput},
    ipc, state,
    words::use_words,
};

/// Follows the last task's log while the task runs.
#[component]
pub(super) fn Log(row: Row) -> impl IntoView {
    let words = use_words();
    let task = Memo::new(move |_| {
        row.with(|row| row.as_ref().and_then(|row| row.operation.or(row.last_task)))
    });
    move || match task.get() {
        Some(id) => view! { <TaskLog id /> }.into_any(),
        None => view! {
            <EmptyState icon=icondata::LuFileText title=words.signal("detail.noLog") />
        }
        .into_any(),
    }
}

/// The log of one task, with a search field; used by other pages as well.
#[component]
pub fn TaskLog(id: TaskId) -> impl IntoView {
    let (words, stores) = (use_words(), state::use_stores());
    let text = RwSignal::new(String::new());
    let offset = RwSignal::new(0_u64);
    let more = RwSignal::new(false);
    let missing = RwSignal::new(false);
    let failure = RwSignal::new(None::<WireError>);
    let find = RwSignal::new(String::new());
    let busy = StoredValue::new(false);
    let read = move || {
        if busy.get_value() {
            return;
        }
        busy.set_value(true);
        spawn_local(async move {
            let request = LogRequest { id, offset: offset.get_untracked() };
            let answer = ipc::call::<call::Log>(request).await;
            busy.try_set_value(false);
            match answer {
                Ok(page) => {
                    missing.try_set(!page.exists);
                    text.try_update(|text| text.push_str(&page.text));
                    offset.try_set(page.next_offset);
                    more.try_set(page.next_offset < page.total);
                }
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
        });
    };
    // Each event about the task is a reason to look for more.
    let task = Memo::new(move |_| stores.tasks.with(|tasks| tasks.get(id).cloned()));
    Effect::new(move |_| {
        task.with(|_| ());
        read();
    });
    let shown = Memo::new(move |_| {
        let find = find.with(|find| find.trim().to_lowercase());
        text.with(|text| {
            if find.is_empty() {
                return text.clone();
            }
            let lines = text.lines().filter(|line| line.to_lowercase().contains(&find));
            lines.collect::<Vec<_>>().join("\n")
        })
    });
    view! {
        <section class="detail__section">
            {move || failure.get().map(|error| view! { <ErrorCard error=Signal::stored(error) /> })}
            <Show
                when=move || !missing.get()
                fallback=move || view! { <p class="dim">{words.signal("detail.noLog")}</p> }
            >
                <div class="detail__head">
                    <TextInput
                        id="log-find"
                        value=find
                        placeholder=words.signal("detail.findInLog")
                        attr:aria-label=words.signal("detail.findInLog")
                    />
                    <CopyButton text=text />
                </div>
                <pre class="log-view" tabindex="0" data-testid="log-text">{shown}</pre>
                <Show when=move || more.get()>
                    <Button small=true on_press=move |()| read()>
                        {words.signal("detail.more")}
                    </Button>
                </Show>
            </Show>
        </section>
    }
}
