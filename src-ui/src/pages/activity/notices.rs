use corral_contract::app::{Notice, NoticeKind};
use leptos::prelude::*;

use crate::{
    components::{EmptyState, StatusBadge},
    format, problem,
    state::use_stores,
    words::use_words,
};

fn look(kind: NoticeKind) -> (icondata::Icon, &'static str) {
    match kind {
        NoticeKind::DownloadDone
        | NoticeKind::InstanceBack
        | NoticeKind::InstanceRestarted
        | NoticeKind::ResourceWell => (icondata::LuCircleCheck, "ok"),
        NoticeKind::ModelsRestored
        | NoticeKind::DatabaseRestored
        | NoticeKind::CleanupProposed
        | NoticeKind::CleanedUp => (icondata::LuInfo, "busy"),
        NoticeKind::SyncFailing
        | NoticeKind::GpuLost
        | NoticeKind::ModelSlower
        | NoticeKind::ResourceCritical => (icondata::LuTriangleAlert, "warn"),
        NoticeKind::DownloadFailed
        | NoticeKind::OperationFailed
        | NoticeKind::InstanceDown
        | NoticeKind::InstanceCritical
        | NoticeKind::ModelCrashed => (icondata::LuCircleAlert, "bad"),
    }
}

/// What was worth a notification, also while the system's own were off.
#[component]
pub(super) fn Notices() -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let notices = Memo::new(move |_| stores.system.with(|system| system.notices().to_vec()));
    let row = move |notice: Notice| {
        let (icon, tone) = look(notice.kind);
        let key = format!("notice.{}", notice.kind.as_str());
        let text = words.fill(&key, &[("subject", &notice.subject)]);
        let trouble = notice.problem.as_ref().map(|problem| problem::line(words, problem));
        view! {
            <li class="notice-row" data-testid=format!("notice-row-{}", notice.id)>
                <StatusBadge icon=icon tone=tone text=text />
                <span class="dim cut">{trouble}</span>
                <span class="num dim">{format::moment(notice.at)}</span>
            </li>
        }
    };
    view! {
        <Show
            when=move || notices.with(|notices| !notices.is_empty())
            fallback=move || {
                view! { <EmptyState icon=icondata::LuBell title=words.signal("top.noNotices") /> }
            }
        >
            <ul class="notice-list">
                {move || notices.get().into_iter().map(row).collect_view()}
            </ul>
        </Show>
    }
}
