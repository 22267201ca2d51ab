//! Making a model by its Modelfile.

use std::time::Duration;

use corral_contract::{
    ErrorCode, InstanceId, WireError,
    command::Nothing,
    desktop,
    makes::{
        FileRef, MakeModel, Quantize,
        call::{Create, Read},
    },
    modelfile::{self, Source},
    name::ModelName,
};
use leptos::prelude::*;

use super::{
    Beginning, Way, Ways,
    checked::{CheckPanel, Checked},
    complete::complete,
    diff::Diff,
    drafts::{self, Draft},
    shown::{Problems, pieces},
};
use crate::{
    components::{
        Button, CodeArea, Dialog, DialogFoot, ErrorCard, Field, Note, Select, TextInput, Tone,
    },
    pages::{models::list::use_list, sending::Sending},
    words::use_words,
};

/// After the last key before a draft is kept.
const PAUSE: Duration = Duration::from_millis(600);
const FIRST: &str = "FROM ";

/// The dialog; without a beginning it opens where it was left.
#[component]
pub(in crate::pages::models) fn MakeDialog(beginning: Option<Box<Beginning>>) -> impl IntoView {
    let (words, list, sending) = (use_words(), use_list(), Sending::here());
    let preferences = list.preferences;
    let of = beginning.as_ref().and_then(|it| it.of.clone());
    let key = StoredValue::new(of.clone().unwrap_or_default());
    let first = beginning.map_or_else(
        || Draft { text: FIRST.to_owned(), ..Draft::default() },
        |it| Draft { name: String::new(), text: it.text, base: it.base },
    );
    // A file that was opened comes before what was written last; a model's Modelfile does not.
    let opened = of.is_none() && first.text != FIRST;
    let kept = untrack(|| drafts::load(preferences, &key.get_value())).filter(|_| !opened);
    let restored = RwSignal::new(kept.as_ref().is_some_and(|kept| kept.text != first.text));
    let begin = kept.unwrap_or_else(|| first.clone());
    let (name, text, base) =
        (RwSignal::new(begin.name), RwSignal::new(begin.text), RwSignal::new(begin.base));
    let original = StoredValue::new(first);
    let (quantize, overwrite) = (RwSignal::new(None::<Quantize>), RwSignal::new(false));
    let (touched, differs) = (RwSignal::new(false), RwSignal::new(false));
    let failure = RwSignal::new(None::<WireError>);
    let jump = RwSignal::new(None);
    let chosen = RwSignal::new(None::<InstanceId>);
    let target = Signal::derive(move || chosen.get().or(list.scope.target.get()));
    let parsed = Memo::new(move |_| text.with(|text| modelfile::parse(text)));
    let problems = Signal::derive(move || {
        // What nobody has written yet is no mistake.
        if text.with(|text| text.trim() == FIRST.trim()) {
            Vec::new()
        } else {
            parsed.get().problems
        }
    });
    let wrong_lines = Signal::derive(move || {
        let problems = problems.get();
        let bad = problems.iter().filter(|problem| !problem.why.is_warning());
        bad.map(|problem| problem.line).collect::<Vec<_>>()
    });
    let wrong_name =
        Signal::derive(move || match name.with(|name| ModelName::parse(name.trim())) {
            Err(why) if touched.get() => words.get(&format!("reason.{}", why.as_str())),
            _ => String::new(),
        });
    let relative = Memo::new(move |_| {
        parsed.with(|parsed| {
            let file = parsed.modelfile.as_ref();
            file.is_some_and(|file| {
                file.from.iter().chain(&file.adapters).any(|value| {
                    matches!(Source::of(&value.text), Source::Path(path)
                        if !path.starts_with('/') && !path.contains(":\\") && !path.contains(":/"))
                })
            })
        })
    });
    let wanted = move || {
        let instance = target.get()?;
        let name = name.get();
        ModelName::parse(name.trim()).ok()?;
        parsed.with(|parsed| parsed.modelfile.is_some()).then(|| MakeModel {
            instance,
            name,
            modelfile: text.get(),
            base: Some(base.get()).filter(|base| !base.trim().is_empty()),
            quantize: quantize.get(),
            overwrite: overwrite.get(),
        })
    };
    let request = Memo::new(move |_| wanted());
    let checked = Checked::follow(request);
    // A form that the weights cannot have any more is not asked for.
    Effect::new(move |_| {
        let offered = checked.answer.with(|it| it.as_ref().map(|it| it.quantize.clone()));
        if let (Some(offered), Some(form)) = (offered, quantize.get())
            && !offered.contains(&form)
        {
            quantize.set(None);
        }
    });
    let keep = move || {
        let (Some(name), Some(text), Some(base)) =
            (name.try_get_untracked(), text.try_get_untracked(), base.try_get_untracked())
        else {
            return;
        };
        let draft = Draft { name, text, base };
        let changed =
            original.try_with_value(|first| draft.text != first.text || !draft.name.is_empty());
        let key = key.try_get_value().unwrap_or_default();
        untrack(|| drafts::keep(preferences, &key, changed.unwrap_or(false).then_some(draft)));
    };
    let turn = StoredValue::new(0_u64);
    Effect::new(move |_| {
        let _ = (name.get(), text.get(), base.get());
        turn.update_value(|turn| *turn += 1);
        let mine = turn.get_value();
        set_timeout(
            move || {
                if turn.try_get_value() == Some(mine) {
                    keep();
                }
            },
            PAUSE,
        );
    });
    let close = move |()| {
        keep();
        list.close();
    };
    let submit = move |()| {
        touched.set(true);
        failure.set(None);
        let Some(request) = request.get_untracked() else { return };
        let shown = request.name.clone();
        sending.ask::<Create>("make", request, move |answer| match answer {
            Ok(_) => {
                sending.good(words.fill("make.begun", &[("name", &shown)]));
                turn.update_value(|turn| *turn += 1);
                drafts::keep(preferences, &key.get_value(), None);
                list.close();
            }
            Err(error) => failure.set(Some(error)),
        });
    };
    let open = move |()| {
        sending.then::<desktop::call::ChooseFile>("open", Nothing {}, move |file| {
            let Some(path) = file.path else { return };
            sending.ask::<Read>("read", FileRef { path }, move |read| match read {
                Ok(read) => {
                    text.set(read.text);
                    base.set(read.base);
                    failure.set(None);
                }
                Err(error) => failure.set(Some(error)),
            });
        });
    };
    let choose_base = move |()| {
        sending.then::<desktop::call::ChooseFolder>("base", Nothing {}, move |folder| {
            if let Some(path) = folder.path {
                base.set(path);
            }
        });
    };
    let discard = move |()| {
        let first = original.get_value();
        name.set(first.name);
        text.set(first.text);
        base.set(first.base);
        restored.set(false);
    };
    let models = move || {
        list.stores.models.with_untracked(|models| {
            let rows = models.loaded().filter_map(|id| models.get(id));
            rows.map(|row| row.name.clone()).collect::<Vec<_>>()
        })
    };
    let reason = Signal::derive(move || {
        if target.get().is_none() {
            words.get("top.noInstance")
        } else if touched.get() && !wrong_name.get().is_empty() {
            wrong_name.get()
        } else if parsed.with(|parsed| parsed.modelfile.is_none()) {
            words.get("make.mendFirst")
        } else {
            String::new()
        }
    });
    let footer = move || {
        view! {
            <span class="dialog__aside">{words.signal("make.draftKept")}</span>
            <DialogFoot
                cancel="make-cancel"
                submit="make-submit"
                go=words.signal("make.submit")
                icon=icondata::LuHammer
                pending=sending.pending("make")
                reason
                on_go=submit
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
    let forms = Signal::derive(move || {
        let offered =
            checked.answer.with(|it| it.as_ref().map(|it| it.quantize.clone()).unwrap_or_default());
        let none = (String::new(), words.get("make.asIs"));
        let each = offered.iter().map(|form| (form.as_str().to_owned(), form.as_str().to_owned()));
        std::iter::once(none).chain(each).collect::<Vec<_>>()
    });
    let several_forms = Memo::new(move |_| forms.with(Vec::len) > 1);
    let hint = Signal::derive(move || match &original.with_value(|first| first.text.clone()) {
        first if first == FIRST => words.get("make.textHint"),
        _ => words.get("make.textHintKeys"),
    });
    let title = match of.clone() {
        Some(of) => Signal::derive(move || words.fill("make.titleOf", &[("name", &of)])),
        None => words.signal("models.get"),
    };
    let compare = (of.is_some()).then(|| {
        let pressed = move || if differs.get() { "make.hideDiff" } else { "make.showDiff" };
        view! {
            <Button
                small=true
                icon=icondata::LuFileDiff
                on_press=move |()| differs.update(|on| *on = !*on)
                attr:data-testid="make-diff-toggle"
            >
                {move || words.get(pressed())}
            </Button>
        }
    });
    let in_ways = of.is_none();
    view! {
        <Dialog title on_close=close wide=true footer=footer attr:data-testid="dialog-make">
            {in_ways.then(|| view! { <Ways way=Way::Modelfile /> })}
            <div class="make">
                <Field id="make-name" label=words.signal("make.name") error=wrong_name>
                    <TextInput
                        id="make-name"
                        value=name
                        mono=true
                        autofocus=true
                        placeholder=words.signal("make.nameExample")
                        invalid=Signal::derive(move || !wrong_name.get().is_empty())
                        on_change=move |_| {
                            touched.set(true);
                            failure.set(None);
                            overwrite.set(false);
                        }
                        attr:data-testid="make-name"
                    />
                </Field>
                {move || {
                    restored.get().then(|| {
                        view! {
                            <Note tone=Tone::Info>
                                <span>{words.signal("make.restored")}</span>
                                <Button small=true on_press=discard attr:data-testid="make-discard">
                                    {words.signal("make.discard")}
                                </Button>
                            </Note>
                        }
                    })
                }}
                <Field id="make-text" label=words.signal("detail.modelfile") hint>
                    <CodeArea
                        id="make-text"
                        value=text
                        pieces=Signal::derive(move || {
                            text.with(|text| parsed.with(|parsed| pieces(text, parsed)))
                        })
                        wrong=wrong_lines
                        jump
                        proposals=words.signal("make.proposals")
                        complete=Callback::new(move |(text, at): (String, usize)| {
                            complete(&text, at, &models())
                        })
                    />
                </Field>
                <Problems problems jump />
                <div class="make__bar">
                    <Button
                        small=true
                        icon=icondata::LuFolderOpen
                        pending=sending.pending("open")
                        on_press=open
                        attr:data-testid="make-open"
                    >
                        {words.signal("make.open")}
                    </Button>
                    {compare}
                </div>
                {move || {
                    differs.get().then(|| {
                        let old = original.with_value(|first| first.text.clone());
                        view! { <Diff old new=text /> }
                    })
                }}
                <Show when=move || relative.get()>
                    <div class="make__bar">
                        <Field
                            id="make-base"
                            label=words.signal("make.base")
                            hint=words.signal("make.baseHint")
                        >
                            <TextInput id="make-base" value=base mono=true />
                        </Field>
                        <Button pending=sending.pending("base") on_press=choose_base>
                            {words.signal("make.chooseFolder")}
                        </Button>
                    </div>
                </Show>
                <div class="form-row">
                    <Show when=move || several.get()>
                        <Field id="make-instance" label=words.signal("top.instance")>
                            <Select
                                id="make-instance"
                                options=instances
                                value=Signal::derive(move || {
                                    target.get().map(|id| id.to_string()).unwrap_or_default()
                                })
                                on_change=move |id: String| {
                                    chosen.set(id.parse().ok().map(InstanceId));
                                }
                            />
                        </Field>
                    </Show>
                    <Show when=move || several_forms.get()>
                        <Field id="make-quantize" label=words.signal("make.quantize")>
                            <Select
                                id="make-quantize"
                                options=forms
                                value=Signal::derive(move || {
                                    quantize.get().map(|it| it.as_str().to_owned()).unwrap_or_default()
                                })
                                on_change=move |form: String| quantize.set(Quantize::parse(&form))
                            />
                        </Field>
                    </Show>
                </div>
                <CheckPanel checked overwrite />
            </div>
            {move || {
                let shown = |error: &WireError| error.code != ErrorCode::AlreadyExists
                    || checked.answer.with(|it| it.as_ref().is_none_or(|it| it.replaces.is_none()));
                failure.get().filter(shown).map(|error| view! { <ErrorCard error=Signal::stored(error) /> })
            }}
        </Dialog>
    }
}
