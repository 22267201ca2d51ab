use corral_contract::settings::CleanupMode;
use leptos::prelude::*;

use super::{Row, Section, general::SwitchRow, number::NumberRow, saving::Saving};
use crate::{components::Segmented, words::use_words};

/// What is kept of deleted models, and what goes by itself.
#[component]
pub(super) fn Keep(saving: Saving) -> impl IntoView {
    let words = use_words();
    let modes = Signal::derive(move || {
        let option = |each: &CleanupMode| {
            (each.as_str(), words.get(&format!("cleanupMode.{}", each.as_str())))
        };
        CleanupMode::ALL.iter().map(option).collect::<Vec<_>>()
    });
    let set = move |to: &'static str| {
        if let Some(mode) = CleanupMode::parse(to) {
            saving.save(|settings| settings.cleanup.mode = mode);
        }
    };
    view! {
        <Section title=words.signal("settings.keep")>
            <NumberRow
                saving
                field="trashDays"
                range=0..=365
                unit="settings.unitDays"
                read=|it| it.trash_days
                write=|it, to| it.trash_days = to
            />
            <NumberRow
                saving
                field="storeKeepDays"
                range=0..=365
                unit="settings.unitDays"
                read=|it| it.store_keep_days
                write=|it, to| it.store_keep_days = to
            />
            <Row
                label=words.signal("settings.cleanupMode")
                hint=words.signal("settings.cleanupModeHint")
            >
                <Segmented
                    label=words.signal("settings.cleanupMode")
                    options=modes
                    value=Signal::derive(move || {
                        saving.read(|it| it.cleanup.mode.as_str().to_owned())
                    })
                    on_change=set
                    attr:data-testid="settings-cleanupMode"
                />
            </Row>
            <SwitchRow
                saving
                field="cleanupOrphans"
                read=|it| it.cleanup.orphans
                write=|it, on| it.cleanup.orphans = on
            />
            <NumberRow
                saving
                field="cleanupUnusedDays"
                range=0..=3650
                unit="settings.unitDays"
                read=|it| it.cleanup.unused_days
                write=|it, to| it.cleanup.unused_days = to
            />
        </Section>
    }
}
