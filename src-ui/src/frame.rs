//! What surrounds every page.

use leptos::prelude::*;

use crate::{
    navigation::{Page, use_navigation},
    pages::{
        activity::ActivityPage, discover::DiscoverPage, disk::DiskPage, downloads::DownloadsPage,
        help::HelpPage, instances::InstancesPage, models::ModelsPage, settings::SettingsPage,
    },
};

mod banner;
mod batch_result;
mod close_question;
pub mod drops;
mod instance_switcher;
pub mod media;
mod notices;
pub mod outcomes;
pub(crate) mod painted;
mod palette;
pub mod scope;
pub mod shortcuts;
mod sidebar;
mod status_bar;
mod sync_report;
pub mod task_center;
pub mod theme;
pub mod toasts;
mod top;

use banner::Banner;
use close_question::CloseQuestion;
use palette::PaletteHost;
use shortcuts::Shortcuts;
use sidebar::Sidebar;
use status_bar::StatusBar;
use toasts::ToastHost;
use top::Top;

/// Navigation, top bar, the page, status bar, and what floats above them.
#[component]
pub fn Frame() -> impl IntoView {
    let navigation = use_navigation();
    view! {
        <Shortcuts>
            <div class="frame">
                <Sidebar />
                <Top />
                <main class="frame__main" id="page" tabindex="-1">
                    <Banner />
                    {move || match navigation.page.get() {
                        Page::Models => view! { <ModelsPage /> }.into_any(),
                        Page::Discover => view! { <DiscoverPage /> }.into_any(),
                        Page::Downloads => view! { <DownloadsPage /> }.into_any(),
                        Page::Disk => view! { <DiskPage /> }.into_any(),
                        Page::Instances => view! { <InstancesPage /> }.into_any(),
                        Page::Activity => view! { <ActivityPage /> }.into_any(),
                        Page::Settings => view! { <SettingsPage /> }.into_any(),
                        Page::Help => view! { <HelpPage /> }.into_any(),
                    }}
                </main>
                <StatusBar />
            </div>
            <ToastHost />
            <CloseQuestion />
            <PaletteHost />
        </Shortcuts>
    }
}
