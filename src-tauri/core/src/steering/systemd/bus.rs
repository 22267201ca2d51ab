//! systemd's manager over D-Bus.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use corral_contract::{ErrorCode, WireError};
use serde::Serialize;
use zbus::{
    Connection, Proxy,
    connection::Builder,
    proxy::MethodFlags,
    zvariant::{DynamicType, OwnedObjectPath},
};

use crate::{
    Result,
    steering::{Verb, refused},
};

const NAME: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const SERVICE: &str = "org.freedesktop.systemd1.Service";

/// How long an answer may take that nobody has to agree to.
const LIMIT: Duration = Duration::from_secs(15);
/// How long a person has to answer polkit.
const ASKING: Duration = Duration::from_secs(180);
/// How long a unit may take to start or to stop; systemd's own limit is 90 s.
const JOB: Duration = Duration::from_secs(100);
/// How often a job is looked after.
const LOOK: Duration = Duration::from_millis(100);

/// The manager of the system or of the user.
pub(super) struct Bus {
    user: bool,
    /// Its own socket; `None` = through the message bus.
    address: Option<String>,
}

/// What systemd knows of a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) active: String,
    /// How its last run ended: `success`, `exit-code`, `signal`…
    pub(super) result: String,
    pub(super) exit: i32,
    /// Its file, then its drop-ins in the order in which they hold.
    pub(super) files: Vec<PathBuf>,
    /// Files of variables that it reads besides.
    pub(super) enabled: String,
}

impl Bus {
    pub(super) fn new(user: bool, address: Option<String>) -> Bus {
        Bus { user, address }
    }

    async fn connect(&self) -> Result<Connection> {
        let nobody = |error: zbus::Error| refused("noSystemd").detail(error.to_string());
        let connecting = async {
            match (&self.address, self.user) {
                (Some(address), _) => {
                    Builder::address(address.as_str()).map_err(nobody)?.p2p().build().await
                }
                (None, false) => Connection::system().await,
                (None, true) => Connection::session().await,
            }
            .map_err(nobody)
        };
        tokio::time::timeout(LIMIT, connecting).await.map_err(|_| late(LIMIT))?
    }

    async fn ask<Body, Reply>(
        connection: &Connection,
        method: &str,
        body: &Body,
        limit: Duration,
    ) -> Result<Reply>
    where
        Body: Serialize + DynamicType,
        Reply: for<'de> zbus::zvariant::DynamicDeserialize<'de>,
    {
        let asking = async {
            let proxy = Proxy::new(connection, NAME, PATH, MANAGER).await?;
            // Without it polkit would refuse instead of asking.
            let flags = MethodFlags::AllowInteractiveAuth.into();
            proxy.call_with_flags(method, flags, body).await
        };
        let answer = tokio::time::timeout(limit, asking).await.map_err(|_| late(limit))?;
        answer.map_err(meaning)?.ok_or_else(|| WireError::new(ErrorCode::BadAnswer))
    }

    async fn properties<'a>(
        connection: &Connection,
        path: &'a OwnedObjectPath,
        interface: &'static str,
    ) -> Result<Proxy<'a>> {
        let proxy = zbus::proxy::Builder::new(connection)
            .destination(NAME)
            .and_then(|builder| builder.path(path.clone()))
            .and_then(|builder| builder.interface(interface))
            .map_err(meaning)?
            .cache_properties(zbus::proxy::CacheProperties::No);
        proxy.build().await.map_err(meaning)
    }

    /// What systemd knows of a unit.
    ///
    /// # Errors
    /// `SERVICE_MISSING`; `SERVICE_REFUSED` for a masked one or where no systemd answers.
    pub(super) async fn facts(&self, unit: &str) -> Result<Facts> {
        let connection = self.connect().await?;
        let reading = Self::read(&connection, unit);
        tokio::time::timeout(LIMIT, reading).await.map_err(|_| late(LIMIT))?
    }

    async fn read(connection: &Connection, unit: &str) -> Result<Facts> {
        let path: OwnedObjectPath = Self::ask(connection, "LoadUnit", &(unit), LIMIT).await?;
        let of_unit = Self::properties(connection, &path, UNIT).await?;
        let state: String = of_unit.get_property("LoadState").await.map_err(meaning)?;
        match state.as_str() {
            "not-found" => return Err(missing(unit)),
            "masked" => return Err(refused("masked")),
            _ => {}
        }
        let main: String = of_unit.get_property("FragmentPath").await.map_err(meaning)?;
        let drop_ins: Vec<String> = of_unit.get_property("DropInPaths").await.map_err(meaning)?;
        let of_service = Self::properties(connection, &path, SERVICE).await?;
        Ok(Facts {
            active: of_unit.get_property("ActiveState").await.map_err(meaning)?,
            enabled: of_unit.get_property("UnitFileState").await.map_err(meaning)?,
            result: of_service.get_property("Result").await.map_err(meaning)?,
            exit: of_service.get_property("ExecMainStatus").await.map_err(meaning)?,
            files: std::iter::once(main)
                .chain(drop_ins)
                .filter(|file| !file.is_empty())
                .map(|file| Path::new(&file).to_owned())
                .collect(),
        })
    }

    /// Starts, stops or restarts a unit and waits until systemd is done with it.
    ///
    /// # Errors
    /// As [`Bus::facts`]; `SERVICE_REFUSED` when it failed or polkit did not agree, `TIMED_OUT`.
    pub(super) async fn act(&self, unit: &str, verb: Verb) -> Result<()> {
        let connection = self.connect().await?;
        Self::read(&connection, unit).await?;
        let method = match verb {
            Verb::Start => "StartUnit",
            Verb::Stop => "StopUnit",
            Verb::Restart => "RestartUnit",
        };
        let _: OwnedObjectPath = Self::ask(&connection, method, &(unit, "replace"), ASKING).await?;
        let waiting = async {
            let path: OwnedObjectPath = Self::ask(&connection, "LoadUnit", &(unit), LIMIT).await?;
            let of_unit = Self::properties(&connection, &path, UNIT).await?;
            loop {
                let job: (u32, OwnedObjectPath) =
                    of_unit.get_property("Job").await.map_err(meaning)?;
                if job.0 == 0 {
                    return Self::read(&connection, unit).await;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let facts = tokio::time::timeout(JOB, waiting).await.map_err(|_| late(JOB))??;
        let done = match verb {
            Verb::Stop => matches!(facts.active.as_str(), "inactive" | "failed"),
            Verb::Start | Verb::Restart => {
                matches!(facts.active.as_str(), "active" | "activating" | "reloading")
            }
        };
        if done { Ok(()) } else { Err(refused("unitFailed").detail(facts.words())) }
    }

    /// Reads changed files again.
    ///
    /// # Errors
    /// As [`Bus::facts`].
    pub(super) async fn reload(&self) -> Result<()> {
        let connection = self.connect().await?;
        Self::ask(&connection, "Reload", &(), ASKING).await
    }

    /// Whether a unit starts with the system, or with the user's session.
    ///
    /// # Errors
    /// As [`Bus::facts`].
    pub(super) async fn enable(&self, unit: &str, on: bool) -> Result<()> {
        let connection = self.connect().await?;
        Self::read(&connection, unit).await?;
        type Linked = Vec<(String, String, String)>;
        let units = vec![unit];
        if on {
            let body = (units, false, false);
            let (_, _): (bool, Linked) =
                Self::ask(&connection, "EnableUnitFiles", &body, ASKING).await?;
        } else {
            let body = (units, false);
            let _: Linked = Self::ask(&connection, "DisableUnitFiles", &body, ASKING).await?;
        }
        Self::ask(&connection, "Reload", &(), ASKING).await
    }
}

impl Facts {
    /// How its last run ended, in systemd's words.
    pub(super) fn words(&self) -> String {
        format!("{}, {}, status {}", self.active, self.result, self.exit)
    }
}

fn late(limit: Duration) -> WireError {
    WireError::new(ErrorCode::TimedOut).with("seconds", limit.as_secs())
}

fn missing(unit: &str) -> WireError {
    WireError::new(ErrorCode::ServiceMissing).detail(unit)
}

/// What an error of the bus is about.
fn meaning(error: zbus::Error) -> WireError {
    let text = error.to_string();
    let name = match &error {
        zbus::Error::MethodError(name, _, _) => name.as_str().to_owned(),
        _ => return refused("noSystemd").detail(text),
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    match last {
        "AccessDenied"
        | "InteractiveAuthorizationRequired"
        | "NotAuthorized"
        | "Cancelled"
        | "AuthFailed" => refused("notAllowed").detail(text),
        "UnitMasked" => refused("masked").detail(text),
        "NoSuchUnit" | "FileNotFound" => WireError::new(ErrorCode::ServiceMissing).detail(text),
        "ServiceUnknown" | "NameHasNoOwner" | "NoReply" | "Disconnected" => {
            refused("noSystemd").detail(text)
        }
        _ => refused("systemSaidNo").detail(text),
    }
}
