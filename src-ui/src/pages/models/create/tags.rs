//! The tags and quantisations of the model whose name is written, with their sizes.

use std::time::Duration;

use corral_contract::{
    InstanceId,
    catalogue::{SizeBasis, TagList, TagsOf, call},
    name::ModelName,
    size,
};
use leptos::{prelude::*, task::spawn_local};

use crate::{components::Chip, ipc, words::use_words};

/// After the last key before tags are asked for.
const PAUSE: Duration = Duration::from_millis(250);

/// The tags of what is written.
#[derive(Clone, Copy)]
pub(super) struct Offered {
    list: RwSignal<Option<TagList>>,
    /// The name to complete with the tag that suits best, as soon as it is known.
    complete: RwSignal<Option<String>>,
    name: RwSignal<String>,
}

impl Offered {
    /// Asks whenever the model that is written is another one.
    pub(super) fn follow(
        name: RwSignal<String>,
        parsed: Memo<Option<ModelName>>,
        instance: Signal<Option<InstanceId>>,
    ) -> Offered {
        let offered = Offered { list: RwSignal::new(None), complete: RwSignal::new(None), name };
        let model = Memo::new(move |_| {
            parsed.get().map(|name| ModelName { tag: "latest".to_owned(), ..name }.display())
        });
        let turn = StoredValue::new(0_u64);
        Effect::new(move |_| {
            let (model, instance) = (model.get(), instance.get());
            turn.update_value(|turn| *turn += 1);
            let mine = turn.get_value();
            offered.list.set(None);
            let (Some(name), Some(instance)) = (model, instance) else { return };
            let ask = move || {
                if turn.try_get_value() != Some(mine) {
                    return;
                }
                spawn_local(async move {
                    let answer = ipc::call::<call::Tags>(TagsOf { instance, name }).await;
                    if turn.try_get_value() == Some(mine) {
                        offered.take(answer.ok());
                    }
                });
            };
            set_timeout(ask, PAUSE);
        });
        offered
    }

    /// A suggestion was taken: it gets the tag that suits best.
    pub(super) fn take_best_of(self, name: &str) {
        self.complete.set(Some(name.to_owned()));
        // It may be the model whose tags are there already.
        self.take(self.list.get_untracked());
    }

    fn take(self, list: Option<TagList>) {
        if let Some(list) = &list {
            let wanted = self.complete.get_untracked();
            let untouched =
                wanted.as_deref().is_some_and(|it| self.name.with_untracked(|name| name == it));
            if untouched && let Some(best) = &list.best {
                let tag = list.tags.iter().find(|tag| tag.tag == *best);
                self.complete.set(None);
                if let Some(tag) = tag {
                    self.name.set(tag.name.clone());
                }
            }
        }
        self.list.set(list);
    }
}

/// One chip per tag.
#[component]
pub(super) fn TagChips(offered: Offered, parsed: Memo<Option<ModelName>>) -> impl IntoView {
    let words = use_words();
    let some = Memo::new(move |_| {
        offered.list.with(|list| list.as_ref().is_some_and(|list| !list.tags.is_empty()))
    });
    view! {
        <Show when=move || some.get()>
            <div class="tag-chips" role="group" aria-label=words.signal("create.tags") data-testid="create-tags">
                {move || {
                    let list = offered.list.get();
                    let best = list.as_ref().and_then(|list| list.best.clone());
                    list.into_iter()
                        .flat_map(|list| list.tags)
                        .filter(|tag| !tag.gone && !tag.split)
                        .map(|tag| {
                            let bytes = tag.bytes.map(|bytes| match tag.basis {
                                SizeBasis::Listed => {
                                    words.fill("discover.about", &[("bytes", &size::format(bytes))])
                                }
                                _ => size::format(bytes),
                            });
                            let label = match bytes {
                                Some(bytes) => format!("{} · {bytes}", tag.tag),
                                None => tag.tag.clone(),
                            };
                            let best = best.as_deref() == Some(&tag.tag);
                            let icon = best.then_some(icondata::LuSparkles);
                            let (mine, name) = (tag.tag.clone(), tag.name.clone());
                            view! {
                                <Chip
                                    label=label
                                    icon=icon
                                    on=Signal::derive(move || {
                                        parsed.with(|it| it.as_ref().is_some_and(|it| it.tag.eq_ignore_ascii_case(&mine)))
                                    })
                                    on_press=move |()| offered.name.set(name.clone())
                                    attr:title=best.then(|| words.get("discover.bestHint"))
                                    attr:data-testid=format!("tag-{}", tag.tag)
                                />
                            }
                        })
                        .collect_view()
                }}
            </div>
        </Show>
    }
}
