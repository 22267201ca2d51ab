//! The process or service behind an instance on this machine.

use std::{collections::BTreeMap, path::PathBuf};

use corral_contract::{
    InstanceId,
    instances::{Kind, Runner, ServiceFact, ServiceState},
};
use url::Url;

use super::{
    address,
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
}

impl Server {
    fn new(
        process: Option<Process>,
        runner: Runner,
        environment: BTreeMap<String, String>,
    ) -> Server {
        let host = environment.get("OLLAMA_HOST").map(String::as_str);
        let (url, exposed) = address::listening(host);
        Server { process, runner, environment, url, exposed }
    }
}

/// Every running server, without those inside containers: their ports are not this machine's.
pub(super) fn running(machine: &dyn Machine) -> Vec<Server> {
    machine
        .servers()
        .into_iter()
        .filter_map(|process| {
            let (runner, configured) = runner_of(machine, &process)?;
            // What it really runs with counts more than what its unit says now.
            let mut environment = configured;
            environment.extend(process.environment.clone());
            Some(Server::new(Some(process), runner, environment))
        })
        .collect()
}

/// What is installed here and would start a server, whether it runs or not.
pub(super) fn installed(machine: &dyn Machine) -> Vec<Server> {
    let found: Vec<(Runner, BTreeMap<String, String>)> = match machine.system() {
        System::Linux => {
            let unit = unit_environment(machine, "ollama.service");
            unit.map(|environment| (Runner::Systemd, environment)).into_iter().collect()
        }
        System::MacOs => {
            let agents = launch_files(machine).into_iter();
            let agents = agents.filter_map(|file| machine.head(&file));
            let agents = agents.map(|text| (Runner::Launchd, plist_environment(&text)));
            let home = machine.variable("HOME").unwrap_or_default();
            let apps = ["/Applications".to_owned(), format!("{home}/Applications")];
            let app = apps
                .iter()
                .any(|folder| machine.exists(&System::MacOs.path(folder, &["Ollama.app"])));
            agents.chain(app.then(|| (Runner::App, BTreeMap::new()))).collect()
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
            app.then(|| (Runner::App, own.collect())).into_iter().collect()
        }
    };
    found.into_iter().map(|(runner, environment)| Server::new(None, runner, environment)).collect()
}

/// What runs a process and the variables that are set up there; `None` inside a container.
fn runner_of(
    machine: &dyn Machine,
    process: &Process,
) -> Option<(Runner, BTreeMap<String, String>)> {
    let executable = process.executable.as_ref().map(|path| path.to_string_lossy().into_owned());
    let executable = executable.unwrap_or_default();
    let parent = process.parent.as_deref().unwrap_or_default().to_ascii_lowercase();
    let plain = (Runner::Process, BTreeMap::new());
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
            // `0::/system.slice/ollama.service`
            let unit = group
                .lines()
                .filter_map(|line| line.rsplit('/').next())
                .find(|unit| unit.ends_with(".service") && unit.contains("ollama"));
            Some(match unit {
                Some(unit) => {
                    (Runner::Systemd, unit_environment(machine, unit).unwrap_or_default())
                }
                None => plain,
            })
        }
        System::MacOs => Some(if executable.contains("Ollama.app/") {
            (Runner::App, BTreeMap::new())
        } else if parent == "launchd" {
            let texts = launch_files(machine).into_iter().filter_map(|file| machine.head(&file));
            let environment = texts.map(|text| plist_environment(&text)).next();
            (Runner::Launchd, environment.unwrap_or_default())
        } else {
            plain
        }),
        System::Windows => Some(if parent == "ollama app.exe" {
            (Runner::App, BTreeMap::new())
        } else if ["services.exe", "nssm.exe", "winsw.exe"].contains(&parent.as_str()) {
            (Runner::WindowsService, BTreeMap::new())
        } else {
            plain
        }),
    }
}

/// `Environment=` of a unit and its drop-ins; `None` without such a unit.
fn unit_environment(machine: &dyn Machine, unit: &str) -> Option<BTreeMap<String, String>> {
    let home = machine.variable("HOME");
    let own = home.map(|home| format!("{home}/.config/systemd/user"));
    let folders = || UNIT_FOLDERS.iter().copied().chain(own.as_deref());
    let main = folders().find_map(|folder| machine.head(&System::Linux.path(folder, &[unit])))?;
    let drop_ins = folders()
        .flat_map(|folder| machine.entries(&System::Linux.path(folder, &[&format!("{unit}.d")])));
    let drop_ins = drop_ins.filter(|file| file.to_string_lossy().ends_with(".conf"));
    let texts: Vec<String> =
        std::iter::once(main).chain(drop_ins.filter_map(|file| machine.head(&file))).collect();
    let mut environment = BTreeMap::new();
    for line in texts.iter().flat_map(|text| text.lines()) {
        let Some(value) = line.trim().strip_prefix("Environment=") else { continue };
        if value.trim().is_empty() {
            // An empty assignment takes back all before it.
            environment.clear();
        }
        environment.extend(assignments(value));
    }
    Some(environment)
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

/// Looks at the process of an instance and tells the windows when it changed.
pub(super) async fn refresh(core: &Core, id: InstanceId) {
    let profile = core.instances.lock().get(&id).map(|live| live.record.profile.clone());
    let Some(profile) = profile.filter(super::model::Profile::is_local) else { return };
    let machine = core.config.machine.clone();
    let Ok(servers) = tokio::task::spawn_blocking(move || running(&*machine)).await else {
        return;
    };
    let server = behind(&servers, &profile.url);
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
        let changed = live.service != service || live.exposed != exposed;
        live.service = service;
        live.exposed = exposed;
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
