//! What a server writes: its lines as they come, searched, narrowed, opened, kept as a file.

use corral_contract::InstanceId;
use leptos::prelude::*;

use crate::{pages::sending::Sending, state::use_stores};

mod bar;
mod file;
mod lines;
mod reading;

use bar::Bar;
use lines::{Chosen, Lines};
use reading::Reading;

/// The lines of a server's log with everything that can be done with them.
#[component]
pub(super) fn LogTab(id: InstanceId) -> impl IntoView {
    let stores = use_stores();
    let sending = Sending::here();
    let reading = Reading::open(id, stores, sending);
    view! {
        <div class="server-log" data-testid="server-log">
            <Bar reading />
            <Lines reading />
            <Chosen reading />
        </div>
    }
}
