use corral_contract::{
    InstanceId,
    instances::{ApiState, InstanceRef, InstanceView, Kind, ServiceState},
    sync::call::{Cancel, Run},
};
use leptos::prelude::*;

use super::{
    conflicts::Conflicts,
    install::FirstModels,
    probe, said,
    steer::{Act, Steer, SteerQuestion, at_work},
    versions::ManagedNote,
};
use crate::{
    components::{
        Button, Glyph, IconButton, MenuItem, Note, ProgressBar, Sparkline, StatusBadge, Tone,
        use_menu,
    },
    frame::toasts::{Offer, use_toasts},
    navigation::{Page, use_navigation},
    pages::sending::Sending,
    state::use_stores,
    words::use_words,
};

/// One server: what it is, how it is, what it holds, and what can be done.
#[component]
pub(super) fn Card(id: InstanceId, sending: Sending) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let known = Memo::new(move |before: Option<&Option<InstanceView>>| {
        // A card that is about to go keeps what it showed.
        stores.instances.with(|all| all.get(id).cloned()).or_else(|| before.cloned().flatten())
    });
    let text = move |say: &dyn Fn(&InstanceView) -> String| {
        known.with(|known| known.as_ref().map(say).unwrap_or_default())
    };
    let name = Memo::new(move |_| text(&|view| view.name.clone()));
    let trouble =
        Memo::new(move |_| text(&|view| said::trouble(words, &view.api, stores.now.get())));
    let conflicts = Memo::new(move |_| {
        known.with(|known| known.as_ref().map(|it| it.conflicts.clone()).unwrap_or_default())
    });
    let exposed =
        Memo::new(move |_| known.with(|known| known.as_ref().is_some_and(|it| it.exposed)));
    let remote = Memo::new(move |_| {
        known.with(|known| known.as_ref().is_some_and(|it| it.kind == Kind::Remote))
    });
    let store =
        move |read: fn(&InstanceView) -> bool| known.with(|known| known.as_ref().is_some_and(read));
    let line_class = move || {
        if store(|view| view.api.state == ApiState::Down) {
            "instance__latency instance__latency--bad"
        } else {
            "instance__latency"
        }
    };
    view! {
        <section
            class="card instance"
            aria-label=move || name.get()
            data-testid=move || format!("instance-card-{}", name.get())
        >
            <header class="instance__head">
                {move || {
                    let icon = if remote.get() { icondata::LuGlobe } else { icondata::LuServer };
                    view! { <Glyph icon=icon /> }
                }}
                <div class="instance__title">
                    <h2>{move || name.get()}</h2>
                    <p class="faint">{move || text(&|view| said::origin(words, view))}</p>
                </div>
                <Facts known />
            </header>
            <div class="instance__now">
                <span class=line_class>
                    <Sparkline
                        values=Signal::derive(move || {
                            let values = |view: &InstanceView| {
                                view.latencies.iter().map(|ms| ms.map(f64::from)).collect()
                            };
                            known.with(|known| known.as_ref().map(values).unwrap_or_default())
                        })
                        label=words.signal("instances.latency")
                    />
                </span>
                <div>
                    <p class="num">
                        {move || text(&|view| said::holdings(words, view, stores.now.get()))}
                    </p>
                    <Show when=move || trouble.with(|text| !text.is_empty())>
                        <p class="instance__trouble">{move || trouble.get()}</p>
                    </Show>
                </div>
            </div>
            <div class="instance__store">
                <ProgressBar
                    parts=Signal::derive(move || {
                        known.with(|it| it.as_ref().map(|it| said::used(&it.store)).unwrap_or_default())
                    })
                    label=Signal::derive(move || text(&|view| said::room(words, &view.store)))
                />
                <p>
                    <span class="cut" title=move || text(&|view| said::folder(words, &view.store))>
                        {move || text(&|view| said::folder(words, &view.store))}
                    </span>
                    <span class="num">{move || text(&|view| said::room(words, &view.store))}</span>
                </p>
            </div>
            <Show when=move || exposed.get()>
                <Note tone=Tone::Warning icon=icondata::LuShieldAlert>
                    {words.signal("instances.exposed")}
                </Note>
            </Show>
            {move || view! { <Conflicts all=conflicts.get() /> }}
            <FirstModels id sending />
            <ManagedNote id />
            <Actions id sending />
        </section>
    }
}

/// The two facts: the service and the API.
#[component]
fn Facts(known: Memo<Option<InstanceView>>) -> impl IntoView {
    let words = use_words();
    let facts = Memo::new(move |_| {
        known.with(|known| {
            known.as_ref().map(|it| (it.service.state, it.api.state, said::api(words, &it.api)))
        })
    });
    move || {
        facts.get().map(|(service, api, text)| {
            let (service_icon, service_tone) = said::service_look(service);
            let (api_icon, api_tone) = said::api_look(api);
            let word = words.get(&format!("serviceState.{}", service.as_str()));
            view! {
                <div class="instance__facts num">
                    <StatusBadge
                        icon=service_icon
                        tone=service_tone
                        text=words.fill("instances.service", &[("state", &word)])
                    />
                    <StatusBadge
                        icon=api_icon
                        tone=api_tone
                        text=text
                        turning=api == ApiState::Checking
                    />
                </div>
            }
        })
    }
}

/// What can be done with a server, and the question that its last sync left open.
#[component]
fn Actions(id: InstanceId, sending: Sending) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let (navigation, toasts, menu) = (use_navigation(), use_toasts(), use_menu());
    let sync = Memo::new(move |_| stores.syncs.with(|syncs| syncs.running(id)));
    let asks = Memo::new(move |_| {
        stores.syncs.with(|syncs| syncs.report(id).is_some_and(|report| report.asks_empty))
    });
    let press = move |()| {
        let request = InstanceRef { id };
        if sync.with_untracked(Option::is_some) {
            sending.send::<Cancel>(&format!("stop sync {id}"), request);
        } else {
            // How it ended comes as a toast.
            sending.send::<Run>(&format!("sync {id}"), request);
        }
    };
    let label = move || match sync.get() {
        Some(sync) => words.fill(
            "instances.stopSync",
            &[("done", &sync.done.to_string()), ("total", &sync.total.to_string())],
        ),
        None => words.get("instances.sync"),
    };
    let steer = Steer::new(id, sending);
    let work = at_work(id);
    // What can be started or stopped from here at all; the drawer says it for every server.
    let process = Memo::new(move |_| {
        stores.instances.with(|all| {
            let view = all.get(id)?;
            let here = view.kind != Kind::Remote || view.service.state != ServiceState::Unknown;
            here.then_some(view.service.state)
        })
    });
    let steering = move || {
        let act = match process.get()? {
            ServiceState::Stopped => (Act::Start, icondata::LuPlay, "instance-start"),
            ServiceState::Running => (Act::Stop, icondata::LuSquare, "instance-stop"),
            ServiceState::Unknown => return None,
        };
        let (act, icon, name) = act;
        Some(view! {
            <Button
                small=true
                icon=icon
                pending=Signal::derive(move || steer.pending().get() || work.with(Option::is_some))
                on_press=move |()| steer.press(act)
                attr:data-testid=name
            >
                {words.signal_of(act.word().to_owned())}
            </Button>
        })
    };
    let place = move |what: &str| navigation.open_place(Page::Instances, &format!("{what}/{id}"));
    let managed = Memo::new(move |_| {
        stores.instances.with(|all| all.get(id).is_some_and(|it| it.kind == Kind::NativeManaged))
    });
    view! {
        <Show when=move || asks.get()>
            <Note tone=Tone::Warning>
                <span class="instance__asks">
                    <span>{words.signal("instances.asksEmpty")}</span>
                    <Button small=true on_press=move |()| toasts.open(Offer::Sync(id))>
                        {words.signal("banner.show")}
                    </Button>
                </span>
            </Note>
        </Show>
        <SteerQuestion steer />
        {move || {
            work.get().map(|(_, phase)| {
                let phase = words.get_or(&format!("taskPhase.{phase}"), &phase);
                view! { <p class="dim" role="status">{phase}</p> }
            })
        }}
        <div class="instance__actions">
            {steering}
            <Button
                small=true
                icon=icondata::LuRefreshCw
                pending=sending.pending(&probe::key(id))
                on_press=move |()| probe::now(sending, id)
                attr:data-testid="instance-probe"
            >
                {move || {
                    let down = stores.instances.with(|all| {
                        all.get(id).is_some_and(|view| view.api.state == ApiState::Down)
                    });
                    words.get(if down { "advice.tryNow" } else { "instances.checkNow" })
                }}
            </Button>
            <Button
                small=true
                icon=icondata::LuSettings2
                on_press=move |()| place("edit")
                attr:data-testid="instance-edit"
            >
                {words.signal("instances.edit")}
            </Button>
            <Button
                small=true
                icon=icondata::LuArrowDownUp
                on_press=press
                attr:data-testid="instance-sync"
            >
                {label}
            </Button>
            <Button
                small=true
                icon=icondata::LuTrash2
                on_press=move |()| match managed.get_untracked() {
                    true => navigation.open_place(Page::Instances, "uninstall"),
                    false => place("remove"),
                }
                attr:data-testid="instance-remove"
            >
                {move || {
                    let key = if managed.get() { "installs.uninstall" } else { "instances.remove" };
                    words.get(key)
                }}
            </Button>
            <IconButton
                icon=icondata::LuEllipsis
                label=words.signal("common.more")
                popup=true
                on_press=move |event: web_sys::MouseEvent| {
                    let items = Signal::derive(move || {
                        let item = |key: &str, to: &'static str| {
                            MenuItem::new(words.get(key), to, move || place(to))
                        };
                        let versions = managed.get().then(|| {
                            let open = move || navigation.open_place(Page::Instances, "versions");
                            MenuItem::new(words.get("installs.versions"), "instance-versions", open)
                        });
                        let restart = (process.get() == Some(ServiceState::Running)).then(|| {
                            let word = words.get(Act::Restart.word());
                            MenuItem::new(word, "restart", move || steer.press(Act::Restart))
                        });
                        let first = [Some(item("instances.details", "details")), restart];
                        let more = [
                            item("healthTab.tab", "health"),
                            item("serverlogs.tab", "log"),
                            item("schedule.button", "schedule"),
                            item("stores.button", "storage"),
                            item("checks.storeButton", "check"),
                        ];
                        first.into_iter().flatten().chain(more).chain(versions).collect()
                    });
                    menu.open_under(&event, words.get("common.more"), items);
                }
                attr:data-testid="instance-menu"
            />
        </div>
    }
}
