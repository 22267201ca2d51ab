//! From a command's name to the code that answers it.
//!
//! A domain implements [`Handle`] for each marker of its `commands!` list; [`routes`] lists them
//! again only to make a table, and a test holds that table against the contract.

use std::{collections::HashMap, future::Future, pin::Pin};

use corral_contract::{Command, ErrorCode, WireError, audit::Actor};

use crate::{Core, Result};

/// Answers one command. Implemented by the domain it belongs to.
pub trait Handle<C: Command> {
    /// Does it. The guard has agreed already; the audit row is written by the caller.
    fn handle(&self, request: C::Request) -> impl Future<Output = Result<C::Reply>> + Send;
}

type Answer = Pin<Box<dyn Future<Output = Result<String>> + Send>>;
type Route = Box<dyn Fn(Core, Actor, serde_json::Value) -> Answer + Send + Sync>;

/// All commands that the core answers, by domain and name.
pub struct Router(HashMap<(&'static str, &'static str), Route>);

impl Router {
    fn add<C: Command>(&mut self)
    where
        Core: Handle<C>,
    {
        let route: Route = Box::new(|core, actor, payload| {
            Box::pin(async move {
                let request = serde_json::from_value::<C::Request>(payload).map_err(|error| {
                    WireError::field("request", "malformed").detail(error.to_string())
                })?;
                let reply = core.run::<C>(actor, request).await?;
                serde_json::to_string(&reply).map_err(|error| {
                    WireError::new(ErrorCode::StructTransform).detail(error.to_string())
                })
            })
        });
        self.0.insert((C::DOMAIN, C::NAME), route);
    }

    /// Whether a command is answered.
    #[must_use]
    pub fn knows(&self, domain: &str, name: &str) -> bool {
        self.0.keys().any(|key| key.0 == domain && key.1 == name)
    }

    pub(crate) fn find(&self, domain: &str, name: &str) -> Option<&Route> {
        self.0.iter().find(|(key, _)| key.0 == domain && key.1 == name).map(|(_, route)| route)
    }
}

macro_rules! routes {
    ($($domain:ident: $($marker:ident),+;)+) => {
        /// The table of everything the core answers.
        #[must_use]
        pub fn routes() -> Router {
            let mut router = Router(HashMap::new());
            $($(router.add::<corral_contract::$domain::call::$marker>();)+)+
            router
        }
    };
}

routes! {
    app: Snapshot, SetVisible;
    instances: List, Detect, Add, Update, Remove, Probe, Test, Steering, Start, Stop, Restart,
        Autostart, Allow, Install;
    environment: Read, Preview, Apply;
    installs: List, Check, Update, RollBack, Pin, Remove;
    models: Search, Counts, Create, Start, Close, Recreate, PreviewDelete, Delete, UndoDelete,
        Batch, PreviewBatch, CancelBatch, LoadDetail, History, ExportTable;
    labels: Edit, Put, KeepView, DropView;
    running: OfModel, Save, Remove, Preload, Preview, Stay, Ask, Stop;
    downloads: Check, List, Pause, Resume, Cancel, Move, SetPriority, SetLimit, PauseAll, ResumeAll,
        ClearFinished, Next, SetJobLimit, Hours, Conditions;
    makes: Read, Look, Places, Check, Create, Copy, Rename;
    checks: Model, Store, Damaged, Repair, Smoke, File;
    catalogue: List, Tags, Suggest, Hub, Refresh, SetFile;
    fit: Estimate;
    updates: List, Check, Apply, Snooze, RollBack, Accept;
    disk: Look, Reclaim, Report, Trash, Restore, EmptyTrash, Pin;
    bundles: PreviewExport, Export, Inspect, Import, PreviewCopy, Copy, Outcome, SaveList,
        PreviewList, RestoreList;
    stores: View, Preview, Move, Confirm, RollBack, Cold, ForgetCold, Archive, Return;
    resources: View;
    sync: Run, Cancel, ConfirmEmpty, History, Report, Compare, ReadSchedule, SaveSchedule, Preview;
    serverlogs: Page, Follow, Unfollow, Find, StopFind, ChooseFile, Export;
    health: Report, Check, Set, TryNow, StopTrying, Dismiss;
    tasks: List, Log, Cancel, ClearFinished;
    audit: Search;
    registries: List, Save, Remove, Test, SetProxy;
    settings: Get, Update;
    storage: Status, Backup, Restore;
}
