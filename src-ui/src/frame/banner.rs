//! What is wrong with Corral itself, over every page.

use leptos::prelude::*;

use crate::{
    components::{Button, Note, Tone},
    fault,
    navigation::{Page, use_navigation},
    problem,
    state::{Link, use_stores},
    words::use_words,
};

/// Nothing while all is well.
#[component]
pub(super) fn Banner() -> impl IntoView {
    let (stores, words, navigation) = (use_stores(), use_words(), use_navigation());
    let lost = Memo::new(move |_| match stores.link.get() {
        Link::Lost(error) => Some(problem::line(words, &error)),
        Link::Connecting | Link::Live => None,
    });
    let storage = Memo::new(move |_| {
        stores.system.with(|system| {
            let storage = system.storage.as_ref()?;
            if storage.read_only {
                Some(words.get("banner.readOnly"))
            } else {
                storage
                    .set_aside
                    .as_ref()
                    .map(|path| words.fill("banner.setAside", &[("path", path)]))
            }
        })
    });
    let degraded = Memo::new(move |_| {
        let names = stores.system.with(|system| {
            let names = system.degraded().map(|each| {
                let (name, id) = each.name.split_once(':').unwrap_or((&each.name, ""));
                let text = words.get_or(&format!("subsystem.{name}"), name);
                if id.is_empty() { text } else { format!("{text} {id}") }
            });
            names.collect::<Vec<_>>().join(", ")
        });
        (!names.is_empty()).then(|| words.fill("banner.degraded", &[("names", &names)]))
    });
    let reload = move |()| {
        // Only refused where there is no document, and then nobody pressed anything.
        let _ = window().location().reload();
    };
    let show = move |text: String, page: Page| {
        view! {
            <div class="banner__line">
                <span>{text}</span>
                <Button small=true on_press=move |()| navigation.open(page)>
                    {words.signal("banner.show")}
                </Button>
            </div>
        }
    };
    view! {
        <div class="banner" role="status">
            {move || {
                fault::first().map(|why| {
                    view! {
                        <Note tone=Tone::Bad attr:data-testid="banner-fault">
                            <div class="banner__line">
                                <span>
                                    {words.signal("banner.fault")} " " <span class="dim">{why}</span>
                                </span>
                                <Button small=true on_press=reload>
                                    {words.signal("banner.reload")}
                                </Button>
                            </div>
                        </Note>
                    }
                })
            }}
            {move || {
                lost.get().map(|why| {
                    view! {
                        <Note tone=Tone::Warning attr:data-testid="banner-lost">
                            {words.signal("banner.lost")} " " <span class="dim">{why}</span>
                        </Note>
                    }
                })
            }}
            {move || {
                storage.get().map(|text| {
                    view! {
                        <Note tone=Tone::Bad attr:data-testid="banner-storage">
                            {show(text, Page::Settings)}
                        </Note>
                    }
                })
            }}
            {move || {
                degraded.get().map(|text| {
                    view! {
                        <Note tone=Tone::Warning attr:data-testid="banner-degraded">
                            {show(text, Page::Settings)}
                        </Note>
                    }
                })
            }}
        </div>
    }
}
