//! Where the models of a server are: moving that folder, and models that are kept elsewhere.

use corral_contract::{
    InstanceId,
    instances::InstanceRef,
    size,
    stores::{MoveRef, MoveStage, MoveView, StoreView, call},
    tasks::{TaskRef, call::Cancel},
};
use leptos::prelude::*;

use crate::{
    components::{Button, ButtonKind, Confirm, ErrorCard, Note, Part, ProgressBar, Skeleton, Tone},
    format,
    pages::{advice, sending::Sending},
    state::use_stores,
    words::use_words,
};

mod cold;
mod moving;

use cold::Cold;
use moving::MoveForm;

/// Folder, move under way, and folders for archived models.
#[component]
pub(super) fn Storage(id: InstanceId, sending: Sending) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let known = RwSignal::new(None::<StoreView>);
    let failure = RwSignal::new(None);
    let forming = RwSignal::new(false);
    let latest = sending.latest();
    let look = Callback::new(move |()| {
        latest.ask::<call::View>(InstanceRef { id }, move |answer| match answer {
            Ok(view) => {
                failure.set(None);
                known.set(Some(view));
            }
            Err(error) => failure.set(Some(error)),
        });
    });
    // Each change of its files, and the end of each of its tasks, is a reason to look again.
    let changes = Memo::new(move |_| {
        let running = stores.tasks.with(|tasks| {
            tasks
                .running()
                .filter(|task| task.instance == Some(id))
                .map(|it| it.id)
                .collect::<Vec<_>>()
        });
        (stores.disks.with(|disks| disks.changes(id)), running)
    });
    Effect::new(move |_| {
        // Read, not only tracked: what is never read is never computed, and so never changes.
        let _ = changes.get();
        look.run(());
    });
    let moving =
        Memo::new(move |_| known.with(|known| known.as_ref().and_then(|view| view.moving.clone())));
    let begun = Callback::new(move |()| {
        forming.set(false);
        look.run(());
    });
    view! {
        {move || {
            failure.get().map(|error| {
                view! { <ErrorCard error=Signal::stored(advice::textual(error)) /> }
            })
        }}
        {move || match known.get() {
            None if failure.with(Option::is_some) => ().into_any(),
            None => view! { <Skeleton rows=3 /> }.into_any(),
            Some(view) => {
                let free = move || {
                    let (free, total) = (view.free?, view.total?);
                    let values = [size::format(free), size::format(total)];
                    Some(words.fill("stores.space", &[("free", &values[0]), ("total", &values[1])]))
                };
                let reason = view.why_not.clone();
                let reason = Signal::derive(move || {
                    reason.as_ref().map_or_else(String::new, |why| {
                        words.get(&format!("stores.why.{why}"))
                    })
                });
                let busy = view.moving.is_some();
                let resolved = view.resolved.clone();
                view! {
                    <section class="storage__section" data-testid="storage-folder">
                        <div class="storage__head">
                            <h3>{words.signal("stores.folder")}</h3>
                            {(!busy).then(|| view! {
                                <Button
                                    small=true
                                    icon=icondata::LuFolderInput
                                    reason=reason
                                    on_press=move |()| forming.update(|it| *it = !*it)
                                    attr:data-testid="storage-move"
                                >
                                    {words.signal("stores.move")}
                                </Button>
                            })}
                        </div>
                        <p class="mono storage__path" data-testid="storage-path">
                            {view.path.clone().unwrap_or_else(|| words.get("stores.unknown"))}
                        </p>
                        {resolved.map(|path| view! {
                            <p class="dim">{move || words.fill("stores.resolved", &[("path", &path)])}</p>
                        })}
                        <p class="dim num">{free}</p>
                        <p class="faint">{move || reason.get()}</p>
                    </section>
                }
                    .into_any()
            }
        }}
        {move || moving.get().map(|it| view! { <Moving it sending look /> })}
        {move || forming.get().then(|| view! { <MoveForm id on_begun=begun /> })}
        <Cold id known sending look />
    }
}

/// A move that is under way, or whose old place is still there.
#[component]
fn Moving(it: MoveView, sending: Sending, look: Callback<()>) -> impl IntoView {
    let (words, stores) = (use_words(), use_stores());
    let asking = RwSignal::new(false);
    let MoveView { id, from, to, stage, task, until, problem, .. } = it;
    let running = Memo::new(move |_| {
        let task = task?;
        stores.tasks.with(|tasks| tasks.running().find(|it| it.id == task).cloned())
    });
    let confirm = Callback::new(move |()| {
        sending.then::<call::Confirm>("confirm move", MoveRef { id }, move |_| {
            // What comes next may show already.
            look.try_run(());
        });
    });
    let back = move |()| {
        sending.then::<call::RollBack>("move back", MoveRef { id }, move |_| {
            // What comes next may show already.
            look.try_run(());
        });
    };
    let said = {
        let (from, to) = (from.clone(), to.clone());
        move || match stage {
            MoveStage::Kept => {
                let kept = words.fill("stores.kept", &[("from", &from)]);
                let until =
                    until.map(|at| words.fill("stores.until", &[("date", &format::moment(at))]));
                (kept, until)
            }
            MoveStage::Returning => (words.get("stores.returning"), None),
            MoveStage::Clearing => (words.get("stores.clearing"), None),
            _ => (words.fill("stores.runs", &[("to", &to)]), None),
        }
    };
    let progress = move || {
        running.get().map(|task| {
            let phase = words.get(&format!("taskPhase.{}", task.phase));
            let figures = task.figures;
            let part = figures.map_or_else(
                || Part::of(0, 1, "busy"),
                |figures| Part::of(figures.done, figures.total, "busy"),
            );
            let can_cancel = task.can_cancel;
            let cancel = move |()| sending.send::<Cancel>("cancel move", TaskRef { id: task.id });
            view! {
                <ProgressBar parts=vec![part] label=Signal::stored(phase.clone()) process=true />
                <div class="storage__head">
                    <p class="dim" role="status">{phase}</p>
                    {can_cancel.then(|| view! {
                        <Button
                            small=true
                            on_press=cancel
                            pending=sending.pending("cancel move")
                            attr:data-testid="storage-cancel"
                        >
                            {words.signal("common.cancel")}
                        </Button>
                    })}
                </div>
            }
        })
    };
    let title = words.signal("stores.confirmTitle");
    let tone = if problem.is_some() { Tone::Warning } else { Tone::Info };
    view! {
        <section class="storage__section" data-testid="storage-moving">
            <Note tone=tone>
                <p>{let said = said.clone(); move || said().0}</p>
                <p class="dim">{move || said().1}</p>
                {problem.map(|problem| view! {
                    <p>{move || crate::problem::line(words, &problem)}</p>
                })}
            </Note>
            {progress}
            {move || running.with(Option::is_none).then(|| view! {
                <div class="storage__buttons">
                    {matches!(stage, MoveStage::Kept | MoveStage::Returning).then(|| view! {
                        <Button
                            small=true
                            icon=icondata::LuUndo2
                            pending=sending.pending("move back")
                            on_press=back
                            attr:data-testid="storage-back"
                        >
                            {words.signal("stores.back")}
                        </Button>
                    })}
                    {matches!(stage, MoveStage::Kept | MoveStage::Clearing).then(|| view! {
                        <Button
                            small=true
                            kind=ButtonKind::Primary
                            icon=icondata::LuCheck
                            pending=sending.pending("confirm move")
                            on_press=move |()| asking.set(true)
                            attr:data-testid="storage-confirm"
                        >
                            {words.signal("stores.confirm")}
                        </Button>
                    })}
                </div>
            })}
            {move || {
                let from = from.clone();
                asking.get().then(|| view! {
                    <Confirm
                        title=title
                        go=words.signal("stores.confirm")
                        keep=words.signal("common.cancel")
                        name="clear-store"
                        on_go=confirm
                        on_close=move |()| asking.set(false)
                    >
                        <p>{move || words.fill("stores.confirmText", &[("from", &from)])}</p>
                    </Confirm>
                })
            }}
        </section>
    }
}
