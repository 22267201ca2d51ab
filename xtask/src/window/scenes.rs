//! What there is to see, and the way to it by clicks and keys.

/// A page, perhaps with something opened on it.
pub(super) struct Scene {
    /// First part of the picture's file name.
    pub(super) name: &'static str,
    /// Page in the navigation.
    pub(super) page: &'static str,
    pub(super) steps: &'static [Step],
    /// What Escape does not undo, undone after the picture.
    pub(super) leave: &'static [Step],
    /// Whether it is also shown in a narrow window.
    pub(super) narrow: bool,
}

/// One action on the way; names are `data-testid`s.
pub(super) enum Step {
    Click(&'static str),
    ClickCss(&'static str),
    Fill(&'static str, &'static str),
    /// Waits until it is there.
    See(&'static str),
    SeeCss(&'static str),
    /// Waits until it is gone.
    Gone(&'static str),
}

use Step::{Click, ClickCss, Fill, Gone, See, SeeCss};

pub(super) const SCENES: &[Scene] = &[
    Scene { narrow: true, ..scene("models", "models", &[See("models-count")]) },
    Scene { leave: NO_FILTER, ..scene("models-filtered", "models", FILTER) },
    Scene { leave: NO_FILTER, ..scene("models-no-match", "models", NO_MATCH) },
    Scene { narrow: true, ..scene("model-detail", "models", DETAIL) },
    scene("model-menu", "models", &[MENU, See("row-action-details")]),
    scene("models-columns", "models", &[Click("column-chooser")]),
    scene("models-size", "models", &[Click("filter-size"), See("size-apply")]),
    scene("create", "models", &[Click("models-new"), See("dialog-create")]),
    scene("create-wrong-name", "models", WRONG_NAME),
    scene("create-check", "models", CHECK),
    scene("create-modelfile", "models", MODELFILE),
    scene("create-import", "models", IMPORT),
    scene("create-unknown", "models", UNKNOWN),
    scene("delete", "models", DELETE),
    scene("batch-bar", "models", BATCH),
    scene("batch-delete", "models", BATCH_DELETE),
    Scene { narrow: true, ..scene("downloads", "downloads", DOWNLOADS) },
    Scene { leave: &[Click("download-layers")], ..scene("download-layers", "downloads", LAYERS) },
    scene("download-cancel", "downloads", CANCEL),
    scene("download-more", "downloads", &[Click("download-more"), See("download-limit-0")]),
    scene("downloads-schedule", "downloads", SCHEDULE),
    Scene {
        leave: &[Click("downloads-figures-open")],
        ..scene("downloads-figures", "downloads", FIGURES)
    },
    Scene { narrow: true, ..scene("discover", "discover", &[See("discover-search")]) },
    Scene { narrow: true, ..scene("disk", "disk", &[See("disk-page")]) },
    scene("help", "help", &[]),
    scene("palette", "models", &[Click("palette-open"), See("palette")]),
    scene("model-run", "models", RUN),
    scene("model-labels", "models", &[MENU, Click("row-action-labels"), See("dialog-labels")]),
    scene("models-table", "models", &[Click("models-menu"), Click("export"), See("dialog-table")]),
    scene("models-views", "models", &[Click("views"), Click("view-save"), See("dialog-view")]),
    scene("models-filters", "models", &[Click("filter-menu"), See("favourite-only")]),
    Scene { narrow: true, ..scene("instances", "instances", &[See("instances-page")]) },
    scene("instance-add", "instances", &[Click("instance-add"), See("dialog-instance")]),
    scene("instance-edit", "instances", &[Click("instance-edit"), See("dialog-instance")]),
    scene("instance-detect", "instances", &[Click("instance-detect"), See("dialog-detect")]),
    scene("instance-remove", "instances", REMOVE),
    scene("instance-install", "instances", &[Click("instance-install"), See("dialog-install")]),
    Scene { narrow: true, ..scene("server-overview", "instances", &[SERVER, OVERVIEW, TABS]) },
    Scene { narrow: true, ..scene("server-variables", "instances", VARIABLES) },
    scene("server-log", "instances", &[SERVER, OVERVIEW, Click("instance-tab-log")]),
    Scene { narrow: true, ..scene("server-health", "instances", HEALTH) },
    scene("server-storage", "instances", STORAGE),
    Scene { narrow: true, ..scene("activity", "activity", &[]) },
    scene("activity-log", "activity", &[Click("task-open-log")]),
    Scene { narrow: true, ..scene("activity-history", "activity", HISTORY) },
    Scene { narrow: true, ..scene("activity-audit", "activity", AUDIT) },
    scene("activity-notices", "activity", &[Click("activity-tab-notices")]),
    Scene { narrow: true, ..scene("activity-syncs", "activity", SYNCS) },
    scene("sync-report", "activity", SYNC_REPORT),
    Scene { narrow: true, ..scene("settings", "settings", &[]) },
    Scene { leave: NO_PROXY, ..scene("settings-registries", "settings", PROXY) },
    scene("registry-add", "settings", REGISTRY),
    scene("instance-menu", "models", &[Click("instance-chip")]),
    scene("task-center", "models", &[Click("task-center")]),
    scene("notices", "models", &[Click("notices")]),
    scene("shortcuts", "models", &[Click("shortcuts-button"), See("dialog-shortcuts")]),
];

const FILTER: &[Step] = &[Fill("models-search", "qwen"), Gone("row-gemma3:4b")];
const NO_MATCH: &[Step] = &[Fill("models-search", "zzz"), See("models-no-match")];
const NO_FILTER: &[Step] = &[Fill("models-search", ""), See("row-gemma3:4b")];
const BATCH: &[Step] = &[Click("select-page"), See("batch-count")];
const MENU: Step = ClickCss("[data-testid='row-gemma3:4b'] [data-testid='row-menu']");
const DETAIL: &[Step] = &[MENU, Click("row-action-details"), See("detail")];
const RUN: &[Step] = &[MENU, Click("row-action-details"), Click("tab-run"), See("run-preload")];
const WRONG_NAME: &[Step] =
    &[Click("models-new"), See("dialog-create"), Fill("create-name", "Bad Name!")];
const CHECK: &[Step] = &[
    Click("models-new"),
    See("dialog-create"),
    Fill("create-name", "mixtral:8x7b"),
    See("check-facts"),
];
const UNKNOWN: &[Step] = &[
    Click("models-new"),
    See("dialog-create"),
    Fill("create-name", "no-such-model"),
    See("check-refusal"),
];
const DELETE: &[Step] = &[MENU, Click("row-action-delete"), See("delete-freed")];
const BATCH_DELETE: &[Step] = &[Click("select-page"), Click("batch-delete"), See("delete-freed")];
const DOWNLOADS: &[Step] = &[See(SLOW), See(FAILING)];
const SLOW: &str = "downloads-row-llama3.3:70b";
const FAILING: &str = "downloads-row-tinyllama:1.1b";
const LAYERS: &[Step] = &[Click("download-layers"), See("download-layer-list")];
const SCHEDULE: &[Step] =
    &[Click("downloads-schedule"), Click("schedule-add"), See("schedule-line")];
const FIGURES: &[Step] = &[Click("downloads-figures-open"), See("downloads-figures")];
const CANCEL: &[Step] = &[Click("download-cancel"), See("dialog-cancel-download")];
const SERVER: Step = Click("instance-menu");
const OVERVIEW: Step = ClickCss(".menu [data-testid='details']");
const TABS: Step = See("instance-tab-details");
const VARIABLES: &[Step] = &[SERVER, OVERVIEW, Click("instance-tab-environment")];
const HEALTH: &[Step] = &[SERVER, OVERVIEW, Click("instance-tab-health")];
const STORAGE: &[Step] = &[SERVER, OVERVIEW, Click("instance-tab-storage")];
const HISTORY: &[Step] = &[Click("activity-tab-history"), SeeCss("[data-testid^='history-row-']")];
const AUDIT: &[Step] = &[Click("activity-tab-audit")];
const SYNCS: &[Step] = &[Click("activity-tab-syncs"), See("sync-open")];
const SYNC_REPORT: &[Step] = &[Click("activity-tab-syncs"), Click("sync-open"), See("sync-report")];
const REMOVE: &[Step] = &[Click("instance-remove"), See("dialog-remove-instance")];
const PROXY: &[Step] =
    &[ClickCss("[data-testid='proxy-mode'] [data-testid='option-own']"), See("proxy-address")];
const NO_PROXY: &[Step] =
    &[ClickCss("[data-testid='proxy-mode'] [data-testid='option-system']"), Gone("proxy-address")];
const REGISTRY: &[Step] = &[
    Click("registry-add"),
    See("dialog-registry"),
    ClickCss("[data-testid='registry-login'] [data-testid='option-basic']"),
    Click("registry-mirror-add"),
    Fill("registry-mirror-address", "http://10.0.0.5:5000"),
    Click("registry-save"),
];

const fn scene(name: &'static str, page: &'static str, steps: &'static [Step]) -> Scene {
    Scene { name, page, steps, leave: &[], narrow: false }
}

const MODELFILE: &[Step] = &[
    Click("models-new"),
    Click("option-modelfile"),
    Fill("make-name", "mine/assistant"),
    See("dialog-make"),
];

const IMPORT: &[Step] = &[Click("models-new"), Click("option-import"), See("dialog-import-files")];
