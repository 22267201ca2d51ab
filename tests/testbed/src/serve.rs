//! The fake server as a program of its own, started as Ollama is: `ollama serve`.
//!
//! How it behaves, a file beside it says, so that several of them can run at once.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::FakeOllama;
use crate::clock::Clock;
use crate::ollama::{Fault, library};

/// Name of the file beside the program, or in the folder above it.
pub const FILE: &str = "behaviour.json";

/// How a program behaves.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Behaviour {
    /// What `--version` tells.
    pub version: String,
    /// What its API tells, if that is another one.
    pub reports: Option<String>,
    /// Ends with this code instead of listening.
    pub exits: Option<i32>,
    /// Never listens.
    pub hangs: bool,
    /// Waits so long before it listens, ms.
    pub starts_after: u64,
    /// Goes on when it is asked to end.
    pub ignores_term: bool,
    /// Starts a program that outlives it.
    pub leaves_runner: bool,
    /// Ends as the loader does when a library is not there.
    pub missing_library: bool,
    /// No model can be loaded.
    pub loads_nothing: bool,
    /// A model that is there although no file is.
    pub model: Option<String>,
    /// A small model that can be fetched; see [`library::small`].
    pub offers: Option<String>,
    /// Listens only once this file is there.
    pub waits_for: Option<PathBuf>,
}

impl Behaviour {
    #[must_use]
    pub fn version(version: &str) -> Self {
        Behaviour { version: version.to_owned(), ..Behaviour::default() }
    }

    fn of_this_program() -> Self {
        let read = || {
            let program = std::env::current_exe().ok()?;
            let folder = program.parent()?;
            let files = [Some(folder), folder.parent()].into_iter().flatten();
            let text =
                files.map(|folder| folder.join(FILE)).find_map(|it| std::fs::read(it).ok())?;
            serde_json::from_slice(&text).ok()
        };
        read().unwrap_or_else(|| Behaviour::version("0.33.0"))
    }
}

/// Whether the program was started as Ollama is; then what it does until its end.
///
/// # Errors
/// When it cannot be what it should be.
pub async fn run(word: &str) -> Result<bool> {
    match word {
        "--version" | "-v" => {
            let behaviour = Behaviour::of_this_program();
            if behaviour.missing_library {
                lacks_library();
            }
            println!("Warning: could not connect to a running Ollama instance");
            println!("Warning: client version is {}", behaviour.version);
            Ok(true)
        }
        "runner" => loop {
            tokio::time::sleep(Duration::from_secs(60)).await;
        },
        "serve" => serve(Behaviour::of_this_program()).await.map(|()| true),
        _ => Ok(false),
    }
}

fn lacks_library() -> ! {
    eprintln!(
        "ollama: error while loading shared libraries: libfake.so.1: cannot open shared object \
         file: No such file or directory"
    );
    std::process::exit(127)
}

async fn serve(behaviour: Behaviour) -> Result<()> {
    if behaviour.missing_library {
        lacks_library();
    }
    let host = std::env::var("OLLAMA_HOST").unwrap_or_else(|_| "127.0.0.1:11434".to_owned());
    let port = host.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(11434_u16);
    let folder = std::env::var_os("OLLAMA_MODELS").map(PathBuf::from);
    let shown = folder.as_ref().map(|folder| folder.display().to_string()).unwrap_or_default();
    let config = format!(
        "env=\"map[OLLAMA_HOST:http://{host} OLLAMA_MODELS:{shown} OLLAMA_NOPRUNE:false]\""
    );
    say("routes.go:1919", &format!("\"server config\" {config}"));
    if let Some(code) = behaviour.exits {
        eprintln!("Error: something is wrong from the start");
        std::process::exit(code);
    }
    if behaviour.hangs {
        std::future::pending::<()>().await;
    }
    if behaviour.starts_after > 0 {
        tokio::time::sleep(Duration::from_millis(behaviour.starts_after)).await;
    }
    while behaviour.waits_for.as_ref().is_some_and(|file| !file.exists()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let version = behaviour.reports.as_ref().unwrap_or(&behaviour.version);
    let mut builder = FakeOllama::builder().version(version).clock(Clock::system()).port(port);
    if let Some(folder) = folder {
        builder = builder.folder(folder);
    }
    if let Some(model) = &behaviour.model {
        builder = builder.models([library::pick(model)]);
    }
    let server = match builder.start().await {
        Ok(server) => server,
        Err(_) => {
            eprintln!("Error: listen tcp {host}: bind: address already in use");
            std::process::exit(1);
        }
    };
    server.store(|store| store.take_up(chrono::Utc::now()));
    if let Some(name) = &behaviour.offers {
        server.catalogue(|catalogue| catalogue.add(library::small(name)));
    }
    if behaviour.loads_nothing {
        for route in ["/api/generate", "/api/chat", "/api/embed"] {
            let text = "llama runner process has terminated: exit status 2";
            server.fault(route, Fault::Status(500, text.to_owned()));
        }
    }
    say("routes.go:1972", &format!("\"Listening on 127.0.0.1:{port} (version {version})\""));
    if behaviour.leaves_runner {
        let program = std::env::current_exe().context("its own path")?;
        // Left on purpose.
        drop(Command::new(program).arg("runner").stdin(Stdio::null()).spawn()?);
    }
    asked_to_end(behaviour.ignores_term).await;
    drop(server);
    std::process::exit(0)
}

#[cfg(unix)]
async fn asked_to_end(ignores: bool) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut end), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    loop {
        tokio::select! {
            _ = end.recv() => {}
            _ = interrupt.recv() => {}
        }
        if !ignores {
            return;
        }
    }
}

#[cfg(not(unix))]
async fn asked_to_end(_: bool) {
    let _ = tokio::signal::ctrl_c().await;
}

/// A line as Ollama writes it.
fn say(source: &str, message: &str) {
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let _ = writeln!(std::io::stderr(), "time={now} level=INFO source={source} msg={message}");
}
