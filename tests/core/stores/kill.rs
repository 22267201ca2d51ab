//! A process of its own moves a models folder and is killed without a word at one moment after the
//! other; then the core is opened again on what it left.
//!
//! What runs the server belongs to the system, not to Corral: it goes on in the test, and the process
//! tells it over a line what it wants.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use corral_contract::{
    InstanceId, WireError,
    stores::{MoveStage, MoveStore, call},
    tasks::{TaskListRequest, call::List},
};
use corral_core::{
    Core, CoreConfig,
    steering::{Changes, LogSource, Powers, ServiceControl, Stand, Verb},
};

use super::{Stable, models};
use crate::{
    bundles::{arrived, tree},
    downloads::stage::{ask, online, seed},
    steered::MODELS,
    support::until,
};

const FOLDER: &str = "CORRAL_TEST_STORE_FOLDER";
const SERVER: &str = "CORRAL_TEST_STORE_SERVER";
const LINE: &str = "CORRAL_TEST_STORE_LINE";
const TARGET: &str = "CORRAL_TEST_STORE_TARGET";
const SCRIPT: &str = "stores::kill::the_move_of_a_process_to_kill";

/// Steers over a line.
#[derive(Clone)]
struct Far(Arc<Mutex<BufReader<TcpStream>>>);

impl Far {
    fn say(&self, words: &str) -> String {
        let mut line = self.0.lock().expect("a line");
        line.get_mut().write_all(format!("{words}\n").as_bytes()).expect("said");
        let mut answer = String::new();
        line.read_line(&mut answer).expect("heard");
        answer.trim().to_owned()
    }
}

impl Stand for Far {
    fn control(&self, _: InstanceId) -> Option<Arc<dyn ServiceControl>> {
        Some(Arc::new(self.clone()))
    }
}

#[async_trait]
impl ServiceControl for Far {
    fn powers(&self) -> Powers {
        Powers { start: true, stop: true, environment: true, ours: true, ..Powers::default() }
    }
    fn equivalent(&self, _: Verb) -> Vec<String> {
        Vec::new()
    }
    async fn act(&self, verb: Verb) -> Result<(), WireError> {
        self.say(if verb == Verb::Stop { "stop" } else { "start" });
        Ok(())
    }
    async fn environment(&self) -> Result<BTreeMap<String, String>, WireError> {
        let value = self.say("get");
        let set = |value: String| (MODELS.to_owned(), value);
        Ok(Some(value).filter(|value| !value.is_empty()).map(set).into_iter().collect())
    }
    async fn preview_environment(&self, _: &Changes) -> Result<(String, String), WireError> {
        Ok((String::new(), String::new()))
    }
    async fn set_environment(&self, changes: &Changes) -> Result<Changes, WireError> {
        let value = changes.get(MODELS).cloned().flatten().unwrap_or_default();
        self.say(&format!("set {value}"));
        Ok(Changes::new())
    }
    async fn autostart(&self) -> Result<Option<bool>, WireError> {
        Ok(None)
    }
    async fn set_autostart(&self, _: bool) -> Result<(), WireError> {
        Ok(())
    }
    fn log(&self) -> LogSource {
        LogSource::Nowhere
    }
}

/// Not a test of its own: only as the child of the ones below it does anything.
#[tokio::test(flavor = "multi_thread")]
async fn the_move_of_a_process_to_kill() {
    let (Ok(folder), Ok(server), Ok(line), Ok(target)) =
        (std::env::var(FOLDER), std::env::var(SERVER), std::env::var(LINE), std::env::var(TARGET))
    else {
        return;
    };
    let line = TcpStream::connect(line).expect("a line");
    let far = Far(Arc::new(Mutex::new(BufReader::new(line))));
    let mut config = CoreConfig::in_folder(folder);
    seed(&mut config, &server);
    config.stand = Some(Arc::new(far.clone()));
    let core = Core::start(config).await.expect("the core starts");
    let instance = online(&core).await;
    ask::<call::Move>(&core, MoveStore { instance, to: target }).await;
    let look = async || {
        let view =
            ask::<call::View>(&core, corral_contract::instances::InstanceRef { id: instance });
        let kept = view.await.moving.is_some_and(|it| it.stage == MoveStage::Kept);
        kept.then_some(())
    };
    until(&core, "the move is done", look).await;
    far.say("kept");
    std::future::pending::<()>().await;
}

/// Serves the line; at the `last` word, before or after doing it, the child is killed.
fn serve(stable: &Stable, listener: &TcpListener, child: &mut Child, last: u32) -> bool {
    let (line, _) = listener.accept().expect("the child comes");
    let mut out = line.try_clone().expect("the other way");
    let steered = stable.steered.clone();
    let words = AtomicU32::new(0);
    for text in BufReader::new(line).lines() {
        let Ok(text) = text else { break };
        let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
        let number = words.fetch_add(1, Ordering::SeqCst) * 2;
        if word == "kept" || number == last {
            let _ = child.kill();
            let _ = child.wait();
            return word == "kept";
        }
        let work = async {
            match word {
                "stop" => steered.act(Verb::Stop).await.map(|()| String::new()),
                "start" => steered.act(Verb::Start).await.map(|()| String::new()),
                "get" => Ok(steered.variable().unwrap_or_default()),
                _ => {
                    let value = Some(rest.to_owned()).filter(|value| !value.is_empty());
                    let changes = [(MODELS.to_owned(), value)].into();
                    steered.set_environment(&changes).await.map(|_| String::new())
                }
            }
        };
        let answer = futures_util::FutureExt::now_or_never(work).expect("it never waits");
        let answer = answer.expect("it does as it is told");
        if number + 1 == last {
            let _ = child.kill();
            let _ = child.wait();
            return false;
        }
        if out.write_all(format!("{answer}\n").as_bytes()).is_err() {
            break;
        }
    }
    panic!("the child ended by itself");
}

fn child(stable: &Stable, line: &TcpListener, target: &Path) -> Child {
    let itself = std::env::current_exe().expect("this very program");
    Command::new(itself)
        .args(["--exact", SCRIPT, "--nocapture", "--test-threads", "1"])
        .env(FOLDER, stable.data.path())
        .env(SERVER, stable.server.url())
        .env(LINE, line.local_addr().expect("an address").to_string())
        .env(TARGET, target)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts")
}

/// Whatever the moment: afterwards the server runs with all its models out of one whole folder, and
/// no byte is lost.
async fn rounds(target: impl Fn(&Stable) -> PathBuf) {
    for last in 0.. {
        let stable = Stable::new().await;
        let old = tree(&stable.old());
        let to = target(&stable);
        stable.core.shutdown().await;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut child = child(&stable, &listener, &to);
        let kept = tokio::task::block_in_place(|| serve(&stable, &listener, &mut child, last));

        let stable = stable.reopened().await;
        let over = async || {
            let moving = stable.moving().await;
            let rests = moving.is_none_or(|moving| moving.stage == MoveStage::Kept);
            (rests && stable.names().len() == 2).then_some(())
        };
        until(&stable.core, "what was interrupted is over", over).await;
        if stable.moving().await.is_none() {
            let tasks = stable.ask::<List>(TaskListRequest::default()).await.expect("tasks").items;
            panic!("moment {last}: it did not go on: {tasks:?}");
        }
        assert_eq!(tree(&stable.old()), old, "moment {last}: the old place is whole");
        assert_eq!(stable.server.models_dir(), to, "moment {last}");
        for model in models() {
            arrived(&model, &stable.old(), &to);
        }
        let _ = std::fs::remove_dir_all(&to);
        if kept {
            assert!(last >= 8, "it was told four things at least");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_every_moment_of_a_move_lose_no_byte() {
    rounds(|stable| stable.yard.path().join("new")).await;
}

/// The same over two disks; where the second is, nobody else looks.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn kills_at_every_moment_of_a_move_to_another_disk_lose_no_byte() {
    let shared = Path::new("/dev/shm");
    let other = tempfile::Builder::new().prefix("corral-test-").tempdir_in(shared);
    let Ok(other) = other else {
        println!("skipped: there is no second file system");
        return;
    };
    rounds(|_| other.path().join("models")).await;
}
