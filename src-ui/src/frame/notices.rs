//! What a notification would have said, kept under the bell.

use leptos::prelude::*;

use crate::{
    components::{IconButton, Popover},
    format,
    preferences::use_preferences,
    problem,
    state::use_stores,
    words::use_words,
};

/// The preference that holds the last notice seen.
const SEEN: &str = "noticeSeen";

/// The bell and its popover.
#[component]
pub(super) fn Notices() -> impl IntoView {
    let (stores, words, preferences) = (use_stores(), use_words(), use_preferences());
    let open = RwSignal::new(false);
    let newest = Memo::new(move |_| {
        stores.system.with(|system| system.notices().first().map_or(0, |notice| notice.id))
    });
    let unseen = Memo::new(move |_| newest.get() > preferences.get::<i64>(SEEN).unwrap_or(0));
    let trigger = move || {
        view! {
            <span class="notices__bell" class:notices__bell--new=unseen>
                <IconButton
                    icon=icondata::LuBell
                    label=words.signal("top.notices")
                    popup=true
                    on_press=move |_| {
                        open.update(|open| *open = !*open);
                        preferences.set(SEEN, &newest.get_untracked());
                    }
                    attr:data-testid="notices"
                />
            </span>
        }
    };
    view! {
        <Popover open label=words.signal("top.notices") right=true trigger=trigger>
            <div class="notices">
                <Show when=move || newest.get() == 0>
                    <p class="faint">{words.signal("top.noNotices")}</p>
                </Show>
                <For
                    each=move || stores.system.with(|system| system.notices().to_vec())
                    key=|notice| notice.id
                    let:notice
                >
                    {
                        let at = notice.at;
                        let why = notice.problem.clone();
                        view! {
                            <div class="notices__line">
                                <span>
                                    {move || {
                                        let key = format!("notice.{}", notice.kind.as_str());
                                        words.fill(&key, &[("subject", &notice.subject)])
                                    }}
                                </span>
                                <small class="faint num">
                                    {move || format::age(words, at, stores.now.get())}
                                </small>
                                {why.map(|why| {
                                    view! { <small class="dim">{move || problem::line(words, &why)}</small> }
                                })}
                            </div>
                        }
                    }
                </For>
            </div>
        </Popover>
    }
}
