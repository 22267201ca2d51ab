use corral_contract::{
    InstanceId,
    downloads::JobState,
    instances::{InstanceRef, call::Remove},
};
use leptos::prelude::*;

use crate::{
    components::Confirm, format, pages::sending::Sending, state::use_stores, words::use_words,
};

/// Asks before a server is forgotten, and says what goes with it and what does not.
#[component]
pub(super) fn RemoveQuestion(
    id: InstanceId,
    sending: Sending,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let (stores, words) = (use_stores(), use_words());
    let (name, models) = stores.instances.with_untracked(|instances| {
        instances.get(id).map(|each| (each.name.clone(), each.models)).unwrap_or_default()
    });
    let jobs = stores.downloads.with_untracked(|downloads| {
        let over = |state| matches!(state, JobState::Done | JobState::Cancelled);
        downloads.jobs().iter().filter(|job| job.instance == id && !over(job.state)).count()
    });
    let title = {
        let name = name.clone();
        Signal::derive(move || words.fill("instances.removeTitle", &[("name", &name)]))
    };
    let goes = move || {
        let (models, jobs) = (format::count(models), jobs.to_string());
        words.fill("instances.removeGoes", &[("models", &models), ("jobs", &jobs)])
    };
    let remove = move |()| {
        let name = name.clone();
        sending.then::<Remove>(&format!("remove {id}"), InstanceRef { id }, move |removed| {
            let (models, jobs) = (format::count(removed.models), format::count(removed.jobs));
            let values = [("name", name.as_str()), ("models", &models), ("jobs", &jobs)];
            sending.good(words.fill("instances.removed", &values));
            if !removed.kept.is_empty() {
                let (n, names) = (removed.kept.len().to_string(), removed.kept.join(", "));
                let text = words.fill("instances.removedKept", &[("n", &n), ("names", &names)]);
                sending.warn(text);
            }
        });
    };
    view! {
        <Confirm
            title=title
            go=words.signal("instances.remove")
            keep=words.signal("common.cancel")
            name="instance-remove"
            on_go=remove
            on_close=on_close
            attr:data-testid="dialog-remove-instance"
        >
            <p>{words.signal("instances.removeStays")}</p>
            <p class="dim">{goes}</p>
        </Confirm>
    }
}
