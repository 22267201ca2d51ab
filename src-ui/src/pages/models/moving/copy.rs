//! Models to another server.

use corral_contract::{
    InstanceId, ModelId,
    bundles::{CopyModels, CopyPreview, CopyTarget, There, Way, call},
};
use leptos::prelude::*;

use super::{
    super::list::use_list,
    parts::{Place, ServerField, Trouble, fate, weight},
    running::{Progress, Running},
};
use crate::{
    components::{Button, ButtonKind, Checkbox, Dialog, Note, Tone},
    pages::sending::Sending,
    words::use_words,
};

/// The dialog about these models.
#[component]
pub(crate) fn CopyDialog(ids: Vec<ModelId>) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let sending = Sending::of_page();
    let running = Running::new(list, words, sending);
    let preview = RwSignal::new(None::<CopyPreview>);
    let (overwrite, rebuild) = (RwSignal::new(false), RwSignal::new(false));
    // Only what is wrong is used of it.
    let place = Place::there(corral_contract::desktop::FileKind::Bundle);
    let failure = place.failure;
    let from: Vec<InstanceId> = list.stores.models.with_untracked(|models| {
        ids.iter().filter_map(|id| models.get(*id)).map(|row| row.instance).collect()
    });
    let without: Vec<InstanceId> = match from.first() {
        Some(first) if from.iter().all(|each| each == first) => vec![*first],
        _ => Vec::new(),
    };
    let first = list.stores.instances.with_untracked(|instances| {
        instances.all().iter().map(|each| each.id).find(|id| !without.contains(id))
    });
    let chosen = RwSignal::new(first);
    let ids = StoredValue::new(ids);
    let look = move || {
        preview.set(None);
        failure.set(None);
        let Some(to) = chosen.get_untracked() else { return };
        let asked = CopyTarget { ids: ids.get_value(), to };
        // Another server may have been chosen meanwhile.
        sending.ask::<call::PreviewCopy>(&format!("preview {to}"), asked, move |answer| {
            if chosen.get_untracked() != Some(to) {
                return;
            }
            match answer {
                Ok(answer) => preview.set(Some(answer)),
                Err(error) => failure.set(Some(error)),
            }
        });
    };
    look();
    let any = move |wanted: fn(&corral_contract::bundles::BundleItem) -> bool| {
        Memo::new(move |_| {
            preview.with(|preview| {
                let mut items = preview.iter().flat_map(|preview| &preview.items);
                items.any(|copy| copy.item.problem.is_none() && wanted(&copy.item))
            })
        })
    };
    let taken = any(|item| item.there == There::Other);
    let anew = any(|item| item.way == Way::Rebuild && item.there != There::Same);
    let able = any(|_| true);
    let submit = move |()| {
        let Some(to) = chosen.get_untracked() else { return };
        failure.set(None);
        let wanted = preview.with_untracked(|preview| {
            let items = preview.iter().flat_map(|preview| &preview.items);
            items.filter(|copy| copy.item.problem.is_none()).map(|copy| copy.model).collect()
        });
        let request = CopyModels {
            ids: wanted,
            to,
            overwrite: overwrite.get_untracked(),
            rebuild: rebuild.get_untracked(),
        };
        sending.ask::<call::Copy>("begin", request, move |answer| match answer {
            Ok(begun) => running.task.set(Some(begun.task)),
            Err(error) => failure.set(Some(error)),
        });
    };
    let reason = Signal::derive(move || {
        if chosen.with(Option::is_none) {
            words.get("moving.noOther")
        } else if preview.with(Option::is_some) && !able.get() {
            words.get("moving.noneAble")
        } else if taken.get() && !overwrite.get() {
            words.get("moving.sayOverwrite")
        } else if anew.get() && !rebuild.get() {
            words.get("moving.sayRebuild")
        } else {
            String::new()
        }
    });
    let pending = Signal::derive(move || {
        let looks = preview.with(Option::is_none) && failure.with(Option::is_none);
        sending.pending("begin").get() || (looks && chosen.with(Option::is_some))
    });
    let footer = move || {
        view! {
            <Show
                when=move || running.begun()
                fallback=move || {
                    view! {
                        <Button
                            autofocus=true
                            on_press=move |()| list.close()
                            attr:data-testid="moving-cancel"
                        >
                            {words.signal("common.cancel")}
                        </Button>
                        <Button
                            kind=ButtonKind::Primary
                            icon=icondata::LuSend
                            pending=pending
                            reason=reason
                            on_press=submit
                            attr:data-testid="moving-submit"
                        >
                            {words.signal("moving.copy")}
                        </Button>
                    }
                }
            >
                {running.footer()}
            </Show>
        }
    };
    let items = move || {
        let preview = preview.get()?;
        let line = |copy: corral_contract::bundles::CopyItem| {
            let faint = copy.item.problem.is_some();
            let fate = fate(words, &copy.item);
            view! {
                <li class="result-list__item" class:faint=faint>
                    <span class="cut mono">{copy.item.name.clone()}</span>
                    <span class="num">{corral_contract::size::format(copy.item.bytes)}</span>
                    <small class="result-list__why">{fate}</small>
                </li>
            }
        };
        let total = weight(words, preview.missing, preview.free);
        let lines = preview.items.into_iter().map(line).collect_view();
        Some(view! {
            <ul class="result-list" data-testid="moving-preview">{lines}</ul>
            <p class="dim num" data-testid="moving-weight">{total}</p>
        })
    };
    view! {
        <Dialog
            title=words.signal("moving.copyTitle")
            on_close=move |()| list.close()
            footer=footer
            attr:data-testid="dialog-copy"
        >
            <Show
                when=move || running.begun()
                fallback={
                    let without = without.clone();
                    move || {
                        view! {
                            <div class="create">
                                <ServerField
                                    list
                                    words
                                    label=words.signal("moving.to")
                                    chosen
                                    without=without.clone()
                                    error=place.wrong(words, "to")
                                    changed=move |()| look()
                                />
                                {items}
                                <Show when=move || taken.get()>
                                    <span data-testid="moving-replace">
                                        <Checkbox
                                            ticked=Signal::derive(move || overwrite.get().into())
                                            label=words.signal("moving.overwriteModels")
                                            on_toggle=move |_| overwrite.update(|on| *on = !*on)
                                        />
                                    </span>
                                </Show>
                                <Show when=move || anew.get()>
                                    <Note tone=Tone::Warning>{words.signal("moving.rebuildText")}</Note>
                                    <span data-testid="moving-rebuild">
                                        <Checkbox
                                            ticked=Signal::derive(move || rebuild.get().into())
                                            label=words.signal("moving.rebuild")
                                            on_toggle=move |_| rebuild.update(|on| *on = !*on)
                                        />
                                    </span>
                                </Show>
                                <Trouble failure=failure shown=&["to"] />
                            </div>
                        }
                    }
                }
            >
                <Progress running />
            </Show>
        </Dialog>
    }
}
