//! Models into one file.

use corral_contract::{
    ModelId,
    bundles::{ExportModels, ExportPreview, call},
    desktop::FileKind,
    models::ModelRefs,
    size,
};
use leptos::prelude::*;

use super::{
    super::list::use_list,
    parts::{Place, PlaceField, Trouble},
    running::{Progress, Running},
    shell::{Begin, Line, MovingDialog, lines},
};
use crate::{components::Checkbox, pages::sending::Sending, problem, words::use_words};

/// The dialog about these models.
#[component]
pub(crate) fn ExportDialog(ids: Vec<ModelId>) -> impl IntoView {
    let (words, list) = (use_words(), use_list());
    let sending = Sending::here();
    let running = Running::new(list, words, sending);
    let preview = RwSignal::new(None::<ExportPreview>);
    let keep_part = RwSignal::new(true);
    let name = Signal::derive(move || {
        preview.with(|preview| preview.as_ref().map(|it| it.file_name.clone()).unwrap_or_default())
    });
    let place = Place::new(FileKind::Bundle, name);
    let asked = ModelRefs { ids };
    sending.ask::<call::PreviewExport>("preview", asked, move |answer| match answer {
        Ok(answer) => preview.set(Some(answer)),
        Err(error) => place.failure.set(Some(error)),
    });
    let able = Signal::derive(move || {
        preview.with(|preview| {
            let items = preview.iter().flat_map(|preview| &preview.items);
            items.filter(|item| item.problem.is_none()).map(|item| item.model).collect::<Vec<_>>()
        })
    });
    let submit = move |()| {
        place.failure.set(None);
        let request = ExportModels {
            ids: able.get_untracked(),
            path: place.path.get_untracked(),
            overwrite: place.overwrite.get_untracked(),
            keep_part: keep_part.get_untracked(),
        };
        sending.ask::<call::Export>("begin", request, move |answer| match answer {
            Ok(begun) => running.task.set(Some(begun.task)),
            Err(error) => place.failure.set(Some(error)),
        });
    };
    let reason = Signal::derive(move || match preview.with(Option::is_some) {
        true if able.with(Vec::is_empty) => words.get("moving.noneAble"),
        _ => String::new(),
    });
    let items = move || {
        let preview = preview.get()?;
        let line = |item: corral_contract::bundles::ExportItem| Line {
            name: item.name,
            look: None,
            end: item.bytes.map(size::format).unwrap_or_default(),
            faint: item.problem.is_some(),
            why: item.problem.map(|trouble| problem::reason(words, &trouble)).unwrap_or_default(),
        };
        let total = words.fill("moving.fileSize", &[("bytes", &size::format(preview.bytes))]);
        Some(view! {
            {lines(preview.items.into_iter().map(line).collect(), "moving-preview")}
            <p class="dim num" data-testid="moving-weight">{total}</p>
        })
    };
    let form = move || {
        view! {
            <PlaceField place sending words />
            {items}
            <Checkbox
                ticked=Signal::derive(move || keep_part.get().into())
                label=words.signal("moving.keepPart")
                on_toggle=move |_| keep_part.update(|on| *on = !*on)
            />
            <Trouble failure=place.failure />
        }
    };
    let begin = Begin {
        label: words.signal("moving.export"),
        icon: icondata::LuFileDown,
        pending: sending.pending("begin"),
        reason,
        run: Callback::new(submit),
    };
    view! {
        <MovingDialog
            title="moving.exportTitle"
            testid="dialog-export"
            begin
            begun=running.begun()
            form
            after=move || view! { <Progress running /> }
            buttons=move || running.footer()
        />
    }
}
