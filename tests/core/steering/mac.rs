//! What launchd and the Mac's app are told, word by word. Whose session it is, is told by the owner of
//! the home folder, which only Unix knows.

use std::path::Path;

use corral_contract::{
    environment::{ApplyEnvironment, EnvironmentChange, call as environment},
    instances::{InstanceRef, Runner, call},
    tasks::TaskState,
};
use corral_core::instances::System;

use super::{
    desk::{Desk, ended},
    other_systems::{Other, home},
};

impl Other {
    async fn change(&self, name: &str, value: Option<&str>) -> TaskState {
        let values = [(name.to_owned(), value.map(str::to_owned))];
        let change = EnvironmentChange { id: self.id, values: values.clone().into() };
        let seen = self.bench.ask::<environment::Preview>(change).await.expect("a preview");
        let apply = ApplyEnvironment { id: self.id, values: values.into(), mark: seen.mark };
        let task = self.bench.ask::<environment::Apply>(apply).await.expect("begun").task;
        ended(&self.bench, task).await.state
    }
}

const PLIST: &str = "<plist version=\"1.0\">\n<dict>\n\t<key>Label</key>\n\
    \t<string>homebrew.mxcl.ollama</string>\n\t<!-- mine -->\n\t<key>RunAtLoad</key>\n\
    \t<true/>\n</dict>\n</plist>\n";

fn agents(home: &Path) -> std::path::PathBuf {
    let folder = home.join("Library/LaunchAgents");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn user(home: &Path) -> u32 {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(home).expect("a home"))
}

#[tokio::test(flavor = "multi_thread")]
async fn launchd_is_told_by_launchctl_and_its_description_keeps_what_others_wrote() {
    let home = home();
    let file = agents(home.path()).join("homebrew.mxcl.ollama.plist");
    std::fs::write(&file, PLIST).expect("a description");
    let desk = Desk::new(System::MacOs, home.path());
    let other = Other::open(desk, Runner::Launchd, |process| {
        process.parent = Some("launchd".to_owned());
    })
    .await;
    let it = InstanceRef { id: other.id };
    let target = format!("gui/{}/homebrew.mxcl.ollama", user(home.path()));
    let task = other.bench.ask::<call::Restart>(it).await.expect("begun").task;
    assert_eq!(ended(&other.bench, task).await.state, TaskState::Done);
    assert_eq!(
        other.programs.calls(),
        [
            format!("launchctl bootout {target}"),
            format!("launchctl print {target}"),
            format!("launchctl kickstart {target}"),
        ]
    );
    assert_eq!(other.change("OLLAMA_KEEP_ALIVE", Some("1h")).await, TaskState::Done);
    let variables = "\t<key>EnvironmentVariables</key>\n\t<dict>\n\
        \t\t<key>OLLAMA_KEEP_ALIVE</key>\n\t\t<string>1h</string>\n\t</dict>\n</dict>";
    let wanted = PLIST.replace("</dict>", variables);
    assert_eq!(std::fs::read_to_string(&file).expect("a description"), wanted);
}

/// Ollama's app on this home, whose server is gone once the app was told to quit.
async fn app(home: &Path) -> Other {
    let other = Other::open(Desk::new(System::MacOs, home), Runner::App, |process| {
        process.executable = Some("/Applications/Ollama.app/Contents/Resources/ollama".into());
    })
    .await;
    let back = other.desk.clone();
    other.programs.at_end(move || back.gone());
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn the_macs_app_gets_variables_for_now_and_for_the_next_login() {
    let home = home();
    let folder = agents(home.path());
    let other = app(home.path()).await;
    assert_eq!(other.change("OLLAMA_NUM_PARALLEL", Some("2")).await, TaskState::Done);
    assert_eq!(
        other.programs.calls(),
        [
            "launchctl setenv OLLAMA_NUM_PARALLEL 2",
            "osascript -e quit app \"Ollama\"",
            "open -j -a Ollama --args --fast-startup",
        ]
    );
    let file = folder.join("dev.corral.environment.OLLAMA_NUM_PARALLEL.plist");
    let text = std::fs::read_to_string(&file).expect("for the next login");
    assert!(text.contains("<string>OLLAMA_NUM_PARALLEL</string>\n\t\t<string>2</string>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_macs_app_does_not_start_with_is_taken_back() {
    let home = home();
    let folder = agents(home.path());
    let other = app(home.path()).await;
    other.programs.answer("open", 1, "Unable to find application");
    other.programs.answer("open", 0, "");
    assert_eq!(other.change("OLLAMA_NUM_PARALLEL", Some("2")).await, TaskState::Failed);
    let calls = other.programs.calls();
    assert!(calls.contains(&"launchctl unsetenv OLLAMA_NUM_PARALLEL".to_owned()), "{calls:?}");
    let left = std::fs::read_dir(folder).expect("a folder").count();
    assert_eq!(left, 0, "what was written for the next login was taken back");
}
