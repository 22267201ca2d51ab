//! Models to another server.

use corral_contract::{
    InstanceId, ModelId,
    bundles::{CopyModels, CopyPreview, CopyTarget, There, Way, call},
};
use leptos::prelude::*;

use super::{
    super::list::use_list,
    parts::{Consent, Place, Rebuild, ServerField, Trouble, fate, weight},
    running::{Progress, Running},
    shell::{Begin, Line, MovingDialog, lines},
};
use crate::{pages::sending::Sending, words::use_words};

/// The dialog about these models.
#[component]
pub(crate) fn CopyDialog(ids: Vec<ModelId>) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let sending = Sending::here();
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
    let items = move || {
        let preview = preview.get()?;
        let line = |copy: corral_contract::bundles::CopyItem| Line {
            look: None,
            end: corral_contract::size::format(copy.item.bytes),
            faint: copy.item.problem.is_some(),
            why: fate(words, &copy.item),
            name: copy.item.name,
        };
        let total = weight(words, preview.missing, preview.free);
        Some(view! {
            {lines(preview.items.into_iter().map(line).collect(), "moving-preview")}
            <p class="dim num" data-testid="moving-weight">{total}</p>
        })
    };
    let form = move || {
        view! {
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
                <Consent words ticked=overwrite label="moving.overwriteModels" testid="moving-replace" />
            </Show>
            <Rebuild words anew=anew.into() ticked=rebuild />
            <Trouble failure=failure shown=&["to"] />
        }
    };
    let begin = Begin {
        label: words.signal("moving.copy"),
        icon: icondata::LuSend,
        pending,
        reason,
        run: Callback::new(submit),
    };
    view! {
        <MovingDialog
            title="moving.copyTitle"
            testid="dialog-copy"
            begin
            begun=running.begun()
            form
            after=move || view! { <Progress running /> }
            buttons=move || running.footer()
            bare=true
        />
    }
}
