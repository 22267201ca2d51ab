//! Getting a model: the name is checked while it is written, and stays when the core refuses it.

mod check;
mod suggest;
mod tags;

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    downloads::Priority,
    models::{CreateModel, call::Create},
    name::{DEFAULT_HOST, ModelName},
};
use leptos::{prelude::*, task::spawn_local};

use check::{CheckPanel, Checked};
use suggest::Suggest;
use tags::{Offered, TagChips};

use super::{
    fit::FitControl,
    list::use_list,
    make::{Way, Ways},
};
use crate::{
    components::{Checkbox, Dialog, DialogFoot, ErrorCard, Field, Segmented, Select, TextInput},
    frame::toasts::use_toasts,
    ipc,
    words::use_words,
};

/// The dialog; `name` stands in it at first.
#[component]
pub(super) fn CreateDialog(name: String) -> impl IntoView {
    let (words, list, toasts) = (use_words(), use_list(), use_toasts());
    let name = RwSignal::new(name);
    let touched = RwSignal::new(false);
    let priority = RwSignal::new(Priority::Normal);
    let start = RwSignal::new(false);
    let insecure = RwSignal::new(false);
    let asked = RwSignal::new(false);
    let failure = RwSignal::new(None::<WireError>);
    let chosen = RwSignal::new(None::<InstanceId>);
    let target = Signal::derive(move || chosen.get().or(list.scope.target.get()));
    let parsed = Memo::new(move |_| name.with(|name| ModelName::parse_loose(name)));
    let exists = Memo::new(move |_| {
        failure.with(|error| {
            error.as_ref().is_some_and(|error| error.code == ErrorCode::AlreadyExists)
        })
    });
    let wrong = Signal::derive(move || match parsed.get() {
        Err(why) if touched.get() => words.get(&format!("reason.{}", why.as_str())),
        _ => String::new(),
    });
    let hint = Signal::derive(move || match parsed.get() {
        Ok(name) => {
            words.fill("create.meaning", &[("name", &name.display()), ("host", &name.host)])
        }
        Err(_) => words.get("create.hint"),
    });
    let elsewhere = Memo::new(move |_| {
        parsed.get().is_ok_and(|name| !name.host.eq_ignore_ascii_case(DEFAULT_HOST))
    });
    let wanted = Memo::new(move |_| parsed.get().ok());
    let plain = Signal::derive(move || insecure.get() && elsewhere.get());
    let checked = Checked::follow(wanted, target, plain);
    let offered = Offered::follow(name, wanted, target);
    let fit_name = Signal::derive(move || {
        let there =
            checked.answer.with(|answer| answer.as_ref().is_some_and(|it| it.total.is_some()));
        wanted.get().filter(|_| there).map(|name| name.display())
    });
    // What the check refuses can still be asked for, by pressing a button that says so.
    let refused = Memo::new(move |_| {
        let by_check = checked.answer.with(|answer| {
            answer.as_ref().and_then(|answer| answer.refusal.as_ref()).map(|error| error.code)
        });
        by_check.or(failure.with(|error| error.as_ref().map(|error| error.code))).is_some_and(
            |code| {
                matches!(
                    code,
                    ErrorCode::DiskShort | ErrorCode::ModelUnknown | ErrorCode::NeedsNewerOllama
                )
            },
        )
    });
    let submit = move |update: bool| {
        touched.set(true);
        let (Ok(_), Some(instance), false) =
            (parsed.get_untracked(), target.get_untracked(), asked.get_untracked())
        else {
            return;
        };
        asked.set(true);
        let request = CreateModel {
            instance,
            name: name.get_untracked(),
            priority: priority.get_untracked(),
            start_when_done: start.get_untracked(),
            update,
            insecure: plain.get_untracked(),
            force: refused.get_untracked(),
        };
        let shown = parsed.get_untracked().map(|name| name.display()).unwrap_or_default();
        spawn_local(async move {
            match ipc::call::<Create>(request).await {
                Ok(job) => {
                    let key = if job.existing { "create.already" } else { "create.queued" };
                    toasts.good(words.fill(key, &[("name", &shown)]));
                    // Closed by hand meanwhile: by now something else may be open.
                    if asked.try_get_untracked().is_some() {
                        list.close();
                    }
                }
                Err(error) => {
                    failure.try_set(Some(error));
                    asked.try_set(false);
                }
            }
        });
    };
    let ahead = Memo::new(move |_| {
        list.stores.downloads.with(|downloads| {
            let metrics = &downloads.metrics;
            let free = metrics.parallel.saturating_sub(metrics.running);
            if free > metrics.waiting {
                words.get("create.startsNow")
            } else {
                words.fill("create.waits", &[("n", &metrics.waiting.to_string())])
            }
        })
    });
    let close = move |()| list.close();
    let footer = move || {
        view! {
            <span class="dialog__aside num">{ahead}</span>
            <DialogFoot
                cancel="create-cancel"
                submit="create-submit"
                go=Signal::derive(move || {
                    words.get(match (exists.get(), refused.get()) {
                        (true, _) => "create.update",
                        (false, true) => "create.anyway",
                        (false, false) => "create.submit",
                    })
                })
                icon=icondata::LuDownload
                pending=asked
                reason=Signal::derive(move || {
                    if target.get().is_none() {
                        words.get("top.noInstance")
                    } else if touched.get() {
                        wrong.get()
                    } else {
                        String::new()
                    }
                })
                on_go=move |()| submit(exists.get_untracked())
                on_close=close
            />
        }
    };
    let instances = Signal::derive(move || {
        list.stores.instances.with(|instances| {
            let all = instances.all().iter();
            all.map(|each| (each.id.to_string(), each.name.clone())).collect::<Vec<_>>()
        })
    });
    let several = Memo::new(move |_| instances.with(Vec::len) > 1);
    view! {
        <Dialog
            title=words.signal("models.get")
            on_close=close
            footer=footer
            attr:data-testid="dialog-create"
        >
            <Ways way=Way::Pull />
            <form
                class="create"
                on:submit=move |event| {
                    event.prevent_default();
                    submit(exists.get_untracked());
                }
            >
                <Field id="create-name" label=words.signal("create.name") hint=hint error=wrong>
                    <Suggest
                        name
                        instance=target
                        on_take=move |chosen: String| {
                            touched.set(true);
                            failure.set(None);
                            offered.take_best_of(&chosen);
                        }
                    >
                        <TextInput
                            id="create-name"
                            value=name
                            mono=true
                            autofocus=true
                            placeholder=words.signal("create.example")
                            invalid=Signal::derive(move || !wrong.get().is_empty())
                            on_change=move |_| {
                                touched.set(true);
                                failure.set(None);
                            }
                            attr:data-testid="create-name"
                        />
                    </Suggest>
                </Field>
                <TagChips offered parsed=wanted />
                <CheckPanel checked=checked />
                <Show when=move || fit_name.with(Option::is_some)>
                    <FitControl instance=target name=fit_name />
                </Show>
                <Show when=move || several.get()>
                    <Field id="create-instance" label=words.signal("top.instance")>
                        <Select
                            id="create-instance"
                            options=instances
                            value=Signal::derive(move || {
                                target.get().map(|id| id.to_string()).unwrap_or_default()
                            })
                            on_change=move |id: String| chosen.set(id.parse().ok().map(InstanceId))
                        />
                    </Field>
                </Show>
                <div class="form-row">
                    <div>
                        <span class="form-row__label">{words.signal("create.priority")}</span>
                        <Segmented
                            label=words.signal("create.priority")
                            options=Signal::derive(move || {
                                let all = Priority::ALL.iter();
                                all.map(|each| {
                                    let word = each.as_str();
                                    (word, words.get(&format!("priority.{word}")))
                                })
                                    .collect::<Vec<_>>()
                            })
                            value=Signal::derive(move || priority.get().as_str().to_owned())
                            on_change=move |word: &'static str| {
                                priority.set(Priority::parse(word).unwrap_or_default());
                            }
                        />
                    </div>
                    <div>
                        <span class="form-row__label">{words.signal("create.whenDone")}</span>
                        <Checkbox
                            ticked=Signal::derive(move || start.get().into())
                            label=words.signal("create.start")
                            on_toggle=move |_| start.update(|on| *on = !*on)
                            attr:data-testid="create-start"
                        />
                    </div>
                    <Show when=move || elsewhere.get()>
                        <div>
                            <span class="form-row__label">{words.signal("create.registry")}</span>
                            <Checkbox
                                ticked=Signal::derive(move || insecure.get().into())
                                label=words.signal("create.insecure")
                                on_toggle=move |_| insecure.update(|on| *on = !*on)
                            />
                        </div>
                    </Show>
                </div>
                // Enter anywhere in the form submits it.
                <button type="submit" class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
            </form>
            {move || failure.get().map(|error| view! { <ErrorCard error=Signal::stored(error) /> })}
        </Dialog>
    }
}
