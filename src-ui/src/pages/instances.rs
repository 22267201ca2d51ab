//! The Instances page: every known server, finding and adding more.

use corral_contract::{InstanceId, instances::ApiState};
use leptos::prelude::*;

use crate::{
    components::{Button, ButtonKind},
    navigation::{Page, use_navigation},
    pages::{loaded::Loaded, sending::Sending},
    state::use_stores,
    words::use_words,
};

mod address;
mod card;
mod check;
mod conflicts;
mod detail;
mod detect;
mod first_run;
mod form;
mod install;
pub mod probe;
mod remove;
mod said;
mod schedule;
mod steer;
mod versions;

use card::Card;
use check::CheckStore;
use detail::Detail;
use detect::{DetectDialog, Search};
use first_run::FirstRun;
use form::FormDialog;
use install::{InstallDialog, InstallPanel};
use remove::RemoveQuestion;
use schedule::ScheduleDialog;
use versions::{Uninstall, VersionsDialog};

/// The dialog over the page. It is the place in the address, so that other pages can open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opened {
    Add,
    Detect,
    Install,
    /// Of the server that Corral runs.
    Versions,
    Uninstall,
    Edit(InstanceId),
    Remove(InstanceId),
    Check(InstanceId),
    Schedule(InstanceId),
    /// The drawer beside the cards, at a tab.
    Detail(InstanceId, &'static str),
}

impl Opened {
    fn read(place: &str) -> Option<Opened> {
        let (word, id) = place.split_once('/').unwrap_or((place, ""));
        let id = || id.parse().ok().map(InstanceId);
        match word {
            "add" => Some(Opened::Add),
            "detect" => Some(Opened::Detect),
            "install" => Some(Opened::Install),
            "versions" => Some(Opened::Versions),
            "uninstall" => Some(Opened::Uninstall),
            "edit" => id().map(Opened::Edit),
            "remove" => id().map(Opened::Remove),
            "check" => id().map(Opened::Check),
            "schedule" => id().map(Opened::Schedule),
            "details" => id().map(|id| Opened::Detail(id, "details")),
            "environment" => id().map(|id| Opened::Detail(id, "environment")),
            "health" => id().map(|id| Opened::Detail(id, "health")),
            "log" => id().map(|id| Opened::Detail(id, "log")),
            "storage" => id().map(|id| Opened::Detail(id, "storage")),
            _ => None,
        }
    }
}

/// The Instances page.
#[component]
pub fn InstancesPage() -> impl IntoView {
    let (stores, words, navigation) = (use_stores(), use_words(), use_navigation());
    let sending = Sending::here();
    let search = Search::new();
    let ids = Memo::new(move |_| {
        stores.instances.with(|all| all.all().iter().map(|each| each.id).collect::<Vec<_>>())
    });
    let none = Memo::new(move |_| ids.with(Vec::is_empty));
    let summary = move || {
        let (known, well) = stores.instances.with(|instances| {
            let well = instances.all().iter().filter(|each| each.api.state == ApiState::Ok);
            (instances.all().len(), well.count())
        });
        words.fill(
            "instances.summary",
            &[("known", &known.to_string()), ("well", &well.to_string())],
        )
    };
    let managed = Memo::new(move |_| stores.system.with(|it| it.installs.server.is_some()));
    // A dialog about a server opens when that server is known; right after a reload it is not yet.
    let opened = Memo::new(move |_| {
        let opened = navigation.place.with(|place| Opened::read(place));
        opened.filter(|opened| match opened {
            Opened::Edit(id)
            | Opened::Remove(id)
            | Opened::Check(id)
            | Opened::Schedule(id)
            | Opened::Detail(id, _) => ids.with(|ids| ids.contains(id)),
            Opened::Add | Opened::Detect | Opened::Install => true,
            Opened::Versions | Opened::Uninstall => managed.get(),
        })
    });
    let close = Callback::new(move |()| navigation.open(Page::Instances));
    let open = move |place: &'static str| navigation.open_place(Page::Instances, place);
    view! {
        <Loaded>
            <Show
                when=move || !none.get()
                fallback=move || {
                    view! {
                        <FirstRun
                            search
                            sending
                            on_connect=move |()| open("add")
                            on_options=move |()| open("install")
                        />
                    }
                }
            >
                <div class="page__head">
                    <h1 class="page__title">{words.signal("nav.instances")}</h1>
                    <span class="page__sub">{summary}</span>
                    <span class="page__gap"></span>
                    <Show when=move || !managed.get()>
                        <Button
                            icon=icondata::LuDownload
                            on_press=move |()| open("install")
                            attr:data-testid="instance-install"
                        >
                            {words.signal("installs.install")}
                        </Button>
                    </Show>
                    <Button
                        icon=icondata::LuSearch
                        on_press=move |()| open("detect")
                        attr:data-testid="instance-detect"
                    >
                        {words.signal("instances.detect")}
                    </Button>
                    <Button
                        kind=ButtonKind::Primary
                        icon=icondata::LuPlus
                        on_press=move |()| open("add")
                        attr:data-testid="instance-add"
                    >
                        {words.signal("instances.add")}
                    </Button>
                </div>
                <div class="page__body" data-testid="instances-page">
                    <div class="instances">
                        <InstallPanel sending />
                        <For each=move || ids.get() key=|id| *id let:id>
                            <Card id sending />
                        </For>
                    </div>
                </div>
            </Show>
        </Loaded>
        {move || match opened.get() {
            None => ().into_any(),
            Some(Opened::Add) => view! { <FormDialog edit=None on_close=close /> }.into_any(),
            Some(Opened::Detect) => view! { <DetectDialog search sending on_close=close /> }.into_any(),
            Some(Opened::Install) => view! { <InstallDialog on_close=close /> }.into_any(),
            Some(Opened::Versions) => view! { <VersionsDialog sending on_close=close /> }.into_any(),
            Some(Opened::Uninstall) => view! { <Uninstall sending on_close=close /> }.into_any(),
            Some(Opened::Edit(id)) => {
                stores
                    .instances
                    .with_untracked(|all| all.get(id).cloned())
                    .map(|known| {
                        view! { <FormDialog edit=Some(known) on_close=close /> }
                    })
                    .into_any()
            }
            Some(Opened::Check(id)) => {
                view! { <CheckStore id on_close=close /> }.into_any()
            }
            Some(Opened::Schedule(id)) => {
                view! { <ScheduleDialog id on_close=close /> }.into_any()
            }
            Some(Opened::Detail(id, tab)) => {
                view! { <Detail id tab sending on_close=close /> }.into_any()
            }
            Some(Opened::Remove(id)) => {
                view! { <RemoveQuestion id sending on_close=close /> }.into_any()
            }
        }}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_places() {
        assert_eq!(Opened::read("add"), Some(Opened::Add));
        assert_eq!(Opened::read("edit/5"), Some(Opened::Edit(InstanceId(5))));
        assert_eq!(Opened::read("remove/x"), None);
        assert_eq!(Opened::read(""), None);
    }
}
