//! Names that may be meant, under the field while it is written.

use std::time::Duration;

use corral_contract::{
    InstanceId,
    catalogue::{
        About, SearchHub, SuggestFor, SuggestedBy, Suggestion,
        call::{Hub, Suggest as Ask},
    },
};
use corral_locale::Locale;
use leptos::{ev, prelude::*, task::spawn_local};

use crate::{ipc, words::use_words};

/// After the last key before the core is asked, and before hf.co is.
const PAUSE: Duration = Duration::from_millis(120);
const HUB_PAUSE: Duration = Duration::from_millis(700);
/// With so many suggestions of our own hf.co is not asked.
const ENOUGH: usize = 4;
/// Repositories of hf.co that are suggested.
const MOST_HUB: usize = 5;

/// The field inside, with a list under it: arrows walk, Enter takes, Escape closes.
#[component]
pub(super) fn Suggest(
    name: RwSignal<String>,
    #[prop(into)] instance: Signal<Option<InstanceId>>,
    /// One was taken.
    #[prop(into)]
    on_take: Callback<String>,
    children: Children,
) -> impl IntoView {
    let words = use_words();
    let items = RwSignal::new(Vec::<Suggestion>::new());
    let open = RwSignal::new(false);
    let active = RwSignal::new(None::<usize>);
    // What was taken is not suggested again.
    let taken = StoredValue::new(name.get_untracked());
    let turn = StoredValue::new(0_u64);
    Effect::new(move |_| {
        let (text, instance) = (name.get(), instance.get());
        turn.update_value(|turn| *turn += 1);
        let mine = turn.get_value();
        let same = move || turn.try_get_value() == Some(mine);
        active.set(None);
        let typed = text.trim().to_owned();
        let (Some(instance), false) =
            (instance, typed.is_empty() || taken.with_value(|it| *it == text))
        else {
            open.set(false);
            return;
        };
        let ask = move || {
            if !same() {
                return;
            }
            spawn_local(async move {
                let request = SuggestFor { instance, text: typed.clone() };
                let Ok(found) = ipc::call::<Ask>(request).await else { return };
                if !same() {
                    return;
                }
                let few = found.items.len() < ENOUGH && typed.chars().count() >= 3;
                // The only suggestion is what stands there.
                let exact = matches!(&found.items[..], [only] if only.name == typed);
                open.set(!found.items.is_empty() && !exact);
                items.set(found.items);
                if few && !typed.contains(':') {
                    let later = move || {
                        if same() {
                            spawn_local(async move {
                                let answer = ipc::call::<Hub>(SearchHub { text: typed }).await;
                                if let (true, Ok(answer)) = (same(), answer) {
                                    let more = answer.items.into_iter().take(MOST_HUB).map(|it| {
                                        Suggestion {
                                            name: it.name,
                                            by: SuggestedBy::Hub,
                                            about: About::default(),
                                            installed: false,
                                        }
                                    });
                                    items.update(|items| items.extend(more));
                                    open.set(items.with_untracked(|items| !items.is_empty()));
                                }
                            });
                        }
                    };
                    set_timeout(later, HUB_PAUSE);
                }
            });
        };
        set_timeout(ask, PAUSE);
    });
    let take = move |chosen: String| {
        taken.set_value(chosen.clone());
        name.set(chosen.clone());
        open.set(false);
        on_take.run(chosen);
    };
    let keys = move |event: ev::KeyboardEvent| {
        if event.is_composing() || !open.get_untracked() {
            return;
        }
        let count = items.with_untracked(Vec::len);
        let now = active.get_untracked();
        match event.key().as_str() {
            "ArrowDown" => active.set(Some(now.map_or(0, |place| (place + 1) % count.max(1)))),
            "ArrowUp" => active.set(Some(now.map_or(count.saturating_sub(1), |place| {
                (place + count.max(1) - 1) % count.max(1)
            }))),
            "Enter" => match now.and_then(|place| {
                items.with_untracked(|items| items.get(place).map(|it| it.name.clone()))
            }) {
                Some(chosen) => take(chosen),
                None => return,
            },
            "Escape" => open.set(false),
            "Tab" => {
                open.set(false);
                return;
            }
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let line = move |about: &About| match words.locale() {
        Locale::ZhCn => about.zh.clone(),
        Locale::En => about.en.clone(),
    };
    view! {
        <div class="suggest" on:keydown=keys>
            {children()}
            <Show when=move || open.get()>
                <ul class="suggest__list" role="listbox" aria-label=words.signal("create.suggestions") data-testid="create-suggest">
                    {move || {
                        items
                            .get()
                            .into_iter()
                            .enumerate()
                            .map(|(place, item)| {
                                let on = Signal::derive(move || active.get() == Some(place));
                                let source = if item.installed {
                                    "create.suggestHere".to_owned()
                                } else {
                                    format!("create.suggestBy.{}", item.by.as_str())
                                };
                                let chosen = item.name.clone();
                                view! {
                                    <li
                                        class="suggest__item"
                                        class:suggest__item--on=on
                                        role="option"
                                        aria-selected=move || if on.get() { "true" } else { "false" }
                                        data-testid=format!("suggest-{}", item.name)
                                        // Before the field loses the focus.
                                        on:mousedown=move |event| {
                                            event.prevent_default();
                                            take(chosen.clone());
                                        }
                                    >
                                        <span class="mono cut">{item.name.clone()}</span>
                                        <small class="cut">{line(&item.about)}</small>
                                        <small>{words.signal_of(source)}</small>
                                    </li>
                                }
                            })
                            .collect_view()
                    }}
                </ul>
            </Show>
        </div>
    }
}
