//! Linux: the plugin's registration is a name on the session bus, and the bus tells who owns it.

use std::{
    thread,
    time::{Duration, Instant},
};

use zbus::{
    blocking::{Connection, connection::Builder, fdo::DBusProxy},
    names::{BusName, OwnedUniqueName},
};

use super::{LIMIT, PAUSE, Standing};

/// How long one that lives may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// What the plugin calls its side of the conversation.
const INTERFACE: &str = "org.SingleInstance.DBus";
const METHOD: &str = "ExecuteCallback";

/// See [`super::hand_over`].
pub(super) fn hand_over(identifier: &str) -> Standing {
    // Without a session bus there is nobody to ask; the lock on the data folder holds all the same.
    ask(&format!("{identifier}.SingleInstance")).unwrap_or(Standing::Alone)
}

fn ask(name: &str) -> zbus::Result<Standing> {
    let bus = Builder::session()?.method_timeout(ANSWER).build()?;
    let names = DBusProxy::new(&bus)?;
    let started = Instant::now();
    loop {
        let Some(owner) = owner(&names, name)? else { return Ok(Standing::Alone) };
        // One that was leaving when it heard the call has given the name back before it answered.
        if visit(&bus, name).is_ok() && self::owner(&names, name)? == Some(owner) {
            return Ok(Standing::HandedOver);
        }
        if started.elapsed() > LIMIT {
            return Ok(Standing::Stuck);
        }
        thread::sleep(PAUSE);
    }
}

/// Who takes visitors now. One that was killed does so until the bus has noticed.
fn owner(names: &DBusProxy<'_>, name: &str) -> zbus::Result<Option<OwnedUniqueName>> {
    match names.get_name_owner(BusName::try_from(name)?) {
        Ok(owner) => Ok(Some(owner)),
        Err(zbus::fdo::Error::NameHasNoOwner(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn visit(bus: &Connection, name: &str) -> zbus::Result<()> {
    let path = format!("/{}", name.replace('.', "/").replace('-', "_"));
    let arguments: Vec<String> =
        std::env::args_os().map(|one| one.to_string_lossy().into_owned()).collect();
    let folder = std::env::current_dir().unwrap_or_default().to_string_lossy().into_owned();
    bus.call_method(Some(name), path, Some(INTERFACE), METHOD, &(arguments, folder))?;
    Ok(())
}
