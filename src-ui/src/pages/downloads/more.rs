use corral_contract::{
    JobId,
    downloads::{JobIds, JobLimit, JobState, JobView, call},
    progress::WaitReason,
};
use leptos::prelude::*;

use super::{back, limit::speed_in_words};
use crate::{
    components::{IconButton, MenuItem, use_menu},
    pages::sending::Sending,
    state::use_stores,
    words::use_words,
};

/// Limits that are offered for one job, in kilobytes per second; 0 = none.
const LIMITS: [u32; 6] = [0, 1_000, 2_000, 5_000, 10_000, 50_000];

/// What else can be done with a job: to be next, to move in spite of everything, its own limit.
#[component]
pub(super) fn More(id: JobId, job: Memo<Option<JobView>>, sending: Sending) -> impl IntoView {
    let (stores, words, menu) = (use_stores(), use_words(), use_menu());
    let items = Signal::derive(move || {
        let Some(job) = job.get() else { return Vec::new() };
        let ids = move || JobIds { ids: vec![id] };
        let mut items = Vec::new();
        if matches!(job.wait, Some(WaitReason::Metered | WaitReason::InUse { .. })) {
            let label = words.get("downloads.anyway");
            let mut item = MenuItem::new(label, "download-anyway", move || {
                sending.send::<call::Resume>(&format!("toggle {id}"), ids());
            });
            item.icon = Some(icondata::LuPlay);
            items.push(item);
        }
        if matches!(job.state, JobState::Queued | JobState::Paused) {
            let label = words.get("downloads.next");
            let waiting = job.clone();
            let mut item = MenuItem::new(label, "download-next", move || {
                back::make_next(sending, stores, &waiting);
            });
            item.icon = Some(icondata::LuChevronsUp);
            items.push(item);
        }
        // One that was set elsewhere stands among those that are offered.
        let mut limits = LIMITS.to_vec();
        if !limits.contains(&job.limit_kb) {
            limits.push(job.limit_kb);
        }
        items.extend(limits.into_iter().map(|kb| {
            let speed = speed_in_words(words, kb);
            let label = match kb {
                0 => words.get("downloads.noOwnLimit"),
                _ => words.fill("downloads.limitTo", &[("speed", &speed)]),
            };
            let mut item = MenuItem::new(label, &format!("download-limit-{kb}"), move || {
                sending.send::<call::SetJobLimit>(&format!("limit {id}"), JobLimit { id, kb });
            });
            item.icon = (job.limit_kb == kb).then_some(icondata::LuCheck);
            item.reason = job.by_server.then(|| words.get("downloads.byServer"));
            item
        }));
        items
    });
    view! {
        <IconButton
            icon=icondata::LuEllipsis
            label=words.signal("common.more")
            popup=true
            on_press=move |event: web_sys::MouseEvent| {
                menu.open_under(&event, words.get("common.more"), items);
            }
            attr:data-testid="download-more"
        />
    }
}
