//! What the environment and the arguments mean.

use std::path::Path;

use corral_shell::startup::Start;
use tauri::{Context, test::MockRuntime, utils::config::AppDirectoriesOverride};

fn identifier(root: Option<&Path>) -> String {
    let start = Start::from(false, root.map(|root| root.as_os_str().to_owned()), None)
        .expect("the folders are known");
    let mut context: Context<MockRuntime> = corral_shell::context();
    start.apply(context.config_mut());
    context.config().identifier.clone()
}

#[test]
fn one_folder_holds_everything() {
    let folder = tempfile::tempdir().expect("a throw-away folder");
    let root = folder.path();
    let start = Start::from(true, Some(root.as_os_str().to_owned()), None).expect("absolute");
    assert!(start.hidden);
    assert_eq!(start.core.data_dir, root);
    assert_eq!(start.core.log_dir, root.join("logs"));
    let mut context: Context<MockRuntime> = corral_shell::context();
    start.apply(context.config_mut());
    let tauris = Some(AppDirectoriesOverride::Root(root.to_owned()));
    assert_eq!(context.config().app.app_directories_override, tauris);
}

#[test]
fn an_empty_value_is_no_folder() {
    let start = Start::from(false, Some("".into()), None).expect("the folders are known");
    assert_eq!(start.root, None);
}

#[test]
fn each_folder_is_an_app_of_its_own() {
    let (one, other) = (Path::new("/corral/one"), Path::new("/corral/other"));
    assert_eq!(identifier(None), "dev.corral.app");
    assert_eq!(identifier(Some(one)), identifier(Some(one)));
    assert_ne!(identifier(Some(one)), identifier(Some(other)));
    assert!(identifier(Some(one)).starts_with("dev.corral.app."));
}

#[test]
fn a_seed_replaces_looking_around() {
    let root = || Some("/corral/one".into());
    let looks = Start::from(false, root(), None).expect("absolute").core;
    assert!(looks.detect_on_first_run && looks.seed.is_empty());

    let json = r#"[{ "name": "desk", "url": "http://127.0.0.1:11434" }]"#.to_owned();
    let seeded = Start::from(false, root(), Some(json)).expect("absolute").core;
    assert!(!seeded.detect_on_first_run);
    assert_eq!(seeded.seed.len(), 1);
    assert_eq!(seeded.seed[0].name, "desk");

    for nothing in ["[]", "no JSON"] {
        let none = Start::from(false, root(), Some(nothing.to_owned())).expect("absolute").core;
        assert!(!none.detect_on_first_run && none.seed.is_empty(), "{nothing}");
    }
}
