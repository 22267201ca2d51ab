//! The process or service behind an instance on this machine.

use std::{collections::BTreeMap, path::PathBuf};

use corral_contract::{
    InstanceId,
    instances::{Kind, Runner, ServiceFact, ServiceState},
    steering::Conflict,
};
use url::Url;

use super::{
    address,
    behind::{rivals_among, servers},
    machine::{Machine, Process, System},
    publish,
};
use crate::Core;

/// Where systemd looks for the unit, the administrator's own first.
const UNIT_FOLDERS: [&str; 4] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Where the user's own manager looks after his own folder.
const USER_UNIT_FOLDERS: [&str; 3] =
    ["/etc/systemd/user", "/usr/lib/systemd/user", "/lib/systemd/user"];

/// The unit that the install script makes.
const UNIT: &str = "ollama.service";

/// A server on this machine: a running process, or something installed that could start one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) process: Option<Process>,
    pub(super) runner: Runner,
    /// Variables it was or will be started with, as far as they can be seen.
    pub(super) environment: BTreeMap<String, String>,
    pub(super) url: Url,
    /// Others than this machine can reach it.
    pub(super) exposed: bool,
    /// What starts it.
    pub(super) unit: Option<Unit>,
}

/// What starts a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Of systemd; `user` = of the user's own manager.
    Systemd { name: String, user: bool },
    /// A description for launchd.
    Launchd(PathBuf),
}

/// How a server is started, as far as it can be seen.
struct Setup {
    runner: Runner,
    environment: BTreeMap<String, String>,
    unit: Option<Unit>,
}

impl Setup {
    fn of(runner: Runner) -> Setup {
        Setup { runner, environment: BTreeMap::new(), unit: None }
    }
}

impl Server {
    fn new(process: Option<Process>, setup: Setup) -> Server {
        let Setup { runner, environment, unit } = setup;
        let host = environment.get("OLLAMA_HOST").map(String::as_str);
        let (url, exposed) = address::listening(host);
        Server { process, runner, environment, url, exposed, unit }
    }
}

/// Every running server, without those inside containers: their ports are not this machine's.
pub(super) fn running(machine: &dyn Machine) -> Vec<Server> {
    machine
        .servers()
        .into_iter()
        .filter_map(|process| {
            let mut setup = runner_of(machine, &process)?;
            // What it really runs with counts more than what its unit says now.
            setup.environment.extend(process.environment.clone());
            Some(Server::new(Some(process), setup))
        })
        .collect()
}

/// What is installed here and would start a server, whether it runs or not.
pub(super) fn installed(machine: &dyn Machine) -> Vec<Server> {
    let found: Vec<Setup> = match machine.system() {
        System::Linux => {
            [false, true].into_iter().filter_map(|user| unit(machine, UNIT, user)).collect()
        }
        System::MacOs => {
            let agents = launch_files(machine).into_iter();
            let agents = agents.filter_map(|file| launched(machine, file));
            let home = machine.variable("HOME").unwrap_or_default();
            let apps = ["/Applications".to_owned(), format!("{home}/Applications")];
            let app = apps
                .iter()
                .any(|folder| machine.exists(&System::MacOs.path(folder, &["Ollama.app"])));
            agents.chain(app.then(|| Setup::of(Runner::App))).collect()
        }
        System::Windows => {
            let app = machine.variable("LOCALAPPDATA").is_some_and(|base| {
                let parts = ["Programs", "Ollama", "ollama app.exe"];
                machine.exists(&System::Windows.path(&base, &parts))
            });
            // The app takes its variables from the user's environment, which is ours too.
            let own = ["OLLAMA_HOST", "OLLAMA_MODELS"]
                .into_iter()
                .filter_map(|name| Some((name.to_owned(), machine.variable(name)?)));
            let app = app.then(|| Setup { environment: own.collect(), ..Setup::of(Runner::App) });
            app.into_iter().collect()
        }
    };
    found.into_iter().map(|setup| Server::new(None, setup)).collect()
}

/// What runs a process and the variables that are set up there; `None` inside a container.
fn runner_of(machine: &dyn Machine, process: &Process) -> Option<Setup> {
    let executable = process.executable.as_ref().map(|path| path.to_string_lossy().into_owned());
    let executable = executable.unwrap_or_default();
    let parent = process.parent.as_deref().unwrap_or_default().to_ascii_lowercase();
    let plain = Setup::of(Runner::Process);
    match machine.system() {
        System::Linux => {
            let file = PathBuf::from(format!("/proc/{}/cgroup", process.pid));
            let group = machine.head(&file).unwrap_or_default();
            if ["docker", "libpod", "containerd", "kubepods", "/lxc"]
                .iter()
                .any(|word| group.contains(word))
            {
                return None;
            }
            // `0::/system.slice/ollama.service`, or below `user@1000.service` of the user's manager
            let line = group.lines().find(|line| {
                let last = line.rsplit('/').next().unwrap_or_default();
                last.ends_with(".service") && last.contains("ollama")
            });
            Some(match line {
                Some(line) => {
                    let user = line.contains("/user@");
                    let name = line.rsplit('/').next().unwrap_or_default().to_owned();
                    unit(machine, &name, user).unwrap_or_else(|| Setup {
                        unit: Some(Unit::Systemd { name, user }),
                        ..Setup::of(Runner::Systemd)
                    })
                }
                None => plain,
            })
        }
        System::MacOs => Some(if executable.contains("Ollama.app/") {
            Setup::of(Runner::App)
        } else if parent == "launchd" {
            let found = launch_files(machine).into_iter().find_map(|file| launched(machine, file));
            found.unwrap_or_else(|| Setup::of(Runner::Launchd))
        } else {
            plain
        }),
        System::Windows => Some(if parent == "ollama app.exe" {
            Setup::of(Runner::App)
        } else if ["services.exe", "nssm.exe", "winsw.exe"].contains(&parent.as_str()) {
            Setup::of(Runner::WindowsService)
        } else {
            plain
        }),
    }
}

/// A unit with the `Environment=` of its file and its drop-ins; `None` where there is none.
fn unit(machine: &dyn Machine, name: &str, user: bool) -> Option<Setup> {
    let own = user_units(machine);
    let folders = || {
        let all = UNIT_FOLDERS.iter().copied().filter(move |_| !user);
        let of_users = USER_UNIT_FOLDERS.iter().copied().filter(move |_| user);
        all.chain(own.as_deref().filter(|_| user)).chain(of_users)
    };
    let main = folders().find_map(|folder| machine.head(&System::Linux.path(folder, &[name])))?;
    let drop_ins = folders()
        .flat_map(|folder| machine.entries(&System::Linux.path(folder, &[&format!("{name}.d")])));
    let mut drop_ins: Vec<PathBuf> =
        drop_ins.filter(|file| file.to_string_lossy().ends_with(".conf")).collect();
    // By name, wherever they lie; of two with one name the administrator's holds.
    drop_ins.sort_by(|one, other| one.file_name().cmp(&other.file_name()));
    drop_ins.dedup_by(|later, first| later.file_name() == first.file_name());
    let drop_ins = drop_ins.iter().filter_map(|file| machine.head(file));
    let texts: Vec<String> = std::iter::once(main).chain(drop_ins).collect();
    let mut environment = BTreeMap::new();
    for line in texts.iter().flat_map(|text| text.lines()) {
        let Some(value) = line.trim().strip_prefix("Environment=") else { continue };
        if value.trim().is_empty() {
            // An empty assignment takes back all before it.
            environment.clear();
        }
        environment.extend(assignments(value));
    }
    let unit = Some(Unit::Systemd { name: name.to_owned(), user });
    Some(Setup { runner: Runner::Systemd, environment, unit })
}

/// Where the user's own manager looks first.
pub(crate) fn user_units(machine: &dyn Machine) -> Option<String> {
    let config = machine.variable("XDG_CONFIG_HOME");
    let config = config.or_else(|| Some(format!("{}/.config", machine.variable("HOME")?)));
    config.map(|config| format!("{config}/systemd/user"))
}

/// A server that a description for launchd starts.
fn launched(machine: &dyn Machine, file: PathBuf) -> Option<Setup> {
    let environment = plist_environment(&machine.head(&file)?);
    Some(Setup { runner: Runner::Launchd, environment, unit: Some(Unit::Launchd(file)) })
}

/// `"A=1 2" B=3` → A and B.
fn assignments(text: &str) -> Vec<(String, String)> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for each in text.chars() {
        match quote {
            Some(end) if each == end => quote = None,
            None if each == '"' || each == '\'' => quote = Some(each),
            None if each.is_whitespace() => words.push(String::new()),
            _ => {
                if let Some(word) = words.last_mut() {
                    word.push(each);
                }
            }
        }
    }
    let pair = |word: &String| {
        let (name, value) = word.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    words.iter().filter_map(pair).collect()
}

/// Descriptions of Ollama for launchd, also Homebrew's.
fn launch_files(machine: &dyn Machine) -> Vec<PathBuf> {
    let home = machine.variable("HOME").unwrap_or_default();
    let folders = [
        format!("{home}/Library/LaunchAgents"),
        "/Library/LaunchAgents".to_owned(),
        "/Library/LaunchDaemons".to_owned(),
    ];
    let files = folders.iter().flat_map(|folder| machine.entries(&PathBuf::from(folder)));
    files
        .filter(|file| {
            let name = file.to_string_lossy();
            let name = name.rsplit('/').next().unwrap_or_default();
            name.contains("ollama") && name.ends_with(".plist")
        })
        .collect()
}

/// The variables of Ollama in a launchd description.
fn plist_environment(text: &str) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    for part in text.split("<key>").skip(1) {
        let Some((name, rest)) = part.split_once("</key>") else { continue };
        let value = rest.trim_start().strip_prefix("<string>");
        if let Some((value, _)) = value.and_then(|value| value.split_once("</string>"))
            && name.starts_with("OLLAMA_")
        {
            environment.insert(name.to_owned(), value.to_owned());
        }
    }
    environment
}

/// The running server behind an address.
pub(super) fn behind<'a>(servers: &'a [Server], url: &Url) -> Option<&'a Server> {
    servers.iter().find(|server| address::key(&server.url) == address::key(url))
}

/// Every server of this machine, and which of them want what an instance has.
pub(super) async fn look(core: &Core, id: InstanceId) -> Option<(Vec<Server>, Vec<Conflict>)> {
    let owner = core.clone();
    let look = move || {
        let all = servers(&*owner.config.machine);
        let rivals = rivals_among(&owner, id, &all);
        (all, rivals)
    };
    tokio::task::spawn_blocking(look).await.ok()
}

/// Looks at the process of an instance and tells the windows when it changed.
pub(super) async fn refresh(core: &Core, id: InstanceId) {
    let profile = core.instances.lock().get(&id).map(|live| live.record.profile.clone());
    let Some(profile) = profile.filter(super::model::Profile::is_local) else { return };
    if profile.kind == Kind::NativeManaged {
        return super::managed::refresh(core, id).await;
    }
    let Some((all, conflicts)) = look(core, id).await else { return };
    let server = behind(&all, &profile.url).filter(|server| server.process.is_some());
    let process = server.and_then(|server| server.process.as_ref());
    let changed = {
        let mut live = core.instances.lock();
        let Some(live) = live.get_mut(&id) else { return };
        let state = match process {
            Some(_) => ServiceState::Running,
            // It answers, so something runs it: a container, another user's session.
            None if live.health.is_up() || profile.kind == Kind::Remote => ServiceState::Unknown,
            None => ServiceState::Stopped,
        };
        let service = ServiceFact {
            state,
            pid: process.map(|process| process.pid),
            since: process.and_then(|process| process.started),
        };
        let exposed = server.is_some_and(|server| server.exposed);
        let changed =
            live.service != service || live.exposed != exposed || live.conflicts != conflicts;
        live.service = service;
        live.exposed = exposed;
        live.conflicts = conflicts;
        changed
    };
    if changed {
        publish(core, id).await;
    }
}

#[cfg(test)]
mod tests {
    use super::{assignments, plist_environment};

    #[test]
    fn reads_assignments_as_systemd_does() {
        let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            assignments(r#""OLLAMA_MODELS=/my models" OLLAMA_HOST=0.0.0.0 'A=b' junk"#),
            [of("OLLAMA_MODELS", "/my models"), of("OLLAMA_HOST", "0.0.0.0"), of("A", "b")]
        );
    }

    #[test]
    fn reads_variables_of_a_launchd_description() {
        let text = "<dict><key>Label</key><string>x</string>\n<key>OLLAMA_HOST</key>\n \
                    <string>0.0.0.0:1</string><key>KeepAlive</key><true/></dict>";
        let environment = plist_environment(text);
        assert_eq!(environment.len(), 1);
        assert_eq!(environment.get("OLLAMA_HOST").map(String::as_str), Some("0.0.0.0:1"));
    }
}
